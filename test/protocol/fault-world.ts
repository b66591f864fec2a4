/** Everything around the command that the fault matrix breaks: a compositor, machines, a keyboard's socket. */
import { join } from 'node:path';
import { until } from '../stub/guest-client.js';
import { settle } from '../unit/gpu-socket-fixture.js';
import { type Census, CommandProcess } from './command-process.js';
import { Vm, type VmOptions } from './fault-vm.js';
import { MortalCompositor } from './mortal-compositor.js';

const OPTIONS = ['--window', '--wayland', '--region-size=16', '--max-host-memory=16', '--log-level=info'];

/** The command, the compositor that it shows windows on, and the machines that were made so far. */
export class World {
  readonly command: CommandProcess;
  readonly compositor: MortalCompositor;
  readonly keyboardPath: string;
  connections = 0;
  private seed = 0;

  constructor(preload: string | null = null) {
    this.command = new CommandProcess((folder) => {
      return [...OPTIONS, `--keyboard-socket=${join(folder, 'keyboard')}`];
    }, preload);
    this.keyboardPath = join(this.command.folder, 'keyboard');
    this.compositor = new MortalCompositor(this.command.displayPath);
  }

  /** A machine whose front-end is connected. */
  connect(options: VmOptions = {}): Vm {
    this.connections++;
    return new Vm({ path: this.command.socketPath, ...options });
  }

  /** A machine that has started and shows a picture. */
  async running(options: VmOptions = {}): Promise<Vm> {
    const vm = this.connect(options);
    await vm.start();
    await this.shows(vm);
    return vm;
  }

  /** The machine's picture gets to the compositor. */
  async shows(vm: Vm): Promise<void> {
    const expected = await vm.show(++this.seed);
    await until(() => this.compositor.shows(expected));
  }

  /** A new frame, too. */
  async showsFrame(vm: Vm): Promise<void> {
    const expected = await vm.frame(++this.seed);
    await until(() => this.compositor.shows(expected));
  }

  /** A new machine works: its screen, and a client of its own on the compositor. */
  async works(): Promise<void> {
    const vm = await this.running();
    await vm.talkToCompositor();
    vm.kill();
  }

  /** What the command has once everything has gone that was there. */
  async census(expected: Census | null = null): Promise<Census> {
    await this.command.ending(this.connections);
    await until(() => this.compositor.windows === 0);
    // What a compositor holds comes back when it has read that it was destroyed.
    for (let round = 0; ; round++) {
      const census = await this.command.census();
      if (expected === null || round === 100 || JSON.stringify(census) === JSON.stringify(expected)) {
        return census;
      }
      await settle();
    }
  }
}

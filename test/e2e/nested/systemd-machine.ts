/**
 * What the programs for a guest with systemd share (systemd-system, systemd-user): systemd's commands, what the kernel says of
 * a process, and a front-end in QEMU's place. They print what came of each thing that was done as a line of JSON with its
 * name; systemd.test.ts knows what it should be.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Seal } from 'vhost-user-native';
import { FrontEndClient, FrontEndRequest, MessageHeader } from 'vhost-user-ts';
import { VIRTIO_GPU_RESP_OK_NODATA } from '../../../src/virtio-gpu/wire/constants.js';
import * as c from '../../unit/gpu-commands.js';
import { FakeQemu } from '../../unit/gpu-socket-fixture.js';
import { until } from '../harness/until.js';
import { Framebuffer, HEIGHT, WIDTH } from './framebuffer.js';

const MiB = 2 ** 20;
/** The guest's user (guest/system). */
export const USER_ID = 1000;
export const RUNTIME = `/run/user/${USER_ID}`;

type Shown = Readonly<Record<string, string>>;

/** systemd's own commands, to the system's manager or to the user's. */
export class Manager {
  private readonly kind: 'system' | 'user';

  constructor(kind: 'system' | 'user') {
    this.kind = kind;
  }

  control(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
    const ids = [`--reuid=${USER_ID}`, `--regid=${USER_ID}`, '--init-groups'];
    const [program = '', ...words] =
      this.kind === 'system' ? ['systemctl'] : ['setpriv', ...ids, 'systemctl', '--user'];
    const all = { ...process.env, XDG_RUNTIME_DIR: RUNTIME, ...env };
    return execFileSync(program, [...words, ...args], { encoding: 'utf8', env: all }).trim();
  }

  show(unit: string, ...properties: readonly string[]): Shown {
    const said = this.control(['show', unit, ...properties.map((name) => `--property=${name}`)]);
    return Object.fromEntries(said.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]));
  }

  /** Resolves when the unit has these properties. */
  async untilShown(unit: string, wanted: Shown): Promise<void> {
    const names = Object.keys(wanted);
    await until(
      `${unit} ${JSON.stringify(wanted)}`,
      async () => this.show(unit, ...names),
      (shown) => names.every((name) => shown[name] === wanted[name]),
    );
  }

  /** What the unit has written, and what the manager has written about it. */
  log(unit: string): string {
    const fields =
      this.kind === 'system'
        ? [`_SYSTEMD_UNIT=${unit}`, '+', `UNIT=${unit}`]
        : [`_SYSTEMD_USER_UNIT=${unit}`, '+', `USER_UNIT=${unit}`];
    execFileSync('journalctl', ['--sync']);
    return execFileSync('journalctl', ['--quiet', '--output=cat', ...fields], { encoding: 'utf8' });
  }

  pid(unit: string): number {
    return Number(this.show(unit, 'MainPID').MainPID);
  }
}

/** What the kernel says of a process's rights. */
export function rightsOf(pid: number): object {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(text)?.[1] ?? '';
  return {
    root: field('Uid') === '0',
    capabilities: ['CapEff', 'CapPrm', 'CapBnd'].map((set) => Number.parseInt(field(set), 16)),
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: field('Seccomp') === '2',
  };
}

/** Mode, owner and group of a socket. */
export function statOf(path: string): string {
  return execFileSync('stat', ['--format=%F %a %U %G', path], { encoding: 'utf8' }).trim();
}

/** A front-end in QEMU's place, and its guest. */
export class Machine {
  readonly vm: FrontEndClient;
  private readonly display = new FakeQemu();

  private constructor(vm: FrontEndClient) {
    this.vm = vm;
  }

  /** Connects and starts. `shown`: with a display as QEMU's. */
  static async start(path: string, { shown }: { readonly shown: boolean }): Promise<Machine> {
    const seals = Seal.SHRINK | Seal.GROW | Seal.SEAL;
    const machine = new Machine(FrontEndClient.connect({ path, memory: { bytes: 4 * MiB, seals } }));
    await machine.vm.negotiate();
    if (shown) machine.giveDisplay();
    await machine.vm.shareMemory();
    await machine.vm.startQueue(0);
    await machine.vm.startQueue(1, { size: 16 });
    return machine;
  }

  /** Puts picture(seed) on the screen. */
  async draw(seed: number): Promise<Framebuffer> {
    const framebuffer = new Framebuffer(this.vm.memory);
    framebuffer.paint(seed);
    const all = c.rect(WIDTH, HEIGHT);
    for (const request of [
      c.create2d(seed, WIDTH, HEIGHT),
      c.attach(seed, framebuffer.pages),
      c.transfer(seed, all),
      c.setScanout(0, seed, all),
      c.flush(seed, all),
    ]) {
      const answer = await this.vm.queues.get(0)?.request(request, 64);
      assert.equal(c.typeOf(answer?.data ?? new Uint8Array(24)), VIRTIO_GPU_RESP_OK_NODATA);
    }
    return framebuffer;
  }

  /** The same, and resolves when the display has its pixels. */
  async show(seed: number): Promise<string> {
    const expected = (await this.draw(seed)).bytesOf(seed);
    await until(
      'the picture',
      async () => expected.equals(this.display.surfaces.get(0)?.bgrx ?? new Uint8Array(0)),
      (there) => there,
    );
    return 'shown';
  }

  close(): void {
    this.vm.close();
    this.display.close();
  }

  private giveDisplay(): void {
    const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
    this.vm.sendRaw(MessageHeader.encode(message), [this.display.far.fd]);
    this.display.far.close();
  }
}

export const STATE = ['ActiveState', 'SubState', 'NRestarts'] as const;
export const END = ['ActiveState', 'Result', 'ExecMainCode', 'ExecMainStatus'] as const;

/** Does them one after the other; an error ends the program. */
export async function report(checks: Readonly<Record<string, () => Promise<object>>>): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    console.log(JSON.stringify({ [name]: await check() }));
  }
}

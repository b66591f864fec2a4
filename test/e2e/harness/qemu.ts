/** A running QEMU with one of our test guests. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestChannel } from './guest-channel.js';
import { LineSocket } from './line-socket.js';
import { decodePpm, difference, type RgbPicture, savePicture } from './picture.js';
import { TestProcess } from './processes.js';
import { Qmp } from './qmp.js';

export type QemuVersion = '10.0' | '11.1';
export type KernelVersion = '6.1' | '6.12';

export interface QemuOptions {
  readonly qemu: QemuVersion;
  readonly kernel: KernelVersion;
  /** The device under test: chardev and device arguments. */
  readonly device: readonly string[];
  /** More words for the kernel's command line. */
  readonly append?: string;
  /** The guest that has a Wayland desktop, too (guest/desktop). */
  readonly desktop?: boolean;
  /** The guest whose first process is systemd (guest/system); its tree is to be shared with the tag `system`. */
  readonly system?: boolean;
  /** A script that gives QEMU its machine and device, as those of qemu-configs/ do; the rest comes from here. */
  readonly launcher?: readonly string[];
  /** More environment for the script. */
  readonly launcherEnv?: NodeJS.ProcessEnv;
}

const DUMP_INTERVAL_MS = 100;
const PICTURE_TIMEOUT_MS = 60_000;
const BOOT_TIMEOUT_MS = 180_000;
const KERNEL_COMMAND_LINE = 'console=ttyS0 console=tty0 vt.cur_default=1 panic=-1';

function scriptOutput(script: string, ...args: string[]): string {
  return execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** Whether guests really run on KVM here: a device that opens proves nothing. */
export function kvmWorks(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

function machineArguments(): string[] {
  const memory = 'memory-backend-memfd,id=mem,size=512M,share=on';
  const accelerator = kvmWorks() ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg', '-cpu', 'max'];
  return [...accelerator, '-smp', '2', '-m', '512', '-object', memory, '-machine', 'q35,memory-backend=mem'];
}

/** What every machine of the tests has besides its device: no display, and the sockets by which we talk to it. */
function controlArguments(folder: string): string[] {
  const at = (name: string): string => join(folder, name);
  return [
    ...['-nodefaults', '-no-user-config', '-vga', 'none', '-display', 'none'],
    ...['-serial', `file:${at('console.log')}`],
    ...['-chardev', `socket,id=channel,path=${at('channel')}`, '-serial', 'chardev:channel'],
    ...['-chardev', `socket,id=qmp,path=${at('qmp')}`, '-mon', 'chardev=qmp,mode=control'],
  ];
}

function imageRecipe({ desktop = false, system = false }: QemuOptions): string {
  if (system) return 'guest/system';
  return desktop ? 'guest/desktop' : 'guest/build';
}

function startProcess(options: QemuOptions, folder: string): TestProcess {
  const image = scriptOutput(imageRecipe(options), options.kernel);
  const program = scriptOutput('scripts/qemu-tree', options.qemu);
  const append = `${KERNEL_COMMAND_LINE} ${options.append ?? 'quiet loglevel=4'}`;
  const [kernel, initramfs] = [join(image, 'vmlinuz'), join(image, 'initramfs')];
  const control = [...controlArguments(folder), ...options.device];
  if (options.launcher !== undefined) {
    const [script = '', ...args] = options.launcher;
    const boot = ['--kernel', kernel, '--initrd', initramfs, '--append', append];
    const env = { ...process.env, ...options.launcherEnv, QEMU: program };
    return new TestProcess(script, script, [...args, ...boot, '--', ...control], env);
  }
  const boot = ['-kernel', kernel, '-initrd', initramfs, '-append', append];
  return new TestProcess(`QEMU ${options.qemu}`, program, [...machineArguments(), ...boot, ...control]);
}

/**
 * QEMU 10.0 ended so once, in hundreds of boots, while a guest with two emulated processors set up its devices. The table is
 * QEMU's own for any PCI device, and no back-end has a part in it.
 */
const EMULATOR_DIED = /msix_table_mmio_write: Assertion/;

export class Qemu {
  readonly process: TestProcess;
  readonly qmp: Qmp;
  readonly guest: GuestChannel;
  private readonly folder: string;

  private constructor(process: TestProcess, qmp: Qmp, guest: GuestChannel, folder: string) {
    this.process = process;
    this.qmp = qmp;
    this.guest = guest;
    this.folder = folder;
  }

  /** Starts QEMU and waits until the guest has booted. */
  static async boot(options: QemuOptions): Promise<Qemu> {
    try {
      return await Qemu.bootOnce(options);
    } catch (error) {
      if (!EMULATOR_DIED.test((error as Error).message)) throw error;
      return Qemu.bootOnce(options);
    }
  }

  private static async bootOnce(options: QemuOptions): Promise<Qemu> {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-e2e-'));
    const control = LineSocket.listen(join(folder, 'qmp'));
    const channel = LineSocket.listen(join(folder, 'channel'));
    await Promise.all([control.listening, channel.listening]);
    const child = startProcess(options, folder);
    const died = child.exited.then(({ code }) => Promise.reject(new Error(`QEMU ended with ${code}`)));
    died.catch(() => undefined);
    const timer = setTimeout(() => void child.stop('SIGKILL'), BOOT_TIMEOUT_MS);
    try {
      const qmp = await Qmp.open(await Promise.race([control.accepted, died]));
      const guest = new GuestChannel(await Promise.race([channel.accepted, died]));
      await Promise.race([guest.ready(), died]);
      return new Qemu(child, qmp, guest, folder);
    } catch (error) {
      await child.stop('SIGKILL');
      throw new Error(
        `${(error as Error).message}\n${child.output}\n${readLog(join(folder, 'console.log'))}`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the kernel wrote to its serial console. */
  get consoleLog(): string {
    return readLog(join(this.folder, 'console.log'));
  }

  /** The picture that QEMU's display has for one output of the device with id `gpu`. */
  async screen(head = 0): Promise<RgbPicture> {
    const filename = join(this.folder, 'screen.ppm');
    await this.qmp.command('screendump', { filename, device: 'gpu', head });
    return decodePpm(readFileSync(filename));
  }

  /**
   * Takes pictures until one equals `expected`. On failure writes both to out/ and says what differs.
   * (The guest's picture reaches QEMU some time after the guest's command returned; nothing tells when.)
   */
  async waitForScreen(name: string, expected: RgbPicture, head = 0): Promise<void> {
    const deadline = Date.now() + PICTURE_TIMEOUT_MS;
    for (;;) {
      const actual = await this.screen(head);
      const differs = difference(actual, expected);
      if (differs === null) return;
      if (Date.now() > deadline) {
        const paths = [savePicture(`${name}-actual`, actual), savePicture(`${name}-expected`, expected)];
        throw new Error(`${name}: ${differs}; see ${paths.join(' and ')}\n${this.process.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, DUMP_INTERVAL_MS));
    }
  }

  /** Ends QEMU (or its launch script) at once and removes its files. */
  async close(): Promise<void> {
    this.qmp.close();
    this.guest.close();
    await this.process.stop('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends QEMU by its own command. */
  async quit(): Promise<void> {
    await this.qmp.command('quit').catch(() => undefined);
    await this.process.exited;
    await this.close();
  }
}

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/**
 * A libvirtd of the test's own, as a user's session has it, in a folder of its own. Root's would be that of the system, so
 * root goes into a user namespace where it is somebody else.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestProcess } from './processes.js';

/** Files of machines' output are written by QEMU itself: the daemon that usually does it is not there. */
const QEMU_CONF = 'stdio_handler = "file"\n';
const SOMEBODY = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

export class Libvirt {
  readonly folder = mkdtempSync(join(tmpdir(), 'libvirt-'));
  /** Of programs that are to find it and its configuration. */
  readonly env: NodeJS.ProcessEnv;
  private daemon: TestProcess | null = null;

  constructor() {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const inside = (name: string): string => join(this.folder, name);
    for (const name of ['run', 'config', 'cache', 'home']) mkdirSync(inside(name), { mode: 0o700 });
    mkdirSync(inside('config/libvirt'));
    writeFileSync(inside('config/libvirt/qemu.conf'), QEMU_CONF);
    this.env = {
      ...env,
      HOME: inside('home'),
      XDG_RUNTIME_DIR: inside('run'),
      XDG_CONFIG_HOME: inside('config'),
      XDG_CACHE_HOME: inside('cache'),
    };
  }

  /** Starts it and waits until it answers. (Its socket is there before: it says nothing when it is ready.) */
  async start(): Promise<void> {
    const [command = '', ...args] = [...this.somebody, '/usr/sbin/libvirtd'];
    this.daemon = new TestProcess('libvirtd', command, args, this.env);
    while ((await this.try('uri')) !== 0) {
      if (this.daemon.exit !== null) throw new Error(`libvirtd ended: ${this.daemon.output}`);
    }
  }

  /** Runs virsh; returns what it wrote. Rejects when it fails. */
  async virsh(...args: readonly string[]): Promise<string> {
    const virsh = this.command(args);
    const { code } = await virsh.exited;
    if (code !== 0) throw new Error(`virsh ${args.join(' ')}: ${virsh.output}\n${this.daemon?.output}`);
    return virsh.output;
  }

  /** What QEMU, as which libvirt runs a machine, wrote. */
  machineLog(name: string): string {
    try {
      return readFileSync(join(this.folder, 'cache/libvirt/qemu/log', `${name}.log`), 'utf8');
    } catch {
      return '';
    }
  }

  async close(): Promise<void> {
    await this.daemon?.stop('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get somebody(): readonly string[] {
    return process.getuid?.() === 0 ? SOMEBODY : [];
  }

  private async try(...args: readonly string[]): Promise<number | null> {
    return (await this.command(args).exited).code;
  }

  private command(args: readonly string[]): TestProcess {
    const socket = join(this.folder, 'run/libvirt/libvirt-sock');
    const all = ['-q', '-c', `qemu+unix:///session?socket=${socket}`, ...args];
    return new TestProcess('virsh', 'virsh', all, this.env);
  }
}

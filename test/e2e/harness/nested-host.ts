/**
 * A guest that plays the host, for what this machine's kernel may lack: /dev/udmabuf. It runs Linux 6.12 with our
 * compiled code, this Node.js and a current weston, all mounted from here; the programs of test/e2e/nested run in it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GuestResult } from './guest-channel.js';
import { Qemu } from './qemu.js';
import { mountShared, sharedFolder, stageApp } from './staged-app.js';

export class NestedHost {
  private readonly qemu: Qemu;
  private readonly folder: string;

  private constructor(qemu: Qemu, folder: string) {
    this.qemu = qemu;
    this.folder = folder;
  }

  static async boot(): Promise<NestedHost> {
    const folder = mkdtempSync(join(tmpdir(), 'nested-'));
    try {
      stageApp(folder);
      const programs = execFileSync('scripts/weston-tree', {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      }).trim();
      const device = [...sharedFolder(folder, 'app'), ...sharedFolder(dirname(programs), 'weston')];
      const qemu = await Qemu.boot({ qemu: '11.1', kernel: '6.12', device });
      try {
        for (const tag of ['app', 'weston']) await mountShared(qemu.guest, tag);
      } catch (error) {
        await qemu.close();
        throw error;
      }
      return new NestedHost(qemu, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the kernel in there wrote to its console. */
  get consoleLog(): string {
    return this.qemu.consoleLog;
  }

  /** Runs a shell command in there. */
  shell(command: string): Promise<string> {
    return this.qemu.guest.run(command);
  }

  /** Runs a program of test/e2e/nested, named without its extension. */
  program(name: string, ...args: readonly string[]): Promise<GuestResult> {
    const words = [`/app/dist/test/e2e/nested/${name}.js`, ...args].join(' ');
    return this.qemu.guest.try(`export PATH=/app/bin:$PATH; cd /tmp && node ${words}`);
  }

  async close(): Promise<void> {
    await this.qemu.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

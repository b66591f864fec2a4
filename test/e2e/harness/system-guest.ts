/**
 * A guest whose first process is systemd (guest/system), with this checkout's package as npm installs it, its units where
 * docs/systemd.md wants them, and the manager of a user.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestResult } from './guest-channel.js';
import { Qemu } from './qemu.js';
import { sharedFolder, stageApp } from './staged-app.js';

const PACKAGE = '/installed/lib/node_modules/vhost-user-gpu-ts';
const RUNTIME = '/run/user/1000';
/** Of test/e2e/nested. */
const PROGRAMS = ['systemd-system', 'systemd-user'] as const;
const PROGRAM_TIMEOUT_MS = 300_000;

function scriptOutput(script: string, ...args: string[]): string {
  return execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** What `npm install --global` makes of the package, in `folder`. */
function installPackage(folder: string): void {
  const packed = join(folder, 'packed');
  execFileSync('scripts/pack', [packed], { stdio: 'pipe' });
  const archives = readdirSync(packed).filter((name) => name.startsWith('vhost-user-gpu-ts-'));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = ['install', '--global', `--prefix=${join(folder, 'installed')}`, ...options];
  execFileSync('npm', [...args, ...archives.map((name) => join(packed, name))], { env, stdio: 'pipe' });
}

/** A program of test/e2e/nested as one file, which an emulated Node.js loads in half of the time. */
function bundle(name: string, app: string): void {
  const options = ['--bundle', '--platform=node', '--format=esm', '--external:vhost-user-native'];
  const from = fileURLToPath(new URL(`../nested/${name}.js`, import.meta.url));
  const to = `--outfile=${join(app, `${name}.js`)}`;
  execFileSync('node_modules/.bin/esbuild', [from, ...options, '--log-level=error', to], { stdio: 'pipe' });
}

export class SystemGuest {
  private readonly qemu: Qemu;
  private readonly folder: string;

  private constructor(qemu: Qemu, folder: string) {
    this.qemu = qemu;
    this.folder = folder;
  }

  /** `device`: more of QEMU's arguments. */
  static async boot(device: readonly string[]): Promise<SystemGuest> {
    const folder = mkdtempSync(join(tmpdir(), 'system-guest-'));
    try {
      installPackage(folder);
      const app = join(folder, 'app');
      mkdirSync(app);
      stageApp(app);
      for (const name of PROGRAMS) bundle(name, app);
      const shares = {
        system: join(scriptOutput('guest/system', '6.12'), 'tree'),
        app,
        installed: join(folder, 'installed'),
        weston: dirname(scriptOutput('scripts/weston-tree')),
      };
      const folders = Object.entries(shares).flatMap(([tag, path]) => sharedFolder(path, tag));
      const qemu = await Qemu.boot({
        qemu: '11.1',
        kernel: '6.12',
        device: [...folders, ...device],
        system: true,
      });
      const guest = new SystemGuest(qemu, folder);
      try {
        await guest.prepare();
      } catch (error) {
        await qemu.close();
        throw error;
      }
      return guest;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the kernel in there wrote to its console. */
  get consoleLog(): string {
    return this.qemu.consoleLog;
  }

  /** Runs a shell command as root, which must succeed. */
  run(command: string): Promise<string> {
    return this.qemu.guest.run(command);
  }

  /** The same as the user. */
  runAsUser(command: string): Promise<string> {
    const user = 'setpriv --reuid=1000 --regid=1000 --init-groups';
    return this.run(`XDG_RUNTIME_DIR=${RUNTIME} ${user} sh -c '${command}'`);
  }

  /** Runs a program of test/e2e/nested as root. */
  program(name: (typeof PROGRAMS)[number]): Promise<GuestResult> {
    return this.qemu.guest.try(`cd /tmp && node /app/${name}.js`, PROGRAM_TIMEOUT_MS);
  }

  /** What was written to the journal. */
  journal(): Promise<string> {
    return this.run('journalctl --quiet --output=short-monotonic');
  }

  async close(): Promise<void> {
    await this.qemu.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    await this.run(`
      set -e
      cp ${PACKAGE}/systemd/system/* /etc/systemd/system
      cp ${PACKAGE}/systemd/user/* /etc/systemd/user
      systemctl daemon-reload
      systemctl start user@1000.service`);
  }
}

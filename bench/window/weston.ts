/** weston without a screen, drawing on the CPU: a real compositor to present to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = 'wayland-bench';
const START_TIMEOUT_MS = 20_000;
const ARGUMENTS = [
  '--backend=headless-backend.so',
  '--use-pixman',
  '--shell=desktop-shell.so',
  '--idle-time=0',
  `--socket=${NAME}`,
  '--no-config',
];

export class Weston {
  readonly env: NodeJS.ProcessEnv;
  private readonly folder = mkdtempSync(join(tmpdir(), 'bench-'));
  private readonly child: ChildProcess;

  /** Resolves when it listens. */
  static async start(width: number, height: number): Promise<Weston> {
    const weston = new Weston(width, height);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!existsSync(join(weston.folder, NAME))) {
      if (weston.child.exitCode !== null || Date.now() > deadline) throw new Error('weston does not start');
      await sleep(10);
    }
    return weston;
  }

  private constructor(width: number, height: number) {
    const env = { ...process.env, XDG_RUNTIME_DIR: this.folder };
    this.env = { ...env, WAYLAND_DISPLAY: NAME };
    const size = [`--width=${width}`, `--height=${height}`];
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', 'weston', ...ARGUMENTS, ...size], {
      stdio: 'ignore',
      env,
    });
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

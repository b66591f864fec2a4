/** A compositor to be sacrificed: Debian's weston without a screen, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUnix, READABLE, type UnixSocket } from 'vhost-user-native';

const SOCKET = 'wayland-0';
const ARGUMENTS = ['--backend=headless-backend.so', '--use-pixman', '--idle-time=0', `--socket=${SOCKET}`];
/** The last that it loads: its socket is there by then. */
const READY = /Loading module '[^']*-shell\.so'/;

/** Of what it wrote, what is kept. */
const LOG_MAX = 20_000;
/** wl_display.sync(2) */
const SYNC = new Uint8Array(Uint32Array.of(1, 12 << 16, 2).buffer);

export class Weston {
  private readonly folder: string;
  private readonly child: ChildProcess;
  private said = '';
  private wake: () => void = () => undefined;

  private constructor(folder: string) {
    this.folder = folder;
    const { WAYLAND_SOCKET: _, ...env } = process.env;
    this.child = spawn('weston', [...ARGUMENTS, '--no-config'], {
      env: { ...env, XDG_RUNTIME_DIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (text: Buffer) => {
        // It says something about each client that it ends.
        this.said = `${this.said}${text}`.slice(-LOG_MAX);
        this.wake();
      });
    }
    this.child.on('close', (code, signal) => {
      this.said += `ended: ${signal ?? code}`;
      this.wake();
    });
    this.child.on('error', (error) => {
      this.said += error.message;
      this.wake();
    });
  }

  /** Rejects with what it said when it does not start. */
  static async start(): Promise<Weston> {
    const weston = new Weston(mkdtempSync(join(tmpdir(), 'fuzz-weston-')));
    while (!READY.test(weston.said)) {
      if (!weston.lives) throw new Error(`weston does not start: ${weston.said}`);
      await new Promise<void>((resolve) => {
        weston.wake = resolve;
      });
    }
    return weston;
  }

  get lives(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  /** The end of what it wrote. */
  get log(): string {
    return this.said;
  }

  connect(): UnixSocket {
    return connectUnix(join(this.folder, SOCKET));
  }

  /** Whether it still answers a client. */
  async answers(): Promise<boolean> {
    let socket: UnixSocket;
    try {
      socket = this.connect();
    } catch {
      return false;
    }
    socket.send(SYNC);
    const bytes = await new Promise<number>((resolve) =>
      socket.watch(READABLE, () => resolve(received(socket))),
    );
    socket.close();
    return bytes > 0;
  }

  async close(): Promise<void> {
    if (this.lives) {
      this.child.kill('SIGKILL');
      await once(this.child, 'close');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Bytes; 0 at the end. */
function received(socket: UnixSocket): number {
  try {
    return socket.receive(new Uint8Array(64)).bytes;
  } catch {
    return 0;
  }
}

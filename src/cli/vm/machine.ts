/** The processes of `run`: a back-end in a session of its own, and QEMU in the foreground. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT_FAILURE } from '../exit-codes.js';
import { READY, STARTER_FD_VARIABLE } from '../starter.js';

/** Where the starter's socket lies in the back-end. */
const STARTER_FD = 3;
/** A back-end that does not end when asked to is killed. */
const END_MS = 5000;
/** The longest path of a socket, with the name of the socket. */
const SOCKET_FOLDER_BYTES_MAX = 80;
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGCONT'] as const;

/** Where private folders of a user belong. */
function parentFolder(): string {
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  return runtime && Buffer.byteLength(runtime) <= SOCKET_FOLDER_BYTES_MAX ? runtime : tmpdir();
}

/** The name that the sockets' folder begins with. */
export function folderPrefix(): string {
  return join(parentFolder(), 'vhost-user-gpu-');
}

/** How a process ended, as a shell says it. */
function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? EXIT_FAILURE) : 128 + constants.signals[signal];
}

/** Resolves with the exit status, or, when it could not be started, tells why. */
export function untilEnd(child: ChildProcess, say: (line: string) => void): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(error.message);
      resolve(EXIT_FAILURE);
    });
    child.once('exit', (code, signal) => resolve(statusOf(code, signal)));
  });
}

class BackEnd {
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;

  constructor(args: readonly string[], say: (line: string) => void) {
    const program = process.argv[1] as string;
    // The terminal's Ctrl-C is QEMU's: a back-end that goes first would make it complain.
    this.child = spawn(process.execPath, [...process.execArgv, program, ...args], {
      detached: true,
      env: { ...process.env, [STARTER_FD_VARIABLE]: String(STARTER_FD) },
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    this.ended = untilEnd(this.child, say);
  }

  /** Resolves with null when all its sockets are there, with its exit status when it ends instead. */
  async ready(): Promise<number | null> {
    const socket = this.child.stdio[STARTER_FD] as NodeJS.ReadableStream;
    let said = '';
    const told = new Promise<null>((resolve) => {
      socket.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.startsWith(`${READY}\n`)) resolve(null);
      });
      socket.on('error', () => undefined);
    });
    return Promise.race([told, this.ended]);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

export interface MachineCommands {
  /** Arguments of the back-end. */
  readonly backEnd: readonly string[];
  readonly qemu: readonly [program: string, ...args: string[]];
}

/**
 * Runs both until QEMU ends; resolves with QEMU's exit status, or with that of a back-end that did not start. `commands`
 * is given the folder for the sockets, which is there as long as they are. `say` writes a line for a person.
 */
export async function runMachine(
  commands: (folder: string) => MachineCommands,
  say: (line: string) => void,
): Promise<number> {
  const folder = mkdtempSync(folderPrefix());
  let qemu: ChildProcess | null = null;
  let early: NodeJS.Signals | null = null;
  for (const signal of PASSED_ON) {
    process.on(signal, () => {
      if (qemu === null) early = signal;
      else qemu.kill(signal);
    });
  }
  const {
    backEnd: args,
    qemu: [program, ...options],
  } = commands(folder);
  const backEnd = new BackEnd(args, say);
  try {
    const failed = await backEnd.ready();
    if (failed !== null) return failed === 0 ? EXIT_FAILURE : failed;
    if (early !== null) return statusOf(null, early);
    qemu = spawn(program, options, { stdio: 'inherit' });
    const ended = untilEnd(qemu, say);
    void backEnd.ended.then((status) => {
      if (qemu?.exitCode === null) say(`the back-end ended with ${status}: the guest has no GPU any more`);
    });
    return await ended;
  } finally {
    await backEnd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

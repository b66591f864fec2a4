/**
 * Keeps a back-end running. The socket is listened on here, and each back-end inherits it: a front-end that connects while
 * there is none waits for the next one instead of being refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { listenUnix, type UnixListener } from 'vhost-user-native';
import type { Logger } from 'vhost-user-ts';
import { EXIT_FAILURE, EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from '../exit-codes.js';
import { createLogger } from '../logging.js';
import type { SuperviseOptions } from './options.js';
import { Replugger } from './replug.js';

const RESTART_WINDOW_MS = 60_000;
/** Where the listening socket lies in a back-end. */
const INHERITED_FD = 3;
/** A back-end that ends like this would do so again. */
const FINAL_CODES: readonly (number | null)[] = [EXIT_OK, EXIT_USAGE, EXIT_UNAVAILABLE];

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

class Supervisor {
  private readonly options: SuperviseOptions;
  private readonly log: Logger;
  private readonly listener: UnixListener;
  private readonly replugger: Replugger | null;
  /** When back-ends died, in milliseconds of performance.now(). */
  private readonly deaths: number[] = [];
  private child: ChildProcess | null = null;
  private ending: NodeJS.Signals | null = null;

  /** Throws the system's error when the socket can't be had. */
  constructor(options: SuperviseOptions, log: Logger) {
    this.options = options;
    this.log = log;
    this.listener = listenUnix(options.socketPath);
    const { qmpPath, devices } = options;
    this.replugger = qmpPath === null ? null : new Replugger(qmpPath, devices, log);
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    let ending = await this.start();
    while (this.ending === null && !(ending.signal === null && FINAL_CODES.includes(ending.code))) {
      this.log.warn({ ...ending }, 'the back-end died');
      if (!this.mayRestart()) {
        this.log.error({ deaths: this.deaths.length }, 'the back-end dies too often');
        return EXIT_FAILURE;
      }
      const ended = this.start();
      const replugged = this.replug();
      ending = await ended;
      // Nobody would answer QEMU.
      this.replugger?.interrupt();
      await replugged;
    }
    return this.ending === null ? (ending.code ?? EXIT_FAILURE) : EXIT_OK;
  }

  /** Passes a signal on; SIGTERM and SIGINT are the end. */
  signal(signal: NodeJS.Signals): void {
    if (signal !== 'SIGUSR2') this.ending ??= signal;
    this.child?.kill(signal);
  }

  close(): void {
    this.listener.close();
  }

  private start(): Promise<Ending> {
    const program = process.argv[1] as string;
    const args = [...process.execArgv, program, ...this.options.backEndArgs, `--fd=${INHERITED_FD}`];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit', this.listener.fd],
    });
    this.child = child;
    return new Promise((resolve) => {
      child.once('error', (error) => {
        this.log.error({ reason: error.message }, 'the back-end could not be started');
        resolve({ code: EXIT_FAILURE, signal: null });
      });
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  private async replug(): Promise<void> {
    try {
      await this.replugger?.run();
    } catch (error) {
      this.log.error({ reason: (error as Error).message }, 'plugging in was interrupted');
    }
  }

  private mayRestart(): boolean {
    const now = performance.now();
    this.deaths.push(now);
    while (now - (this.deaths[0] ?? now) > RESTART_WINDOW_MS) this.deaths.shift();
    return this.deaths.length <= this.options.restartsMax;
  }
}

/** Resolves with the exit code: at SIGTERM or SIGINT, or when no back-end can be kept running. */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { logLevel, logFormat } = options.backEnd;
  const log = createLogger(logLevel, logFormat, { part: 'supervisor' });
  let supervisor: Supervisor;
  try {
    supervisor = new Supervisor(options, log);
  } catch (error) {
    log.error({ endpoint: options.socketPath, reason: (error as Error).message }, 'cannot listen');
    return EXIT_FAILURE;
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const) {
    process.on(signal, () => supervisor.signal(signal));
  }
  try {
    return await supervisor.run();
  } finally {
    supervisor.close();
  }
}

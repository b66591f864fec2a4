/**
 * Who started the process and wants to hear from it: a service manager (sd_notify(3), with its watchdog), or the command
 * `run`, which gives it a socket of its own.
 */
import { adoptPipe, connectDatagram, type Pipe, READABLE } from 'vhost-user-native';

/** The descriptor on which `run` hears that the process is ready, and sees the end of: a stream socket. */
export const STARTER_FD_VARIABLE = 'VHOST_USER_GPU_STARTER_FD';
export const READY = 'READY=1';
const STOPPING = 'STOPPING=1';
const ALIVE = 'WATCHDOG=1';

/** Descriptors that the starter gave to this process. */
export function starterFds(env: NodeJS.ProcessEnv): number[] {
  const fd = env[STARTER_FD_VARIABLE];
  return fd !== undefined && /^\d{1,6}$/.test(fd) ? [Number(fd)] : [];
}

/** Milliseconds between signs of life; null when nobody waits for them. */
function watchdogMs({ WATCHDOG_USEC: time, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | null {
  if (time === undefined || !/^\d{1,15}$/.test(time)) return null;
  if (pid !== undefined && pid !== String(process.pid)) return null;
  // Half of what is allowed, as sd_watchdog_enabled(3) recommends.
  return Math.max(1, Math.floor(Number(time) / 2000));
}

export class Starter {
  /** Resolves when `run` has ended: nobody will end this process any more. */
  readonly left: Promise<void>;
  private readonly ears: readonly Pipe[];
  private readonly watchdog: NodeJS.Timeout | null;

  /**
   * To be made before rights are given up; what it has read goes from `env`, as it is not for child processes. Throws the
   * system's error when somebody wants to hear but can't.
   */
  constructor(env: NodeJS.ProcessEnv) {
    const ears = starterFds(env).map((fd) => adoptPipe(fd));
    this.left = new Promise((resolve) => {
      for (const ear of ears) ear.watch(READABLE, () => hungUp(ear) && resolve());
    });
    if (env.NOTIFY_SOCKET) ears.push(adoptPipe(connectDatagram(env.NOTIFY_SOCKET)));
    this.ears = ears;
    const interval = ears.length === 0 ? null : watchdogMs(env);
    this.watchdog = interval === null ? null : setInterval(() => this.tell(ALIVE), interval);
    for (const name of [STARTER_FD_VARIABLE, 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'])
      delete env[name];
  }

  /** Front-ends can come. */
  ready(): void {
    this.tell(READY);
  }

  /** The end has begun. */
  stopping(): void {
    this.tell(STOPPING);
  }

  /** Idempotent. */
  close(): void {
    if (this.watchdog !== null) clearInterval(this.watchdog);
    for (const ear of this.ears) ear.close();
  }

  private tell(what: string): void {
    for (const ear of this.ears) {
      try {
        if (!ear.closed) ear.write(Buffer.from(`${what}\n`));
      } catch {
        // Somebody who does not listen any more: that is not this process's problem.
      }
    }
  }
}

/** Nothing comes from there but the end. */
function hungUp(ear: Pipe): boolean {
  let bytes = 0;
  try {
    bytes = ear.read(Buffer.alloc(64));
  } catch {
    // A connection that broke has ended, too.
  }
  if (bytes === 0) ear.close();
  return bytes === 0;
}

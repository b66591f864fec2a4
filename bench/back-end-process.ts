/** A vhost-user-gpu program under measurement: started, connected to, pinned, and looked at from outside. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectUnix, type UnixSocket } from 'vhost-user-native';

/** How to start a back-end; `--socket-path=…` is added. */
export interface Subject {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Memory of all its processes, KiB. */
export interface MemoryUse {
  /** Resident now (shared pages of guest memory included), and its own part of that. */
  readonly residentKiB: number;
  readonly anonymousKiB: number;
  /** Most that was resident at any time. */
  readonly peakKiB: number;
}

/** Characters of its log. */
const LOG_KEPT = 16384;
const START_TIMEOUT_MS = 20_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class BackEndProcess {
  readonly subject: Subject;
  /** From before it was started. */
  readonly startedNs: bigint;
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly ended: Promise<void>;
  private errors = '';
  private exit: string | null = null;

  constructor(subject: Subject) {
    this.subject = subject;
    this.folder = mkdtempSync(join(tmpdir(), 'gpu-bench-'));
    const { command, args, env = process.env } = subject;
    this.startedNs = process.hrtime.bigint();
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', command, ...args, `--socket-path=${this.path}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
    });
    running.add(this.child);
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-LOG_KEPT);
    });
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        this.exit ??= how;
        running.delete(this.child);
        resolve();
      };
      this.child.once('error', (error) => over(error.message));
      this.child.once('close', (code, signal) => over(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** The processes that do its work: itself and its children. */
  pids(): number[] {
    return descendants(this.pid);
  }

  /** Connects as soon as it listens. */
  async connect(): Promise<UnixSocket> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        return connectUnix(this.path);
      } catch (error) {
        if (this.exit !== null || Date.now() > deadline) throw this.failure(error);
        await sleep(1);
      }
    }
  }

  /** Keeps all its threads on one CPU; null lets them go. */
  pin(cpu: number | null): void {
    const list = cpu === null ? ALL_CPUS : String(cpu);
    for (const pid of this.pids()) execFileSync('taskset', ['-acp', list, String(pid)], { stdio: 'ignore' });
  }

  memory(): MemoryUse {
    const all = this.pids().map((pid) => readFileSync(`/proc/${pid}/status`, 'latin1'));
    const sum = (name: string): number => all.reduce((total, status) => total + field(status, name), 0);
    return { residentKiB: sum('VmRSS'), anonymousKiB: sum('RssAnon'), peakKiB: sum('VmHWM') };
  }

  /** How often its threads went to sleep so far, which is how often they were woken up. */
  wakeUps(): number {
    return this.threads().reduce((sum, status) => sum + field(status, 'voluntary_ctxt_switches'), 0);
  }

  /** True when no thread of it has anything to do at this moment. */
  asleep(): boolean {
    return this.threads().every((status) => /^State:\s+S/m.test(status));
  }

  /** The counters of our own back-end, which logs them as JSON (`--log-format=json`). */
  async counters(): Promise<Readonly<Record<string, unknown>>> {
    this.errors = '';
    process.kill(this.pid, 'SIGUSR2');
    for (;;) {
      const line = /^\{.*"msg":"status"\}$/m.exec(this.errors)?.[0];
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
      if (this.exit !== null) throw new Error(this.describe());
      await sleep(1);
    }
  }

  /** What it said, for a report of something that failed. */
  describe(): string {
    const how = this.exit === null ? '' : ` (ended: ${this.exit})`;
    return `${this.subject.name}${how}: ${this.errors.trim()}`;
  }

  async stop(): Promise<void> {
    if (this.exit === null) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 2000);
    await this.ended;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** `status` of each thread. */
  private threads(): string[] {
    return this.pids().flatMap((pid) =>
      readdirSync(`/proc/${pid}/task`).map((id) => readFileSync(`/proc/${pid}/task/${id}/status`, 'latin1')),
    );
  }

  private get path(): string {
    return join(this.folder, 'gpu.sock');
  }

  private failure(cause: unknown): Error {
    return new Error(`no connection to ${this.describe()}`, { cause });
  }
}

const ALL_CPUS = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';

/** The CPU for cases where both sides share one: the last one that this process may use. */
export const SHARED_CPU = Number(/\d+$/.exec(ALL_CPUS)?.[0] ?? 0);

function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(descendants)];
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

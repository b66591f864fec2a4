/**
 * The real command as a process that is counted: its descriptors, its mappings, and what it says that it holds. Its
 * limits can be lowered while it runs, so that it runs out of something at any moment.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { COMMAND } from './command.js';

type Line = Readonly<Record<string, unknown>> & { readonly msg: string };
type Counters = Readonly<Record<string, number>>;
type Status = Readonly<Record<string, Counters>>;

/** What a process has that it could leak, as text that is the same while nothing is leaked. */
export interface Census {
  /** Open descriptors by kind. */
  readonly fds: string;
  /** Mappings of files in memory by name. */
  readonly mappings: string;
  readonly threads: number;
  /** What the command says it holds for guests. */
  readonly held: string;
}

/** What a process takes of the system. */
export interface ProcessUse {
  readonly residentMib: number;
  readonly fds: number;
  readonly mappings: number;
  readonly threads: number;
}

function tally(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${count} ${kind}`)
    .join(', ');
}

/** All threads of a process run on this processor only, from now on; so do those that it starts. */
export function pinProcess(pid: number, processor: number): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(processor), String(pid)]);
}

/** The command, as a process. */
export class CommandProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'faults-'));
  readonly socketPath = join(this.folder, 'gpu');
  /** Where it looks for a compositor. */
  readonly displayPath = join(this.folder, 'wayland');
  readonly ended: Promise<string>;
  /** Why connections ended, in order: an error's code, or 'hung up'. */
  readonly ends: string[] = [];
  private readonly child: ChildProcess;
  /** How often each line was logged. */
  private readonly counts = new Map<string, number>();
  private reported: Status | null = null;
  /** What it wrote besides its log: why it died. */
  private stderr = '';
  private over = false;
  /** Who looks again when something has happened. */
  private readonly waiting: (() => void)[] = [];

  /** `options` may name files of the folder. `preload`: a module that is imported before the command. */
  constructor(options: (folder: string) => readonly string[], preload: string | null = null) {
    const own = [`--socket-path=${this.socketPath}`, '--log-format=json', ...options(this.folder)];
    const { WAYLAND_SOCKET: _, ...env } = process.env;
    const before = preload === null ? [] : ['--import', preload];
    this.child = spawn(process.execPath, [...before, COMMAND, ...own], {
      env: { ...env, WAYLAND_DISPLAY: this.displayPath },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const input = this.child.stderr as NonNullable<ChildProcess['stderr']>;
    createInterface({ input }).on('line', (line) => {
      this.note(line);
      this.wake();
    });
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => {
        this.over = true;
        this.wake();
        resolve(signal ?? `exit code ${code}`);
      }),
    );
  }

  /** Resolves when a line was logged so many times. */
  async logged(message: string, times = 1): Promise<void> {
    await this.until(() => this.count(message) >= times);
  }

  /** How often a line was logged. */
  count(message: string): number {
    return this.counts.get(message) ?? 0;
  }

  /** Resolves when so many connections have ended. */
  async ending(connections: number): Promise<void> {
    await this.until(() => this.ends.length >= connections);
  }

  /** Its counters (Service.status). */
  async status(): Promise<Status> {
    this.reported = null;
    this.child.kill('SIGUSR2');
    await this.until(() => this.reported !== null);
    return this.reported as unknown as Status;
  }

  async census(): Promise<Census> {
    const { device = {}, region = {}, forwardedClients } = await this.status();
    const { contexts } = device.contexts as unknown as Counters;
    const { resources, hostBytes, blobBytes, backingEntries, heldFences } = device;
    const { ranges, lingeringRanges, windowUsedBytes } = region;
    const guest = { resources, hostBytes, blobBytes, backingEntries, heldFences, contexts };
    const held = { ...guest, ranges, lingeringRanges, windowUsedBytes, forwardedClients };
    return {
      fds: tally(this.descriptors().map(([, kind]) => kind)),
      mappings: tally(this.fileMappings()),
      threads: this.threads,
      held: JSON.stringify(held),
    };
  }

  /** The census once every front-end has left. */
  async settledCensus(): Promise<Census> {
    await this.until(() => this.ends.length === this.count('front-end connected'));
    return this.census();
  }

  get use(): ProcessUse {
    const mappings = this.proc('maps').split('\n').length - 1;
    return {
      residentMib: this.residentMib,
      fds: this.descriptors().length,
      mappings,
      threads: this.threads,
    };
  }

  /** Resident memory in MiB. */
  get residentMib(): number {
    const [, kib] = /^VmRSS:\s*(\d+)/m.exec(this.proc('status')) ?? [];
    return Math.round(Number(kib) / 1024);
  }

  /** Leaves it `spare` more descriptors than it has open now; null takes the limit away. */
  limitDescriptors(spare: number | null): void {
    if (spare === null) {
      this.limit('nofile', null);
      return;
    }
    // The limit is one of numbers, and there are gaps below the highest one.
    const open = new Set(this.descriptors().map(([fd]) => fd));
    let limit = 0;
    for (let free = 0; free < spare || open.has(limit); limit++) if (!open.has(limit)) free++;
    this.limit('nofile', limit);
  }

  /** Leaves it so much more address space; null takes the limit away. */
  limitMemory(spareBytes: number | null): void {
    const [, kib] = /^VmSize:\s*(\d+)/m.exec(this.proc('status')) ?? [];
    this.limit('as', spareBytes === null ? null : Number(kib) * 1024 + spareBytes);
  }

  /** Ends it; resolves with how it ended. */
  async stop(): Promise<string> {
    this.child.kill('SIGTERM');
    const how = await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
    return how;
  }

  /** All its threads run on this processor only, from now on. */
  pin(processor: number): void {
    pinProcess(this.child.pid ?? -1, processor);
  }

  private get threads(): number {
    const [, threads] = /^Threads:\s*(\d+)/m.exec(this.proc('status')) ?? [];
    return Number(threads);
  }

  private limit(resource: string, soft: number | null): void {
    // The hard limit stays, so that the soft one can be raised again.
    const limits = `--${resource}=${soft ?? this.hard(resource)}:`;
    execFileSync('prlimit', ['--pid', String(this.child.pid), limits]);
  }

  private hard(resource: string): string {
    const args = ['--pid', String(this.child.pid), `--${resource}`, '--noheadings', '--output=HARD'];
    return execFileSync('prlimit', args, { encoding: 'utf8' }).trim();
  }

  private proc(name: string): string {
    return readFileSync(`/proc/${this.child.pid}/${name}`, 'utf8');
  }

  private descriptors(): [fd: number, kind: string][] {
    const folder = `/proc/${this.child.pid}/fd`;
    return readdirSync(folder).flatMap((fd): [number, string][] => {
      try {
        const target = readlinkSync(join(folder, fd));
        return [[Number(fd), target.replace(/:?\[\d+\]$/, '').replace(/ \(deleted\)$/, '')]];
      } catch {
        // It was closed since it was listed.
        return [];
      }
    });
  }

  private fileMappings(): string[] {
    return this.proc('maps')
      .split('\n')
      .map((line) => / (\/memfd:\S+|\/dmabuf:\S*)/.exec(line)?.[1] ?? '')
      .filter((name) => name !== '');
  }

  private note(text: string): void {
    if (!text.startsWith('{')) {
      this.stderr += `${text}\n`;
      return;
    }
    const line = JSON.parse(text) as Line;
    const { msg } = line;
    this.counts.set(msg, this.count(msg) + 1);
    // (Input devices have a log of their own.)
    if (msg === 'front-end disconnected' && line.device === undefined) this.ends.push('hung up');
    if (msg === 'connection ended' && line.device === undefined) this.ends.push(String(line.code));
    if (msg === 'status') this.reported = line as unknown as Status;
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.over) throw new Error(`the command has ended:\n${this.stderr}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/**
 * A hostile guest beside one that behaves, each on a back-end process of its own. Phases with attacks take turns with
 * phases without: what differs between them is what the one can do to the other.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Census, CommandProcess, type ProcessUse, pinProcess } from '../protocol/command-process.js';
import { settle } from '../unit/gpu-socket-fixture.js';
import type { Deeds, Orders } from './hostile-guest.js';
import { SteadyGuest } from './steady-guest.js';

const HOSTILE_GUEST = fileURLToPath(new URL('./hostile-guest.js', import.meta.url));
const FRAME_MS = 1000 / 60;
const FRAMES_PER_CHECK = 256;
/** The first phases compile code and grow tables. */
export const WARM_UP_PHASES = 2;

/** How long phases are: in time, or (in tests) in frames and rounds of attacks. */
export type PhaseLength = { readonly ms: number } | { readonly frames: number; readonly rounds: number };

export interface Phase {
  readonly isAttacked: boolean;
  /** Of each frame, from its first command until it is on the display, in milliseconds. */
  readonly frameMs: readonly number[];
  /** Connections and commands of the attacker so far. */
  readonly deeds: Deeds;
  readonly attacked: ProcessUse;
  readonly steady: ProcessUse;
}

export class Soak {
  /** The back-end of the hostile guest. */
  readonly attacked: CommandProcess;
  /** The back-end of the guest that behaves. */
  readonly steady: CommandProcess;
  private guest: SteadyGuest | null = null;
  private hostile: ChildProcess | null = null;
  private died: Promise<never> | null = null;
  private deeds: Deeds = { attacks: 0, commands: 0 };

  /** `options`: more for both back-ends. */
  constructor(options: readonly string[] = []) {
    const common = ['--region-size=16', '--log-level=info', ...options];
    this.attacked = new CommandProcess(() => ['--wayland', ...common]);
    this.steady = new CommandProcess(() => common);
  }

  async start(seed: number): Promise<void> {
    await Promise.all([this.attacked.logged('listening'), this.steady.logged('listening')]);
    this.guest = await SteadyGuest.start(this.steady.socketPath);
    const { socketPath, displayPath } = this.attacked;
    const { NODE_OPTIONS: _, ...env } = process.env;
    const args = [socketPath, displayPath, String(seed)];
    this.hostile = fork(HOSTILE_GUEST, args, { env, execArgv: [] });
    this.died = once(this.hostile, 'exit').then(() => Promise.reject(new Error('the hostile guest died')));
    this.died.catch(() => undefined);
    await this.rested();
  }

  /**
   * Each guest gets a processor for itself and its back-end: what is left of an attack's effect is not the scheduler's.
   */
  apart(): void {
    this.steady.pin(0);
    pinProcess(process.pid, 0);
    this.attacked.pin(1);
    pinProcess(this.hostile?.pid ?? -1, 1);
  }

  async phase(isAttacked: boolean, length: PhaseLength): Promise<Phase> {
    const frameMs: number[] = [];
    const inTime = 'ms' in length;
    const rounds = inTime ? 0 : length.rounds;
    let over = false;
    const rested = isAttacked ? this.rested() : Promise.resolve();
    if (isAttacked) this.hostile?.send({ rounds } satisfies Orders);
    const end = performance.now() + (inTime ? length.ms : 0);
    if (!inTime) void rested.then(() => (over = true));
    const isOver = (): boolean =>
      inTime ? performance.now() > end : over && frameMs.length >= length.frames;
    while (!isOver()) frameMs.push(await this.frame(frameMs.length));
    if (isAttacked && inTime) this.hostile?.send('rest');
    await rested;
    const { deeds, attacked, steady } = this;
    return { isAttacked, frameMs, deeds, attacked: attacked.use, steady: steady.use };
  }

  /** The display of the guest that behaves takes nothing for that long. Resolves with what its back-end took then. */
  async stall(ms: number): Promise<ProcessUse> {
    await this.guest?.stall(ms);
    return this.steady.use;
  }

  /** What both back-ends have once the attacker has left; the other guest's is what it should be all along. */
  async census(): Promise<readonly [attacked: Census, steady: Census]> {
    return [await this.attacked.settledCensus(), await this.steady.census()];
  }

  /** The back-end that was attacked serves a guest that behaves. */
  async serves(): Promise<void> {
    const guest = await SteadyGuest.start(this.attacked.socketPath);
    await guest.frame();
    guest.close();
  }

  /** Resolves with how both back-ends ended. */
  async stop(): Promise<readonly string[]> {
    if (this.hostile !== null) {
      this.hostile.send('leave');
      await once(this.hostile, 'exit');
    }
    this.guest?.close();
    return Promise.all([this.attacked.stop(), this.steady.stop()]);
  }

  /** One frame, at its time. */
  private async frame(index: number): Promise<number> {
    if (this.guest === null) throw new Error('it was not started');
    const due = performance.now() + FRAME_MS;
    if (index % FRAMES_PER_CHECK === 0) await this.guest.check();
    const ms = await this.guest.frame();
    const rest = due - performance.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    return ms;
  }

  private async rested(): Promise<void> {
    const { hostile, died } = this;
    if (hostile === null || died === null) throw new Error('it was not started');
    this.deeds = await Promise.race([
      new Promise<Deeds>((resolve) => hostile.once('message', resolve)),
      died,
    ]);
    await settle();
  }
}

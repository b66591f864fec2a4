/** What a back-end costs when it does nothing: its start, its memory, its sleep. */
import type { MemoryUse, Subject } from './back-end-process.js';
import { type BenchCase, CASES } from './cases.js';
import { Machine, type Program } from './machine.js';
import { type Spread, spreadOf } from './statistics.js';

export interface Vitals {
  readonly subject: string;
  /** From the start of the process to the first answer on its socket, milliseconds. */
  readonly startMs: Spread;
  /** With rings and a display, after one command. */
  readonly fresh: MemoryUse;
  /** After some commands of all kinds (tables have grown, code is compiled), and after a million more. */
  readonly warm: MemoryUse;
  readonly worked: MemoryUse;
  /** Per second while nothing happens: CPU time in microseconds, and how often a thread was woken up. */
  readonly idleCpuUs: number;
  readonly idleWakeUps: number;
}

const STARTS = 7;
const IDLE_MS = 3000;
/** Garbage collectors may tidy up after the start, once. */
const SETTLE_MS = 12_000;
const MILLION = 1_000_000;
/** What the million consists of: half of the commands make and destroy resources (four commands each time). */
const WORK = [
  ['no-data-64', MILLION / 2],
  ['churn-64x64', MILLION / 8],
] as const;
const WARM_UP_SHARE = 0.2;

export async function measureVitals(subject: Subject): Promise<Vitals> {
  const starts: number[] = [];
  for (let i = 1; i < STARTS; i++) {
    const machine = await Machine.start(subject);
    starts.push(machine.startMs);
    await machine.close();
  }
  const machine = await Machine.start(subject);
  try {
    starts.push(machine.startMs);
    const { backEnd } = machine;
    const fresh = backEnd.memory();
    await machine.idle(SETTLE_MS);
    const wakeUps = backEnd.wakeUps();
    const idle = await machine.idle(IDLE_MS);
    const perSecond = IDLE_MS / 1000;
    const idleWakeUps = (backEnd.wakeUps() - wakeUps) / perSecond;
    const work = await prepareWork(machine);
    await work(WARM_UP_SHARE);
    const warm = backEnd.memory();
    await work(1);
    const worked = backEnd.memory();
    const idleCpuUs = idle.cpuNs / 1000 / perSecond;
    return { subject: subject.name, startMs: spreadOf(starts), fresh, warm, worked, idleCpuUs, idleWakeUps };
  } finally {
    await machine.close();
  }
}

/** Resolves with a function that does a share of the work. */
async function prepareWork(machine: Machine): Promise<(share: number) => Promise<void>> {
  const parts: { readonly load: Program; readonly operations: number }[] = [];
  for (const [name, operations] of WORK) {
    const bench = CASES.find((candidate) => candidate.name === name) as BenchCase;
    parts.push({ load: (await bench.prepare(machine)).load, operations });
  }
  return async (share) => {
    for (const { load, operations } of parts) {
      await machine.run(load, { durationMs: 120_000, operations: operations * share });
    }
  };
}

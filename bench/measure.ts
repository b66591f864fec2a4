/** Runs cases on back-ends, in turns, and sums up what each turn gave. */
import type { Subject } from './back-end-process.js';
import type { BenchCase, Prepared } from './cases.js';
import { Verify } from './control-block.js';
import { Machine, type Program, type Run } from './machine.js';
import { percentileUs } from './statistics.js';

/** One turn of one back-end. */
export interface Sample {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** CPU time of all its processes. */
  readonly cpuUsPerOperation: number;
  readonly kicksPerOperation: number;
  readonly interruptsPerOperation: number;
}

export interface SubjectResult {
  readonly subject: string;
  readonly samples: readonly Sample[];
  /** Most memory that was resident, KiB. */
  readonly peakKiB: number;
}

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly results: readonly SubjectResult[];
}

export interface MeasureOptions {
  readonly turns: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
}

interface Runner {
  readonly machine: Machine;
  readonly prepared: Prepared;
  readonly samples: Sample[];
}

/** All subjects carry out the case, A B A B …; each lives from before the first turn until after the last one. */
export async function measureCase(
  bench: BenchCase,
  subjects: readonly Subject[],
  options: MeasureOptions,
): Promise<CaseResult> {
  const machines: Machine[] = [];
  try {
    const runners: Runner[] = [];
    for (const subject of subjects) {
      const machine = await Machine.start(subject);
      machines.push(machine);
      runners.push({ machine, prepared: await bench.prepare(machine), samples: [] });
    }
    const { oneCpu } = bench;
    for (const { machine, prepared } of runners) {
      await machine.run(prepared.load, { durationMs: options.warmUpMs, oneCpu });
    }
    for (let turn = 0; turn < options.turns; turn++) {
      for (const { machine, prepared, samples } of runners) {
        samples.push(sampleOf(await machine.run(prepared.load, { durationMs: options.turnMs, oneCpu })));
      }
    }
    for (const { machine, prepared } of runners) await checkPixels(machine, prepared.check);
    const results = runners.map(({ machine, samples }) => ({
      subject: machine.backEnd.subject.name,
      samples,
      peakKiB: machine.backEnd.memory().peakKiB,
    }));
    return { name: bench.name, title: bench.title, results };
  } finally {
    for (const machine of machines) await machine.close();
  }
}

/**
 * Carries out each operation of `check` once more. Rejects unless each pixel of what arrives is right, and something
 * does; resolves with how many updates and cursors did.
 */
export async function checkPixels(machine: Machine, check: Program | null): Promise<number> {
  if (check === null) return 0;
  const operations = check.operations.length;
  const { updates, cursorUpdates } = await machine.run(check, {
    durationMs: 60_000,
    operations,
    verify: Verify.PIXELS,
  });
  // A cursor's command may be answered before the display hears of it.
  const arrived = updates + cursorUpdates + (await machine.settle(check.picture));
  if (arrived === 0) throw new Error('nothing arrived at the display');
  return arrived;
}

function sampleOf(run: Run): Sample {
  const { operations, elapsedNs, cpuNs, kicks, calls, latenciesNs } = run;
  const sorted = latenciesNs.sort();
  return {
    operations,
    perSecond: (operations * 1e9) / elapsedNs,
    p50Us: percentileUs(sorted, 0.5),
    p99Us: percentileUs(sorted, 0.99),
    p999Us: percentileUs(sorted, 0.999),
    cpuUsPerOperation: cpuNs / 1000 / operations,
    kicksPerOperation: kicks / operations,
    interruptsPerOperation: calls / operations,
  };
}

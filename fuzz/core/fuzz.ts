/**
 * The loop of every fuzzer. A case is made up from nothing, or goes on where a kept one stopped, or is a kept one with
 * changes. Cases that made the subject do what no case before them did are kept: guidance by behaviour (what a target
 * calls `features`: verdicts, answers, events), not by code coverage. The same seed, corpus and target give the same
 * cases, on any machine, as long as the subject's own answers do not depend on time.
 */
import { minimize } from './minimize.js';
import { mutateSteps } from './mutate.js';
import { play, watchUncaught } from './play.js';
import { caseSeed, Random } from './random.js';
import type { Step } from './step.js';
import type { FuzzTarget } from './target.js';

/** Cases that are kept; beyond, a new one replaces one of them. */
const KEPT_MAX = 512;

export interface FuzzOptions {
  readonly seed: number;
  /** It ends after the case that reaches this many. */
  readonly inputs: number;
  readonly corpus: readonly (readonly Step[])[];
  /** Called after each case. */
  progress?(report: FuzzReport): void;
}

export interface FuzzReport {
  readonly cases: number;
  readonly inputs: number;
  /** Different behaviours seen. */
  readonly features: number;
  readonly kept: number;
}

export interface FuzzFinding {
  readonly error: Error;
  /** Minimised. */
  readonly steps: readonly Step[];
  /** Of the case, for whoever wants it as it was. */
  readonly caseIndex: number;
}

export interface FuzzOutcome extends FuzzReport {
  readonly finding: FuzzFinding | null;
}

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzOutcome> {
  const unwatch = watchUncaught();
  try {
    return await new Loop(target, options).run();
  } finally {
    unwatch();
  }
}

class Loop {
  private readonly target: FuzzTarget;
  private readonly options: FuzzOptions;
  private readonly kept: (readonly Step[])[];
  private readonly seen = new Set<string>();
  private cases = 0;
  private inputs = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.target = target;
    this.options = options;
    this.kept = [...options.corpus];
  }

  async run(): Promise<FuzzOutcome> {
    while (this.inputs < this.options.inputs) {
      const random = new Random(caseSeed(this.options.seed, this.cases));
      const played = await this.next(random);
      this.inputs += played.steps.length;
      if (played.failure !== null) {
        const steps = await minimize(this.target, played.steps);
        return { ...this.report(), finding: { error: played.failure, steps, caseIndex: this.cases } };
      }
      this.cases++;
      if (this.isNew(played.features)) this.keep(played.steps, random);
      this.options.progress?.(this.report());
    }
    return { ...this.report(), finding: null };
  }

  private next(random: Random): ReturnType<typeof play> {
    // The corpus as it is, first.
    const seed = this.options.corpus[this.cases];
    if (seed !== undefined) return play(this.target, seed, random);
    const base = random.pick(this.kept);
    if (base === undefined || random.oneIn(4)) return play(this.target, [], random);
    const steps = random.oneIn(3) ? base : base.slice(0, random.between(1, base.length));
    return play(this.target, random.oneIn(2) ? mutateSteps(steps, random) : steps, random);
  }

  private isNew(features: ReadonlySet<string>): boolean {
    const before = this.seen.size;
    for (const feature of features) this.seen.add(feature);
    return this.seen.size > before;
  }

  private keep(steps: readonly Step[], random: Random): void {
    if (this.kept.length < KEPT_MAX) this.kept.push(steps);
    else this.kept[random.below(KEPT_MAX)] = steps;
  }

  private report(): FuzzReport {
    return { cases: this.cases, inputs: this.inputs, features: this.seen.size, kept: this.kept.length };
  }
}

/** What a fuzzer is: a subject that steps are put to, one after the other, and that is watched meanwhile. */
import type { Random } from './random.js';
import type { Step } from './step.js';

/** The subject did what it must never do. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** One life of the subject. */
export interface FuzzCase {
  /** The subject refused to go on, as it should: what comes now has no effect. */
  readonly over: boolean;
  /** What it did so far that others may not have done: cases with new behaviour are kept and built upon. */
  readonly features: ReadonlySet<string>;
  /** Makes up a step that makes sense now, or nearly. */
  propose(random: Random): Step;
  /** Carries a step out, any step; whatever it throws (or rejects with) is a finding. */
  apply(step: Step): void | Promise<void>;
  /** Ends it; what was not given back is a finding. */
  close(): void | Promise<void>;
}

export interface FuzzTarget {
  readonly name: string;
  /** What is counted as one input. */
  readonly input: string;
  /** Steps of a case, at most. */
  readonly steps: number;
  open(): FuzzCase | Promise<FuzzCase>;
  /** Ends what the cases have in common. */
  close?(): void | Promise<void>;
}

/**
 * How many chains a ring may have carried out per second: a bucket that fills up with time and holds one second's worth.
 * // hot
 */

/** A ring that waits does so for this part of a second's worth at least: not for a timer per chain. */
const REST_PART = 0.01;

/** What one ring may still have carried out, by a number of chains per second. */
export class ChainRate {
  private readonly perSecond: number;
  private tokens: number;
  private filledMs = 0;

  /** 0 = no limit. */
  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.tokens = perSecond;
  }

  /** Chains that may be taken at `nowMs` (monotonic); Infinity without a limit. */
  allowance(nowMs: number): number {
    if (this.perSecond === 0) return Number.POSITIVE_INFINITY;
    const earned = ((nowMs - this.filledMs) / 1000) * this.perSecond;
    this.tokens = Math.min(this.perSecond, this.tokens + earned);
    this.filledMs = nowMs;
    return Math.floor(this.tokens);
  }

  /** Chains were taken. A batch may take some more than it was allowed, which is made up for later. */
  spend(chains: number): void {
    this.tokens -= chains;
  }

  /** Milliseconds from the last `allowance` until it is worth going on. */
  get restMs(): number {
    const wanted = Math.max(1, this.perSecond * REST_PART);
    return Math.max(1, Math.ceil(((wanted - this.tokens) / this.perSecond) * 1000));
  }
}

/** A bucket of messages that fills up with time. */
export class RateLimit {
  private readonly perSecond: number;
  private readonly now: () => number;
  private tokens: number;
  private filledMs: number;

  /** `now` in milliseconds, monotonic. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.perSecond = perSecond;
    this.now = now;
    this.tokens = perSecond;
    this.filledMs = now();
  }

  /** Takes one message's worth; false when there is none now. */
  take(): boolean {
    if (this.tokens < 1) this.fill();
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Milliseconds until `take` succeeds. */
  get waitMs(): number {
    return Math.max(1, Math.ceil(((1 - this.tokens) / this.perSecond) * 1000));
  }

  private fill(): void {
    const now = this.now();
    const earned = ((now - this.filledMs) / 1000) * this.perSecond;
    this.tokens = Math.min(this.perSecond, this.tokens + earned);
    this.filledMs = now;
  }
}

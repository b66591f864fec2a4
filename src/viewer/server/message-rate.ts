/** How many messages a viewer may send: a bucket that fills up with time. A mouse at 1000 Hz fits. */
const PER_SECOND = 2000;
const AT_ONCE = 4000;

export class MessageRate {
  private left = AT_ONCE;
  private lastMs: number | null = null;

  /** Whether another one fits. `nowMs` never goes back. */
  take(nowMs: number): boolean {
    const passedMs = nowMs - (this.lastMs ?? nowMs);
    this.lastMs = nowMs;
    this.left = Math.min(AT_ONCE, this.left + (passedMs / 1000) * PER_SECOND) - 1;
    return this.left >= 0;
  }
}

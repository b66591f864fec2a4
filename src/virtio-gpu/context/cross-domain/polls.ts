/** Outstanding POLLs of one context: each is a fence that waits for one message. */
import type { ContextAccount } from '../context-account.js';

export class Polls {
  readonly #account: ContextAccount;
  /** What signals each fence, oldest first. */
  readonly #waiting: (() => void)[] = [];

  constructor(account: ContextAccount) {
    this.#account = account;
  }

  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Adds one. False, and not added, when there are too many: each holds a chain of the control queue, and without
   * chains the whole driver stops. The first of a context always fits; `extraMax` bounds all others together.
   */
  add(done: () => void, extraMax: number): boolean {
    if (this.waiting) {
      if (this.#waiting.length >= this.#account.limits.maxPollsPerContext) return false;
      if (this.#account.extraPolls.used >= extraMax || !this.#account.extraPolls.take(1)) return false;
    }
    this.#waiting.push(done);
    return true;
  }

  /** Signals the oldest. */
  complete(): void {
    const done = this.#waiting.shift();
    if (done === undefined) return;
    if (this.waiting) this.#account.extraPolls.give(1);
    done();
  }

  /** Signals all of them. */
  completeAll(): void {
    while (this.waiting) this.complete();
  }
}

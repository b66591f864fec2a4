/** What the contexts of one VM hold together, against the limits that they share. */
import type { ContextLimits } from './context-limits.js';

/** One shared quantity with a limit. */
export class Quota {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes `amount`, or nothing at all and returns false when that would go over the limit. */
  take(amount: number): boolean {
    if (this.#used + amount > this.#limit) return false;
    this.#used += amount;
    return true;
  }

  give(amount: number): void {
    this.#used -= amount;
  }
}

export class ContextAccount {
  readonly limits: ContextLimits;
  /** POLLs beyond the first of each context. */
  readonly extraPolls: Quota;
  readonly attachments: Quota;
  readonly imageTemplates: Quota;
  readonly fileBytes: Quota;
  readonly readPipes: Quota;
  readonly writeQueueBytes: Quota;
  /** Pipes that the guest is done with and whose reader is not; each takes itself out. They outlive their context. */
  readonly draining = new Set<{ close(): void }>();

  constructor(limits: ContextLimits) {
    this.limits = limits;
    this.extraPolls = new Quota(limits.maxExtraPolls);
    this.attachments = new Quota(limits.maxAttachments);
    this.imageTemplates = new Quota(limits.maxImageTemplates);
    this.fileBytes = new Quota(limits.maxFileBytes);
    this.readPipes = new Quota(limits.maxReadPipes);
    this.writeQueueBytes = new Quota(limits.maxWriteQueueBytesTotal);
  }
}

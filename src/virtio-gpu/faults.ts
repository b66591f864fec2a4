/**
 * The guest's mistakes: counted by kind, and logged at most once a second per kind, so that a guest can fill
 * neither the log nor the memory.
 */
import type { Logger } from 'vhost-user-ts';

/** Kinds of mistakes; the names are stable, for metrics. */
export const FAULT_KINDS = [
  'short-command',
  'unknown-command',
  'short-response',
  'invalid-scanout',
  'invalid-resource',
  'invalid-context',
  'invalid-parameter',
  'invalid-state',
  'out-of-memory',
  'invalid-cursor',
  'context-ended',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

const LOG_INTERVAL_MS = 1000;

export class GuestFaults {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #counts = new Map<FaultKind, number>();
  readonly #loggedAtMs = new Map<FaultKind, number>();
  readonly #unlogged = new Map<FaultKind, number>();

  /** `now` gives milliseconds of a clock that does not go back. */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** How often this kind happened. */
  count(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Takes note of one mistake. `fields` say what a reader of the log wants to know. */
  note(kind: FaultKind, fields: object): void {
    this.#counts.set(kind, this.count(kind) + 1);
    const now = this.#now();
    const last = this.#loggedAtMs.get(kind);
    if (last !== undefined && now - last < LOG_INTERVAL_MS) {
      this.#unlogged.set(kind, (this.#unlogged.get(kind) ?? 0) + 1);
      return;
    }
    const suppressed = this.#unlogged.get(kind) ?? 0;
    this.#loggedAtMs.set(kind, now);
    this.#unlogged.set(kind, 0);
    this.#log.warn({ kind, ...fields, ...(suppressed > 0 ? { suppressed } : {}) }, 'guest error');
  }
}

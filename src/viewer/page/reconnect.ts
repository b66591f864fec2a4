/** What to do when the connection has ended: by the reason that the server gave, and how often that has been. */
import { CLOSE_CODES } from '../protocol/index.js';

/** Why there is no connection. */
export type Trouble = 'gone' | 'busy' | 'token' | 'version';

export type NextStep =
  | { readonly retry: true; readonly trouble: 'gone' | 'busy'; readonly delayMs: number }
  /** Trying again would give the same answer: a person has to do something. */
  | { readonly retry: false; readonly trouble: 'token' | 'version' };

const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 8000;
const BUSY_DELAY_MS = 5000;
/** Delays are that much longer or shorter by chance, so that viewers don't come back all at once. */
const SPREAD = 0.25;

/** `failures`: connections that ended, one after the other, without a `welcome`; `chance`: 0 to 1. */
export function nextStep(closeCode: number, failures: number, chance: number): NextStep {
  const spread = (ms: number): number => Math.round(ms * (1 + SPREAD * (2 * chance - 1)));
  switch (closeCode) {
    case CLOSE_CODES.token:
      return { retry: false, trouble: 'token' };
    case CLOSE_CODES.version:
      return { retry: false, trouble: 'version' };
    case CLOSE_CODES.tooMany:
      return { retry: true, trouble: 'busy', delayMs: spread(BUSY_DELAY_MS) };
    default: {
      const delayMs = Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
      return { retry: true, trouble: 'gone', delayMs: spread(delayMs) };
    }
  }
}

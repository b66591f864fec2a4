/**
 * Who waits until the displays do not read what they showed before. A display that says nothing for hours (its
 * compositor hangs, or shows the window to nobody) is asked once, not once for each flush of those hours.
 */
import { FLUSH_WAIT_MAX_MS } from '../limits.js';

/** Calls back, once, when the scanout's displays are done with what was shown before the call. */
export type AskDisplays = (scanoutId: number, done: () => void) => void;

/** Those who wait for one scanout. */
class Line {
  readonly #ask: (done: () => void) => void;
  #isAsked = false;
  /** Whom the answer is for. */
  #asking = new Set<() => void>();
  /** Who came since: the answer may be of a picture before theirs. */
  #next = new Set<() => void>();

  constructor(ask: (done: () => void) => void) {
    this.#ask = ask;
  }

  add(done: () => void): void {
    this.#next.add(done);
    this.#askNext();
  }

  remove(done: () => void): void {
    this.#asking.delete(done);
    this.#next.delete(done);
  }

  #askNext(): void {
    if (this.#isAsked || this.#next.size === 0) return;
    this.#isAsked = true;
    this.#asking = this.#next;
    this.#next = new Set();
    this.#ask(() => {
      const answered = this.#asking;
      this.#asking = new Set();
      this.#isAsked = false;
      for (const done of answered) done();
      this.#askNext();
    });
  }
}

export class ShownWaits {
  readonly #ask: AskDisplays;
  readonly #lines = new Map<number, Line>();

  constructor(ask: AskDisplays) {
    this.#ask = ask;
  }

  /** Calls `done`, once: when the displays of all of the scanouts are done, or when that takes longer than drivers wait. */
  add(scanoutIds: readonly number[], done: () => void): void {
    const lines = scanoutIds.map((id) => this.#lineOf(id));
    let left = lines.length;
    let timer: NodeJS.Timeout | null = null;
    const end = (): void => {
      left = 0;
      if (timer !== null) clearTimeout(timer);
      for (const line of lines) line.remove(oneDone);
      done();
    };
    const oneDone = (): void => {
      left -= 1;
      if (left === 0) end();
    };
    for (const line of lines) line.add(oneDone);
    if (left > 0) timer = setTimeout(end, FLUSH_WAIT_MAX_MS);
  }

  #lineOf(scanoutId: number): Line {
    let line = this.#lines.get(scanoutId);
    if (line === undefined) {
      line = new Line((done) => this.#ask(scanoutId, done));
      this.#lines.set(scanoutId, line);
    }
    return line;
  }
}

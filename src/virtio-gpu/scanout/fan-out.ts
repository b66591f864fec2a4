/** Hands what the guest shows to several sinks, in their order. */
import type { CursorImage, DisplaySink, Rect, ScanoutSource } from '../display-sink.js';

export class FanOut implements DisplaySink {
  readonly #sinks: readonly DisplaySink[];

  constructor(sinks: readonly DisplaySink[]) {
    this.#sinks = sinks;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    for (const sink of this.#sinks) sink.setScanout(scanoutId, source);
  }

  damage(scanoutId: number, rect: Rect): void {
    for (const sink of this.#sinks) sink.damage(scanoutId, rect);
  }

  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void {
    for (const sink of this.#sinks) sink.setCursor(scanoutId, x, y, image);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    for (const sink of this.#sinks) sink.moveCursor(scanoutId, x, y);
  }

  whenShown(scanoutId: number, done: () => void): void {
    const waiting = this.#sinks.filter((sink) => sink.whenShown !== undefined);
    let left = waiting.length;
    if (left === 0) done();
    for (const sink of waiting) {
      sink.whenShown?.(scanoutId, () => {
        left -= 1;
        if (left === 0) done();
      });
    }
  }
}

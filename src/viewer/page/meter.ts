/** Rates over the last seconds, of what was drawn and received. */

const WINDOW_MS = 2000;

interface Sample {
  readonly atMs: number;
  readonly tiles: number;
  readonly bytes: number;
  readonly drawMs: number;
}

export interface Rates {
  readonly framesPerSecond: number;
  readonly tilesPerSecond: number;
  readonly bytesPerSecond: number;
  /** From a frame's last message until it was drawn, in the mean; null without frames. */
  readonly drawMs: number | null;
}

export class Meter {
  private samples: Sample[] = [];

  add(sample: Sample): void {
    this.samples.push(sample);
    this.forget(sample.atMs);
  }

  rates(nowMs: number): Rates {
    this.forget(nowMs);
    const { samples } = this;
    const perSecond = (value: (sample: Sample) => number): number =>
      (samples.reduce((sum, sample) => sum + value(sample), 0) * 1000) / WINDOW_MS;
    return {
      framesPerSecond: perSecond(() => 1),
      tilesPerSecond: perSecond(({ tiles }) => tiles),
      bytesPerSecond: perSecond(({ bytes }) => bytes),
      drawMs:
        samples.length === 0 ? null : samples.reduce((sum, { drawMs }) => sum + drawMs, 0) / samples.length,
    };
  }

  private forget(nowMs: number): void {
    const first = this.samples.findIndex(({ atMs }) => atMs > nowMs - WINDOW_MS);
    this.samples = first < 0 ? [] : this.samples.slice(first);
  }
}

/** The middle of some numbers and how far they spread. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN throughout when there are no numbers. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** A percentile (a fraction) of sorted nanoseconds, in microseconds; NaN when there are none. */
export function percentileUs(sorted: ArrayLike<number>, fraction: number): number {
  return (sorted[Math.floor((sorted.length - 1) * fraction)] ?? Number.NaN) / 1000;
}

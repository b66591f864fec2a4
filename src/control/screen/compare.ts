/** Comparing pictures of the same size, and showing where they differ. */
import type { Picture } from '../../capture/index.js';

export interface Comparison {
  /** Pixels whose red, green or blue is off by more than the tolerance. */
  readonly differentPixels: number;
  /** The largest difference of any. */
  readonly differenceMax: number;
}

const BYTES_PER_PIXEL = 4;
const ALPHA = 3;

/** How far a pixel is off; 0 where the expected one is transparent. */
function pixelDifference(actual: Uint8Array, expected: Uint8Array, at: number): number {
  if (expected[at + ALPHA] === 0) return 0;
  const red = Math.abs((actual[at] as number) - (expected[at] as number));
  const green = Math.abs((actual[at + 1] as number) - (expected[at + 1] as number));
  const blue = Math.abs((actual[at + 2] as number) - (expected[at + 2] as number));
  return Math.max(red, green, blue);
}

export function compare(actual: Picture, expected: Picture, tolerance: number): Comparison {
  let differentPixels = 0;
  let differenceMax = 0;
  for (let at = 0; at < expected.rgba.length; at += BYTES_PER_PIXEL) {
    const difference = pixelDifference(actual.rgba, expected.rgba, at);
    if (difference > tolerance) differentPixels++;
    if (difference > differenceMax) differenceMax = difference;
  }
  return { differentPixels, differenceMax };
}

/** The actual picture, pale and grey, with what differs in red. */
export function diffPicture(actual: Picture, expected: Picture, tolerance: number): Picture {
  const rgba = new Uint8Array(actual.rgba.length);
  for (let at = 0; at < rgba.length; at += BYTES_PER_PIXEL) {
    const different = pixelDifference(actual.rgba, expected.rgba, at) > tolerance;
    const [red = 0, green = 0, blue = 0] = [actual.rgba[at], actual.rgba[at + 1], actual.rgba[at + 2]];
    const pale = 192 + (red + green + blue) / 12;
    rgba[at] = different ? 255 : pale;
    rgba[at + 1] = different ? 0 : pale;
    rgba[at + 2] = different ? 0 : pale;
    rgba[at + ALPHA] = 255;
  }
  return { width: actual.width, height: actual.height, rgba };
}

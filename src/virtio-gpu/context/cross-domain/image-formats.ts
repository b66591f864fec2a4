/** How images lie in plain memory, for GET_IMAGE_REQUIREMENTS: rows packed, planes one after the other. */

/** One plane: each `bytes` describe a block of `across` by `down` pixels. */
interface Plane {
  readonly bytes: number;
  readonly across: number;
  readonly down: number;
}

export interface ImageLayout {
  /** Bytes from one row to the next, for each plane. */
  readonly strides: readonly number[];
  /** Where each plane starts. */
  readonly offsets: readonly number[];
  /** Bytes of all planes. */
  readonly bytes: number;
}

/** A DRM fourcc code. */
export function fourcc(name: string): number {
  return [...name].reduce((code, char, i) => code | (char.charCodeAt(0) << (8 * i)), 0) >>> 0;
}

const packed = (bytes: number): readonly Plane[] => [{ bytes, across: 1, down: 1 }];

const FORMATS: ReadonlyMap<number, readonly Plane[]> = new Map([
  [fourcc('R8  '), packed(1)],
  [fourcc('RG16'), packed(2)],
  [fourcc('BG24'), packed(3)],
  ...['AR24', 'XR24', 'AB24', 'XB24', 'AR30', 'XR30', 'AB30', 'XB30'].map(
    (name): [number, readonly Plane[]] => [fourcc(name), packed(4)],
  ),
  [fourcc('AB4H'), packed(8)],
  [fourcc('NV12'), [...packed(1), { bytes: 2, across: 2, down: 2 }]],
  [fourcc('YV12'), [...packed(1), { bytes: 1, across: 2, down: 2 }, { bytes: 1, across: 2, down: 2 }]],
]);

/** A format of single bytes stands for a shared memory pool, whose length is its width. */
const POOL_FORMAT = fourcc('R8  ');
/** Widths and heights of images, in pixels. */
const DIMENSION_MAX = 16384;

/** Null for an unknown format, a size of 0, and more than `bytesMax` bytes. */
export function imageLayout(
  format: number,
  width: number,
  height: number,
  bytesMax: number,
): ImageLayout | null {
  const planes = FORMATS.get(format);
  if (planes === undefined || width === 0 || height === 0 || height > DIMENSION_MAX) return null;
  if (width > (format === POOL_FORMAT ? bytesMax : DIMENSION_MAX)) return null;
  const strides: number[] = [];
  const offsets: number[] = [];
  let bytes = 0;
  for (const plane of planes) {
    const stride = plane.bytes * Math.floor(width / plane.across);
    strides.push(stride);
    offsets.push(bytes);
    bytes += stride * Math.floor(height / plane.down);
  }
  return bytes > bytesMax ? null : { strides, offsets, bytes };
}

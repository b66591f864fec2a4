/**
 * Cursor pictures for QEMU, which knows one size only: 64 x 64 pixels of 0xAARRGGBB words.
 *
 * Drivers of virtio-gpu use that size as well, since the specification asks for it. Others are made to fit:
 * smaller ones are padded with transparent pixels; of larger ones the part that is not transparent is cut out
 * when it fits, and otherwise they are scaled down.
 */
import { type Mapping, mapAnonymous } from 'vhost-user-native';
import type { CursorImage } from '../display-sink.js';
import { BYTES_PER_PIXEL, pixelFormat } from '../wire/formats.js';
import { CURSOR_BYTES, CURSOR_SIZE } from './gpu-socket-wire.js';

/** Where the picture's pointing pixel is, in the finished 64 x 64 pixels: 0 to 63. */
export interface HotSpot {
  readonly x: number;
  readonly y: number;
}

/** Pixels of a picture, rows from the top without gaps: the bytes B, G, R, A. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly bgra: Uint8Array;
}

/**
 * Larger pictures are cut to this many pixels each way before anything else: a guest may make one of a
 * gigabyte, and looking at that for one command would hold everything up. 256 is what the largest hardware
 * cursors have; one of those takes about a millisecond here.
 */
export const CURSOR_SOURCE_SIZE_MAX = 256;

const ALPHA = 3;

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(value, max));
}

/** Copies what fits 64 x 64, from (left, top) of the picture on; the rest of `target` becomes transparent. */
function copyPart(target: Uint8Array, source: Pixels, left: number, top: number): void {
  const columns = Math.min(CURSOR_SIZE, source.width - left);
  const rows = Math.min(CURSOR_SIZE, source.height - top);
  // Nearly all cursors: nothing is allocated per row.
  if (source.width === CURSOR_SIZE) {
    const start = top * CURSOR_SIZE * BYTES_PER_PIXEL;
    const bytes = rows * CURSOR_SIZE * BYTES_PER_PIXEL;
    target.set(source.bgra.subarray(start, start + bytes));
    target.fill(0, bytes);
    return;
  }
  target.fill(0);
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * source.width + left) * BYTES_PER_PIXEL;
    const pixels = source.bgra.subarray(start, start + columns * BYTES_PER_PIXEL);
    target.set(pixels, row * CURSOR_SIZE * BYTES_PER_PIXEL);
  }
}

/** Where to cut 64 x 64 out without losing a visible pixel or the hot spot; null when they don't fit. */
function findCrop(source: Pixels, hotX: number, hotY: number): { left: number; top: number } | null {
  let left = hotX;
  let top = hotY;
  let right = hotX;
  let bottom = hotY;
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x++) {
      if (source.bgra[(y * source.width + x) * BYTES_PER_PIXEL + ALPHA] === 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
  }
  if (right - left >= CURSOR_SIZE || bottom - top >= CURSOR_SIZE) return null;
  // No further than needed: a picture in the top left corner stays as it is.
  return { left: right < CURSOR_SIZE ? 0 : left, top: bottom < CURSOR_SIZE ? 0 : top };
}

/**
 * The average of the source's columns [x0, x1) and rows [y0, y1), which need not be whole numbers. The colours
 * are premultiplied with alpha, as Linux's cursors are: so all four bytes are averaged alike, transparent
 * pixels add nothing to the colour, and no colour comes out above its alpha.
 */
function averageInto(
  target: Uint8Array,
  at: number,
  source: Pixels,
  x0: number,
  x1: number,
  y0: number,
  y1: number,
): void {
  const { bgra } = source;
  let b = 0;
  let g = 0;
  let r = 0;
  let a = 0;
  for (let y = Math.floor(y0); y < y1; y++) {
    const rowWeight = Math.min(y + 1, y1) - Math.max(y, y0);
    for (let x = Math.floor(x0); x < x1; x++) {
      const weight = rowWeight * (Math.min(x + 1, x1) - Math.max(x, x0));
      const pixel = (y * source.width + x) * BYTES_PER_PIXEL;
      b += weight * (bgra[pixel] ?? 0);
      g += weight * (bgra[pixel + 1] ?? 0);
      r += weight * (bgra[pixel + 2] ?? 0);
      a += weight * (bgra[pixel + ALPHA] ?? 0);
    }
  }
  const total = (x1 - x0) * (y1 - y0);
  target[at] = Math.round(b / total);
  target[at + 1] = Math.round(g / total);
  target[at + 2] = Math.round(r / total);
  target[at + ALPHA] = Math.round(a / total);
}

/** Scales the picture down until both sides fit, keeping its shape; the rest becomes transparent. */
function scaleDown(target: Uint8Array, source: Pixels, scale: number): void {
  target.fill(0);
  const width = Math.max(1, Math.min(CURSOR_SIZE, Math.round(source.width / scale)));
  const height = Math.max(1, Math.min(CURSOR_SIZE, Math.round(source.height / scale)));
  const stepX = source.width / width;
  const stepY = source.height / height;
  for (let y = 0; y < height; y++) {
    const y1 = Math.min((y + 1) * stepY, source.height);
    for (let x = 0; x < width; x++) {
      const x1 = Math.min((x + 1) * stepX, source.width);
      const at = (y * CURSOR_SIZE + x) * BYTES_PER_PIXEL;
      averageInto(target, at, source, x * stepX, x1, y * stepY, y1);
    }
  }
}

/** Draws cursors. Holds memory for the pixels on their way: 256 KiB at most, made on first use. */
export class CursorPainter {
  private staging: Mapping | null = null;
  private window = new Uint8Array(0);

  /**
   * Writes the picture into `target`, 64 * 64 * 4 bytes, each pixel a little-endian 0xAARRGGBB word; returns
   * where its hot spot is there. A hot spot outside the picture is moved to its edge. Throws when the buffer's
   * memory is closed or does not hold what the buffer says.
   */
  draw(target: Uint8Array, image: CursorImage): HotSpot {
    if (target.length !== CURSOR_BYTES) throw new RangeError(`a cursor has ${CURSOR_BYTES} bytes`);
    const source = this.readPixels(image);
    const hotX = clamp(image.hotX, source.width - 1);
    const hotY = clamp(image.hotY, source.height - 1);
    const crop =
      source.width <= CURSOR_SIZE && source.height <= CURSOR_SIZE
        ? { left: 0, top: 0 }
        : findCrop(source, hotX, hotY);
    if (crop !== null) {
      copyPart(target, source, crop.left, crop.top);
      return { x: hotX - crop.left, y: hotY - crop.top };
    }
    const scale = Math.max(source.width, source.height) / CURSOR_SIZE;
    scaleDown(target, source, scale);
    return {
      x: clamp(Math.floor(hotX / scale), CURSOR_SIZE - 1),
      y: clamp(Math.floor(hotY / scale), CURSOR_SIZE - 1),
    };
  }

  /** Gives the memory back. It is made again when it is needed. */
  close(): void {
    this.staging?.close();
    this.staging = null;
  }

  /**
   * The top left of the picture as B, G, R, A. The fourth byte is alpha in X formats, too: Linux makes each dumb
   * buffer B8G8R8X8, those of cursors among them, and draws ARGB8888 into it. Valid until the next call.
   */
  private readPixels({ buffer }: CursorImage): Pixels {
    const width = Math.min(buffer.width, CURSOR_SOURCE_SIZE_MAX);
    const height = Math.min(buffer.height, CURSOR_SOURCE_SIZE_MAX);
    const rowBytes = width * BYTES_PER_PIXEL;
    const staging = this.reserve(rowBytes * height);
    staging.convertPixels(
      0,
      rowBytes,
      buffer.memory,
      buffer.offsetBytes,
      buffer.strideBytes,
      width,
      height,
      pixelFormat(buffer.format).swizzle,
      0,
    );
    return { width, height, bgra: this.window };
  }

  private reserve(bytes: number): Mapping {
    let { staging } = this;
    if (staging === null || staging.length < bytes) {
      staging?.close();
      staging = mapAnonymous(Math.max(bytes, CURSOR_BYTES));
      this.staging = staging;
      this.window = new Uint8Array(staging.window(0, staging.length));
    }
    return staging;
  }
}

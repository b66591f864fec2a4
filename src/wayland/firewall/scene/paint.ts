/**
 * Puts a picture together: layers over opaque black, the nearest pixel of each (of the root every one, since the picture
 * has as many). Alpha is premultiplied, as everywhere in Wayland.
 */
import type { Box } from '../border/geometry.js';
import type { BufferContent, Size } from './buffer.js';
import { axesOf, sourceOf } from './coordinates.js';
import { type Layer, overlap } from './layers.js';
import { pixelFormat } from './pixels.js';

export interface PaintedPicture extends Size {
  /** `width * height * 4` bytes, red, green, blue, 255; rows from the top. */
  readonly rgba: Uint8Array;
}

/** How logical pixels become those of the picture. */
export interface Scaling {
  readonly density: number;
  /** Where the picture begins, in its own pixels from the root's left upper corner. */
  readonly x: number;
  readonly y: number;
}

const OPAQUE_BLACK = 0xff000000;
/** Two of the four channels. */
const EVEN_BYTES = 0x00ff00ff;
/** A half in each of them. */
const HALVES = 0x00800080;

/** In pixels of the picture. */
export function placeOf(box: Box, { x, y, density }: Scaling): Box {
  const left = Math.round(box.x * density);
  const top = Math.round(box.y * density);
  const width = Math.round((box.x + box.width) * density) - left;
  const height = Math.round((box.y + box.height) * density) - top;
  return { x: left - x, y: top - y, width, height };
}

/** Why a buffer can't be read; null where it can. */
export function unreadable(buffer: BufferContent): string | null {
  if (buffer.kind === 'dmabuf') return "it is shown from the guest's own memory (a dma-buf)";
  if (buffer.kind === 'color' || pixelFormat(buffer.format) !== null) return null;
  return `pixels of format 0x${buffer.format.toString(16)} can't be read`;
}

/** A part of the picture, in its pixels. The layers come from the bottom, and all can be read. */
export function paint(
  layers: readonly Layer[],
  scaling: Scaling,
  part: Box,
  region: DataView,
): PaintedPicture {
  const { width, height } = part;
  const pixels = new Uint32Array(width * height).fill(OPAQUE_BLACK);
  for (const layer of layers) paintLayer(layer, placeOf(layer, scaling), part, region, pixels);
  return { width, height, rgba: new Uint8Array(pixels.buffer) };
}

function paintLayer(layer: Layer, place: Box, part: Box, region: DataView, pixels: Uint32Array): void {
  const seen = overlap(place, part);
  const { buffer, state } = layer;
  if (seen === null || buffer.kind === 'dmabuf') return;
  const row = new Uint32Array(seen.width);
  const format = buffer.kind === 'region' ? pixelFormat(buffer.format) : null;
  const draw = format?.opaque === true && state.opacity === 1 ? copyRow : blendRow;
  const start = (seen.y - part.y) * part.width + seen.x - part.x;
  if (buffer.kind === 'color' || format === null) {
    if (buffer.kind === 'color') row.fill(faded(buffer.rgba, state.opacity));
    for (let y = 0; y < seen.height; y++) draw(row, pixels, start + y * part.width);
    return;
  }
  const { columns, rows } = offsetsIn(layer, place, seen, buffer.stride, format.bytes);
  for (let y = 0; y < seen.height; y++) {
    format.read(region, buffer.offset + (rows[y] as number), columns, row);
    if (state.opacity !== 1) fadeRow(row, state.opacity);
    draw(row, pixels, start + y * part.width);
  }
}

/** Where the pixels that are seen lie: bytes from the buffer's start to those of a row, and of a column. */
function offsetsIn(
  { state, buffer }: Layer,
  place: Box,
  seen: Box,
  strideBytes: number,
  pixelBytes: number,
): { columns: Int32Array; rows: Int32Array } {
  const { swapped, xReversed, yReversed } = axesOf(state.transform);
  const source = sourceOf(state, buffer);
  const { width, height } = buffer;
  const inX = { pixels: width, step: pixelBytes };
  const inY = { pixels: height, step: strideBytes };
  const across = {
    first: seen.x - place.x,
    count: seen.width,
    start: source.x,
    factor: source.width / place.width,
    reversed: xReversed,
    ...(swapped ? inY : inX),
  };
  const down = {
    first: seen.y - place.y,
    count: seen.height,
    start: source.y,
    factor: source.height / place.height,
    reversed: yReversed,
    ...(swapped ? inX : inY),
  };
  return { columns: offsetsAlong(across), rows: offsetsAlong(down) };
}

/** One axis of the picture, in a buffer that has so many pixels along it, each so many bytes after the other. */
interface Axis {
  readonly first: number;
  readonly count: number;
  /** The buffer's pixel where the surface begins, and how many of them one of the picture's is. */
  readonly start: number;
  readonly factor: number;
  readonly reversed: boolean;
  readonly pixels: number;
  readonly step: number;
}

function offsetsAlong({ first, count, start, factor, reversed, pixels, step }: Axis): Int32Array {
  const offsets = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const middle = start + (first + i + 0.5) * factor;
    const index = Math.floor(reversed ? pixels - middle : middle);
    offsets[i] = Math.min(Math.max(index, 0), pixels - 1) * step;
  }
  return offsets;
}

function copyRow(row: Uint32Array, pixels: Uint32Array, start: number): void {
  pixels.set(row, start);
}

/** What is seen stays opaque. A guest's channels may be larger than its alpha: they end at 255. */
function blendRow(row: Uint32Array, pixels: Uint32Array, start: number): void {
  for (let i = 0; i < row.length; i++) {
    const above = row[i] as number;
    const alpha = above >>> 24;
    if (alpha === 255) pixels[start + i] = above;
    else if (above !== 0) pixels[start + i] = over(above, 255 - alpha, pixels[start + i] as number);
  }
}

/** `above + below * share / 255`, rounded, by channel; opaque. */
function over(above: number, share: number, below: number): number {
  const redBlue = addChannels(above & EVEN_BYTES, scaleChannels(below & EVEN_BYTES, share));
  const green = addChannels((above >>> 8) & 0xff, scaleChannels((below >>> 8) & 0xff, share));
  return redBlue | (green << 8) | OPAQUE_BLACK;
}

/** Two channels, 16 bits apart, times share / 255: rounded as pixman does. */
function scaleChannels(channels: number, share: number): number {
  const product = channels * share + HALVES;
  return ((product + ((product >>> 8) & EVEN_BYTES)) >>> 8) & EVEN_BYTES;
}

function addChannels(a: number, b: number): number {
  const sum = a + b;
  const carries = (sum >>> 8) & 0x00010001;
  return (sum | (carries * 255)) & EVEN_BYTES;
}

/** A premultiplied pixel, `opacity` of it. */
function faded(pixel: number, opacity: number): number {
  const share = Math.round(opacity * 255);
  return scaleChannels(pixel & EVEN_BYTES, share) | (scaleChannels((pixel >>> 8) & EVEN_BYTES, share) << 8);
}

function fadeRow(row: Uint32Array, opacity: number): void {
  for (let i = 0; i < row.length; i++) row[i] = faded(row[i] as number, opacity);
}

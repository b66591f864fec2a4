/**
 * PNG decoding of pictures that somebody sends: 8 bits a channel, grey, RGB or RGBA, not interlaced. Everything that
 * the file says of itself is checked before memory is taken for it.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32, inflate } from 'node:zlib';
import type { Picture } from './frame-capture.js';
import { PNG_SIGNATURE } from './png.js';

/** The bytes are no PNG, or none that is understood here. */
export class PngError extends Error {
  override readonly name = 'PngError';
}

/** Channels by color type. */
const CHANNELS: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [6, 4],
]);
const HEADER_BYTES = 13;
const CHUNK_OVERHEAD = 12;
const DIMENSION_MAX = 16384;
/** Rows that are decoded before others have their turn. */
const ROWS_AT_ONCE = 64;

const inflated = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate);

interface Header {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

function readHeader(body: Buffer, pixelsMax: number): Header {
  if (body.length !== HEADER_BYTES) throw new PngError('IHDR has the wrong length');
  const [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  const [depth, colorType = -1, , , interlace] = body.subarray(8);
  const channels = CHANNELS.get(colorType);
  if (depth !== 8 || channels === undefined || interlace !== 0) {
    throw new PngError(
      `${depth} bits, color type ${colorType}, interlace ${interlace}: 8-bit grey, RGB or RGBA only`,
    );
  }
  const fits = (size: number): boolean => size >= 1 && size <= DIMENSION_MAX;
  if (!fits(width) || !fits(height) || width * height > pixelsMax) {
    throw new PngError(`a picture of ${width} x ${height} pixels: too large, or none`);
  }
  return { width, height, channels };
}

/** Header and compressed rows. */
function readChunks(png: Buffer, pixelsMax: number): { header: Header; data: Uint8Array } {
  if (!png.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) throw new PngError('not a PNG file');
  let header: Header | null = null;
  const data: Buffer[] = [];
  for (let at = PNG_SIGNATURE.length; at + CHUNK_OVERHEAD <= png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (end + 4 > png.length) throw new PngError(`${type} is cut off`);
    if (crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) throw new PngError(`${type} is damaged`);
    const body = png.subarray(at + 8, end);
    if (type === 'IHDR') header = readHeader(body, pixelsMax);
    else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND') break;
    at = end + 4;
  }
  if (header === null || data.length === 0) throw new PngError('no picture in the file');
  return { header, data: Buffer.concat(data) };
}

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** What the bytes of a row were predicted from: their neighbours to the left, above, and in the corner between. */
const PREDICTORS: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, above) => above,
  (left, above) => (left + above) >> 1,
  paeth,
];

/** Undoes the filter of one row in place (W3C PNG, 9.2); `above` is the finished row before, zeroes for the first. */
function unfilterRow(filter: number, row: Uint8Array, above: Uint8Array, channels: number): void {
  const predict = PREDICTORS[filter];
  if (predict === undefined) throw new PngError(`filter ${filter}`);
  if (filter === 0) return;
  for (let i = 0; i < channels; i++) row[i] = (row[i] as number) + predict(0, above[i] as number, 0);
  for (let i = channels; i < row.length; i++) {
    const left = row[i - channels] as number;
    row[i] = (row[i] as number) + predict(left, above[i] as number, above[i - channels] as number);
  }
}

/** Spreads one row of 1, 3 or 4 channels to R, G, B, A. */
function toRgba(row: Uint8Array, rgba: Uint8Array, offset: number, channels: number): void {
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let at = 0, to = offset; at < row.length; at += channels, to += 4) {
    rgba[to] = row[at] as number;
    rgba[to + 1] = row[at + green] as number;
    rgba[to + 2] = row[at + blue] as number;
    rgba[to + 3] = channels === 4 ? (row[at + 3] as number) : 255;
  }
}

/**
 * Decodes a PNG of at most that many pixels.
 * @throws PngError (rejects) for what is none, or is too large
 */
export async function decodePng(file: Uint8Array, pixelsMax: number): Promise<Picture> {
  const { header, data } = readChunks(Buffer.from(file.buffer, file.byteOffset, file.length), pixelsMax);
  const { width, height, channels } = header;
  const rowBytes = width * channels;
  const expected = (rowBytes + 1) * height;
  const rows = await inflated(data, { maxOutputLength: expected }).catch((error: unknown) => {
    throw new PngError(`its data can't be unpacked: ${(error as Error).message}`);
  });
  if (rows.length !== expected) throw new PngError(`${rows.length} bytes for ${width} x ${height} pixels`);
  const rgba = new Uint8Array(width * height * 4);
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1);
    const row = rows.subarray(at + 1, at + 1 + rowBytes);
    unfilterRow(rows[at] as number, row, above, channels);
    toRgba(row, rgba, y * width * 4, channels);
    above = row;
    if (y % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await othersTurn();
  }
  return { width, height, rgba };
}

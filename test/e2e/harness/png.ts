/** Reads PNG files, as far as screenshots need it: 8 bits a channel, RGB or RGBA, not interlaced. */
import { inflateSync } from 'node:zlib';
import type { RgbPicture } from './picture.js';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const COLOR_TYPE_RGB = 2;
const COLOR_TYPE_RGBA = 6;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** The picture without its alpha channel. Throws when the file is cut short or of another kind. */
export function decodePng(file: Uint8Array): RgbPicture {
  const data = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!data.subarray(0, 8).equals(SIGNATURE)) throw new Error('not a PNG');
  let header: Header | null = null;
  const packed: Buffer[] = [];
  for (let at = 8; ; ) {
    const length = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const body = data.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = readHeader(body);
    if (type === 'IDAT') packed.push(body);
    if (type === 'IEND') break;
    at += length + 12;
  }
  if (header === null) throw new Error('a PNG without a header');
  const { width, height, channels } = header;
  const rows = unfilter(inflateSync(Buffer.concat(packed)), width * channels, height, channels);
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb.set(rows.subarray(from, from + 3), to);
  }
  return { width, height, rgb };
}

function readHeader(body: Buffer): Header {
  const [depth, colorType, interlace] = [body[8], body[9], body[12]];
  if (depth !== 8 || interlace !== 0 || (colorType !== COLOR_TYPE_RGB && colorType !== COLOR_TYPE_RGBA)) {
    throw new Error(`a PNG of ${depth} bits, color type ${colorType}, interlace ${interlace}`);
  }
  const channels = colorType === COLOR_TYPE_RGB ? 3 : 4;
  return { width: body.readUInt32BE(0), height: body.readUInt32BE(4), channels };
}

/** Undoes the filters of the rows (PNG specification, chapter 9): each row is preceded by its filter's number. */
function unfilter(data: Buffer, rowBytes: number, height: number, pixelBytes: number): Uint8Array {
  const rows = new Uint8Array(rowBytes * height);
  for (let y = 0; y < height; y++) {
    const from = y * (rowBytes + 1);
    const to = y * rowBytes;
    const predict = predictor(data[from] as number);
    for (let x = 0; x < rowBytes; x++) {
      const left = x >= pixelBytes ? (rows[to + x - pixelBytes] as number) : 0;
      const above = y > 0 ? (rows[to + x - rowBytes] as number) : 0;
      const corner = x >= pixelBytes && y > 0 ? (rows[to + x - rowBytes - pixelBytes] as number) : 0;
      rows[to + x] = (data[from + 1 + x] as number) + predict(left, above, corner);
    }
  }
  return rows;
}

function predictor(filter: number): (left: number, above: number, corner: number) => number {
  switch (filter) {
    case 0:
      return () => 0;
    case 1:
      return (left) => left;
    case 2:
      return (_left, above) => above;
    case 3:
      return (left, above) => (left + above) >> 1;
    case 4:
      return paeth;
    default:
      throw new Error(`PNG filter ${filter}`);
  }
}

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

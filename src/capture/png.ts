/**
 * PNG encoding (RFC 2083 / W3C PNG, third edition): 8-bit RGBA, not interlaced, "Up" filter.
 *
 * Our own lines over node:zlib: pure JavaScript encoders take several times as long, and the native one would be the
 * heaviest dependency of the project.
 */
import { crc32, createDeflate, deflateSync } from 'node:zlib';

export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
export const COLOR_TYPE_RGBA = 6;
const FILTER_UP = 2;
const BYTES_PER_PIXEL = 4;
/** Of each byte of a word. */
const HIGH_BITS = 0x8080_8080 | 0;
/** Pictures of screens are flat: higher levels take several times as long for little. */
const DEFLATE_OPTIONS = { level: 1 };
/** Bytes that are filtered before others have their turn: less than a millisecond. */
const BAND_BYTES = 256 * 1024;

/** A chunk: length, type (four letters), data, checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** The IHDR chunk of the pictures that are made here. */
export function imageHeader(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits per channel
  header[9] = COLOR_TYPE_RGBA;
  return pngChunk('IHDR', header);
}

function checkSizes(width: number, height: number, rgba: Uint8Array): void {
  if (!(width > 0 && height > 0) || rgba.length !== width * BYTES_PER_PIXEL * height) {
    throw new RangeError(`${rgba.length} bytes are not a picture of ${width} x ${height}`);
  }
}

/** The pixels as words, of a copy where they do not lie as words do. */
function wordsOf(rgba: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } =
    rgba.byteOffset % BYTES_PER_PIXEL === 0 ? rgba : new Uint8Array(rgba);
  return new Int32Array(buffer, byteOffset, length / BYTES_PER_PIXEL);
}

/** The difference of two rows of `line.length` pixels: four bytes at a time, without borrows between them. */
function subtractRow(pixels: Int32Array, row: number, above: number, line: Int32Array): void {
  for (let i = 0; i < line.length; i++) {
    const a = pixels[row + i] as number;
    const b = pixels[above + i] as number;
    line[i] = ((a | HIGH_BITS) - (b & ~HIGH_BITS)) ^ ((a ^ ~b) & HIGH_BITS);
  }
}

/** Rows [first, end), each preceded by its filter and as the difference to the row above. */
function filterRows(pixels: Int32Array, width: number, first: number, end: number): Uint8Array {
  const rowBytes = width * BYTES_PER_PIXEL;
  const filtered = new Uint8Array((rowBytes + 1) * (end - first));
  const line = new Int32Array(width);
  const lineBytes = new Uint8Array(line.buffer);
  for (let y = first; y < end; y++) {
    // (Above the first row there are zeroes.)
    if (y === 0) line.set(pixels.subarray(0, width));
    else subtractRow(pixels, y * width, (y - 1) * width, line);
    const to = (y - first) * (rowBytes + 1);
    filtered[to] = FILTER_UP;
    filtered.set(lineBytes, to + 1);
  }
  return filtered;
}

function assemble(width: number, height: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([
    PNG_SIGNATURE,
    imageHeader(width, height),
    pngChunk('IDAT', data),
    pngChunk('IEND', new Uint8Array()),
  ]);
}

/**
 * Encodes a picture.
 * @param width pixels, 1..2^31 - 1
 * @param height pixels, 1..2^31 - 1
 * @param rgba `width * height * 4` bytes: red, green, blue, alpha (not premultiplied), rows from the top
 * @throws RangeError when the sizes do not agree
 */
export function encodePng(width: number, height: number, rgba: Uint8Array): Uint8Array {
  checkSizes(width, height, rgba);
  const rows = filterRows(wordsOf(rgba), width, 0, height);
  return assemble(width, height, deflateSync(rows, DEFLATE_OPTIONS));
}

/**
 * The content of a picture's IDAT chunk, made piece by piece: the event loop goes on in between, and the compression is
 * another thread's. `rgba` must stay as it is meanwhile.
 */
export async function deflatePicture(width: number, height: number, rgba: Uint8Array): Promise<Uint8Array> {
  checkSizes(width, height, rgba);
  const pixels = wordsOf(rgba);
  const bandRows = Math.max(1, Math.floor(BAND_BYTES / (width * BYTES_PER_PIXEL)));
  const deflate = createDeflate(DEFLATE_OPTIONS);
  const pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  const written = (band: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      deflate.write(band, (error) => (error ? reject(error) : resolve()));
    });
  for (let y = 0; y < height; y += bandRows) {
    await written(filterRows(pixels, width, y, Math.min(height, y + bandRows)));
  }
  await new Promise<void>((resolve, reject) => {
    deflate.once('end', resolve).once('error', reject).end();
  });
  return Buffer.concat(pieces);
}

/** As `encodePng`, without keeping the event loop. */
export async function encodePngInPieces(
  width: number,
  height: number,
  rgba: Uint8Array,
): Promise<Uint8Array> {
  return assemble(width, height, await deflatePicture(width, height, rgba));
}

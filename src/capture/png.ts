/**
 * PNG encoding (RFC 2083 / W3C PNG, third edition): 8-bit RGBA, not interlaced, "Up" filter.
 *
 * Our own forty lines over node:zlib: pure JavaScript encoders take several times as long, and the native one
 * would be the heaviest dependency of the project.
 */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const FILTER_UP = 2;
const COLOR_TYPE_RGBA = 6;
const BYTES_PER_PIXEL = 4;

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/**
 * Encodes a picture.
 * @param width pixels, 1..2^31 - 1
 * @param height pixels, 1..2^31 - 1
 * @param rgba `width * height * 4` bytes: red, green, blue, alpha (not premultiplied), rows from the top
 * @throws RangeError when the sizes do not agree
 */
export function encodePng(width: number, height: number, rgba: Uint8Array): Uint8Array {
  const rowBytes = width * BYTES_PER_PIXEL;
  if (!(width > 0 && height > 0) || rgba.length !== rowBytes * height) {
    throw new RangeError(`${rgba.length} bytes are not a picture of ${width} x ${height}`);
  }
  const filtered = new Uint8Array((rowBytes + 1) * height);
  for (let y = 0; y < height; y++) {
    const from = y * rowBytes;
    const to = y * (rowBytes + 1);
    filtered[to] = FILTER_UP;
    for (let i = 0; i < rowBytes; i++) {
      const above = y === 0 ? 0 : (rgba[from - rowBytes + i] as number);
      filtered[to + 1 + i] = (rgba[from + i] as number) - above;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits per channel
  header[9] = COLOR_TYPE_RGBA;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filtered, { level: 1 })),
    chunk('IEND', new Uint8Array()),
  ]);
}

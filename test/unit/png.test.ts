import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { encodePng } from '../../src/capture/png.js';

/** Decodes what the encoder may produce: 8-bit RGBA, filter Up in each row. */
function decode(png: Uint8Array): { width: number; height: number; rgba: Uint8Array } {
  const data = Buffer.from(png);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < data.length; ) {
    const length = data.readUInt32BE(at);
    const body = data.subarray(at + 8, at + 8 + length);
    const type = data.toString('latin1', at + 4, at + 8);
    if (crc32(data.subarray(at + 4, at + 8 + length)) !== data.readUInt32BE(at + 8 + length)) {
      throw new Error(`bad checksum in ${type}`);
    }
    chunks.set(type, body);
    at += 12 + length;
  }
  const header = chunks.get('IHDR') as Buffer;
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const raw = inflateSync(chunks.get('IDAT') as Buffer);
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < width * 4; i++) {
      const above = y === 0 ? 0 : (rgba[(y - 1) * width * 4 + i] as number);
      rgba[y * width * 4 + i] = (raw[y * (width * 4 + 1) + 1 + i] as number) + above;
    }
  }
  return { width, height, rgba };
}

t.test('a picture survives encoding and decoding', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 17 }),
        fc.integer({ min: 1, max: 17 }),
        fc.infiniteStream(fc.nat(255)),
        (width, height, values) => {
          const rgba = Uint8Array.from({ length: width * height * 4 }, () => values.next().value as number);
          const back = decode(encodePng(width, height, rgba));
          return (
            back.width === width && back.height === height && Buffer.from(back.rgba).equals(Buffer.from(rgba))
          );
        },
      ),
    ),
  );
});

t.test('the signature and the header are the standard ones', async (t) => {
  const png = Buffer.from(encodePng(2, 3, new Uint8Array(24)));
  t.equal(png.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
  t.equal(png.subarray(12, 29).toString('hex'), '4948445200000002000000030806000000');
});

t.test('sizes that do not agree are refused', async (t) => {
  t.throws(() => encodePng(2, 2, new Uint8Array(15)), RangeError);
  t.throws(() => encodePng(0, 2, new Uint8Array(0)), RangeError);
});

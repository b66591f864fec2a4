import { crc32, deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import {
  decodePng,
  encodePng,
  encodePngInPieces,
  PNG_SIGNATURE,
  PngError,
  pngChunk,
} from '../../src/capture/index.js';

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

t.test('wherever the pixels lie in memory', async (t) => {
  const memory = Uint8Array.from({ length: 3 * 5 * 4 + 4 }, (_, i) => (i * 37) & 255);
  for (const offset of [0, 1, 2, 3, 4]) {
    const rgba = memory.subarray(offset, offset + 3 * 5 * 4);
    const png = await encodePngInPieces(3, 5, rgba);
    t.same(decode(png), { width: 3, height: 5, rgba: Uint8Array.from(rgba) });
    t.same(decode(encodePng(3, 5, rgba)), decode(png));
  }
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

/** A picture that has all kinds of neighbours. */
function noise(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * 31 + (i >> 5) * 17) & 255);
}

t.test('encoded in pieces it is the same picture', async (t) => {
  // Wider than a piece, and of several pieces.
  for (const [width, height] of [
    [70_000, 2],
    [300, 700],
    [1, 1],
  ] as const) {
    const rgba = noise(width, height);
    const png = await encodePngInPieces(width, height, rgba);
    t.same(decode(png), { width, height, rgba });
  }
  await t.rejects(encodePngInPieces(2, 2, new Uint8Array(15)), RangeError);
});

const PIXELS_MAX = 1 << 20;

/** A PNG of rows that were filtered elsewhere. */
function pngOf(ihdr: readonly number[], rows: Uint8Array): Uint8Array {
  const idat = pngChunk('IDAT', deflateSync(rows));
  const end = pngChunk('IEND', new Uint8Array());
  return Buffer.concat([PNG_SIGNATURE, pngChunk('IHDR', Uint8Array.from(ihdr)), idat, end]);
}

t.test('decoding: our own', async (t) => {
  const rgba = noise(300, 200);
  const picture = { width: 300, height: 200, rgba };
  t.same(await decodePng(encodePng(300, 200, rgba), PIXELS_MAX), picture);
});

t.test('decoding: every filter, and every kind of picture', async (t) => {
  const size = [0, 0, 0, 2, 0, 0, 0, 5, 8];
  const rows = [0, 1, 2, 3, 4].flatMap((filter) => [filter, 10, 20, 30, 40, 50, 60]);
  const picture = await decodePng(pngOf([...size, 2, 0, 0, 0], Uint8Array.from(rows)), PIXELS_MAX);
  const colors = Array.from({ length: 10 }, (_, i) => [...picture.rgba.subarray(i * 4, i * 4 + 3)]);
  t.same(colors, [
    ...[
      [10, 20, 30],
      [40, 50, 60],
    ], // as it is
    ...[
      [10, 20, 30],
      [50, 70, 90],
    ], // to the left
    ...[
      [20, 40, 60],
      [90, 120, 150],
    ], // above
    ...[
      [20, 40, 60],
      [95, 130, 165],
    ], // the mean of both
    ...[
      [30, 60, 90],
      [135, 180, 225],
    ], // Paeth
  ]);
  const grey = await decodePng(
    pngOf([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0], Uint8Array.of(0, 7)),
    PIXELS_MAX,
  );
  t.same(grey.rgba, Uint8Array.of(7, 7, 7, 255));
});

t.test('decoding: what is no PNG, or a bad one, or a bomb', async (t) => {
  const good = Buffer.from(encodePng(4, 4, noise(4, 4)));
  const header = (...bytes: number[]) => pngOf(bytes, new Uint8Array(68));
  const bad: readonly [string, Uint8Array][] = [
    ['nothing', new Uint8Array()],
    ['another file', Buffer.from('GIF89a')],
    ['a signature only', good.subarray(0, 8)],
    ['the data is cut off', good.subarray(0, good.length - 20)],
    ['a flipped bit', Buffer.from(good).fill((good[45] as number) ^ 1, 45, 46)],
    ['16 bits', header(0, 0, 0, 4, 0, 0, 0, 4, 16, 6, 0, 0, 0)],
    ['a palette', header(0, 0, 0, 4, 0, 0, 0, 4, 8, 3, 0, 0, 0)],
    ['interlaced', header(0, 0, 0, 4, 0, 0, 0, 4, 8, 6, 0, 0, 1)],
    ['no pixels', header(0, 0, 0, 0, 0, 0, 0, 4, 8, 6, 0, 0, 0)],
    ['huge', header(0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 8, 6, 0, 0, 0)],
    ['a short header', header(0, 0, 0, 4)],
    ['too few rows', header(0, 0, 0, 4, 0, 0, 0, 5, 8, 6, 0, 0, 0)],
    ['too many rows: a bomb', pngOf([0, 0, 0, 4, 0, 0, 0, 4, 8, 6, 0, 0, 0], new Uint8Array(1 << 24))],
    ['a filter that is none', pngOf([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0], Uint8Array.of(5, 0))],
  ];
  for (const [name, file] of bad) await t.rejects(decodePng(file, PIXELS_MAX), PngError, name);
  await t.rejects(decodePng(good, 15), PngError, 'more pixels than wanted');
});

t.test('decoding: whatever the bytes are, a picture or a PngError', async (t) => {
  const good = Buffer.from(encodePng(4, 4, noise(4, 4)));
  const mutations = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(mutations, async (changes) => {
      const file = Buffer.from(good);
      for (const [at, value] of changes) file[at] = value;
      await decodePng(file, PIXELS_MAX).catch((error: unknown) => {
        if (!(error instanceof PngError)) throw error;
      });
    }),
  );
  t.pass('no other error');
});

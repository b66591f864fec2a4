/** Animated PNGs, pictures that differ, cursors that are drawn into them, keys for text. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import type { Picture } from '../../src/capture/index.js';
import { keyCode } from '../../src/control/input/key-names.js';
import { strokesOf } from '../../src/control/input/us-layout.js';
import { Animation, delayOf } from '../../src/control/recording/apng.js';
import { compare, diffPicture } from '../../src/control/screen/compare.js';
import { drawCursor } from '../../src/control/screen/cursor.js';
import { regionIn, touches } from '../../src/control/screen/region.js';
import { playAnimation } from './apng-player.js';

function plain(width: number, height: number, ...color: readonly number[]): Picture {
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => color[i % 4] as number);
  return { width, height, rgba };
}

/** Compressed rows, without filters. */
function rowsOf({ width, height, rgba }: Picture): Uint8Array {
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...rgba.subarray(y * width * 4, (y + 1) * width * 4),
  ]);
  return deflateSync(Uint8Array.from(rows.flat()));
}

t.test('delays: as exact as 16 bits allow', async (t) => {
  t.same(delayOf(0), [0, 1000]);
  t.same(delayOf(65_535), [65_535, 1000]);
  t.same(delayOf(65_536), [6554, 100]);
  t.same(delayOf(3_600_000), [36_000, 10]);
  t.same(delayOf(1e12), [65_535, 1]);
  fc.assert(
    fc.property(fc.nat(65_535_000), (ms) => {
      const [numerator, denominator] = delayOf(ms);
      return Math.abs(numerator / denominator - ms / 1000) <= 0.5 / denominator + 1e-9;
    }),
  );
});

t.test('an animation: what is played is what was added', async (t) => {
  const animation = new Animation();
  const [red, blue] = [plain(4, 2, 255, 0, 0, 255), plain(1, 1, 0, 0, 255, 255)];
  animation.add({ x: 0, y: 0, width: 4, height: 2 }, rowsOf(red), 0);
  animation.add({ x: 3, y: 1, width: 1, height: 1 }, rowsOf(blue), 1500);
  t.same(animation.extent, { width: 4, height: 2 });
  const file = Buffer.concat(animation.file(rowsOf(red), 1750));
  const { width, height, plays, frames } = playAnimation(file);
  t.same({ width, height, plays }, { width: 4, height: 2, plays: 1 });
  t.same(
    frames.map(({ delay }) => delay),
    [1.5, 0.25],
  );
  t.same(frames[0]?.canvas, red.rgba);
  t.same(frames[1]?.canvas.subarray(28), blue.rgba);
  t.ok(animation.bytes > 0 && animation.bytes < file.length);
});

t.test('comparing pictures', async (t) => {
  const [grey, lighter] = [plain(2, 1, 10, 20, 30, 255), plain(2, 1, 12, 20, 25, 255)];
  t.same(compare(grey, grey, 0), { differentPixels: 0, differenceMax: 0 });
  t.same(compare(grey, lighter, 0), { differentPixels: 2, differenceMax: 5 });
  t.same(compare(grey, lighter, 5), { differentPixels: 0, differenceMax: 5 });
  t.same(
    compare(grey, plain(2, 1, 99, 99, 99, 0), 0),
    { differentPixels: 0, differenceMax: 0 },
    'transparent',
  );
  t.same(diffPicture(grey, lighter, 4).rgba, plain(2, 1, 255, 0, 0, 255).rgba);
  t.same(diffPicture(grey, lighter, 5).rgba, plain(2, 1, 197, 197, 197, 255).rgba);
});

t.test('cursors: premultiplied, cut at the edges', async (t) => {
  const picture = plain(2, 2, 100, 100, 100, 255);
  const image = { ...plain(2, 2, 50, 0, 0, 128), hotX: 0, hotY: 0 };
  drawCursor(picture, { x: 11, y: 21, image }, 10, 20);
  t.same([...picture.rgba.subarray(12)], [100, 50, 50, 255]);
  t.same([...picture.rgba.subarray(0, 4)], [100, 100, 100, 255]);
  for (const [x, y] of [
    [-5, 0],
    [0, 99],
    [-1, -1],
  ] as const) {
    drawCursor(picture, { x, y, image }, 0, 0);
  }
  drawCursor(picture, { x: 0, y: 0, image: null }, 0, 0);
  t.same([...picture.rgba.subarray(0, 4)], [100, 50, 50, 255], 'the one that reached in');
});

t.test('regions', async (t) => {
  const size = { width: 10, height: 10 };
  t.same(regionIn({}, size), { x: 0, y: 0, ...size });
  t.same(regionIn({ x: 3, height: 2 }, size), { x: 3, y: 0, width: 7, height: 2 });
  for (const outside of [{ x: 10 }, { width: 11 }, { x: 5, width: 6 }, { y: 11 }]) {
    t.equal(regionIn(outside, size), null);
  }
  const rect = { x: 4, y: 4, width: 2, height: 2 };
  for (const region of [{}, { x: 5 }, { x: 0, y: 0, width: 5, height: 5 }])
    t.equal(touches(region, rect), true);
  for (const region of [{ x: 6 }, { y: 6 }, { width: 4 }, { height: 4 }])
    t.equal(touches(region, rect), false);
  t.equal(touches({ x: 100 }, null), true);
});

t.test('keys by name, and text on a US keyboard', async (t) => {
  const codes = {
    KEY_ESC: 1,
    KEY_A: 30,
    KEY_LEFTSHIFT: 42,
    KEY_SPACE: 57,
    KEY_F12: 88,
    KEY_UP: 103,
    KEY_MICMUTE: 248,
  };
  for (const [name, code] of Object.entries(codes)) t.equal(keyCode(name), code, name);
  for (const name of ['', 'A', 'KEY_', 'KEY_-', 'key_a', 'BTN_LEFT', 'constructor'])
    t.equal(keyCode(name), null, name);
  t.same(strokesOf('a~\r\n\t'), [
    { code: 30, shift: false },
    { code: 41, shift: true },
    { code: 28, shift: false },
    { code: 15, shift: false },
  ]);
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
  const strokes = strokesOf(ascii);
  if ('unknown' in strokes) throw new Error(strokes.unknown);
  const pairs = new Set(strokes.map(({ code, shift }) => `${code} ${shift}`));
  t.equal(pairs.size, 95, 'each character has its own');
  t.same(strokesOf('a\x07b'), { unknown: '\x07' });
});

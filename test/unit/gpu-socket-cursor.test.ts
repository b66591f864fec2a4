/** Cursor pictures made to fit QEMU's 64 x 64, and which cursor messages are sent. */
import t from 'tap';
import { CursorPainter } from '../../src/virtio-gpu/display/cursor-image.js';
import { CursorState } from '../../src/virtio-gpu/display/cursor-state.js';
import { BGR_AT, TestBuffer } from './gpu-socket-fixture.js';

const BYTES = 64 * 64 * 4;

const painter = new CursorPainter();
t.teardown(() => painter.close());

/** A buffer that is transparent but for what `draw` puts there as 0xAARRGGBB words (format 1). */
function picture(
  width: number,
  height: number,
  draw: (set: (x: number, y: number, argb: number) => void) => void,
): TestBuffer {
  const buffer = new TestBuffer(width, height);
  buffer.bytes.fill(0);
  draw((x, y, argb) => buffer.pixel(x, y).set([argb, argb >>> 8, argb >>> 16, argb >>> 24]));
  return buffer;
}

/** Pixel (x, y) of a finished cursor as 0xAARRGGBB. */
function argbAt(cursor: Uint8Array, x: number, y: number): number {
  return new DataView(cursor.buffer, cursor.byteOffset).getUint32((y * 64 + x) * 4, true);
}

function drawn(
  buffer: TestBuffer,
  hotX = 0,
  hotY = 0,
): { cursor: Uint8Array; hot: { x: number; y: number } } {
  const cursor = new Uint8Array(BYTES).fill(0xee);
  const hot = painter.draw(cursor, { buffer, hotX, hotY });
  buffer.release();
  return { cursor, hot };
}

t.test('64 x 64 in each of the 8 formats', async (t) => {
  // The fourth byte is alpha in X formats, too: Linux draws ARGB cursors into XRGB buffers.
  const alphaFirst = new Set([3, 4, 68, 121]);
  for (const [format, bgr] of BGR_AT) {
    const buffer = new TestBuffer(64, 64, format);
    const expected = new Uint8Array(BYTES);
    for (let i = 0; i < 64 * 64; i++) {
      const pixel = buffer.pixel(i % 64, Math.floor(i / 64));
      const bytes = [...bgr, alphaFirst.has(format) ? 0 : 3].map((at) => pixel[at] as number);
      expected.set(bytes, i * 4);
    }
    const { cursor, hot } = drawn(buffer, 5, 63);
    t.ok(Buffer.from(cursor).equals(expected), `format ${format}`);
    t.same(hot, { x: 5, y: 63 });
  }
});

t.test('smaller: padded with transparent pixels; the hot spot is kept inside', async (t) => {
  const buffer = new TestBuffer(24, 10, 2);
  const alpha = buffer.pixel(23, 9)[3];
  const { cursor, hot } = drawn(buffer, 4_000_000_000, 9);
  t.equal(argbAt(cursor, 23, 9) >>> 24, alpha);
  t.equal(argbAt(cursor, 24, 9), 0);
  t.equal(argbAt(cursor, 0, 10), 0);
  t.same(hot, { x: 23, y: 9 });
});

t.test('larger, rest transparent: cut out, in place when it is in the top left', async (t) => {
  const corner = drawn(
    picture(128, 128, (set) => {
      set(10, 10, 0xff00ff00);
      set(63, 63, 0x80400000);
    }),
    3,
    4,
  );
  t.equal(argbAt(corner.cursor, 10, 10), 0xff00ff00);
  t.equal(argbAt(corner.cursor, 63, 63), 0x80400000);
  t.same(corner.hot, { x: 3, y: 4 });

  const middle = drawn(
    picture(128, 128, (set) => {
      set(70, 60, 0xff0000ff);
      set(100, 110, 0xffff0000);
    }),
    68,
    90,
  );
  t.equal(argbAt(middle.cursor, 2, 0), 0xff0000ff, 'cut at the hot spot on the left, at the picture above');
  t.equal(argbAt(middle.cursor, 32, 50), 0xffff0000);
  t.same(middle.hot, { x: 0, y: 30 });

  const edge = drawn(
    picture(100, 20, (set) => set(99, 19, 0xff123456)),
    99,
    19,
  );
  t.equal(argbAt(edge.cursor, 0, 19), 0xff123456, 'less than 64 columns are left');
  t.equal(argbAt(edge.cursor, 1, 19), 0);
});

t.test('larger and full: scaled down by averages, the hot spot with it', async (t) => {
  const { cursor, hot } = drawn(
    picture(128, 64, (set) => {
      for (let y = 0; y < 64; y++) for (let x = 0; x < 128; x++) set(x, y, 0xff808080);
      // One quarter of a target pixel is half-transparent red, premultiplied; one is fully transparent.
      set(0, 0, 0x80800000);
      set(127, 63, 0);
    }),
    127,
    40,
  );
  t.equal(argbAt(cursor, 5, 5), 0xff808080);
  t.equal(argbAt(cursor, 0, 0), 0xdf806060);
  t.equal(argbAt(cursor, 63, 31), 0xbf606060, 'a transparent pixel takes alpha and colour alike away');
  t.equal(argbAt(cursor, 0, 32), 0, 'half as high as wide: the shape is kept');
  t.same(hot, { x: 63, y: 20 });
});

t.test('scaling by a fraction keeps colours below their alpha', async (t) => {
  const { cursor } = drawn(
    picture(100, 90, (set) => {
      for (let y = 0; y < 90; y++) {
        for (let x = 0; x < 100; x++) {
          const a = (x * 7 + y * 13) % 256;
          set(x, y, a * 0x01010101);
        }
      }
    }),
  );
  for (let at = 0; at < BYTES; at += 4) {
    const alpha = cursor[at + 3] as number;
    if ([0, 1, 2].some((byte) => (cursor[at + byte] as number) > alpha)) t.fail(`pixel at ${at}`);
  }
});

t.test('a monstrous picture is cut, not walked through', async (t) => {
  const buffer = picture(5000, 3000, (set) => set(4000, 2000, 0xffffffff));
  const { cursor, hot } = drawn(buffer, 4000, 2000);
  t.ok(cursor.every((byte) => byte === 0));
  t.ok(hot.x <= 63 && hot.y <= 63);
});

t.test('cursor state: only what is new is sent', async (t) => {
  const target = new Uint8Array(12 + 20 + BYTES);
  const view = new DataView(target.buffer);
  const cursor = new CursorState(3, painter);
  const next = (): { request: number; x: number; y: number; length: number } => {
    const length = cursor.take(target);
    return {
      request: view.getUint32(0, true),
      x: view.getInt32(16, true),
      y: view.getInt32(20, true),
      length,
    };
  };
  cursor.move(1, 2);
  cursor.restart();
  t.notOk(cursor.hasWork, 'there is no cursor yet');
  const buffer = new TestBuffer(64, 64);
  cursor.set(-5, 7, { buffer, hotX: 1, hotY: 2 });
  cursor.move(-6, 8);
  t.same(next(), { request: 6, x: -6, y: 8, length: 16416 }, 'one message for both');
  t.notOk(cursor.hasWork);
  cursor.move(9, 10);
  cursor.move(11, 12);
  t.same(next(), { request: 4, x: 11, y: 12, length: 24 });
  cursor.set(13, 14, null);
  t.same(next(), { request: 5, x: 13, y: 14, length: 24 });
  cursor.move(15, 16);
  t.notOk(cursor.hasWork, 'moving would show it');
  cursor.restart();
  t.same(next(), { request: 5, x: 15, y: 16, length: 24 });
  cursor.set(0, 0, { buffer, hotX: 0, hotY: 0 });
  next();
  cursor.restart();
  t.equal(next().request, 6, 'a new connection gets the picture again');
  buffer.release();
  t.throws(() => cursor.set(0, 0, { buffer, hotX: 0, hotY: 0 }), 'memory is closed');
  t.equal(next().request, 5, 'and the cursor hidden');
});

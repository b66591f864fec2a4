/** Layouts declared with struct(): as the C compiler lays out packed little-endian structs. */
import fc from 'fast-check';
import t from 'tap';
import { array, bytes, i32, struct, u8, u16, u32, u64, u64big, viewOf } from 'vhost-user-ts';

const Inner = struct('inner', { a: u16, b: u8, pad: u8 });
const Outer = struct('outer', {
  small: u8,
  short: u16,
  word: u32,
  signed: i32,
  size: u64,
  cookie: u64big,
  raw: bytes(3),
  list: array(u16, 2),
  inner: Inner,
  inners: array(Inner, 2),
});

const value = {
  small: 0x01,
  short: 0x0203,
  word: 0x04050607,
  signed: -2,
  size: 0x1f_ffff_ffff_ffff,
  cookie: 0xfedc_ba98_7654_3210n,
  raw: Uint8Array.of(7, 8, 9),
  list: [0x1112, 0x1314],
  inner: { a: 0x2122, b: 0x23, pad: 0 },
  inners: [
    { a: 0x3132, b: 0x33, pad: 1 },
    { a: 0x4142, b: 0x43, pad: 2 },
  ],
};

const hex =
  '01' +
  '0302' +
  '07060504' +
  'feffffff' +
  'ffffffffffff1f00' +
  '1032547698badcfe' +
  '070809' +
  '12111413' +
  '22212300' +
  '32313301' +
  '42414302';

t.test('sizes and offsets: no implicit padding', async (t) => {
  t.equal(Inner.size, 4);
  t.equal(Outer.size, hex.length / 2);
  t.same(Outer.offsets, {
    small: 0,
    short: 1,
    word: 3,
    signed: 7,
    size: 11,
    cookie: 19,
    raw: 27,
    list: 30,
    inner: 34,
    inners: 38,
  });
});

t.test('bytes, both ways, at any offset', async (t) => {
  t.equal(Buffer.from(Outer.encode(value)).toString('hex'), hex);
  const data = Buffer.alloc(Outer.size + 5);
  Outer.write(viewOf(data), 5, value);
  t.same(Outer.read(viewOf(data), 5), value);
  t.same(Outer.read(viewOf(Buffer.from(hex, 'hex'))), value);
});

t.test('u64 above 2^53 - 1 reads as Infinity, u64big keeps all bits', async (t) => {
  const Two = struct('two', { size: u64, cookie: u64big });
  const read = (text: string) => Two.read(viewOf(Buffer.from(text + text, 'hex')));
  t.same(read('ffffffffffff1f00'), { size: Number.MAX_SAFE_INTEGER, cookie: 2n ** 53n - 1n });
  t.same(read('0000000000002000'), { size: Number.POSITIVE_INFINITY, cookie: 2n ** 53n });
  t.same(read('ffffffffffffffff'), { size: Number.POSITIVE_INFINITY, cookie: 2n ** 64n - 1n });
});

t.test('what was read does not change with the buffer', async (t) => {
  const Raw = struct('raw', { data: bytes(2) });
  const data = Uint8Array.of(1, 2);
  const read = Raw.read(viewOf(data));
  data.fill(9);
  t.same(read.data, Uint8Array.of(1, 2));
});

t.test('short buffers and long byte fields are a RangeError, short byte fields are filled up', async (t) => {
  t.throws(() => Inner.read(viewOf(new Uint8Array(3))), RangeError);
  t.throws(() => Inner.read(viewOf(new Uint8Array(4)), 1), RangeError);
  t.throws(() => Inner.write(viewOf(new Uint8Array(3)), 0, value.inner), RangeError);
  const Raw = struct('raw', { data: bytes(3) });
  t.throws(() => Raw.encode({ data: new Uint8Array(4) }), RangeError);
  const stale = new Uint8Array(3).fill(9);
  Raw.write(viewOf(stale), 0, { data: Uint8Array.of(1) });
  t.same(stale, Uint8Array.of(1, 0, 0));
});

t.test('round trips', async () => {
  const inner = fc.record({ a: fc.nat(0xffff), b: fc.nat(0xff), pad: fc.nat(0xff) });
  const outer = fc.record({
    small: fc.nat(0xff),
    short: fc.nat(0xffff),
    word: fc.nat(0xffff_ffff),
    signed: fc.integer(),
    size: fc.maxSafeNat(),
    cookie: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    raw: fc.uint8Array({ minLength: 3, maxLength: 3 }),
    list: fc.array(fc.nat(0xffff), { minLength: 2, maxLength: 2 }),
    inner,
    inners: fc.array(inner, { minLength: 2, maxLength: 2 }),
  });
  const run = fc.property(outer, (one) => {
    const again = Outer.read(viewOf(Outer.encode(one)));
    for (const name of Object.keys(one) as (keyof typeof one)[]) {
      const same = JSON.stringify([one[name]], text) === JSON.stringify([again[name]], text);
      if (!same) throw new Error(`${name}: ${String(one[name])} became ${String(again[name])}`);
    }
  });
  fc.assert(run, { numRuns: 300 });
});

t.test('a reader reads the same, into one object', async () => {
  const data = fc.uint8Array({ minLength: Outer.size, maxLength: Outer.size });
  const read = Outer.reader();
  const first = read(viewOf(new Uint8Array(Outer.size)));
  const run = fc.property(data, (raw) => {
    const again = read(viewOf(raw));
    if (again !== first || again.inner !== first.inner) throw new Error('another object');
    if (JSON.stringify(again, text) !== JSON.stringify(Outer.read(viewOf(raw)), text)) {
      throw new Error('another value');
    }
  });
  fc.assert(run, { numRuns: 300 });
  t.not(Outer.reader()(viewOf(new Uint8Array(Outer.size))), first, 'each reader has its own');
});

function text(_key: string, one: unknown): unknown {
  return typeof one === 'bigint' ? one.toString() : one;
}

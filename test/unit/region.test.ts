/** The shared region: who gets which bytes, and that freed ones are zeroes that take no memory. */
import {
  fstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { mapFile, pageSize, Seal, sealsOf } from 'vhost-user-native';
import {
  type PlaceRefusal,
  REGION_BYTES_MAX,
  RegionLink,
  RegionRange,
  SharedRegion,
  WINDOW_BYTES_MAX,
} from '../../src/region/index.js';
import { openFds } from './native-support.js';

const PAGE = pageSize;

function bytesOf(region: SharedRegion): Uint8Array {
  return new Uint8Array(region.mapping.window(0, region.bytes));
}

function placed(result: RegionRange | PlaceRefusal): RegionRange {
  if (!(result instanceof RegionRange)) throw new Error(result);
  return result;
}

/** Bytes of memory that the region takes. */
function resident(region: SharedRegion): number {
  return fstatSync(region.fd).blocks * 512;
}

t.test('one sparse file that nobody can resize', async (t) => {
  const before = openFds();
  const region = SharedRegion.create({ windowBytes: 16 * PAGE, hostBytes: 3 * PAGE });
  t.equal(region.bytes, 19 * PAGE);
  t.equal(region.windowBytes, 16 * PAGE);
  t.equal(fstatSync(region.fd).size, region.bytes);
  t.equal(sealsOf(region.fd), Seal.SHRINK | Seal.GROW | Seal.SEAL);
  t.equal(resident(region), 0);
  const other = mapFile(region.fd, 0, region.bytes, { writable: true });
  new Uint8Array(other.window(0, 1))[0] = 7;
  t.equal(bytesOf(region)[0], 7, 'shared');
  other.close();
  region.close();
  region.close();
  t.ok(region.mapping.closed);
  t.equal(openFds(), before);
});

t.test('sizes that can not be', async (t) => {
  for (const [windowBytes, hostBytes] of [
    [0, 0],
    [3 * PAGE, PAGE],
    [PAGE / 2, PAGE],
    [-PAGE, PAGE],
    [PAGE, 1],
    [2 * WINDOW_BYTES_MAX, 0],
    [WINDOW_BYTES_MAX, WINDOW_BYTES_MAX],
    [Number.NaN, PAGE],
    [PAGE, Number.POSITIVE_INFINITY],
  ] as const) {
    t.throws(
      () => SharedRegion.create({ windowBytes, hostBytes }),
      RangeError,
      `${windowBytes}+${hostBytes}`,
    );
  }
  using largest = SharedRegion.create({ windowBytes: WINDOW_BYTES_MAX, hostBytes: WINDOW_BYTES_MAX - PAGE });
  t.ok(largest.bytes <= REGION_BYTES_MAX);
});

t.test('the guest places blobs: aligned, inside, and none over another', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: PAGE });
  const range = placed(region.place(2 * PAGE, 3 * PAGE));
  t.match(range, { offset: 2 * PAGE, bytes: 3 * PAGE });
  const refused: [number, number, PlaceRefusal][] = [
    [2 * PAGE, 3 * PAGE, 'overlap'],
    [0, 3 * PAGE, 'overlap'],
    [4 * PAGE, PAGE, 'overlap'],
    [PAGE, 8 * PAGE, 'outside'],
    [0, 8 * PAGE, 'overlap'],
    [8 * PAGE, PAGE, 'outside'],
    [7 * PAGE, 2 * PAGE, 'outside'],
    [0, 0, 'outside'],
    [-PAGE, PAGE, 'outside'],
    [1, PAGE, 'unaligned'],
    [0, PAGE + 1, 'unaligned'],
    [2 ** 53, PAGE, 'outside'],
    [PAGE, 2 ** 53 - 1, 'outside'],
    [Number.NaN, PAGE, 'outside'],
  ];
  for (const [offset, bytes, why] of refused) t.equal(region.place(offset, bytes), why, `${offset}+${bytes}`);
  placed(region.place(0, 2 * PAGE));
  placed(region.place(5 * PAGE, 3 * PAGE));
  t.match(region.metrics, { ranges: 3, windowUsedBytes: 8 * PAGE, windowPeakBytes: 8 * PAGE });
  range.free();
  range.free();
  t.match(region.metrics, { ranges: 2, windowUsedBytes: 5 * PAGE, windowPeakBytes: 8 * PAGE });
  placed(region.place(3 * PAGE, PAGE));
});

t.test('a freed range reads as zeroes and takes no memory', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: 8 * PAGE });
  const bytes = bytesOf(region);
  const range = placed(region.place(PAGE, 2 * PAGE));
  const ours = region.allocate(PAGE + 1) as RegionRange;
  t.match(ours, { offset: 8 * PAGE, bytes: 2 * PAGE });
  bytes.fill(0xaa, range.offset, range.offset + range.bytes);
  bytes.fill(0xbb, ours.offset, ours.offset + ours.bytes);
  t.equal(resident(region), 4 * PAGE);
  range.free();
  ours.free();
  t.equal(resident(region), 0);
  t.ok(bytes.every((byte) => byte === 0));
  t.match(region.metrics, { punchedBytes: 4 * PAGE, hostUsedBytes: 0, hostPeakBytes: 2 * PAGE });
});

t.test('a range that is held keeps its bytes until it is let go', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: 2 * PAGE });
  const bytes = bytesOf(region);
  const range = placed(region.place(0, 4 * PAGE));
  bytes.fill(1, 0, 4 * PAGE);
  range.hold();
  range.hold();
  range.free();
  t.match(region.metrics, { ranges: 0, lingeringRanges: 1, windowUsedBytes: 0 });
  t.equal(bytes[0], 1);
  const next = placed(region.place(PAGE, PAGE));
  t.ok(
    bytes.subarray(PAGE, 2 * PAGE).every((byte) => byte === 0),
    'a new blob is zeroes',
  );
  bytes.fill(2, PAGE, 2 * PAGE);
  range.unhold();
  t.equal(bytes[0], 1, 'one holder is left');
  range.unhold();
  t.ok(bytes.subarray(0, PAGE).every((byte) => byte === 0));
  t.ok(
    bytes.subarray(PAGE, 2 * PAGE).every((byte) => byte === 2),
    'but the new blob stays',
  );
  t.ok(bytes.subarray(2 * PAGE).every((byte) => byte === 0));
  next.free();
  t.throws(() => next.unhold(), { code: 'ERR_ASSERTION' });
  t.throws(() => next.hold(), { code: 'ERR_ASSERTION' });

  const ours = region.allocate(2 * PAGE) as RegionRange;
  ours.hold();
  ours.free();
  t.equal(region.allocate(PAGE), null, 'its place is not given to somebody else');
  t.equal(region.metrics.hostUsedBytes, 2 * PAGE);
  ours.unhold();
  t.equal((region.allocate(2 * PAGE) as RegionRange).offset, 8 * PAGE);
});

t.test('a window for another guest has nothing of the last one', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: 2 * PAGE });
  const bytes = bytesOf(region);
  const range = placed(region.place(PAGE, PAGE));
  const ours = region.allocate(PAGE) as RegionRange;
  bytes.fill(7);
  range.hold();
  t.throws(() => region.clearWindow(), { code: 'ERR_ASSERTION' });
  range.free();
  region.clearWindow();
  t.equal(resident(region), 2 * PAGE);
  t.ok(bytes.subarray(0, 8 * PAGE).every((byte) => byte === 0));
  t.equal(bytes[ours.offset], 7, 'what is ours stays');
  range.unhold();
});

t.test('many ranges that linger over each other, and one place for the next', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: PAGE });
  const bytes = bytesOf(region);
  const old: RegionRange[] = [];
  for (let i = 0; i < 100; i++) {
    const range = placed(region.place((i % 3) * PAGE, 2 * PAGE));
    range.hold();
    range.free();
    old.push(range);
  }
  bytes.fill(1, 0, 4 * PAGE);
  const { punchedBytes } = region.metrics;
  const next = placed(region.place(PAGE, 2 * PAGE));
  t.equal(region.metrics.punchedBytes - punchedBytes, 2 * PAGE, 'punched once');
  t.strictSame([bytes[0], bytes[PAGE], bytes[3 * PAGE]], [1, 0, 1]);
  bytes.fill(2, PAGE, 3 * PAGE);
  for (const range of old) range.unhold();
  t.equal(resident(region), 2 * PAGE);
  t.strictSame([bytes[0], bytes[PAGE], bytes[3 * PAGE]], [0, 2, 0]);
  next.free();
});

t.test('no more ranges than allowed, those that linger among them', async (t) => {
  using region = SharedRegion.create({ windowBytes: 8 * PAGE, hostBytes: 8 * PAGE, maxRanges: 2 });
  const first = placed(region.place(0, PAGE));
  const second = region.allocate(PAGE) as RegionRange;
  t.equal(region.place(PAGE, PAGE), 'too-many');
  t.equal(region.allocate(PAGE), null);
  first.hold();
  first.free();
  t.equal(region.place(PAGE, PAGE), 'too-many');
  first.unhold();
  second.free();
  placed(region.place(0, PAGE));
});

t.test('without a window, all of it is ours to allocate (ivshmem)', async (t) => {
  using region = SharedRegion.create({ windowBytes: 0, hostBytes: 4 * PAGE });
  t.equal(region.place(0, PAGE), 'outside');
  t.equal((region.allocate(4 * PAGE) as RegionRange).offset, 0);
  for (const bad of [0, -1, 0.5, Number.NaN, 2 ** 53]) t.equal(region.allocate(bad), null);
});

t.test('ranges outlive the region', async (t) => {
  const region = SharedRegion.create({ windowBytes: 4 * PAGE, hostBytes: PAGE });
  const range = placed(region.place(0, PAGE));
  range.hold();
  region.close();
  range.free();
  range.unhold();
  t.equal(region.metrics.ranges, 0);
});

t.test('a link by which others open the region', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'region-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'region');
  using region = SharedRegion.create({ windowBytes: 0, hostBytes: PAGE });
  bytesOf(region)[0] = 77;
  const link = new RegionLink(region, path);
  t.equal(readFileSync(path)[0], 77);
  t.equal(statSync(path).ino, fstatSync(region.fd).ino);
  t.throws(() => new RegionLink(region, path), { code: 'EEXIST' }, 'it is in use');
  link.close();
  link.close();
  t.throws(() => readlinkSync(path), { code: 'ENOENT' });
  symlinkSync('/proc/4194304/fd/9', path);
  const again = new RegionLink(region, path);
  t.equal(readFileSync(path)[0], 77, 'what a process left over is replaced');
  again.close();
  symlinkSync(`/proc/${process.pid}/fd/${region.fd}`, path);
  const third = new RegionLink(region, path);
  t.equal(readFileSync(path)[0], 77, 'also when that had our number');
  rmSync(path);
  writeFileSync(path, 'mine');
  third.close();
  t.equal(readFileSync(path, 'utf8'), 'mine', 'what somebody else put there stays');
  t.throws(() => new RegionLink(region, path), { code: 'EEXIST' });
});

const WINDOW_PAGES = 16;
const HOST_PAGES = 8;
type Step = { readonly what: 'place' | 'allocate' | 'free' | 'hold' | 'unhold'; a: number; b: number };
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('place', 'allocate', 'free', 'hold', 'unhold'),
  a: fc.nat(WINDOW_PAGES),
  b: fc.nat(6),
});

/** What a range is to hold: each byte of its pages is its number, until another range is placed over it. */
interface Known {
  readonly range: RegionRange;
  holds: number;
  readonly pages: Set<number>;
  readonly mark: number;
}

t.test(
  'any order of placing, holding and freeing: nobody loses bytes, and nothing is left over',
  async (t) => {
    const ran = fc.check(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        using region = SharedRegion.create({
          windowBytes: WINDOW_PAGES * PAGE,
          hostBytes: HOST_PAGES * PAGE,
        });
        const bytes = bytesOf(region);
        const known: Known[] = [];
        let mark = 0;
        const take = (range: RegionRange): boolean => {
          const pages = new Set<number>();
          for (let at = range.offset; at < range.offset + range.bytes; at += PAGE) pages.add(at);
          for (const at of pages) if (bytes[at] !== 0) return false;
          for (const other of known) for (const at of pages) other.pages.delete(at);
          mark = (mark % 255) + 1;
          for (const at of pages) bytes[at] = mark;
          known.push({ range, holds: 0, pages, mark });
          return true;
        };
        for (const { what, a, b } of steps) {
          const some = known[a % Math.max(1, known.length)];
          const got = what === 'place' ? region.place(a * PAGE, b * PAGE) : region.allocate(b * PAGE);
          if (what === 'place' || what === 'allocate') {
            if (got instanceof RegionRange && !take(got)) return false;
          } else if (got instanceof RegionRange) {
            got.free();
          }
          if (some !== undefined && what === 'free') some.range.free();
          if (some !== undefined && what === 'hold' && (!some.range.freed || some.holds > 0)) {
            some.range.hold();
            some.holds += 1;
          }
          if (some !== undefined && what === 'unhold' && some.holds > 0) {
            some.range.unhold();
            some.holds -= 1;
          }
          for (let i = known.length - 1; i >= 0; i--) {
            const { range, holds, pages, mark } = known[i] as Known;
            if (range.freed && holds === 0) known.splice(i, 1);
            else for (const at of pages) if (bytes[at] !== mark) return false;
          }
        }
        for (const { range, holds } of known) {
          range.free();
          for (let i = 0; i < holds; i++) range.unhold();
        }
        const { ranges, lingeringRanges, windowUsedBytes, hostUsedBytes } = region.metrics;
        return ranges + lingeringRanges + windowUsedBytes + hostUsedBytes + resident(region) === 0;
      }),
      { numRuns: 300 },
    );
    t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
  },
);

/** The memory table and the dirty log (vhost-user, "Memory regions description" and "Migration"). */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import {
  closeFd,
  createMemfd,
  fileIdentity,
  fileSize,
  type Mapping,
  mapAnonymous,
  mapFile,
} from 'vhost-user-native';
import { DirtyLog, GuestMemory, type RegionDescription } from 'vhost-user-ts';

const refused = { code: 'VHOST_ERR_BAD_MEMORY_TABLE' };
const USER = 0x7f00_0000_0000;
const MIB = 2 ** 20;

function region(
  guestAddress: number,
  size: number,
  mmapOffset = 0,
  userAddress = USER + guestAddress,
): RegionDescription {
  return { guestAddress, size, userAddress, mmapOffset };
}

/** A file of so many bytes; closed after the test. */
function file(t: Tap, size: number): number {
  const fd = createMemfd('memory-test', { size });
  t.teardown(() => closeFd(fd));
  return fd;
}

type Tap = { teardown(callback: () => void): unknown };

function memoryOf(t: Tap, ...regions: (RegionDescription & { fd: number })[]): GuestMemory {
  const memory = new GuestMemory();
  memory.replace(regions);
  t.teardown(() => memory.close());
  return memory;
}

t.test('tables that are refused leave the old one in force', async (t) => {
  const fd = file(t, 4 * MIB);
  const memory = memoryOf(t, { ...region(0, MIB), fd });
  const bad: [string, RegionDescription[]][] = [
    ['size zero', [region(0, 0)]],
    ['negative size', [region(0, -4096)]],
    ['a size that is no number', [region(0, Number.NaN)]],
    ['overlap by a page', [region(0, MIB), region(MIB - 4096, MIB)]],
    ['the same region twice', [region(0, MIB), region(0, MIB)]],
    ['one inside the other', [region(0, 2 * MIB), region(MIB, 4096)]],
    ['guest address past 2^53', [region(Number.POSITIVE_INFINITY, MIB)]],
    ['guest address that wraps', [region(2 ** 53 - 4096, MIB)]],
    ['user address past 2^53', [region(0, MIB, 0, Number.POSITIVE_INFINITY)]],
    ['mmap offset past 2^53', [region(0, MIB, Number.POSITIVE_INFINITY)]],
    ['size past 2^53', [region(0, Number.POSITIVE_INFINITY)]],
    ['guest address inside a page', [region(0x800, MIB)]],
    ['mmap offset inside a page', [region(0, MIB, 0x10)]],
    ['a file that is too short', [region(0, 4 * MIB + 1)]],
    ['a file that is too short for the offset', [region(0, MIB, 4 * MIB)]],
    ['a second region that can not be mapped', [region(0, MIB), region(2 * MIB, 8 * MIB)]],
    ['too many regions', Array.from({ length: 513 }, (_, i) => region(i * 4096, 4096))],
  ];
  const before = readdirSync('/proc/self/fd').length;
  for (const [what, regions] of bad) {
    t.throws(() => memory.replace(regions.map((one) => ({ ...one, fd }))), refused, what);
  }
  t.throws(() => memory.replace([{ ...region(0, MIB), fd: 9999 }]), refused, 'no such descriptor');
  t.throws(() => memory.add(region(MIB - 4096, MIB), fd), refused, 'add: overlap');
  t.throws(() => memory.add(region(MIB, 8 * MIB), fd), refused, 'add: too short');
  t.equal(memory.regionCount, 1);
  t.equal(memory.generation, 1, 'nothing changed');
  t.ok(memory.translateGuest(0x1000, 16));
  t.equal(readdirSync('/proc/self/fd').length, before, 'no descriptor was kept');
});

t.test('files: what the table was made of, by guest address, with descriptors of its own', async (t) => {
  const fd = file(t, 4 * MIB);
  const memory = memoryOf(t, { ...region(2 * MIB, MIB, MIB), fd }, { ...region(0, MIB), fd });
  const files = memory.files();
  t.match(files, [
    { guestAddress: 0, length: MIB, fileOffset: 0 },
    { guestAddress: 2 * MIB, length: MIB, fileOffset: MIB },
  ]);
  for (const one of files) {
    t.not(one.fd, fd);
    t.same(fileIdentity(one.fd), fileIdentity(fd));
  }
  memory.close();
  t.same(memory.files(), []);
  for (const one of files) t.throws(() => fileSize(one.fd), { code: 'EBADF' });
});

t.test('replace closes the old mappings, and the descriptors stay the caller’s', async (t) => {
  const fd = file(t, 2 * MIB);
  const made: Mapping[] = [];
  const memory = new GuestMemory((file, offset, length) => {
    if (made.length === 4) throw new Error('no more');
    const mapping = mapFile(file, offset, length, { writable: true });
    made.push(mapping);
    return mapping;
  });
  memory.replace([
    { ...region(0, MIB), fd },
    { ...region(MIB, MIB, MIB), fd },
  ]);
  memory.replace([{ ...region(0, MIB), fd }]);
  t.same(
    made.map((one) => one.closed),
    [true, true, false],
  );
  t.throws(
    () =>
      memory.replace([
        { ...region(0, MIB), fd },
        { ...region(MIB, MIB, MIB), fd },
      ]),
    refused,
  );
  t.same(
    made.map((one) => one.closed),
    [true, true, false, true],
    'what was mapped for the bad table is closed',
  );
  t.equal(memory.generation, 2);
  memory.close();
  memory.close();
  t.ok(made.every((one) => one.closed));
  t.equal(memory.translateGuest(0, 1), null);
  t.equal(memory.windowOf(0), -1);
});

t.test('regions are added and removed one by one', async (t) => {
  const fd = file(t, 4 * MIB);
  const memory = memoryOf(t, { ...region(0, MIB), fd });
  memory.add(region(MIB, MIB, 2 * MIB), fd);
  t.equal(memory.generation, 2);
  t.equal(memory.translateGuest(MIB + 5, 10)?.offset, 5);
  t.notOk(memory.remove(region(MIB, MIB / 2)), 'another size');
  t.notOk(memory.remove(region(MIB, MIB, 0, USER)), 'another user address');
  t.equal(memory.generation, 2);
  t.ok(memory.remove(region(MIB, MIB)));
  t.notOk(memory.remove(region(MIB, MIB)));
  t.same([memory.generation, memory.regionCount], [3, 1]);
  t.equal(memory.translateGuest(MIB, 1), null);
});

t.test('addresses: both spaces, up to the last byte of a region and not past it', async (t) => {
  const fd = file(t, 4 * MIB);
  const memory = memoryOf(t, { ...region(2 * MIB, MIB, MIB), fd }, { ...region(0, MIB), fd });
  t.match(memory.translateUser(USER + 2 * MIB + 3, MIB - 3), { offset: 3, guestAddress: 2 * MIB + 3 });
  t.equal(memory.translateUser(USER + 2 * MIB + 3, MIB - 2), null);
  t.equal(memory.translateUser(USER - 1, 1), null);
  t.equal(memory.translateUser(2 * MIB, 1), null, 'a guest address is no user address');
  t.match(memory.translateGuest(3 * MIB - 1, 1), { offset: MIB - 1 });
  t.equal(memory.translateGuest(3 * MIB - 1, 2), null);
  t.equal(memory.translateGuest(MIB, 1), null, 'the gap');
  t.equal(memory.translateGuest(Number.POSITIVE_INFINITY, 1), null);
  t.equal(memory.translateUser(Number.NaN, 1), null);
  t.equal(memory.translateUser(USER, -1), null);
  const view = new Uint8Array(mapping(t, fd, 4 * MIB).window(0, 4 * MIB));
  view[MIB + 77] = 42;
  const target = new Uint8Array(2);
  t.ok(memory.copyOut(2 * MIB + 77, target));
  t.same(target, Uint8Array.of(42, 0), 'mmap offset counts');
  t.notOk(memory.copyOut(3 * MIB - 1, target));
});

function mapping(t: Tap, fd: number, length: number): Mapping {
  const mapped = mapFile(fd, 0, length, { writable: true });
  t.teardown(() => mapped.close());
  return mapped;
}

t.test('windows: 1 GiB each; areas and copies cross their borders', async (t) => {
  const GIB = 2 ** 30;
  const fd = file(t, 2 * GIB + MIB);
  const memory = memoryOf(t, { ...region(0x1_0000_0000, 2 * GIB + MIB), fd });
  t.equal(memory.starts.length, 3);
  const border = 0x1_0000_0000 + GIB;
  const front = new Uint8Array(mapping(t, fd, 2 * GIB + MIB).window(GIB - 8, 16));
  front.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  const target = new Uint8Array(16);
  t.ok(memory.copyOut(border - 8, target));
  t.same(target, front);
  const area = memory.areaOfUser(USER + border - 8, 16);
  t.same(
    new Uint8Array(area?.buffer ?? new ArrayBuffer(0), area?.byteOffset, 16),
    front,
    'an area of a ring',
  );
  t.equal(memory.windowOf(border - 1), 0);
  t.equal(memory.windowOf(border), 1);
  t.equal(memory.wordsOf(1)[0], 0x0c0b0a09);
});

t.test('windowOf finds what a scan of all windows finds', async (t) => {
  const fd = file(t, 16 * MIB);
  const pages = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 });
  const run = fc.property(pages, fc.array(fc.nat(42 * 4096), { minLength: 20 }), (starts, addresses) => {
    const memory = new GuestMemory();
    memory.replace(starts.map((page) => ({ ...region(page * 4096, 4096), fd })));
    for (const address of addresses) {
      const window = memory.windowOf(address);
      const inside = starts.includes(Math.floor(address / 4096));
      if (inside !== window >= 0) throw new Error(`address ${address}: window ${window}`);
      if (inside && !((memory.starts[window] ?? 0) <= address && address < (memory.ends[window] ?? 0))) {
        throw new Error(`address ${address} is not in window ${window}`);
      }
    }
    memory.close();
  });
  fc.assert(run, { numRuns: 100 });
});

t.test('scatter/gather over guest addresses', async (t) => {
  const fd = file(t, 4 * MIB);
  const memory = memoryOf(t, { ...region(0, MIB, MIB), fd }, { ...region(MIB, MIB), fd });
  const front = new Uint8Array(mapping(t, fd, 4 * MIB).window(0, 4 * MIB));
  front.fill(1, 2 * MIB - 2, 2 * MIB);
  front.fill(2, 0, 2);
  const table = memory.scatterGather(Float64Array.of(MIB - 2, 4, 8, 1));
  t.equal(table?.length, 5);
  const target = mapAnonymous(4096);
  table?.readRows(0, 5, target, 0, 5, 5, 1);
  t.same(new Uint8Array(target.window(0, 5)), Uint8Array.of(1, 1, 2, 2, 0), 'from one region into the next');
  t.equal(memory.scatterGather(Float64Array.of(2 * MIB - 1, 2)), null);
  t.equal(memory.covers(Float64Array.of(MIB - 2, 4, 8, 1)), true);
  t.equal(memory.covers(Float64Array.of(8, 1, 2 * MIB - 1, 2)), false);
  t.equal(memory.covers(Float64Array.of(0, 0)), false);
  t.equal(memory.scatterGather(Float64Array.of(0, 0)), null);
  table?.close();
  target.close();
});

t.test('a file that is truncated while we use it', async (t) => {
  const { ftruncateSync } = await import('node:fs');
  const fd = file(t, MIB);
  const memory = memoryOf(t, { ...region(0, MIB), fd });
  t.notOk(memory.faulted());
  ftruncateSync(fd, 4096);
  t.ok(memory.copyOut(0x8000, new Uint8Array(4)), 'reads zeroes');
  t.ok(memory.faulted());
});

t.test('dirty log: log[page / 8] |= 1 << page % 8, and nothing else', async (t) => {
  const run = fc.property(fc.nat(200 * 4096), fc.integer({ min: 0, max: 40 * 4096 }), (address, length) => {
    const mapping = mapAnonymous(16);
    const bits = new Uint8Array(mapping.window(0, 16));
    const log = new DirtyLog(mapping);
    log.mark(address, length);
    for (let page = 0; page < 128; page++) {
      const touched =
        length > 0 && page >= Math.floor(address / 4096) && page <= Math.floor((address + length - 1) / 4096);
      const bit = (((bits[page >> 3] as number) >> (page & 7)) & 1) === 1;
      if (bit !== touched) throw new Error(`page ${page}: ${bit}`);
    }
    log.close();
  });
  fc.assert(run, { numRuns: 500 });
  const memory = new GuestMemory();
  memory.markDirty(0, 4096);
  const mapping = mapAnonymous(16);
  const bits = new Uint8Array(mapping.window(0, 16));
  const log = new DirtyLog(mapping);
  memory.setDirtyLog(log);
  memory.markDirty(4096, 1);
  memory.markDirty(2 ** 40, 4096);
  memory.markDirty(Number.POSITIVE_INFINITY, 1);
  t.same([...bits].slice(0, 2), [2, 0], 'pages past the log are left out');
  log.mark(0, 2 ** 32);
  t.ok(
    bits.every((byte) => byte === 0xff),
    '4 GiB at once',
  );
  log.close();
  log.close();
  t.ok(mapping.closed);
  log.mark(0, 4096);
  memory.setDirtyLog(null);
  memory.markDirty(0, 4096);
});

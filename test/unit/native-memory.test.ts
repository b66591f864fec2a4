/** Mappings, windows, truncated files, scatter/gather tables, pixel conversion, memfds. */

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {
  addSeals,
  closeFd,
  createEventFd,
  createMemfd,
  createScatterGather,
  createUdmabuf,
  fileSize,
  type Mapping,
  mapAnonymous,
  mapFile,
  pageSize,
  punchHole,
  Seal,
  type Segment,
  sealsOf,
  udmabufLimits,
} from 'vhost-user-native';
import { badNumbers, callWith, isCloseOnExec, notNumbers, openFds, thrownBy } from './native-support.js';

const GiB = 2 ** 30;
const max = Number.MAX_SAFE_INTEGER;

/** Calls `method` with each numeric argument in turn replaced by what no size or offset may be. */
function refusesBadNumbers(t: Tap, self: object, method: string, good: unknown[]): void {
  callWith(self, method, good);
  good.forEach((value, index) => {
    if (typeof value !== 'number') return;
    for (const bad of badNumbers) {
      t.throws(() => callWith(self, method, good.with(index, bad)), RangeError, `${method} ${index}: ${bad}`);
    }
    for (const bad of notNumbers) {
      t.throws(() => callWith(self, method, good.with(index, bad)), TypeError, `${method} ${index}`);
    }
  });
}
type Tap = Pick<typeof t, 'throws'>;

/** Fills a mapping with bytes that tell their place; returns them. */
function scramble(mapping: Mapping, seed: number): Uint8Array {
  const bytes = new Uint8Array(mapping.window(0, mapping.length));
  let state = seed;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

t.test('memfd: size, seals, errors', async (t) => {
  const fd = createMemfd('tested', { size: 12345 });
  t.equal(fileSize(fd), 12345);
  t.ok(isCloseOnExec(fd));
  t.equal(sealsOf(fd), 0);
  addSeals(fd, Seal.GROW);
  t.equal(sealsOf(fd), Seal.GROW);
  t.throws(() => ftruncateSync(fd, 20000), { code: 'EPERM' });
  addSeals(fd, Seal.SHRINK | Seal.SEAL);
  t.throws(() => addSeals(fd, Seal.WRITE), { code: 'EPERM', syscall: 'fcntl', errno: -1 });
  closeFd(fd);
  const sealed = createMemfd('sealed', { size: 0, seals: Seal.SEAL | Seal.SHRINK | Seal.GROW });
  t.equal(sealsOf(sealed), Seal.SEAL | Seal.SHRINK | Seal.GROW);
  closeFd(sealed);
  const big = createMemfd('sparse', { size: 64 * GiB });
  t.equal(fileSize(big), 64 * GiB);
  closeFd(big);

  const before = openFds();
  t.throws(() => createMemfd('x'.repeat(250), { size: 1 }), { code: 'EINVAL', syscall: 'memfd_create' });
  t.throws(() => createMemfd('x', { size: 1, seals: 0x8000 }), { code: 'EINVAL', syscall: 'fcntl' });
  for (const bad of badNumbers) {
    t.throws(() => createMemfd('x', { size: bad }), RangeError);
    t.throws(() => createMemfd('x', { size: 1, seals: bad }), RangeError);
    t.throws(() => sealsOf(bad), RangeError);
    t.throws(() => addSeals(bad, 0), RangeError);
    t.throws(() => addSeals(0, bad), RangeError);
  }
  t.throws(() => sealsOf(2 ** 31 - 1), { code: 'EBADF' });
  t.equal(openFds(), before, 'failures leave no descriptor behind');
});

t.test('punchHole gives memory back and keeps the size', async (t) => {
  const fd = createMemfd('punched', { size: 8 * pageSize, seals: Seal.SHRINK | Seal.GROW });
  const blocks = () => fstatSync(fd).blocks * 512;
  const mapping = mapFile(fd, 0, 8 * pageSize, { writable: true });
  const bytes = new Uint8Array(mapping.window(0, mapping.length));
  const before = Uint8Array.from(scramble(mapping, 7));
  t.equal(blocks(), 8 * pageSize);

  const from = 2 * pageSize + 100;
  const to = 5 * pageSize + 10;
  punchHole(fd, from, to - from);
  before.fill(0, from, to);
  t.equal(blocks(), 6 * pageSize, 'the two whole pages are free');
  t.equal(fileSize(fd), 8 * pageSize);
  t.ok(Buffer.from(bytes).equals(before), 'zeroes there, in the mapping that exists; all else stays');

  punchHole(fd, 7 * pageSize, 64 * GiB);
  t.equal(fileSize(fd), 8 * pageSize, 'beyond the end there is nothing to do');
  t.throws(() => punchHole(fd, 0, 0), { code: 'EINVAL', syscall: 'fallocate', errno: -22 });
  t.throws(() => punchHole(2 ** 31 - 1, 0, 1), { code: 'EBADF' });
  const readOnly = openSync('/proc/self/exe', 'r');
  t.throws(() => punchHole(readOnly, 0, 1), { code: 'EBADF' });
  closeSync(readOnly);
  mapping.close();
  addSeals(fd, Seal.WRITE);
  t.throws(() => punchHole(fd, 0, 1), { code: 'EPERM' });
  const scratch = createMemfd('scratch', { size: pageSize });
  refusesBadNumbers(t, { punchHole }, 'punchHole', [scratch, 0, pageSize]);
  closeFd(scratch);
  closeFd(fd);
});

t.test('createUdmabuf: what it does not take', async (t) => {
  const before = openFds();
  const fd = createMemfd('pages', { size: 4 * pageSize, seals: Seal.SHRINK });
  for (const bad of badNumbers) {
    const good = { fd, offset: 0, length: pageSize };
    for (const piece of [{ fd: bad }, { offset: bad }, { length: bad }]) {
      t.throws(
        () => createUdmabuf([good, { ...good, ...piece }]),
        RangeError,
        `${JSON.stringify(piece)} ${bad}`,
      );
    }
  }
  t.throws(() => createUdmabuf([{ fd: 2 ** 31, offset: 0, length: pageSize }]), RangeError);
  const limits = udmabufLimits();
  if (limits === null) {
    t.throws(() => createUdmabuf([{ fd, offset: 0, length: pageSize }]), { code: 'ENOENT', syscall: 'open' });
  } else {
    t.ok(limits.entries >= 0 && limits.bytes % 2 ** 20 === 0);
  }
  closeFd(fd);
  t.ok(openFds() - before <= 1, 'no descriptor is left but the device itself');
});

t.test('mapFile shares the file, both ways', async (t) => {
  const fd = createMemfd('shared', { size: 3 * pageSize });
  const mapping = mapFile(fd, pageSize, 2 * pageSize, { writable: true });
  t.equal(mapping.length, 2 * pageSize);
  t.strictSame([mapping.writable, mapping.closed, mapping.faults], [true, false, 0]);
  const bytes = new Uint8Array(mapping.window(0, mapping.length));
  writeSync(fd, Buffer.from('written'), 0, 7, pageSize + 5);
  t.equal(Buffer.from(bytes.subarray(5, 12)).toString(), 'written');
  bytes.set(Buffer.from('stored'), 100);
  const back = Buffer.alloc(6);
  readSync(fd, back, 0, 6, pageSize + 100);
  t.equal(back.toString(), 'stored');

  const second = mapFile(fd, 0, 3 * pageSize, { writable: true });
  closeFd(fd);
  t.equal(Buffer.from(second.window(pageSize + 100, 6)).toString(), 'stored', 'the descriptor may be closed');
  second.fill(pageSize + 100, 6, 0x41);
  t.equal(Buffer.from(mapping.window(100, 6)).toString(), 'AAAAAA');
  mapping.close();
  second.close();
});

t.test('a mapping that is not writable', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'native-'));
  const path = join(folder, 'file');
  writeFileSync(path, 'contents');
  const fd = openSync(path, 'r');
  t.throws(() => mapFile(fd, 0, 8, { writable: true }), { code: 'EACCES', syscall: 'mmap' });
  const mapping = mapFile(fd, 0, 8, { writable: false });
  t.equal(mapping.writable, false);
  const window = mapping.window(0, 8);
  t.equal(Buffer.from(window).toString(), 'contents');
  const other = openSync(path, 'r+');
  writeSync(other, 'CONTENTS', 0);
  t.equal(Buffer.from(window).toString(), 'CONTENTS', 'it follows the file');
  const readOnly = { code: 'ERR_READ_ONLY' };
  const source = mapAnonymous(64);
  t.throws(() => mapping.fill(0, 1, 0), readOnly);
  t.throws(() => mapping.copyFrom(0, source, 0, 1), readOnly);
  t.throws(() => mapping.convertPixels(0, 4, source, 0, 4, 1, 1, 0xe4, 0), readOnly);
  t.throws(
    () =>
      createScatterGather([{ mapping: source, offset: 0, length: 8 }]).readRows(0, 1, mapping, 0, 1, 1, 1),
    readOnly,
  );
  const table = createScatterGather([{ mapping, offset: 0, length: 8 }]);
  t.throws(() => table.writeRows(0, 1, source, 0, 1, 1, 1), readOnly);
  table.readRows(0, 8, source, 0, 8, 8, 1);
  t.equal(Buffer.from(source.window(0, 8)).toString(), 'CONTENTS');
  // A stray store must not kill the process, nor reach the file.
  new Uint8Array(window)[0] = 0x21;
  const back = Buffer.alloc(1);
  readSync(other, back, 0, 1, 0);
  t.equal(back.toString(), 'C');
  mapping.close();
  closeSync(fd);
  closeSync(other);
  rmSync(folder, { recursive: true });

  const sealed = createMemfd('sealed', { size: pageSize, seals: Seal.WRITE });
  t.throws(() => mapFile(sealed, 0, pageSize, { writable: true }), { code: 'EPERM' });
  mapFile(sealed, 0, pageSize, { writable: false }).close();
  closeFd(sealed);
});

t.test('mapFile and mapAnonymous refuse ranges that do not exist', async (t) => {
  const fd = createMemfd('small', { size: 2 * pageSize + 10 });
  const writable = { writable: true };
  mapFile(fd, 0, 2 * pageSize + 10, writable).close();
  mapFile(fd, 2 * pageSize, 10, writable).close();
  for (const [offset, length] of [
    [0, 2 * pageSize + 11],
    [2 * pageSize, 11],
    [3 * pageSize, 1],
    [0, 0],
    [1, 1],
    [pageSize - 1, 1],
    [max - (max % pageSize), max],
    [0, max],
  ] as const) {
    t.throws(() => mapFile(fd, offset, length, writable), RangeError, `${offset}+${length}`);
  }
  t.throws(() => mapFile(fd, 0, 2 * pageSize + 11, writable), { message: /past the end of the file/ });
  for (const bad of badNumbers) {
    t.throws(() => mapFile(bad, 0, 1, writable), RangeError);
    t.throws(() => mapFile(fd, bad, 1, writable), RangeError);
    t.throws(() => mapFile(fd, 0, bad, writable), RangeError);
    t.throws(() => mapAnonymous(bad), RangeError);
  }
  for (const bad of notNumbers) {
    t.throws(() => Reflect.apply(mapFile, null, [bad, 0, 1, writable]), TypeError);
    t.throws(() => Reflect.apply(mapAnonymous, null, [bad]), TypeError);
  }
  t.throws(() => Reflect.apply(mapFile, null, [fd, 0, 1, { writable: 1 }]), TypeError);
  t.throws(() => mapFile(2 ** 31 - 1, 0, 1, writable), { code: 'EBADF', syscall: 'fstat' });
  const event = createEventFd();
  t.throws(() => mapFile(event.fd, 0, 1, writable), { code: 'ENODEV', syscall: 'mmap' });
  event.close();
  t.throws(() => mapAnonymous(0), RangeError);
  t.throws(() => mapAnonymous(max), { code: 'ENOMEM', syscall: 'mmap' });
  closeFd(fd);
});

t.test('windows are detached by close, whoever holds them', async (t) => {
  const mapping = mapAnonymous(3 * pageSize);
  const first = mapping.window(10, 100);
  const again = mapping.window(10, 100);
  const rest = mapping.window(pageSize + 1, 2 * pageSize - 1);
  t.not(first, again);
  t.strictSame([first.byteLength, again.byteLength, rest.byteLength], [100, 100, 2 * pageSize - 1]);
  const bytes = new Uint8Array(first);
  const buffer = Buffer.from(first, 4, 16);
  const view = new DataView(again);
  const words = new Int32Array(mapping.window(0, 64));
  bytes[0] = 42;
  t.equal(view.getUint8(0), 42);
  Atomics.store(words, 0, 7);
  t.equal(mapping.window(0, 0).byteLength, 0);
  t.equal(mapping.window(3 * pageSize, 0).byteLength, 0);

  mapping.close();
  mapping.close();
  t.strictSame([mapping.closed, mapping.length, mapping.faults], [true, 3 * pageSize, 0]);
  t.strictSame([first.byteLength, again.byteLength, rest.byteLength], [0, 0, 0]);
  t.strictSame(
    [bytes.length, bytes[0], buffer.length, buffer[0], words[0]],
    [0, undefined, 0, undefined, undefined],
  );
  bytes[0] = 1;
  words[3] = 1;
  t.throws(() => view.getUint8(0), TypeError);
  t.throws(() => Atomics.load(words, 0), TypeError);
  t.throws(() => new Uint8Array(first), TypeError);
  const closed = { code: 'ERR_CLOSED' };
  const other = mapAnonymous(64);
  t.throws(() => mapping.window(0, 1), closed);
  t.throws(() => mapping.fill(0, 1, 0), closed);
  t.throws(() => mapping.copyFrom(0, other, 0, 1), closed);
  t.throws(() => other.copyFrom(0, mapping, 0, 1), closed);
  t.throws(() => mapping.convertPixels(0, 4, other, 0, 4, 1, 1, 0xe4, 0), closed);
  t.throws(() => other.convertPixels(0, 4, mapping, 0, 4, 1, 1, 0xe4, 0), closed);
  t.throws(() => createScatterGather([{ mapping, offset: 0, length: 1 }]), closed);
  other.close();
});

t.test('a window whose memory was moved to another ArrayBuffer', async (t) => {
  // Node 20 has no ArrayBuffer.prototype.transfer, and its structuredClone copies; later ones move or refuse.
  // Whatever they do, reading the moved bytes after close must not crash.
  const mapping = mapAnonymous(pageSize);
  mapping.fill(0, pageSize, 5);
  const moved: ArrayBuffer[] = [];
  const windows = [mapping.window(0, 64), mapping.window(0, 64), mapping.window(0, 64)];
  for (const window of windows.slice(0, 2)) {
    const transfer: unknown = Reflect.get(window, 'transfer');
    const error = thrownBy(() => {
      if (window === windows[0]) moved.push(structuredClone(window, { transfer: [window] }));
      else if (typeof transfer === 'function') moved.push(Reflect.apply(transfer, window, []));
    });
    t.ok(error === null || error instanceof Error);
  }
  mapping.close();
  t.strictSame(
    windows.map((window) => window.byteLength),
    [0, 0, 0],
  );
  for (const buffer of moved) t.ok(buffer.byteLength === 0 || new Uint8Array(buffer)[63] === 5);
});

t.test('windows of large mappings', async (t) => {
  const fd = createMemfd('large', { size: 6 * GiB });
  const mapping = mapFile(fd, 0, 6 * GiB, { writable: true });
  const whole = mapping.window(2 * GiB, 4 * GiB);
  t.equal(whole.byteLength, 4 * GiB);
  new DataView(whole).setUint32(3 * GiB, 0xcafe, true);
  t.equal(new Uint32Array(mapping.window(5 * GiB, 8))[0], 0xcafe);
  t.throws(() => mapping.window(0, 4 * GiB + 1), RangeError);
  const last = mapping.window(6 * GiB - 1, 1);
  t.throws(() => mapping.window(6 * GiB - 1, 2), RangeError);
  mapping.close();
  t.strictSame([whole.byteLength, last.byteLength], [0, 0]);
  closeFd(fd);
});

t.test('copyFrom and fill', async (t) => {
  const a = mapAnonymous(4096);
  const b = mapAnonymous(8192);
  const model = Uint8Array.from(scramble(a, 1));
  scramble(b, 2);
  const bytes = new Uint8Array(a.window(0, 4096));
  a.copyFrom(10, a, 0, 3000);
  model.copyWithin(10, 0, 3000);
  t.strictSame(bytes, model, 'overlap forward');
  a.copyFrom(0, a, 7, 3000);
  model.copyWithin(0, 7, 3007);
  t.strictSame(bytes, model, 'overlap backward');
  a.copyFrom(1000, b, 5000, 100);
  model.set(new Uint8Array(b.window(5000, 100)), 1000);
  a.fill(2000, 5, 255);
  model.fill(255, 2000, 2005);
  a.fill(4096, 0, 1);
  a.copyFrom(4096, b, 8192, 0);
  t.strictSame(bytes, model);
  for (const [offset, sourceOffset, length] of [
    [0, 0, 4097],
    [4096, 0, 1],
    [0, 8192, 1],
    [4097, 0, 0],
    [0, 8193, 0],
    [max, 0, max],
    [0, max, max],
  ] as const) {
    t.throws(() => a.copyFrom(offset, b, sourceOffset, length), RangeError);
  }
  t.throws(() => a.fill(4000, 97, 0), RangeError);
  t.throws(() => a.fill(0, 1, 256), RangeError);
  t.throws(() => a.window(4000, 97), RangeError);
  refusesBadNumbers(t, a, 'copyFrom', [0, b, 0, 1]);
  refusesBadNumbers(t, a, 'fill', [0, 1, 255]);
  refusesBadNumbers(t, a, 'window', [0, 1]);
  t.strictSame(bytes.subarray(1), model.subarray(1), 'refused calls change nothing');
  const event = createEventFd();
  const table = createScatterGather([]);
  for (const bad of [undefined, null, 1, {}, event, table, bytes, Object.create(b), new Proxy(b, {})]) {
    t.throws(() => callWith(a, 'copyFrom', [0, bad, 0, 1]), TypeError);
    t.throws(() => callWith(a, 'convertPixels', [0, 4, bad, 0, 4, 1, 1, 0, 0]), TypeError);
    t.throws(() => callWith(createScatterGather([]), 'readRows', [0, 0, bad, 0, 0, 0, 0]), TypeError);
    t.throws(
      () => Reflect.apply(createScatterGather, null, [[{ mapping: bad, offset: 0, length: 0 }]]),
      TypeError,
    );
  }
  for (const object of [a, table]) {
    t.throws(() => Reflect.apply(object.close, {}, []), TypeError);
    t.throws(() => Reflect.apply(object.close, event, []), TypeError);
    t.throws(() => Reflect.construct(object.constructor, []), TypeError);
  }
  event.close();
  a.close();
  b.close();
});

t.test('a truncated file reads as zeroes and is counted', async (t) => {
  const fd = createMemfd('truncated', { size: 16 * pageSize });
  const mapping = mapFile(fd, 0, 16 * pageSize, { writable: true });
  const readOnly = mapFile(fd, 0, 16 * pageSize, { writable: false });
  mapping.fill(0, mapping.length, 9);
  const bytes = new Uint8Array(mapping.window(0, mapping.length));
  ftruncateSync(fd, 2 * pageSize);
  t.equal(bytes[pageSize], 9);
  t.equal(mapping.faults, 0);
  bytes[14 * pageSize + 3] = 77;
  t.equal(bytes[14 * pageSize + 3], 77, 'stores are kept to ourselves');
  t.equal(mapping.faults, 1);
  t.equal(bytes[13 * pageSize], 0);
  t.equal(mapping.faults, 2, 'below it');
  t.strictSame([bytes[14 * pageSize + 3], bytes[15 * pageSize]], [77, 0]);
  t.equal(mapping.faults, 2, 'nothing is missing twice');

  const target = mapAnonymous(16 * pageSize);
  target.fill(0, target.length, 1);
  target.copyFrom(0, mapping, 11 * pageSize, pageSize);
  t.equal(mapping.faults, 3);
  const table = createScatterGather([
    { mapping, offset: pageSize, length: pageSize },
    { mapping, offset: 8 * pageSize, length: pageSize },
  ]);
  table.readRows(0, 0, target, 0, 0, 2 * pageSize, 1);
  t.equal(mapping.faults, 4);
  t.strictSame(
    Buffer.from(target.window(0, 2 * pageSize)),
    Buffer.concat([Buffer.alloc(pageSize, 9), Buffer.alloc(pageSize, 0)]),
  );
  mapping.convertPixels(7 * pageSize, 4, mapping, 6 * pageSize, 4, 1, 1, 0xe4, 0xff000000);
  t.equal(mapping.faults, 5);
  t.equal(bytes[2 * pageSize], 0);
  t.equal(mapping.faults, 6);
  t.equal(bytes[2 * pageSize - 1], 9, 'what is left of the file');
  t.equal(new Uint8Array(readOnly.window(15 * pageSize, 1))[0], 0);
  t.equal(readOnly.faults, 1);
  mapping.close();
  t.equal(mapping.faults, 6, 'readable after close');
  readOnly.close();
  target.close();
  closeFd(fd);
});

t.test('a long truncated file, touched in any order, takes few faults and kernel mappings', async (t) => {
  const pages = 150_000; // every second one: more than a process may have mappings
  for (const down of [false, true]) {
    const fd = createMemfd('long', { size: pages * pageSize });
    const mapping = mapFile(fd, 0, pages * pageSize, { writable: true });
    const bytes = new Uint8Array(mapping.window(0, mapping.length));
    ftruncateSync(fd, pageSize);
    const maps = () => readFileSync('/proc/self/maps', 'utf8').split('\n').length;
    const before = maps();
    let sum = 0;
    for (let page = 2; page < pages; page += 2) sum += bytes[(down ? pages - page : page) * pageSize] ?? 1;
    t.equal(sum, 0);
    t.ok(maps() < before + 10);
    if (!down) t.equal(mapping.faults, 1);
    mapping.close();
    closeFd(fd);
  }
});

t.test('many file mappings, opened and closed in any order, each with its own count', async (t) => {
  const fd = createMemfd('many', { size: pageSize });
  const open: Mapping[] = [];
  for (let i = 0; i < 300; i++) {
    open.push(mapFile(fd, 0, pageSize, { writable: true }));
    if (i % 3 === 0) open.splice((i * 7) % open.length, 1)[0]?.close();
  }
  ftruncateSync(fd, 0);
  for (const mapping of open) {
    t.equal(mapping.faults, 0);
    new Uint8Array(mapping.window(0, 1)).fill(1);
    t.equal(mapping.faults, 1);
    mapping.close();
  }
  closeFd(fd);
});

t.test('convertPixels', async (t) => {
  const source = mapAnonymous(4096);
  const target = mapAnonymous(4096);
  const from = scramble(source, 3);
  const to = new Uint8Array(target.window(0, 4096));
  // R8G8B8X8 to B8G8R8A8: bytes 2, 1, 0, 3, alpha set.
  from.set([1, 2, 3, 4], 0);
  target.convertPixels(8, 4, source, 0, 4, 1, 1, 2 | (1 << 2) | (0 << 4) | (3 << 6), 0xff000000);
  t.strictSame([...to.subarray(8, 12)], [3, 2, 1, 255]);

  const shape = fc.record({
    offset: fc.nat(600),
    stride: fc.nat(200),
    sourceOffset: fc.nat(600),
    sourceStride: fc.nat(200),
    width: fc.nat(20),
    rows: fc.nat(12),
    swizzle: fc.oneof(fc.constantFrom(0xe4, 0xc6, 0x1b, 0), fc.nat(255)),
    orMask: fc.oneof(fc.constantFrom(0, 0xff000000, 0xffffffff), fc.nat(0xffffffff)),
  });
  fc.assert(
    fc.property(shape, ({ offset, stride, sourceOffset, sourceStride, width, rows, swizzle, orMask }) => {
      target.fill(0, 4096, 0x55);
      const model = new Uint8Array(4096).fill(0x55);
      const call = (): void =>
        target.convertPixels(
          offset,
          stride,
          source,
          sourceOffset,
          sourceStride,
          width,
          rows,
          swizzle,
          orMask,
        );
      if (width > 0 && rows > 1 && stride < width * 4) {
        if (!(thrownBy(call) instanceof RangeError)) return false;
      } else {
        call();
        for (let row = 0; row < rows; row++) {
          for (let i = 0; i < width * 4; i++) {
            const pixel = sourceOffset + row * sourceStride + (i & ~3);
            const byte = from[pixel + ((swizzle >> (2 * (i & 3))) & 3)] ?? 0;
            model[offset + row * stride + i] = byte | ((orMask >>> (8 * (i & 3))) & 255);
          }
        }
      }
      return Buffer.compare(to, model) === 0;
    }),
    { numRuns: 500 },
  );

  // In place.
  const before = Uint8Array.from(from);
  source.convertPixels(0, 64, source, 0, 64, 16, 4, 0xc6, 0);
  for (let i = 0; i < 256; i += 4) {
    t.strictSame([...from.subarray(i, i + 4)], [before[i + 2], before[i + 1], before[i], before[i + 3]]);
  }

  for (const [offset, stride, sourceOffset, sourceStride, width, rows] of [
    [0, 64, 0, 64, 1025, 1],
    [4093, 4, 0, 4, 1, 1],
    [0, 4, 4093, 4, 1, 1],
    [0, 4092, 0, 0, 1, 3],
    [0, 4, 0, 4092, 1, 3],
    [0, max, 0, 0, 1, max],
    [0, 0, 0, 0, 1, max],
    [0, 0, 0, 0, max, 1],
    [4097, 0, 0, 0, 0, 0],
  ] as const) {
    t.throws(
      () => target.convertPixels(offset, stride, source, sourceOffset, sourceStride, width, rows, 0, 0),
      RangeError,
    );
  }
  t.throws(() => target.convertPixels(0, 4, source, 0, 4, 1, 1, 256, 0), RangeError);
  t.throws(() => target.convertPixels(0, 4, source, 0, 4, 1, 1, 0, 2 ** 32), RangeError);
  refusesBadNumbers(t, target, 'convertPixels', [0, 4, source, 0, 4, 1, 1, 0, 0]);
  source.close();
  target.close();
});

t.test('scatter/gather against a model', async (t) => {
  const mappings = [mapAnonymous(300), mapAnonymous(5000), mapAnonymous(64)];
  const contents = mappings.map((mapping, index) => scramble(mapping, index + 10));
  const other = mapAnonymous(4096);
  const otherBytes = new Uint8Array(other.window(0, 4096));

  const segment = fc
    .record({ which: fc.nat(2), a: fc.nat(10000), b: fc.nat(10000) })
    .map(({ which, a, b }) => {
      const size = mappings[which]?.length ?? 0;
      const offset = a % (size + 1);
      return { which, offset, length: b % (Math.min(size - offset, 120) + 1) };
    });
  const shape = fc.record({
    segments: fc.array(segment, { maxLength: 60 }),
    offset: fc.nat(3000),
    stride: fc.nat(300),
    otherOffset: fc.nat(500),
    otherStride: fc.nat(300),
    rowBytes: fc.nat(200),
    rows: fc.nat(10),
    write: fc.boolean(),
    contiguous: fc.boolean(),
    wild: fc.nat(9).map((n) => n === 0),
  });
  let copied = 0;
  fc.assert(
    fc.property(shape, (input) => {
      const { segments, otherOffset, rows, write, contiguous, wild } = input;
      const length = segments.reduce((sum, segment) => sum + segment.length, 0);
      // Most runs are bent so that they fit; the wild ones mostly don't.
      const fitting = Math.floor(length / Math.max(rows, 1));
      const rowBytes = wild ? input.rowBytes : Math.min(input.rowBytes, fitting);
      const gap = wild ? input.stride : contiguous ? 0 : input.stride % (fitting - rowBytes + 1);
      const stride = contiguous ? rowBytes : wild ? input.stride : rowBytes + gap;
      const otherStride = contiguous
        ? rowBytes
        : wild
          ? input.otherStride
          : rowBytes + (input.otherStride % 150);
      const offset = wild ? input.offset : input.offset % (length - rows * stride + 1);
      // The model: where each byte of the table lies.
      const places: [number, number][] = [];
      for (const { which, offset, length } of segments) {
        for (let i = 0; i < length; i++) places.push([which, offset + i]);
      }
      const table = createScatterGather(
        segments.map(({ which, offset, length }) => ({ mapping: mappings[which] ?? other, offset, length })),
      );
      if (table.length !== places.length) return false;
      const memory = contents.map((bytes) => Uint8Array.from(bytes));
      const target = Uint8Array.from(otherBytes);
      const end = rows === 0 || rowBytes === 0 ? offset : offset + (rows - 1) * stride + rowBytes;
      const fits =
        end <= places.length && (rows < 2 || rowBytes === 0 || (write ? stride : otherStride) >= rowBytes);
      if (fits) {
        copied++;
        for (let row = 0; row < rows; row++) {
          for (let i = 0; i < rowBytes; i++) {
            const [which = 0, at = 0] = places[offset + row * stride + i] ?? [];
            const outside = otherOffset + row * otherStride + i;
            if (write) (memory[which] ?? target)[at] = target[outside] ?? 0;
            else target[outside] = memory[which]?.[at] ?? 0;
          }
        }
      }
      const call = (): void =>
        write
          ? table.writeRows(offset, stride, other, otherOffset, otherStride, rowBytes, rows)
          : table.readRows(offset, stride, other, otherOffset, otherStride, rowBytes, rows);
      if (fits) call();
      else if (!(thrownBy(call) instanceof RangeError)) return false;
      table.close();
      return (
        Buffer.compare(otherBytes, target) === 0 &&
        contents.every((bytes, index) => Buffer.compare(bytes, memory[index] ?? target) === 0)
      );
    }),
    { numRuns: 2000 },
  );
  t.ok(copied > 1000, `${copied} of 2000 were copies`);
  for (const mapping of [...mappings, other]) mapping.close();
});

t.test('scatter/gather: thousands of pages, a row near the end, rows back and forth', async (t) => {
  const pages = 2025;
  const memory = mapAnonymous(pages * pageSize);
  const words = new Uint32Array(memory.window(0, memory.length));
  for (let i = 0; i < words.length; i++) words[i] = i;
  // Page i of the table is page (i * 7) mod 2025 of memory: no two neighbours are adjacent.
  const segments: Segment[] = [];
  for (let i = 0; i < pages; i++)
    segments.push({ mapping: memory, offset: ((i * 7) % pages) * pageSize, length: pageSize });
  const table = createScatterGather(segments);
  t.equal(table.length, memory.length);
  const wordAt = (position: number): number =>
    ((Math.floor(position / pageSize) * 7) % pages) * (pageSize / 4) + (position % pageSize) / 4;
  const target = mapAnonymous(1 << 20);
  const got = new Uint32Array(target.window(0, 1 << 20));
  for (const [offset, stride] of [
    [table.length - 64 * 7680, 7680],
    [0, 100_000],
    [0, 0],
    [table.length - 256, 0],
    [4 * pageSize - 128, 4],
  ] as const) {
    table.readRows(offset, stride, target, 0, 256, 256, 64);
    let wrong = 0;
    for (let row = 0; row < 64; row++) {
      for (let i = 0; i < 64; i++) if (got[row * 64 + i] !== wordAt(offset + row * stride + i * 4)) wrong++;
    }
    t.equal(wrong, 0);
  }
  table.close();
  memory.close();
  target.close();
});

t.test('copies that are streamed, and long ones that are not', async (t) => {
  const mib = 2 ** 20;
  const source = mapAnonymous(9 * mib);
  const bytes = scramble(source, 5);
  const target = mapAnonymous(10 * mib);
  const got = new Uint8Array(target.window(0, target.length));
  // Pieces of odd lengths at odd places, the last one first.
  const segments: Segment[] = [];
  for (let end = source.length; end > 0; end -= 70_001) {
    const offset = Math.max(0, end - 70_001);
    segments.push({ mapping: source, offset, length: end - offset });
  }
  const table = createScatterGather(segments);
  const gathered = Buffer.concat(
    segments.map(({ offset, length }) => bytes.subarray(offset, offset + length)),
  );
  for (const [at, length] of [
    [0, 9 * mib],
    [5, 9 * mib - 3],
    [pageSize + 31, 8 * mib],
    [16, 8 * mib - 1],
  ] as const) {
    got.fill(7);
    table.readRows(1, length - 1, target, at, length - 1, length - 1, 1);
    t.equal(Buffer.compare(got.subarray(at, at + length - 1), gathered.subarray(1, length)), 0, 'gathered');
    t.notOk(
      got.subarray(0, at).some((byte) => byte !== 7),
      'nothing before',
    );
    t.notOk(
      got.subarray(at + length - 1).some((byte) => byte !== 7),
      'nothing behind',
    );
    got.fill(7);
    target.copyFrom(at, source, 1, length - 1);
    t.equal(Buffer.compare(got.subarray(at, at + length - 1), bytes.subarray(1, length)), 0, 'copied');
  }
  // Rows with gaps, of pixels that stay as they are.
  got.fill(7);
  target.convertPixels(3, 10_000, source, 1, 9600, 2300, 950, 0xe4, 0);
  let wrong = 0;
  for (let row = 0; row < 950; row++) {
    const copy = got.subarray(3 + row * 10_000, 3 + row * 10_000 + 9200);
    if (Buffer.compare(copy, bytes.subarray(1 + row * 9600, 1 + row * 9600 + 9200)) !== 0) wrong++;
    if (got.subarray(9203 + row * 10_000, 3 + (row + 1) * 10_000).some((byte) => byte !== 7)) wrong++;
  }
  t.equal(wrong, 0);
  // Back into the pages.
  got.set(bytes);
  const pages = Uint8Array.from(scramble(source, 6));
  table.writeRows(0, 9 * mib, target, 0, 9 * mib, 9 * mib, 1);
  let at = 0;
  for (const { offset, length } of segments) {
    pages.set(got.subarray(at, at + length), offset);
    at += length;
  }
  t.equal(Buffer.compare(new Uint8Array(source.window(0, source.length)), pages), 0, 'scattered');
  table.close();
  source.close();
  target.close();
});

t.test('scatter/gather: bad input, closed mappings', async (t) => {
  const a = mapAnonymous(4096);
  const b = mapAnonymous(4096);
  const target = mapAnonymous(4096);
  for (const [offset, length] of [
    [0, 4097],
    [4096, 1],
    [4097, 0],
    [max, max],
    ...badNumbers.flatMap((bad) => [[bad, 1] as const, [0, bad] as const]),
  ] as const) {
    t.throws(() => createScatterGather([{ mapping: a, offset, length }]), RangeError, `${offset}+${length}`);
  }
  t.throws(() => Reflect.apply(createScatterGather, null, [[{ mapping: a }]]), RangeError);
  t.throws(() => Reflect.apply(createScatterGather, null, [[{}]]), TypeError);
  t.equal(createScatterGather([{ mapping: a, offset: 4096, length: 0 }]).length, 0);
  const empty = createScatterGather([]);
  empty.readRows(0, 0, target, 0, 0, 0, 5);
  t.throws(() => empty.readRows(0, 0, target, 0, 0, 1, 1), RangeError);
  t.throws(() => empty.readRows(1, 0, target, 0, 0, 0, 0), RangeError);

  const table = createScatterGather([
    { mapping: a, offset: 0, length: 1000 },
    { mapping: b, offset: 0, length: 1000 },
    { mapping: a, offset: 1000, length: 1000 },
  ]);
  for (const method of ['readRows', 'writeRows'] as const) {
    for (const [offset, stride, targetOffset, targetStride, rowBytes, rows] of [
      [2990, 0, 0, 0, 11, 1],
      [0, 1000, 0, 100, 100, 4],
      [0, 10, 4090, 10, 10, 1],
      [0, 10, 0, 2048, 10, 3],
      [0, 9, 0, 9, 10, 2],
      [0, max, 0, max, 1, max],
      [0, 0, 0, 0, 1, max],
      [max, 0, 0, 0, max, 1],
    ] as const) {
      t.throws(
        () => table[method](offset, stride, target, targetOffset, targetStride, rowBytes, rows),
        RangeError,
      );
    }
    refusesBadNumbers(t, table, method, [0, 10, target, 0, 10, 10, 3]);
  }
  table.readRows(0, 0, a, 2000, 0, 2000, 1);
  b.close();
  t.throws(
    () => table.readRows(0, 1, target, 0, 1, 1, 1),
    { code: 'ERR_CLOSED' },
    'even where the row is elsewhere',
  );
  t.throws(() => table.writeRows(0, 1, target, 0, 1, 1, 1), { code: 'ERR_CLOSED' });
  t.equal(table.closed, false);
  table.close();
  table.close();
  t.strictSame([table.closed, table.length], [true, 3000]);
  t.throws(() => table.readRows(0, 1, target, 0, 1, 1, 1), { code: 'ERR_CLOSED' });
  const second = createScatterGather([{ mapping: a, offset: 0, length: 10 }]);
  target.close();
  t.throws(() => second.readRows(0, 1, target, 0, 1, 1, 1), { code: 'ERR_CLOSED' });
  a.close();
});

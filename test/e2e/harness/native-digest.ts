/**
 * A program that has the native part do all kinds of its work on the same input each time, and prints what came of it as
 * JSON: the same on every architecture.
 */
import { createHash } from 'node:crypto';
import { ftruncateSync } from 'node:fs';
import * as native from 'vhost-user-native';

let state = 1;
/** The next of a fixed sequence of numbers: 0 to below `limit`. */
function next(limit: number): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % limit;
}

function scrambled(bytes: number): { readonly mapping: native.Mapping; readonly bytes: Uint8Array } {
  const mapping = native.mapAnonymous(bytes);
  const view = new Uint8Array(mapping.window(0, bytes));
  for (let i = 0; i < bytes; i++) view[i] = next(256);
  return { mapping, bytes: view };
}

function hash(...parts: readonly Uint8Array[]): string {
  const all = createHash('sha256');
  for (const part of parts) all.update(part);
  return all.digest('hex');
}

/** Rows of any length from and to scattered pieces of memory, at any offset. */
function copyRows(): string {
  const pieces = [scrambled(3000), scrambled(5001), scrambled(64)];
  const other = scrambled(20_000);
  for (let round = 0; round < 2000; round++) {
    const segments = Array.from({ length: 1 + next(40) }, () => {
      const { mapping } = pieces[next(3)] as (typeof pieces)[0];
      const offset = next(mapping.length);
      return { mapping, offset, length: 1 + next(Math.min(300, mapping.length - offset)) };
    });
    const table = native.createScatterGather(segments);
    const rows = 1 + next(8);
    const [stride, otherStride] = [Math.floor(table.length / rows), 300 + next(2000)];
    const rowBytes = next(Math.min(stride, otherStride) + 1);
    const rest = [stride, other.mapping, next(1000), otherStride, rowBytes, rows] as const;
    if (next(2) === 0) table.readRows(0, ...rest);
    else table.writeRows(0, ...rest);
    table.close();
  }
  return hash(...pieces.map(({ bytes }) => bytes), other.bytes);
}

/** A picture of full size out of pages in reverse order, to where no row is aligned, and a part of it back. */
function copyPicture(): string {
  const [stride, rows] = [1921 * 4, 1080];
  const pages = Math.ceil((stride * rows) / native.pageSize);
  const guest = scrambled(pages * native.pageSize);
  const table = native.createScatterGather(
    Array.from({ length: pages }, (_, i) => {
      const offset = (pages - 1 - i) * native.pageSize;
      return { mapping: guest.mapping, offset, length: native.pageSize };
    }),
  );
  const target = native.mapAnonymous(stride * rows + 4096);
  table.readRows(0, stride, target, 13, stride, stride - 7, rows);
  table.writeRows(77, stride, target, 5, stride, 3001, rows - 1);
  return hash(new Uint8Array(target.window(0, target.length)), guest.bytes);
}

/** Every order of a pixel's bytes, at any offset. */
function convertPixels(): string {
  const [source, target] = [scrambled(40_000), scrambled(40_000)];
  for (let swizzle = 0; swizzle < 256; swizzle++) {
    const width = next(200);
    const orMask = next(2) * 0xff000000;
    const strides = [800 + next(200), 800 + next(200)] as const;
    const places = [next(5000), next(5000)] as const;
    target.mapping.convertPixels(
      places[0],
      strides[0],
      source.mapping,
      places[1],
      strides[1],
      width,
      10,
      swizzle,
      orMask,
    );
  }
  return hash(target.bytes);
}

/** A file in memory: mapped, sent over a socket, mapped again, freed in part, sealed, cut off. */
function shareFile(): Readonly<Record<string, unknown>> {
  const size = 8 * native.pageSize;
  const fd = native.createMemfd('shared', { size, seals: native.Seal.GROW });
  const [near, far] = native.socketPair();
  near.send(new Uint8Array([1, 2, 3]), [fd]);
  const received = far.receive(new Uint8Array(8));
  const [own, theirs] = [fd, received.fds[0] ?? -1].map((each) => {
    const mapping = native.mapFile(each, 0, size, { writable: true });
    return { mapping, bytes: new Uint8Array(mapping.window(0, size)) };
  }) as [ReturnType<typeof scrambled>, ReturnType<typeof scrambled>];
  own.bytes.fill(7);
  native.punchHole(fd, native.pageSize, native.pageSize);
  const shared = hash(theirs.bytes);
  const seals = native.sealsOf(received.fds[0] ?? -1);
  ftruncateSync(fd, native.pageSize);
  const cut = [theirs.bytes[0], theirs.bytes[4 * native.pageSize], theirs.mapping.faults];
  const left = native.mapAnonymous(size);
  left.copyFrom(0, own.mapping, 0, size);
  return { bytes: received.bytes, shared, seals, cut, left: hash(new Uint8Array(left.window(0, size))) };
}

/** The event loop learns of a signal and of bytes. */
async function wake(): Promise<Readonly<Record<string, unknown>>> {
  const event = native.createEventFd();
  const signalled = new Promise((resolve) => event.watch(() => resolve(true)));
  event.signal();
  const woken = await signalled;
  event.close();
  const [near, far] = native.socketPair();
  const readable = new Promise((resolve) => far.watch(native.READABLE, resolve));
  near.send(new Uint8Array(1));
  const result = { woken, readable: await readable };
  near.close();
  far.close();
  return result;
}

const result = {
  rows: copyRows(),
  picture: copyPicture(),
  pixels: convertPixels(),
  file: shareFile(),
  wake: await wake(),
};
console.log(JSON.stringify(result));

/**
 * The record of one descriptor chain: its segments, translated once, and the copies in and out. // hot
 *
 * Segments are kept by guest address beside their place in the windows: when the memory table changed since,
 * the next access translates them again, so that no access goes through a view of memory that was given back.
 */
import type { GuestMemory } from '../memory/guest-memory.js';
import type { DescriptorChain } from './virtqueue.js';

/** Segments that a record holds without growing. */
const SEGMENTS_AT_FIRST = 16;
/** A record that grew past this is cut back when it returns to the pool. */
const SEGMENTS_KEPT = 128;
/** Up to here a loop beats `set(subarray())`, which makes an object. */
const LOOP_BYTES = 64;
/** "Drivers MUST NOT add a descriptor chain longer than 2^32 bytes in total" (virtio 1.3, 2.7.5.1). */
const CHAIN_BYTES_MAX = 2 ** 32;

/**
 * The words of the byte array that was last copied to or from. Devices use one scratch array for all headers and
 * one for all responses, and four bytes at a time make a small copy three times as fast.
 */
class WordsOf {
  bytes: Uint8Array = new Uint8Array(0);
  words: Int32Array = new Int32Array(0);

  /** False when the array does not start on a word. */
  take(bytes: Uint8Array): boolean {
    if ((bytes.byteOffset & 3) !== 0) return false;
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
    this.bytes = bytes;
    return true;
  }
}

const readTarget = new WordsOf();
const writeSource = new WordsOf();

function copyWords(
  target: Int32Array,
  targetAt: number,
  source: Int32Array,
  sourceAt: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) target[targetAt + i] = source[sourceAt + i] as number;
}

/** Tells a record whether its queue still runs the way it did when the chain was popped. */
export interface ChainOwner {
  /** Changes at each start and stop. */
  readonly epoch: number;
}

export class Chain implements DescriptorChain {
  head = 0;
  readableBytes = 0;
  writableBytes = 0;
  /** Packed ring: descriptors that the chain takes in the ring. */
  slots = 0;
  /** Packed ring with inflight tracking: index of the chain's entry. */
  inflightEntry = 0;
  /** The owner's epoch while the chain is held, -1 when it is not. */
  epoch = -1;

  private memory: GuestMemory;
  private generation = -1;
  private count = 0;
  private readableCount = 0;
  /** Segment i: guest address, bytes, window, offset in the window. */
  private addresses = new Float64Array(SEGMENTS_AT_FIRST);
  private lengths = new Int32Array(SEGMENTS_AT_FIRST);
  private windows = new Int32Array(SEGMENTS_AT_FIRST);
  private offsets = new Int32Array(SEGMENTS_AT_FIRST);
  /** Where the last read and the last write ended: segment, and the bytes before it. */
  private readSegment = 0;
  private readBase = 0;
  private writeSegment = 0;
  private writeBase = 0;
  private readonly owner: ChainOwner;

  constructor(owner: ChainOwner, memory: GuestMemory) {
    this.owner = owner;
    this.memory = memory;
  }

  /** Empties the record. */
  begin(memory: GuestMemory, epoch: number): void {
    this.memory = memory;
    this.generation = memory.generation;
    this.epoch = epoch;
    this.readableBytes = 0;
    this.writableBytes = 0;
    this.count = 0;
    this.readableCount = 0;
    this.readSegment = 0;
    this.readBase = 0;
    this.writeSegment = 0;
    this.writeBase = 0;
  }

  /** Nothing can be read or written any more. */
  end(): void {
    this.epoch = -1;
    this.readableBytes = 0;
    this.writableBytes = 0;
    if (this.lengths.length > SEGMENTS_KEPT) this.resize(SEGMENTS_AT_FIRST);
  }

  /**
   * Adds one descriptor's buffer. Returns what is wrong with it, or null. The words come as int32, as they lie in
   * an Int32Array: larger numbers would be allocated when passed on.
   */
  append(low: number, high: number, lengthWord: number, writable: boolean): string | null {
    if (lengthWord === 0) return null;
    const address = (low >>> 0) + (high >>> 0) * 0x1_0000_0000;
    const length = lengthWord >>> 0;
    if (writable) {
      this.writableBytes += length;
    } else {
      if (this.writableBytes > 0) return 'a device-readable buffer follows a device-writable one';
      this.readableBytes += length;
    }
    if (this.readableBytes + this.writableBytes > CHAIN_BYTES_MAX) return 'the chain is longer than 4 GiB';
    const memory = this.memory;
    const window = memory.windowOf(address);
    const at = this.count;
    if (window >= 0 && address + length <= (memory.ends[window] as number) && at < this.lengths.length) {
      this.addresses[at] = address;
      this.lengths[at] = length;
      this.windows[at] = window;
      this.offsets[at] = address - (memory.starts[window] as number);
      this.count = at + 1;
    } else if (!this.translate(address, length)) {
      return 'a buffer lies outside guest memory';
    }
    if (!writable) this.readableCount = this.count;
    return null;
  }

  read(target: Uint8Array, offset: number, length: number): number {
    if (!this.current()) return 0;
    let left = Math.min(length, this.readableBytes - offset, target.length);
    if (!(left > 0 && offset >= 0)) return 0;
    const lengths = this.lengths;
    let segment = this.readSegment;
    let base = this.readBase;
    if (offset < base) segment = base = 0;
    while (offset - base >= (lengths[segment] as number)) base += lengths[segment++] as number;
    this.readSegment = segment;
    this.readBase = base;
    let within = offset - base;
    let done = 0;
    for (;;) {
      const count = Math.min((lengths[segment] as number) - within, left);
      const bytes = this.memory.bytesOf(this.windows[segment] as number);
      const at = (this.offsets[segment] as number) + within;
      if (count > LOOP_BYTES) {
        target.set(bytes.subarray(at, at + count), done);
      } else if (
        ((at | done | count) & 3) === 0 &&
        (target === readTarget.bytes || readTarget.take(target))
      ) {
        const from = this.memory.wordsOf(this.windows[segment] as number);
        copyWords(readTarget.words, done >>> 2, from, at >>> 2, count >>> 2);
      } else {
        for (let i = 0; i < count; i++) target[done + i] = bytes[at + i] as number;
      }
      done += count;
      left -= count;
      if (left === 0) return done;
      segment++;
      within = 0;
    }
  }

  write(source: Uint8Array, offset: number, length: number): number {
    if (!this.current()) return 0;
    let left = Math.min(length, this.writableBytes - offset, source.length);
    if (!(left > 0 && offset >= 0)) return 0;
    const lengths = this.lengths;
    const first = this.readableCount;
    let segment = this.writeSegment + first;
    let base = this.writeBase;
    if (offset < base) {
      segment = first;
      base = 0;
    }
    while (offset - base >= (lengths[segment] as number)) base += lengths[segment++] as number;
    this.writeSegment = segment - first;
    this.writeBase = base;
    let within = offset - base;
    let done = 0;
    for (;;) {
      const count = Math.min((lengths[segment] as number) - within, left);
      const bytes = this.memory.bytesOf(this.windows[segment] as number);
      const at = (this.offsets[segment] as number) + within;
      if (count > LOOP_BYTES) {
        bytes.set(count === source.length ? source : source.subarray(done, done + count), at);
      } else if (
        ((at | done | count) & 3) === 0 &&
        (source === writeSource.bytes || writeSource.take(source))
      ) {
        const to = this.memory.wordsOf(this.windows[segment] as number);
        copyWords(to, at >>> 2, writeSource.words, done >>> 2, count >>> 2);
      } else {
        for (let i = 0; i < count; i++) bytes[at + i] = source[done + i] as number;
      }
      this.memory.markDirty((this.addresses[segment] as number) + within, count);
      done += count;
      left -= count;
      if (left === 0) return done;
      segment++;
      within = 0;
    }
  }

  /** False when the chain is not held any more or its memory is gone. */
  private current(): boolean {
    if (this.epoch !== this.owner.epoch) return false;
    return this.generation === this.memory.generation || this.translateAgain();
  }

  private translate(address: number, length: number): boolean {
    const memory = this.memory;
    let left = length;
    for (;;) {
      const window = memory.windowOf(address);
      if (window < 0) return false;
      const start = memory.starts[window] as number;
      const room = (memory.ends[window] as number) - address;
      const piece = Math.min(left, room);
      const at = this.count;
      if (at === this.lengths.length) this.resize(at * 2);
      this.addresses[at] = address;
      this.lengths[at] = piece;
      this.windows[at] = window;
      this.offsets[at] = address - start;
      this.count = at + 1;
      left -= piece;
      if (left === 0) return true;
      address += piece;
    }
  }

  /** After a change of the memory table. The old pieces stay when one is not memory (it may come back). */
  private translateAgain(): boolean {
    const { addresses, lengths, windows, offsets, count, readableCount } = this;
    this.addresses = new Float64Array(lengths.length);
    this.lengths = new Int32Array(lengths.length);
    this.windows = new Int32Array(lengths.length);
    this.offsets = new Int32Array(lengths.length);
    this.count = 0;
    this.readableCount = 0;
    for (let i = 0; i < count; i++) {
      if (!this.translate(addresses[i] as number, lengths[i] as number)) {
        Object.assign(this, { addresses, lengths, windows, offsets, count, readableCount });
        return false;
      }
      if (i < readableCount) this.readableCount = this.count;
    }
    this.generation = this.memory.generation;
    this.readSegment = 0;
    this.readBase = 0;
    this.writeSegment = 0;
    this.writeBase = 0;
    return true;
  }

  private resize(capacity: number): void {
    const kept = Math.min(this.count, capacity);
    const { addresses, lengths, windows, offsets } = this;
    this.addresses = new Float64Array(capacity);
    this.lengths = new Int32Array(capacity);
    this.windows = new Int32Array(capacity);
    this.offsets = new Int32Array(capacity);
    this.addresses.set(addresses.subarray(0, kept));
    this.lengths.set(lengths.subarray(0, kept));
    this.windows.set(windows.subarray(0, kept));
    this.offsets.set(offsets.subarray(0, kept));
  }
}

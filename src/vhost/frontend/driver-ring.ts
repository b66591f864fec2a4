/** What the driver's sides of the two ring formats have in common, as `DriverQueue` uses them. */
import { VhostUserError } from '../errors.js';
import { DESCRIPTOR_BYTES, ringLayout } from '../queue/ring-layout.js';

/** A run of guest-physical memory in a buffer. */
export interface Piece {
  /** Guest-physical address of the first byte. */
  readonly address: number;
  /** Bytes, 0 to 2^32 - 1. */
  readonly length: number;
}

/** Memory of the front-end: byte 0 of the window has this guest-physical address. */
export interface MemoryWindow {
  readonly buffer: ArrayBuffer;
  readonly guestAddress: number;
}

/** Where a ring lies (guest-physical) and what was negotiated for it. */
export interface DriverQueueOptions {
  readonly memory: MemoryWindow;
  /** Descriptors: split, a power of two up to 32768; packed, 1 to 32768. */
  readonly size: number;
  readonly packed?: boolean;
  readonly eventIdx?: boolean;
  readonly descAddress: number;
  /** Available ring; packed: the driver's event suppression. */
  readonly availAddress: number;
  /** Used ring; packed: the device's event suppression. */
  readonly usedAddress: number;
  /** Room for `size` tables of `indirectEntries` descriptors each; needed for `indirect` chains only. */
  readonly indirectAddress?: number;
  readonly indirectEntries?: number;
  /** Where to start, as SET_VRING_BASE carries it. Default: a new ring (0; packed 0x80008000). */
  readonly base?: number;
}

/** Where the areas of a ring lie (guest-physical), and the bytes from its first to past its last one. */
export interface RingPlacement {
  readonly descAddress: number;
  readonly availAddress: number;
  readonly usedAddress: number;
  readonly indirectAddress: number;
  readonly indirectEntries: number;
  readonly bytes: number;
}

/**
 * Lays out a ring from `address` (a multiple of 16) on, with room for an indirect table of `indirectEntries`
 * descriptors for each buffer id.
 */
export function placeRing(
  address: number,
  size: number,
  packed: boolean,
  indirectEntries = 0,
): RingPlacement {
  const areas = ringLayout(size, packed);
  const availAddress = address + areas.desc.bytes;
  const usedAddress = Math.ceil((availAddress + areas.avail.bytes) / 4) * 4;
  const indirectAddress = Math.ceil((usedAddress + areas.used.bytes) / 16) * 16;
  const bytes = indirectAddress + size * indirectEntries * DESCRIPTOR_BYTES - address;
  return { descAddress: address, availAddress, usedAddress, indirectAddress, indirectEntries, bytes };
}

/** A buffer that the device gave back. */
export interface UsedBuffer {
  /** As `add` returned it. */
  id: number;
  /** Bytes written, as the device says; not checked against the buffer. */
  length: number;
}

/** A descriptor as it is, for tests that break rules. */
export interface RawDescriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  /** Split: the next descriptor. Packed: the buffer id. */
  readonly next?: number;
}

export interface DriverRing {
  /** Descriptors that are not in flight. */
  readonly free: number;
  /** Buffers that were added and did not come back. */
  readonly inFlight: number;
  /** Starting position, as SET_VRING_BASE carries it. */
  readonly base: number;
  add(readable: readonly Piece[], writable: readonly Piece[]): number;
  /** Adds a chain that lies in the table of the id that it gets. */
  addIndirect(readable: readonly Piece[], writable: readonly Piece[]): number;
  publish(): void;
  kickNeeded(): boolean;
  /** Takes the next used buffer into `used`; false when there is none. */
  poll(used: UsedBuffer): boolean;
  hasUsed(): boolean;
  enableInterrupts(): boolean;
  disableInterrupts(): void;
  rawDescriptor(index: number, descriptor: RawDescriptor): void;
}

/** The tables of indirect chains: one of `entries` descriptors for each buffer id. */
export class IndirectTables {
  readonly entries: number;
  private readonly address: number;
  private readonly words: Uint32Array;

  constructor(options: DriverQueueOptions) {
    const { memory, size, indirectAddress = 0, indirectEntries = 0 } = options;
    this.entries = indirectEntries;
    this.address = indirectAddress;
    const offset = indirectEntries === 0 ? 0 : indirectAddress - memory.guestAddress;
    this.words = new Uint32Array(memory.buffer, offset, size * indirectEntries * 4);
  }

  /** Guest-physical address of an id's table. */
  addressOf(id: number): number {
    return this.address + id * this.entries * DESCRIPTOR_BYTES;
  }

  /** Writes one entry; `word` is flags and next (split) or id and flags (packed). */
  put(id: number, index: number, piece: Piece, word: number): void {
    writeDescriptor(this.words, (id * this.entries + index) * 4, piece.address, piece.length, word);
  }
}

/** Stores a descriptor's four words. */
export function writeDescriptor(
  words: Uint32Array,
  at: number,
  address: number,
  length: number,
  word: number,
): void {
  const high = Math.floor(address / 0x1_0000_0000);
  words[at] = address - high * 0x1_0000_0000;
  words[at + 1] = high;
  words[at + 2] = length;
  words[at + 3] = word;
}

/** Throws unless the two lists make a chain of 1 to `max` pieces. Returns how many there are. */
export function countPieces(readable: readonly Piece[], writable: readonly Piece[], max: number): number {
  const count = readable.length + writable.length;
  if (count < 1 || count > max) throw new RangeError(`a chain of ${count} pieces; 1 to ${max} are possible`);
  return count;
}

/** The device returned something that it did not have: the ring can't be trusted any more. */
export function badUsed(what: string): never {
  throw new VhostUserError('VHOST_ERR_BAD_USED_RING', `used ring: ${what}`);
}

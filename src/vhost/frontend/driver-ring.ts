/**
 * What both of the driver's rings share: where the areas lie in the front-end's memory, and raw access to them
 * for tests that have to write nonsense.
 */
import { DESCRIPTOR_BYTES, ringLayout } from '../queue/ring-layout.js';

/** A run of guest memory that the device may read or write. */
export interface DriverBuffer {
  /** Guest-physical. */
  readonly address: number;
  readonly length: number;
}

/** A chain that the device gave back. */
export interface UsedBuffer {
  readonly id: number;
  /** Bytes that the device says it wrote. */
  readonly length: number;
}

export interface DriverQueueOptions {
  /** The memory that holds the ring… */
  readonly buffer: ArrayBuffer;
  /** …the guest-physical address of its first byte… */
  readonly guestBase: number;
  /** …and where in it the ring starts: a multiple of 16. It takes `driverRingBytes`. */
  readonly offset: number;
  readonly size: number;
  readonly packed: boolean;
  readonly eventIdx: boolean;
  /** Entries in each chain's own indirect table; 0 or absent = no tables. */
  readonly indirectEntries?: number;
  /** Split: the first index of both rings. A driver starts at 0; tests start short of a wrap. */
  readonly startIndex?: number;
}

export interface AddOptions {
  /** Through an indirect table. */
  readonly indirect?: boolean;
}

/** Offsets of the areas from the ring's start. */
interface Offsets {
  readonly avail: number;
  readonly used: number;
  readonly tables: number;
  readonly bytes: number;
}

function offsetsOf(size: number, packed: boolean, indirectEntries: number): Offsets {
  const areas = ringLayout(size, packed);
  const up = (value: number, alignment: number) => Math.ceil(value / alignment) * alignment;
  const avail = up(areas.desc.bytes, areas.avail.alignment);
  const used = up(avail + areas.avail.bytes, areas.used.alignment);
  const tables = up(used + areas.used.bytes, DESCRIPTOR_BYTES);
  return { avail, used, tables, bytes: tables + size * indirectEntries * DESCRIPTOR_BYTES };
}

/** Bytes that a ring takes, its indirect tables included. */
export function driverRingBytes(size: number, packed: boolean, indirectEntries = 0): number {
  return offsetsOf(size, packed, indirectEntries).bytes;
}

/** The areas of one ring as typed arrays. Everything here may be written to by a test. */
export class DriverRing {
  readonly size: number;
  /** Guest-physical addresses of the areas. */
  readonly descAddress: number;
  readonly availAddress: number;
  readonly usedAddress: number;
  /** Descriptor i: words 4i (address low), 4i+1 (high), 4i+2 (length), 4i+3 (split: next << 16 | flags; packed: flags << 16 | id). */
  readonly desc: Uint32Array;
  /** Split: flags, idx, ring[], used_event. Packed: the driver's event suppression. */
  readonly avail: Uint16Array;
  /** Split: flags, idx, (ring), avail_event. Packed: the device's event suppression. */
  readonly used: Uint16Array;
  /** Split: word 1+2i is the id, 2+2i the length of used entry i. */
  readonly usedWords: Uint32Array;
  readonly tables: Uint32Array;
  readonly indirectEntries: number;
  private readonly tablesAddress: number;

  constructor(options: DriverQueueOptions) {
    const { buffer, guestBase, offset, size, packed } = options;
    this.indirectEntries = options.indirectEntries ?? 0;
    const offsets = offsetsOf(size, packed, this.indirectEntries);
    const areas = ringLayout(size, packed);
    this.size = size;
    this.descAddress = guestBase + offset;
    this.availAddress = guestBase + offset + offsets.avail;
    this.usedAddress = guestBase + offset + offsets.used;
    this.tablesAddress = guestBase + offset + offsets.tables;
    this.desc = new Uint32Array(buffer, offset, areas.desc.bytes / 4);
    this.avail = new Uint16Array(buffer, offset + offsets.avail, areas.avail.bytes / 2);
    this.used = new Uint16Array(buffer, offset + offsets.used, areas.used.bytes / 2);
    this.usedWords = new Uint32Array(buffer, offset + offsets.used, packed ? 1 : 1 + 2 * size);
    this.tables = new Uint32Array(buffer, offset + offsets.tables, size * this.indirectEntries * 4);
    this.desc.fill(0);
    this.avail.fill(0);
    this.used.fill(0);
  }

  /** Guest-physical address of indirect table `index`. */
  tableAddress(index: number): number {
    return this.tablesAddress + index * this.indirectEntries * DESCRIPTOR_BYTES;
  }

  /** Writes a descriptor: `word` as in `desc`. */
  writeDescriptor(index: number, address: number, length: number, word: number): void {
    writeEntry(this.desc, index * 4, address, length, word);
  }

  /** Writes entry `index` of indirect table `table`. */
  writeTableEntry(table: number, index: number, address: number, length: number, word: number): void {
    if (index >= this.indirectEntries)
      throw new RangeError(`indirect tables have ${this.indirectEntries} entries`);
    writeEntry(this.tables, (table * this.indirectEntries + index) * 4, address, length, word);
  }
}

function writeEntry(words: Uint32Array, at: number, address: number, length: number, word: number): void {
  words[at] = address >>> 0;
  words[at + 1] = Math.floor(address / 0x1_0000_0000);
  words[at + 2] = length;
  words[at + 3] = word;
}

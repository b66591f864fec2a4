/**
 * Guest memory behind a resource (virtio 1.3, 5.7.6.8, RESOURCE_ATTACH_BACKING): the list of ranges, and a
 * copy table over them that is made when it is first needed, and again whenever the guest's memory table changed.
 */
import type { ScatterGather } from 'vhost-user-native';
import type { DescriptorChain, DeviceMemory, GuestRanges } from 'vhost-user-ts';
import { ENTRY_EMPTY, ENTRY_OUTSIDE, type Refusal, SHORT_COMMAND } from '../result.js';
import { MemEntry } from '../wire/structs.js';

const ENTRIES_PER_READ = 4096;
const scratch = new Uint8Array(ENTRIES_PER_READ * MemEntry.size);
/** The same as words: virtio is little-endian, and so are all hosts. */
const words = new Uint32Array(scratch.buffer);
const ENTRY_WORDS = MemEntry.size / 4;
const ADDRESS_LOW = MemEntry.offsets.addr / 4;
const ADDRESS_HIGH = ADDRESS_LOW + 1;
const LENGTH = MemEntry.offsets.length / 4;

/** Lists that backings gave back, for the next ones: a large array costs more to make than to fill. */
const spareLists: GuestRanges[] = [];
const SPARE_LISTS_MAX = 8;
const SPARE_ENTRIES_MAX = 16384;

/** Entries of a list that is quickly made: V8 has the elements of such small arrays in its own heap. */
const QUICK_ENTRIES = 4;

/** A list for that many entries, or up to twice as many: no guest gets much memory for few entries. */
function takeList(entries: number): GuestRanges {
  const wanted = entries * 2;
  if (entries <= QUICK_ENTRIES) return new Float64Array(wanted);
  const index = spareLists.findIndex(({ length }) => length >= wanted && length <= wanted * 2);
  return spareLists.splice(index, index < 0 ? 0 : 1)[0] ?? new Float64Array(wanted);
}

function giveList(ranges: GuestRanges): void {
  if (ranges.length <= QUICK_ENTRIES * 2) return;
  if (spareLists.length === SPARE_LISTS_MAX) spareLists.shift();
  if (ranges.buffer.byteLength <= SPARE_ENTRIES_MAX * MemEntry.size)
    spareLists.push(new Float64Array(ranges.buffer));
}

/**
 * Copies `count` entries out of the chain, from `offset` of its readable part, and checks each. Neighbours that
 * adjoin become one range. The caller has checked that the chain is long enough for `count` entries.
 */
export function readEntries(chain: DescriptorChain, offset: number, count: number): GuestRanges | Refusal {
  const packed = takeList(count);
  let used = 0;
  let end = -1;
  for (let first = 0; first < count; first += ENTRIES_PER_READ) {
    const batch = Math.min(ENTRIES_PER_READ, count - first);
    const wanted = batch * MemEntry.size;
    if (chain.read(scratch, offset + first * MemEntry.size, wanted) < wanted) return SHORT_COMMAND;
    for (let at = 0; at < batch * ENTRY_WORDS; at += ENTRY_WORDS) {
      const high = words[at + ADDRESS_HIGH] as number;
      const address = high * 0x1_0000_0000 + (words[at + ADDRESS_LOW] as number);
      const length = words[at + LENGTH] as number;
      if (length === 0) return ENTRY_EMPTY;
      // No number up to that is rounded.
      if (high >= 0x1f_ffff) return ENTRY_OUTSIDE;
      if (address === end) {
        packed[used - 1] = (packed[used - 1] as number) + length;
      } else {
        packed[used] = address;
        packed[used + 1] = length;
        used += 2;
      }
      end = address + length;
    }
  }
  if (used === packed.length) return packed;
  if (used > packed.length / 2) return packed.subarray(0, used);
  // Most entries adjoined: the long list is for others.
  const short = packed.slice(0, used);
  giveList(packed);
  return short;
}

export class Backing {
  readonly ranges: GuestRanges;
  #table: ScatterGather | null = null;
  /** Of the memory that the table is for. */
  #generation = -1;
  #closed = false;

  private constructor(ranges: GuestRanges) {
    this.ranges = ranges;
  }

  /** Returns null when one of the ranges is not guest memory. */
  static over(memory: DeviceMemory, ranges: GuestRanges): Backing | null {
    return memory.covers(ranges) ? new Backing(ranges) : null;
  }

  /** Bytes of all ranges together. */
  get bytes(): number {
    let bytes = 0;
    for (let i = 1; i < this.ranges.length; i += 2) bytes += this.ranges[i] as number;
    return bytes;
  }

  /** Ranges that this backing holds on to. */
  get entries(): number {
    return this.ranges.length / 2;
  }

  /** The copy table for guest memory as it is now, or null when the ranges are not all in it any more. */
  table(memory: DeviceMemory): ScatterGather | null {
    if (this.#generation !== memory.generation && !this.#closed) {
      this.#table?.close();
      this.#table = memory.scatterGather(this.ranges);
      this.#generation = memory.generation;
    }
    return this.#table;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The ranges are another's after that. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    giveList(this.ranges);
    this.#table?.close();
    this.#table = null;
  }
}

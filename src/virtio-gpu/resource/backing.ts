/**
 * Guest memory behind a resource (virtio 1.3, 5.7.6.8, RESOURCE_ATTACH_BACKING): the list of ranges, and a
 * copy table over them that is made again whenever the guest's memory table changed.
 */
import type { ScatterGather } from 'vhost-user-native';
import type { DescriptorChain, DeviceMemory, GuestRanges } from 'vhost-user-ts';
import { viewOf } from 'vhost-user-ts';
import { ENTRY_EMPTY, ENTRY_OUTSIDE, type Refusal, SHORT_COMMAND } from '../result.js';
import { MemEntry } from '../wire/structs.js';

const ENTRIES_PER_READ = 4096;
const scratch = new Uint8Array(ENTRIES_PER_READ * MemEntry.size);
const scratchView = viewOf(scratch);
const { addr: ADDR, length: LENGTH } = MemEntry.offsets;

/**
 * Copies `count` entries out of the chain, from `offset` of its readable part, and checks each. Neighbours that
 * adjoin become one range. The caller has checked that the chain is long enough for `count` entries.
 */
export function readEntries(chain: DescriptorChain, offset: number, count: number): GuestRanges | Refusal {
  const packed = new Float64Array(count * 2);
  let used = 0;
  let end = -1;
  for (let first = 0; first < count; first += ENTRIES_PER_READ) {
    const batch = Math.min(ENTRIES_PER_READ, count - first);
    const wanted = batch * MemEntry.size;
    if (chain.read(scratch, offset + first * MemEntry.size, wanted) < wanted) return SHORT_COMMAND;
    for (let at = 0; at < wanted; at += MemEntry.size) {
      const high = scratchView.getUint32(at + ADDR + 4, true);
      const address = high * 0x1_0000_0000 + scratchView.getUint32(at + ADDR, true);
      const length = scratchView.getUint32(at + LENGTH, true);
      if (length === 0) return ENTRY_EMPTY;
      if (high > 0x1f_ffff || !Number.isSafeInteger(address + length)) return ENTRY_OUTSIDE;
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
  return used === packed.length ? packed : packed.slice(0, used);
}

export class Backing {
  readonly ranges: GuestRanges;
  #table: ScatterGather | null;
  #generation: number;
  #closed = false;

  private constructor(ranges: GuestRanges, table: ScatterGather, generation: number) {
    this.ranges = ranges;
    this.#table = table;
    this.#generation = generation;
  }

  /** Returns null when one of the ranges is not guest memory. */
  static over(memory: DeviceMemory, ranges: GuestRanges): Backing | null {
    const table = memory.scatterGather(ranges);
    return table === null ? null : new Backing(ranges, table, memory.generation);
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

  close(): void {
    this.#closed = true;
    this.#table?.close();
    this.#table = null;
  }
}

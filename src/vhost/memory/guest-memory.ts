/**
 * The memory table (vhost-user, "Memory regions description"): where guest-physical addresses and the
 * front-end's own virtual addresses lie in our mappings. // hot: windowOf, bytesOf
 *
 * JavaScript sees the regions through windows of at most 1 GiB, made on first use: each is one ArrayBuffer, so
 * that offsets stay small integers. A run of bytes that crosses from one window into the next is two pieces,
 * whether the border lies inside a region or between two adjacent regions.
 */
import type { Mapping, ScatterGather } from 'vhost-user-native';
import { mapFile, mappingFaults } from 'vhost-user-native';
import type { DeviceMemory, GuestRanges, MemoryFile } from '../device.js';
import type { DirtyLog } from './dirty-log.js';
import { PackedSegments } from './packed-segments.js';
import { checkTable, closeRegion, mapRegion, type Region, type RegionDescription } from './region.js';

export type { RegionDescription } from './region.js';

/** Longest window, in bytes: offsets in it fit 31 bits. */
const WINDOW_BYTES = 2 ** 30;

/** Where a run of bytes lies: it does not leave the mapping. */
export interface Location {
  readonly mapping: Mapping;
  /** Of the first byte, in the mapping. */
  readonly offset: number;
  /** Guest-physical address of the first byte. */
  readonly guestAddress: number;
}

/** A run of bytes inside one ArrayBuffer, for typed arrays over it. */
export interface Area {
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly guestAddress: number;
}

/** Maps a range of a file, shared and writable. */
export type MapFunction = (fd: number, offset: number, length: number) => Mapping;

export class GuestMemory implements DeviceMemory {
  generation = 0;
  /** Set by the session while logging is on (VHOST_F_LOG_ALL); it stays the session's. */
  dirtyLog: DirtyLog | null = null;

  /** Windows, sorted by guest address: [starts[w], ends[w]) is window w. */
  starts = new Float64Array(0);
  ends = new Float64Array(0);
  private hint = 0;
  private bytes: (Uint8Array | null)[] = [];
  private words: (Int32Array | null)[] = [];
  private owners: Region[] = [];
  private regions: readonly Region[] = [];
  private readonly map: MapFunction;
  /** Of all mappings of the process, when it was last looked whether some are ours. */
  private seenFaults = mappingFaults();

  /** `map` is for tests that bring memory of their own. */
  constructor(map: MapFunction = (fd, offset, length) => mapFile(fd, offset, length, { writable: true })) {
    this.map = map;
  }

  get regionCount(): number {
    return this.regions.length;
  }

  /**
   * SET_MEM_TABLE: maps the new regions, then closes the old ones. The descriptors stay the caller's. Throws a
   * VhostUserError (VHOST_ERR_BAD_MEMORY_TABLE) and leaves the old table in force when one can't be used.
   */
  replace(descriptions: readonly (RegionDescription & { readonly fd: number })[]): void {
    checkTable(descriptions);
    const regions: Region[] = [];
    try {
      for (const description of descriptions) regions.push(mapRegion(description, description.fd, this.map));
    } catch (error) {
      for (const region of regions) closeRegion(region);
      throw error;
    }
    const old = this.regions;
    this.install(regions);
    for (const region of old) closeRegion(region);
  }

  /** ADD_MEM_REG: one more region. Throws as `replace` does. */
  add(description: RegionDescription, fd: number): void {
    checkTable([...this.regions, description]);
    this.install([...this.regions, mapRegion(description, fd, this.map)]);
  }

  /** REM_MEM_REG: the region with this guest address, user address and size. False when there is none. */
  remove(description: RegionDescription): boolean {
    const found = this.regions.find(
      (region) =>
        region.guestAddress === description.guestAddress &&
        region.userAddress === description.userAddress &&
        region.size === description.size,
    );
    if (found === undefined) return false;
    this.install(this.regions.filter((region) => region !== found));
    closeRegion(found);
    return true;
  }

  /** Finds [userAddress, +length), an address range of the front-end's; null unless one region holds it all. */
  translateUser(userAddress: number, length: number): Location | null {
    for (const region of this.regions) {
      const offset = userAddress - region.userAddress;
      if (offset >= 0 && length >= 0 && offset + length <= region.size) return locate(region, offset);
    }
    return null;
  }

  /** Finds [guestAddress, +length), guest-physical; null unless one region holds it all. */
  translateGuest(guestAddress: number, length: number): Location | null {
    const window = this.windowOf(guestAddress);
    if (window < 0) return null;
    const region = this.owners[window] as Region;
    const offset = guestAddress - region.guestAddress;
    return length >= 0 && offset + length <= region.size ? locate(region, offset) : null;
  }

  /** As `translateUser`, for typed arrays. */
  areaOfUser(userAddress: number, length: number): Area | null {
    const location = this.translateUser(userAddress, length);
    if (location === null) return null;
    const { mapping, offset, guestAddress } = location;
    const window = this.windowOf(guestAddress);
    const start = this.starts[window] as number;
    // A region may share guest addresses with no other, so this window is the region's own.
    if (guestAddress + length <= (this.ends[window] as number)) {
      return {
        buffer: this.bytesOf(window).buffer as ArrayBuffer,
        byteOffset: guestAddress - start,
        guestAddress,
      };
    }
    return { buffer: mapping.window(offset, length), byteOffset: 0, guestAddress };
  }

  /** True when a file behind some region was truncated and we ran into the gap. */
  faulted(): boolean {
    const faults = mappingFaults();
    if (faults === this.seenFaults) return false;
    this.seenFaults = faults;
    return this.regions.some((region) => region.mapping.faults > 0);
  }

  /** From now on writes are noted there; null: nowhere. The log stays the caller's. */
  setDirtyLog(log: DirtyLog | null): void {
    this.dirtyLog = log;
  }

  markDirty(address: number, length: number): void {
    if (this.dirtyLog !== null) this.dirtyLog.mark(address, length);
  }

  covers(ranges: GuestRanges): boolean {
    // Of the window that was looked at last.
    let first = 0;
    let last = 0;
    for (let i = 0; i < ranges.length; i += 2) {
      let address = ranges[i] as number;
      const end = address + (ranges[i + 1] as number);
      if (!(end > address)) return false;
      if (address >= first && end <= last) continue;
      while (address < end) {
        const window = this.windowOf(address);
        if (window < 0) return false;
        first = this.starts[window] as number;
        last = this.ends[window] as number;
        address = last;
      }
    }
    return true;
  }

  scatterGather(ranges: GuestRanges): ScatterGather | null {
    const segments = new PackedSegments(ranges.length / 2);
    for (let i = 0; i < ranges.length; i += 2) {
      let address = ranges[i] as number;
      let left = ranges[i + 1] as number;
      if (!(left > 0)) return null;
      while (left > 0) {
        const window = this.windowOf(address);
        if (window < 0) return null;
        const region = this.owners[window] as Region;
        const offset = address - region.guestAddress;
        const length = Math.min(left, region.size - offset);
        segments.add(region.mapping, offset, length);
        address += length;
        left -= length;
      }
    }
    return segments.table();
  }

  files(): readonly MemoryFile[] {
    return this.regions
      .map(({ guestAddress, size, fd, mmapOffset }) => ({
        guestAddress,
        length: size,
        fd,
        fileOffset: mmapOffset,
      }))
      .sort((a, b) => a.guestAddress - b.guestAddress);
  }

  /** The window that holds the byte at a guest-physical address, or -1. */
  windowOf(address: number): number {
    const hint = this.hint;
    if (address >= (this.starts[hint] as number) && address < (this.ends[hint] as number)) return hint;
    return this.search(address);
  }

  /** The bytes of a window. */
  bytesOf(window: number): Uint8Array {
    const bytes = this.bytes[window];
    return bytes === null || bytes === undefined ? this.open(window) : bytes;
  }

  /** The same as 32-bit words: guest addresses divisible by 4 are word-aligned in it. */
  wordsOf(window: number): Int32Array {
    const words = this.words[window];
    if (words !== null && words !== undefined) return words;
    this.open(window);
    return this.words[window] as Int32Array;
  }

  /** Copies guest memory out, across windows; false (and an unspecified target) unless all of it is there. */
  copyOut(address: number, target: Uint8Array): boolean {
    let done = 0;
    while (done < target.length) {
      const window = this.windowOf(address + done);
      if (window < 0) return false;
      const at = address + done - (this.starts[window] as number);
      const bytes = this.bytesOf(window);
      const count = Math.min(target.length - done, bytes.length - at);
      for (let i = 0; i < count; i++) target[done + i] = bytes[at + i] as number;
      done += count;
    }
    return true;
  }

  /** Unmaps all of it; views of it read nothing from then on. Idempotent. */
  close(): void {
    const old = this.regions;
    this.dirtyLog = null;
    this.install([]);
    for (const region of old) closeRegion(region);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private install(regions: readonly Region[]): void {
    const starts: number[] = [];
    const ends: number[] = [];
    const owners: Region[] = [];
    for (const region of regions.toSorted((a, b) => a.guestAddress - b.guestAddress)) {
      const end = region.guestAddress + region.size;
      for (let start = region.guestAddress; start < end; start += WINDOW_BYTES) {
        starts.push(start);
        ends.push(Math.min(start + WINDOW_BYTES, end));
        owners.push(region);
      }
    }
    this.starts = Float64Array.from(starts);
    this.ends = Float64Array.from(ends);
    this.owners = owners;
    this.bytes = owners.map(() => null);
    this.words = owners.map(() => null);
    this.regions = regions;
    this.hint = 0;
    this.generation++;
  }

  private search(address: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (address >= (this.starts[middle] as number)) low = middle;
      else high = middle - 1;
    }
    if (!(address >= (this.starts[low] as number) && address < (this.ends[low] as number))) return -1;
    this.hint = low;
    return low;
  }

  private open(window: number): Uint8Array {
    const region = this.owners[window] as Region;
    const start = this.starts[window] as number;
    const length = (this.ends[window] as number) - start;
    const buffer = region.mapping.window(start - region.guestAddress, length);
    const bytes = new Uint8Array(buffer);
    this.bytes[window] = bytes;
    this.words[window] = new Int32Array(buffer, 0, Math.floor(length / 4));
    return bytes;
  }
}

function locate(region: Region, offset: number): Location {
  return { mapping: region.mapping, offset, guestAddress: region.guestAddress + offset };
}

/**
 * Guest memory as a front-end owns it: one memfd, mapped here and shared with the back-end, with a first-fit
 * allocator by guest-physical address.
 */
import { closeFd, createMemfd, type Mapping, mapFile, pageSize } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import type { RegionDescription } from '../memory/region.js';
import type { MemoryWindow } from './driver-ring.js';

/** Away from 0, and in the low 4 GiB: mixing up the address spaces shows at once. */
const GUEST_ADDRESS = 0x4000_0000;
const USER_ADDRESS = 0x7f00_0000_0000;
const BYTES = 16 * 1024 * 1024;

/** Guest memory that a front-end makes. */
export interface FrontEndMemoryOptions {
  /** Bytes, up to 4 GiB; rounded up to pages. Default 16 MiB. */
  readonly bytes?: number;
  /** Seal bits of the memfd. Default none; QEMU's memory-backend-memfd has SHRINK, GROW and SEAL. */
  readonly seals?: number;
  /** Guest-physical address of the first byte; page-aligned. */
  readonly guestAddress?: number;
  /** Its made-up virtual address, which ring addresses are told in; page-aligned. */
  readonly userAddress?: number;
}

interface Hole {
  address: number;
  length: number;
}

export class FrontEndMemory implements MemoryWindow {
  readonly fd: number;
  readonly length: number;
  readonly guestAddress: number;
  readonly userAddress: number;
  /** All of it. Detached by `close`. */
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  private readonly mapping: Mapping;
  private readonly holes: Hole[];
  private readonly allocations = new Map<number, number>();

  constructor(options: FrontEndMemoryOptions = {}) {
    this.length = Math.ceil((options.bytes ?? BYTES) / pageSize) * pageSize;
    this.guestAddress = options.guestAddress ?? GUEST_ADDRESS;
    this.userAddress = options.userAddress ?? USER_ADDRESS;
    this.holes = [{ address: this.guestAddress, length: this.length }];
    this.fd = createMemfd('vhost-user-guest', { size: this.length, seals: options.seals ?? 0 });
    try {
      this.mapping = mapFile(this.fd, 0, this.length, { writable: true });
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
    this.buffer = this.mapping.window(0, this.length);
    this.bytes = new Uint8Array(this.buffer);
  }

  /** As the memory table says it. */
  get region(): RegionDescription {
    const { guestAddress, userAddress, length } = this;
    return { guestAddress, userAddress, size: length, mmapOffset: 0 };
  }

  /**
   * Reserves `length` bytes (their contents are whatever was there) and returns their guest-physical address, a
   * multiple of `alignment` (a power of two). Throws VHOST_ERR_NO_MEMORY.
   */
  alloc(length: number, alignment = 16): number {
    const wanted = Math.max(1, length);
    for (let i = 0; i < this.holes.length; i++) {
      const hole = this.holes[i] as Hole;
      const address = Math.ceil(hole.address / alignment) * alignment;
      const after = hole.address + hole.length - (address + wanted);
      if (after < 0) continue;
      const before = address - hole.address;
      if (before > 0) {
        hole.length = before;
        if (after > 0) this.holes.splice(i + 1, 0, { address: address + wanted, length: after });
      } else if (after > 0) {
        hole.address = address + wanted;
        hole.length = after;
      } else {
        this.holes.splice(i, 1);
      }
      this.allocations.set(address, wanted);
      return address;
    }
    throw new VhostUserError('VHOST_ERR_NO_MEMORY', `no ${length} bytes of guest memory are free`);
  }

  /** Gives back what `alloc` returned; RangeError for anything else. */
  free(address: number): void {
    const length = this.allocations.get(address);
    if (length === undefined) throw new RangeError(`nothing is allocated at 0x${address.toString(16)}`);
    this.allocations.delete(address);
    let low = 0;
    let high = this.holes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.holes[middle] as Hole).address < address) low = middle + 1;
      else high = middle;
    }
    const hole = { address, length };
    const next = this.holes[low];
    const joinsNext = next !== undefined && next.address === address + length;
    if (joinsNext) hole.length += next.length;
    const before = this.holes[low - 1];
    if (before !== undefined && before.address + before.length === address) {
      before.length += hole.length;
      if (joinsNext) this.holes.splice(low, 1);
    } else {
      this.holes.splice(low, joinsNext ? 1 : 0, hole);
    }
  }

  /** A view of [address, +length), guest-physical; RangeError outside. */
  view(address: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, address - this.guestAddress, length);
  }

  /** Copies bytes to a guest-physical address; RangeError outside. */
  write(address: number, data: Uint8Array): void {
    this.bytes.set(data, address - this.guestAddress);
  }

  /** A copy of [address, +length), guest-physical; RangeError outside. */
  read(address: number, length: number): Uint8Array {
    return this.view(address, length).slice();
  }

  /** The user address of a guest-physical one. */
  userOf(address: number): number {
    return address - this.guestAddress + this.userAddress;
  }

  /** Unmaps, detaches the views and closes the memfd. Idempotent. */
  close(): void {
    if (this.mapping.closed) return;
    this.mapping.close();
    closeFd(this.fd);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

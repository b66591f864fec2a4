/**
 * One virtqueue on the driver's side, whatever its ring format (virtio 1.3, 2.7 and 2.8). // hot
 *
 * `add` any number of buffers, `publish` them, signal the kick eventfd if `kickNeeded`; on an interrupt (or in a
 * polling loop) `poll` until null. Nothing here waits, signals or allocates: used for load generators as it is.
 */
import { checkQueueSize, ringLayout } from '../queue/ring-layout.js';
import { PackedDriverRing } from './driver-packed.js';
import type { DriverQueueOptions, DriverRing, Piece, RawDescriptor, UsedBuffer } from './driver-ring.js';
import { SplitDriverRing } from './driver-split.js';

export {
  type DriverQueueOptions,
  type MemoryWindow,
  type Piece,
  placeRing,
  type RawDescriptor,
  type RingPlacement,
  type UsedBuffer,
} from './driver-ring.js';

/** The driver's side of a virtqueue in memory that it shares: adds buffers, and takes back what the device used. */
export class DriverQueue {
  readonly size: number;
  readonly packed: boolean;
  /** Guest-physical addresses of the ring's areas, as in the options. */
  readonly descAddress: number;
  readonly availAddress: number;
  readonly usedAddress: number;
  /** The ring itself with its raw areas, by format; the other is null. For tests that break rules. */
  readonly split: SplitDriverRing | null;
  readonly packedRing: PackedDriverRing | null;
  private readonly ring: DriverRing;
  private readonly usedBuffer: UsedBuffer = { id: 0, length: 0 };

  /**
   * Clears the ring and starts at `options.base`. Throws a VhostUserError (VHOST_ERR_BAD_VRING) on a size that
   * the format does not have, a RangeError where an area is misaligned or outside the window.
   */
  constructor(options: DriverQueueOptions) {
    const { size, packed = false, eventIdx = false } = options;
    checkQueueSize(size, packed);
    const areas = ringLayout(size, packed, eventIdx);
    checkAlignment('desc', options.descAddress, areas.desc.alignment);
    checkAlignment('avail', options.availAddress, areas.avail.alignment);
    checkAlignment('used', options.usedAddress, areas.used.alignment);
    checkAlignment('indirect', options.indirectAddress ?? 0, areas.desc.alignment);
    this.size = size;
    this.packed = packed;
    this.descAddress = options.descAddress;
    this.availAddress = options.availAddress;
    this.usedAddress = options.usedAddress;
    this.split = packed ? null : new SplitDriverRing(options);
    this.packedRing = packed ? new PackedDriverRing(options) : null;
    this.ring = (this.split ?? this.packedRing) as DriverRing;
  }

  /** Descriptors that are not in flight. */
  get freeDescriptors(): number {
    return this.ring.free;
  }

  /** Buffers that were added and that `poll` has not returned. */
  get inFlight(): number {
    return this.ring.inFlight;
  }

  /** Where the ring started, as SET_VRING_BASE carries it. */
  get base(): number {
    return this.ring.base;
  }

  /**
   * Adds a buffer: the device reads the `readable` pieces and writes the `writable` ones. The device sees it
   * after `publish`. Returns its id (0 .. size - 1, free again once `poll` returned it), or -1 while there are
   * too few free descriptors. RangeError for a chain that can never fit.
   */
  add(
    readable: readonly Piece[],
    writable: readonly Piece[],
    options?: { readonly indirect?: boolean },
  ): number {
    return options?.indirect === true
      ? this.ring.addIndirect(readable, writable)
      : this.ring.add(readable, writable);
  }

  /** Shows the device everything that was added. */
  publish(): void {
    this.ring.publish();
  }

  /** Whether the device wants a kick for what was published since the last call of this. */
  kickNeeded(): boolean {
    return this.ring.kickNeeded();
  }

  /**
   * Takes the next used buffer, or null. The record is the queue's own and is overwritten by the next call.
   * Throws a VhostUserError (VHOST_ERR_BAD_USED_RING) when the device returned what it did not have.
   */
  poll(): UsedBuffer | null {
    return this.ring.poll(this.usedBuffer) ? this.usedBuffer : null;
  }

  /** True when `poll` would return something. */
  hasUsed(): boolean {
    return this.ring.hasUsed();
  }

  /**
   * Asks for an interrupt when the next buffer is used (they are on at first). True when there is one already,
   * which maybe came before the device could know: poll again then.
   */
  enableInterrupts(): boolean {
    return this.ring.enableInterrupts();
  }

  /** Tells the device that interrupts are not needed now. It may send them all the same. */
  disableInterrupts(): void {
    this.ring.disableInterrupts();
  }

  /** Overwrites a descriptor of the ring, without any bookkeeping. For tests that break rules. */
  rawDescriptor(index: number, descriptor: RawDescriptor): void {
    this.ring.rawDescriptor(index, descriptor);
  }

  /** Split only: overwrites an entry of the available ring, without any bookkeeping. */
  setAvailEntry(slot: number, head: number): void {
    this.rawSplit().avail[2 + slot] = head;
  }

  /** Split only: overwrites avail.idx, without any bookkeeping. */
  setAvailIndex(index: number): void {
    Atomics.store(this.rawSplit().avail, 1, index & 0xffff);
  }

  private rawSplit(): SplitDriverRing {
    if (this.split === null) throw new TypeError('a packed ring has no available ring');
    return this.split;
  }
}

function checkAlignment(area: string, address: number, alignment: number): void {
  if (address % alignment !== 0)
    throw new RangeError(`${area} area: 0x${address.toString(16)} is misaligned`);
}

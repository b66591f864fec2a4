/** The driver's side of a packed virtqueue (virtio 1.3, 2.8). // hot */
import { fullFence, passedEvent } from '../queue/ring.js';
import {
  DESCRIPTOR_BYTES,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
} from '../queue/ring-layout.js';
import type { DriverQueue } from './driver-queue.js';
import {
  type AddOptions,
  type DriverBuffer,
  type DriverQueueOptions,
  DriverRing,
  type UsedBuffer,
} from './driver-ring.js';

const POSITION = 0;
const FLAGS = 1;

export class PackedDriverQueue implements DriverQueue {
  readonly size: number;
  readonly ring: DriverRing;
  freeDescriptors: number;
  /** Where the next descriptor goes, and the driver's wrap counter. */
  nextAvail = 0;
  availWrap = 1;
  nextUsed = 0;
  usedWrap = 1;
  private readonly eventIdx: boolean;
  private readonly freeIds: number[];
  /** Descriptors of the chain with this id; 0 = not in flight. */
  private readonly lengths: Uint16Array;
  private added = 0;

  constructor(options: DriverQueueOptions) {
    const { size } = options;
    this.size = size;
    this.ring = new DriverRing(options);
    this.eventIdx = options.eventIdx;
    this.freeDescriptors = size;
    this.freeIds = Array.from({ length: size }, (_, i) => size - 1 - i);
    this.lengths = new Uint16Array(size);
  }

  add(
    readable: readonly DriverBuffer[],
    writable: readonly DriverBuffer[],
    options: AddOptions = {},
  ): number {
    const count = readable.length + writable.length;
    if (count === 0) throw new RangeError('a chain has at least one buffer');
    const needed = options.indirect ? 1 : count;
    if (this.freeDescriptors < needed) return -1;
    const id = this.freeIds.pop() as number;
    this.lengths[id] = needed;
    this.freeDescriptors -= needed;
    const { nextAvail: headIndex } = this;
    const headWord = options.indirect
      ? this.putTable(id, readable, writable)
      : this.putList(id, readable, writable);
    Atomics.store(this.ring.desc, headIndex * 4 + 3, headWord);
    return id;
  }

  kickNeeded(): boolean {
    fullFence();
    const added = this.added;
    this.added = 0;
    const flags = this.ring.used[FLAGS] as number;
    if (flags !== RING_EVENT_FLAGS_DESC) return flags !== RING_EVENT_FLAGS_DISABLE;
    const position = this.ring.used[POSITION] as number;
    let event = position & 0x7fff;
    if (position >>> 15 !== this.availWrap) event -= this.size;
    return passedEvent(event, this.nextAvail, this.nextAvail - added);
  }

  poll(): UsedBuffer | null {
    const at = this.nextUsed * 4;
    const word = Atomics.load(this.ring.desc, at + 3);
    const flags = word >>> 16;
    const used = (flags & VIRTQ_DESC_F_USED) !== 0;
    if (used !== (this.usedWrap === 1) || used !== ((flags & VIRTQ_DESC_F_AVAIL) !== 0)) return null;
    const id = word & 0xffff;
    const length = this.ring.desc[at + 2] as number;
    const count = this.lengths[id] ?? 0;
    if (count === 0) throw new Error(`the device gave back buffer ${id}, which it does not have`);
    this.lengths[id] = 0;
    this.freeIds.push(id);
    this.freeDescriptors += count;
    this.nextUsed += count;
    if (this.nextUsed >= this.size) {
      this.nextUsed -= this.size;
      this.usedWrap ^= 1;
    }
    return { id, length };
  }

  enableInterrupts(): boolean {
    if (this.eventIdx) {
      this.ring.avail[POSITION] = this.nextUsed | (this.usedWrap << 15);
      Atomics.store(this.ring.avail, FLAGS, RING_EVENT_FLAGS_DESC);
    } else {
      this.ring.avail[FLAGS] = RING_EVENT_FLAGS_ENABLE;
    }
    fullFence();
    const flags = Atomics.load(this.ring.desc, this.nextUsed * 4 + 3) >>> 16;
    const used = (flags & VIRTQ_DESC_F_USED) !== 0;
    return used === (this.usedWrap === 1) && used === ((flags & VIRTQ_DESC_F_AVAIL) !== 0);
  }

  disableInterrupts(): void {
    this.ring.avail[FLAGS] = RING_EVENT_FLAGS_DISABLE;
  }

  /** Availability bits in the current lap. */
  availableFlags(): number {
    return this.availWrap === 1 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
  }

  /** Goes on to the next descriptor. Public, with `availableFlags`, for tests that make up their own chains. */
  advance(): void {
    this.added++;
    this.nextAvail++;
    if (this.nextAvail === this.size) {
      this.nextAvail = 0;
      this.availWrap ^= 1;
    }
  }

  /** Writes all descriptors but for the head's last word, which is returned: it makes all of them available. */
  private putList(id: number, readable: readonly DriverBuffer[], writable: readonly DriverBuffer[]): number {
    const count = readable.length + writable.length;
    let headWord = 0;
    for (let i = 0; i < count; i++) {
      const writes = i >= readable.length;
      const buffer = (writes ? writable[i - readable.length] : readable[i]) as DriverBuffer;
      const more = i + 1 < count ? VIRTQ_DESC_F_NEXT : 0;
      const flags = this.availableFlags() | (writes ? VIRTQ_DESC_F_WRITE : 0) | more;
      const word = ((flags << 16) | id) >>> 0;
      if (i === 0) headWord = word;
      const shown = i === 0 ? (this.ring.desc[this.nextAvail * 4 + 3] as number) : word;
      this.ring.writeDescriptor(this.nextAvail, buffer.address, buffer.length, shown);
      this.advance();
    }
    return headWord;
  }

  private putTable(id: number, readable: readonly DriverBuffer[], writable: readonly DriverBuffer[]): number {
    const count = readable.length + writable.length;
    for (let i = 0; i < count; i++) {
      const writes = i >= readable.length;
      const buffer = (writes ? writable[i - readable.length] : readable[i]) as DriverBuffer;
      this.ring.writeTableEntry(id, i, buffer.address, buffer.length, writes ? VIRTQ_DESC_F_WRITE << 16 : 0);
    }
    const flags = this.availableFlags() | VIRTQ_DESC_F_INDIRECT;
    const shown = this.ring.desc[this.nextAvail * 4 + 3] as number;
    this.ring.writeDescriptor(this.nextAvail, this.ring.tableAddress(id), count * DESCRIPTOR_BYTES, shown);
    this.advance();
    return ((flags << 16) | id) >>> 0;
  }
}

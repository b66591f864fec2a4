/** The driver's side of a split virtqueue (virtio 1.3, 2.7). // hot */
import { fullFence, passedEvent } from '../queue/ring.js';
import {
  DESCRIPTOR_BYTES,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from '../queue/ring-layout.js';
import type { DriverQueue } from './driver-queue.js';
import {
  type AddOptions,
  type DriverBuffer,
  type DriverQueueOptions,
  DriverRing,
  type UsedBuffer,
} from './driver-ring.js';

const FLAGS = 0;
const IDX = 1;

export class SplitDriverQueue implements DriverQueue {
  readonly size: number;
  readonly ring: DriverRing;
  freeDescriptors: number;
  private readonly eventIdx: boolean;
  /** Free descriptors and the chains in flight, both linked by this; the guest's own copy is the device's. */
  private readonly next: Uint16Array;
  /** Descriptors of the chain with this head; 0 = not in flight. */
  private readonly lengths: Uint16Array;
  private freeHead = 0;
  private nextAvail: number;
  private kickedAvail: number;
  private lastUsed: number;

  constructor(options: DriverQueueOptions) {
    const { size, startIndex = 0 } = options;
    this.size = size;
    this.ring = new DriverRing(options);
    this.eventIdx = options.eventIdx;
    this.freeDescriptors = size;
    this.next = Uint16Array.from({ length: size }, (_, i) => (i + 1) % size);
    this.lengths = new Uint16Array(size);
    this.nextAvail = startIndex;
    this.kickedAvail = startIndex;
    this.lastUsed = startIndex;
    this.ring.avail[IDX] = startIndex;
    this.ring.used[IDX] = startIndex;
    this.ring.avail[2 + size] = startIndex;
    this.ring.used[2 + 4 * size] = startIndex;
  }

  add(
    readable: readonly DriverBuffer[],
    writable: readonly DriverBuffer[],
    options: AddOptions = {},
  ): number {
    const count = readable.length + writable.length;
    if (count === 0) throw new RangeError('a chain has at least one buffer');
    const head = this.freeHead;
    const needed = options.indirect ? 1 : count;
    if (this.freeDescriptors < needed) return -1;
    if (options.indirect) this.fillTable(head, readable, writable);
    else this.fillChain(head, readable, writable);
    this.lengths[head] = needed;
    this.freeDescriptors -= needed;
    this.makeAvailable(head);
    return head;
  }

  /** Puts a head into the available ring. Public for tests that make up their own chains. */
  makeAvailable(head: number): void {
    this.ring.avail[2 + (this.nextAvail & (this.size - 1))] = head;
    this.nextAvail = (this.nextAvail + 1) & 0xffff;
    Atomics.store(this.ring.avail, IDX, this.nextAvail);
  }

  kickNeeded(): boolean {
    fullFence();
    const before = this.kickedAvail;
    this.kickedAvail = this.nextAvail;
    if (!this.eventIdx) return ((this.ring.used[FLAGS] as number) & VIRTQ_USED_F_NO_NOTIFY) === 0;
    return passedEvent(this.ring.used[2 + 4 * this.size] as number, this.nextAvail, before);
  }

  poll(): UsedBuffer | null {
    if (Atomics.load(this.ring.used, IDX) === this.lastUsed) return null;
    const slot = this.lastUsed & (this.size - 1);
    const id = this.ring.usedWords[1 + 2 * slot] as number;
    const length = this.ring.usedWords[2 + 2 * slot] as number;
    this.lastUsed = (this.lastUsed + 1) & 0xffff;
    this.release(id);
    return { id, length };
  }

  enableInterrupts(): boolean {
    if (this.eventIdx) this.ring.avail[2 + this.size] = this.lastUsed;
    else this.ring.avail[FLAGS] = 0;
    fullFence();
    return Atomics.load(this.ring.used, IDX) !== this.lastUsed;
  }

  disableInterrupts(): void {
    if (!this.eventIdx) this.ring.avail[FLAGS] = VIRTQ_AVAIL_F_NO_INTERRUPT;
    else this.ring.avail[2 + this.size] = (this.lastUsed - 1) & 0xffff;
  }

  private fillChain(
    head: number,
    readable: readonly DriverBuffer[],
    writable: readonly DriverBuffer[],
  ): void {
    const count = readable.length + writable.length;
    let index = head;
    for (let i = 0; i < count; i++) {
      const writes = i >= readable.length;
      const buffer = (writes ? writable[i - readable.length] : readable[i]) as DriverBuffer;
      const next = this.next[index] as number;
      const flags = (writes ? VIRTQ_DESC_F_WRITE : 0) | (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0);
      this.ring.writeDescriptor(index, buffer.address, buffer.length, ((next << 16) | flags) >>> 0);
      index = next;
    }
    this.freeHead = index;
  }

  private fillTable(
    head: number,
    readable: readonly DriverBuffer[],
    writable: readonly DriverBuffer[],
  ): void {
    const count = readable.length + writable.length;
    for (let i = 0; i < count; i++) {
      const writes = i >= readable.length;
      const buffer = (writes ? writable[i - readable.length] : readable[i]) as DriverBuffer;
      const flags = (writes ? VIRTQ_DESC_F_WRITE : 0) | (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0);
      this.ring.writeTableEntry(head, i, buffer.address, buffer.length, (((i + 1) << 16) | flags) >>> 0);
    }
    const table = this.ring.tableAddress(head);
    this.ring.writeDescriptor(head, table, count * DESCRIPTOR_BYTES, VIRTQ_DESC_F_INDIRECT);
    this.freeHead = this.next[head] as number;
  }

  /** Chains that a test made up itself (`lengths` 0) are not ours to free. */
  private release(head: number): void {
    const count = this.lengths[head] ?? 0;
    if (count === 0) return;
    let last = head;
    for (let i = 1; i < count; i++) last = this.next[last] as number;
    this.next[last] = this.freeHead;
    this.freeHead = head;
    this.lengths[head] = 0;
    this.freeDescriptors += count;
  }
}

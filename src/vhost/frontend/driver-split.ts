/**
 * The driver's side of a split virtqueue (virtio 1.3, 2.7). // hot
 *
 * The free list and the chains' lengths are kept here, never read back from the shared descriptor table: a
 * device that writes there harms nobody but itself.
 */
import { fullFence, passedEvent } from '../queue/ring.js';
import {
  ringLayout,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from '../queue/ring-layout.js';
import {
  badUsed,
  countPieces,
  type DriverQueueOptions,
  type DriverRing,
  IndirectTables,
  type Piece,
  type RawDescriptor,
  type UsedBuffer,
  writeDescriptor,
} from './driver-ring.js';

/** Indices of 16-bit words in the available and the used ring. */
const FLAGS = 0;
const IDX = 1;

export class SplitDriverRing implements DriverRing {
  free: number;
  inFlight = 0;
  readonly base: number;
  /** The areas as they are, for tests that break rules. */
  readonly desc: Uint32Array;
  readonly avail: Uint16Array;
  readonly used: Uint16Array;
  private readonly usedWords: Uint32Array;
  private readonly size: number;
  private readonly eventIdx: boolean;
  private readonly tables: IndirectTables;
  /** Free list and chains: descriptor after this one. */
  private readonly next: Uint16Array;
  /** By head: last descriptor of the chain, and how many it has (0: not in flight). */
  private readonly tails: Uint16Array;
  private readonly counts: Uint16Array;
  /** By head: how often `offerRaw` made it available. */
  private readonly raw: Uint16Array;
  private freeHead = 0;
  /** Next entry of the available ring, its index as the device knows it, and that at the last kick decision. */
  private nextAvail: number;
  private publishedAvail: number;
  private decidedAvail: number;
  /** Next entry of the used ring, and the device's index when last looked at. */
  private lastUsed: number;
  private seenUsed: number;

  constructor(options: DriverQueueOptions) {
    const { memory, size, eventIdx = false, base = 0 } = options;
    const areas = ringLayout(size, false, eventIdx);
    const { buffer, guestAddress } = memory;
    this.size = size;
    this.eventIdx = eventIdx;
    this.base = base & 0xffff;
    this.desc = new Uint32Array(buffer, options.descAddress - guestAddress, areas.desc.bytes / 4);
    this.avail = new Uint16Array(buffer, options.availAddress - guestAddress, areas.avail.bytes / 2);
    this.used = new Uint16Array(buffer, options.usedAddress - guestAddress, areas.used.bytes / 2);
    this.usedWords = new Uint32Array(buffer, options.usedAddress - guestAddress, 1 + 2 * size);
    this.tables = new IndirectTables(options);
    this.free = size;
    this.next = Uint16Array.from({ length: size }, (_, i) => i + 1);
    this.tails = new Uint16Array(size);
    this.counts = new Uint16Array(size);
    this.raw = new Uint16Array(size);
    this.nextAvail = this.base;
    this.publishedAvail = this.base;
    this.decidedAvail = this.base;
    this.lastUsed = this.base;
    this.seenUsed = this.base;
    this.desc.fill(0);
    this.avail.fill(0);
    this.used.fill(0);
    this.used[IDX] = this.base;
    Atomics.store(this.avail, IDX, this.base);
    this.enableInterrupts();
  }

  add(readable: readonly Piece[], writable: readonly Piece[]): number {
    const count = countPieces(readable, writable, this.size);
    if (count > this.free) return -1;
    const head = this.freeHead;
    let index = head;
    let tail = head;
    let left = count;
    for (let i = 0; i < readable.length; i++) {
      tail = index;
      index = this.put(index, readable[i] as Piece, 0, --left > 0);
    }
    for (let i = 0; i < writable.length; i++) {
      tail = index;
      index = this.put(index, writable[i] as Piece, VIRTQ_DESC_F_WRITE, --left > 0);
    }
    this.freeHead = index;
    return this.offer(head, tail, count);
  }

  addIndirect(readable: readonly Piece[], writable: readonly Piece[]): number {
    const tables = this.tables;
    const count = countPieces(readable, writable, tables.entries);
    if (this.free === 0) return -1;
    const head = this.freeHead;
    this.freeHead = this.next[head] as number;
    for (let i = 0; i < count; i++) {
      const write = i >= readable.length;
      const piece = (write ? writable[i - readable.length] : readable[i]) as Piece;
      const more = i + 1 < count ? VIRTQ_DESC_F_NEXT | ((i + 1) << 16) : 0;
      tables.put(head, i, piece, (write ? VIRTQ_DESC_F_WRITE : 0) | more);
    }
    writeDescriptor(this.desc, head * 4, tables.addressOf(head), count * 16, VIRTQ_DESC_F_INDIRECT);
    return this.offer(head, head, 1);
  }

  publish(): void {
    Atomics.store(this.avail, IDX, this.nextAvail);
    this.publishedAvail = this.nextAvail;
  }

  kickNeeded(): boolean {
    const now = this.publishedAvail;
    const before = this.decidedAvail;
    if (now === before) return false;
    this.decidedAvail = now;
    // The index must be visible before the device's wish is read; pairs with enableNotifications there.
    fullFence();
    if (this.eventIdx) return passedEvent(this.used[2 + 4 * this.size] as number, now, before);
    return ((this.used[FLAGS] as number) & VIRTQ_USED_F_NO_NOTIFY) === 0;
  }

  poll(used: UsedBuffer): boolean {
    if (this.seenUsed === this.lastUsed && !this.look()) return false;
    const slot = this.lastUsed & (this.size - 1);
    const id = this.usedWords[1 + 2 * slot] as number;
    used.length = this.usedWords[2 + 2 * slot] as number;
    used.id = id;
    this.release(id);
    this.inFlight--;
    this.lastUsed = (this.lastUsed + 1) & 0xffff;
    return true;
  }

  /**
   * Puts a head into the available ring whose descriptors a test wrote itself (`rawDescriptor`). It may be any
   * number; nothing becomes free when it comes back.
   */
  offerRaw(head: number): void {
    if (head < this.size) this.raw[head] = (this.raw[head] as number) + 1;
    this.inFlight++;
    this.enter(head);
  }

  hasUsed(): boolean {
    return Atomics.load(this.used, IDX) !== this.lastUsed;
  }

  enableInterrupts(): boolean {
    if (this.eventIdx) this.avail[2 + this.size] = this.lastUsed;
    else this.avail[FLAGS] = 0;
    fullFence();
    return this.hasUsed();
  }

  disableInterrupts(): void {
    // With EVENT_IDX the stale used_event does it, and `flags` must stay 0 (virtio 1.3, 2.7.7.1).
    if (!this.eventIdx) this.avail[FLAGS] = VIRTQ_AVAIL_F_NO_INTERRUPT;
  }

  rawDescriptor(index: number, descriptor: RawDescriptor): void {
    const word = ((descriptor.next ?? 0) << 16) | (descriptor.flags & 0xffff);
    writeDescriptor(this.desc, index * 4, descriptor.address, descriptor.length, word);
  }

  private release(id: number): void {
    const count = id < this.size ? (this.counts[id] as number) : 0;
    if (count === 0) {
      if (!(id < this.size && (this.raw[id] as number) > 0)) badUsed(`descriptor ${id} was not in flight`);
      this.raw[id] = (this.raw[id] as number) - 1;
      return;
    }
    this.counts[id] = 0;
    this.next[this.tails[id] as number] = this.freeHead;
    this.freeHead = id;
    this.free += count;
  }

  /** Loads the device's index. False when nothing is new. */
  private look(): boolean {
    const seen = Atomics.load(this.used, IDX);
    const count = (seen - this.lastUsed) & 0xffff;
    if (count > this.inFlight) badUsed(`${count} buffers came back, ${this.inFlight} were in flight`);
    this.seenUsed = seen;
    return count > 0;
  }

  /** Writes a descriptor. Returns the next free one. */
  private put(index: number, piece: Piece, flags: number, more: boolean): number {
    const next = this.next[index] as number;
    const word = more ? flags | VIRTQ_DESC_F_NEXT | (next << 16) : flags;
    writeDescriptor(this.desc, index * 4, piece.address, piece.length, word);
    return next;
  }

  /** Books a chain and enters it into the available ring, which the device sees at `publish`. */
  private offer(head: number, tail: number, count: number): number {
    this.tails[head] = tail;
    this.counts[head] = count;
    this.free -= count;
    this.inFlight++;
    this.enter(head);
    return head;
  }

  private enter(head: number): void {
    this.avail[2 + (this.nextAvail & (this.size - 1))] = head;
    this.nextAvail = (this.nextAvail + 1) & 0xffff;
  }
}

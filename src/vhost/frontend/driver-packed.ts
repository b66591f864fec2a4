/**
 * The driver's side of a packed virtqueue (virtio 1.3, 2.8). // hot
 *
 * Between two `publish` the first head's last word is held back: the device reads the ring in order, so one
 * `Atomics.store` shows the whole batch.
 */
import { fullFence, passedEvent } from '../queue/ring.js';
import {
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  ringLayout,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
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

/** Indices of 16-bit words in an event suppression structure. */
const EVENT_POSITION = 0;
const EVENT_FLAGS = 1;

const AVAIL_USED = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
/** SET_VRING_BASE for a new ring: both wrap counters are 1. */
const FIRST_BASE = 0x8000_8000;

export class PackedDriverRing implements DriverRing {
  free: number;
  inFlight = 0;
  readonly base: number;
  /** The areas as they are, for tests that break rules. */
  readonly desc: Uint32Array;
  readonly driverEvent: Uint16Array;
  readonly deviceEvent: Uint16Array;
  private readonly deviceEventWord: Uint32Array;
  private readonly size: number;
  private readonly eventIdx: boolean;
  private readonly tables: IndirectTables;
  /** Stack of free buffer ids. */
  private readonly freeIds: Uint16Array;
  private freeIdCount: number;
  /** By id: descriptors that the buffer takes in the ring (0: not in flight). */
  private readonly counts: Uint16Array;
  private nextAvail: number;
  private availWrap: number;
  private nextUsed: number;
  private usedWrap: number;
  /** The head that is held back: index of its last word (-1: none), and what goes there. */
  private stagedAt = -1;
  private stagedWord = 0;
  /** Descriptors added and not published; published since the last kick decision. */
  private addedSlots = 0;
  private undecidedSlots = 0;

  constructor(options: DriverQueueOptions) {
    const { memory, size, eventIdx = false, base = FIRST_BASE } = options;
    const areas = ringLayout(size, true);
    const { buffer, guestAddress } = memory;
    this.size = size;
    this.eventIdx = eventIdx;
    this.base = base >>> 0;
    this.desc = new Uint32Array(buffer, options.descAddress - guestAddress, areas.desc.bytes / 4);
    this.driverEvent = new Uint16Array(buffer, options.availAddress - guestAddress, 2);
    this.deviceEvent = new Uint16Array(buffer, options.usedAddress - guestAddress, 2);
    this.deviceEventWord = new Uint32Array(buffer, options.usedAddress - guestAddress, 1);
    this.tables = new IndirectTables(options);
    this.free = size;
    this.freeIds = Uint16Array.from({ length: size }, (_, i) => size - 1 - i);
    this.freeIdCount = size;
    this.counts = new Uint16Array(size);
    this.nextAvail = base & 0x7fff;
    this.availWrap = (base >>> 15) & 1;
    this.nextUsed = this.nextAvail;
    this.usedWrap = this.availWrap;
    if (this.nextAvail >= size)
      throw new RangeError(`base 0x${this.base.toString(16)} lies outside the ring`);
    this.desc.fill(0);
    // In a lap with wrap counter 0, zeroes would look used.
    if (this.usedWrap === 0) for (let i = 3; i < this.desc.length; i += 4) this.desc[i] = AVAIL_USED << 16;
    this.driverEvent.fill(0);
    this.deviceEvent.fill(0);
    this.enableInterrupts();
  }

  add(readable: readonly Piece[], writable: readonly Piece[]): number {
    const count = countPieces(readable, writable, this.size);
    if (count > this.free) return -1;
    const id = this.takeId(count);
    let left = count;
    for (let i = 0; i < readable.length; i++) {
      const { address, length } = readable[i] as Piece;
      this.put(id, address, length, --left > 0 ? VIRTQ_DESC_F_NEXT : 0, left === count - 1);
    }
    for (let i = 0; i < writable.length; i++) {
      const { address, length } = writable[i] as Piece;
      const next = --left > 0 ? VIRTQ_DESC_F_NEXT : 0;
      this.put(id, address, length, VIRTQ_DESC_F_WRITE | next, left === count - 1);
    }
    return id;
  }

  addIndirect(readable: readonly Piece[], writable: readonly Piece[]): number {
    const tables = this.tables;
    const count = countPieces(readable, writable, tables.entries);
    if (this.free === 0) return -1;
    const id = this.takeId(1);
    for (let i = 0; i < count; i++) {
      const write = i >= readable.length;
      const piece = (write ? writable[i - readable.length] : readable[i]) as Piece;
      // "The device ignores all flags but WRITE there" (virtio 1.3, 2.8.7).
      tables.put(id, i, piece, write ? VIRTQ_DESC_F_WRITE << 16 : 0);
    }
    this.put(id, tables.addressOf(id), count * 16, VIRTQ_DESC_F_INDIRECT, true);
    return id;
  }

  publish(): void {
    if (this.stagedAt < 0) return;
    Atomics.store(this.desc, this.stagedAt, this.stagedWord);
    this.stagedAt = -1;
    this.undecidedSlots += this.addedSlots;
    this.addedSlots = 0;
  }

  kickNeeded(): boolean {
    const added = this.undecidedSlots;
    if (added === 0) return false;
    this.undecidedSlots = 0;
    if (added > this.size) return true;
    // The batch must be visible before the device's wish is read; pairs with enableNotifications there.
    fullFence();
    const wish = this.deviceEventWord[0] as number;
    const flags = wish >>> 16;
    if (flags !== RING_EVENT_FLAGS_DESC) return flags !== RING_EVENT_FLAGS_DISABLE;
    if (!this.eventIdx) return true;
    let now = this.nextAvail - this.addedSlots;
    let wrap = this.availWrap;
    if (now < 0) {
      now += this.size;
      wrap ^= 1;
    }
    const position = wish & 0x7fff;
    const event = ((wish >>> 15) & 1) === wrap ? position : position - this.size;
    return passedEvent(event, now, now - added);
  }

  poll(used: UsedBuffer): boolean {
    if (this.inFlight === 0) return false;
    const at = this.nextUsed * 4;
    const word = Atomics.load(this.desc, at + 3);
    if (!this.isUsed(word)) return false;
    const id = word & 0xffff;
    const count = id < this.size ? (this.counts[id] as number) : 0;
    if (count === 0) badUsed(`buffer ${id} was not in flight`);
    used.id = id;
    // Meant to be ignored where WRITE is not set (virtio 1.3, 2.8.5), but QEMU never sets it, and Linux reads it.
    used.length = this.desc[at + 2] as number;
    this.counts[id] = 0;
    this.freeIds[this.freeIdCount++] = id;
    this.free += count;
    this.inFlight--;
    this.nextUsed += count;
    if (this.nextUsed >= this.size) {
      this.nextUsed -= this.size;
      this.usedWrap ^= 1;
    }
    return true;
  }

  hasUsed(): boolean {
    return this.inFlight > 0 && this.isUsed(Atomics.load(this.desc, this.nextUsed * 4 + 3));
  }

  enableInterrupts(): boolean {
    if (this.eventIdx) {
      this.driverEvent[EVENT_POSITION] = this.nextUsed | (this.usedWrap << 15);
      Atomics.store(this.driverEvent, EVENT_FLAGS, RING_EVENT_FLAGS_DESC);
    } else {
      this.driverEvent[EVENT_FLAGS] = RING_EVENT_FLAGS_ENABLE;
    }
    fullFence();
    return this.hasUsed();
  }

  disableInterrupts(): void {
    this.driverEvent[EVENT_FLAGS] = RING_EVENT_FLAGS_DISABLE;
  }

  rawDescriptor(index: number, descriptor: RawDescriptor): void {
    const word = (descriptor.flags << 16) | ((descriptor.next ?? 0) & 0xffff);
    writeDescriptor(this.desc, index * 4, descriptor.address, descriptor.length, word);
  }

  /**
   * Adds descriptors that a test made up, one after the other, with their flags (but AVAIL and USED) and their
   * buffer ids as they are. Returns the id that is booked for them; -1 when there is no room.
   */
  offerRaw(descriptors: readonly RawDescriptor[]): number {
    const count = descriptors.length;
    if (count === 0 || count > this.free) return -1;
    const id = this.takeId(count);
    descriptors.forEach(({ address, length, flags, next = id }, index) => {
      this.put(next, address, length, flags, index === 0);
    });
    return id;
  }

  /** AVAIL and USED bits that make a descriptor available at the position where the next one goes. */
  get availableFlags(): number {
    return this.availWrap === 1 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
  }

  /** Where the next descriptor goes, and its wrap counter in bit 15. */
  get position(): number {
    return this.nextAvail | (this.availWrap << 15);
  }

  private isUsed(word: number): boolean {
    return ((word >>> 16) & AVAIL_USED) === (this.usedWrap === 1 ? AVAIL_USED : 0);
  }

  private takeId(count: number): number {
    const id = this.freeIds[--this.freeIdCount] as number;
    this.counts[id] = count;
    this.free -= count;
    this.inFlight++;
    this.addedSlots += count;
    return id;
  }

  private put(id: number, address: number, length: number, flags: number, head: boolean): void {
    const at = this.nextAvail * 4;
    const word = ((flags | this.availableFlags) << 16) | id;
    if (head && this.stagedAt < 0) {
      this.stagedAt = at + 3;
      this.stagedWord = word;
      // The old word stays; it says "not available" in this lap.
      writeDescriptor(this.desc, at, address, length, this.desc[at + 3] as number);
    } else {
      writeDescriptor(this.desc, at, address, length, word);
    }
    if (++this.nextAvail === this.size) {
      this.nextAvail = 0;
      this.availWrap ^= 1;
    }
  }
}

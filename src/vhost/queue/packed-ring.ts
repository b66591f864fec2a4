/**
 * The device's side of a packed virtqueue (virtio 1.3, 2.8). // hot
 *
 * A head descriptor's last word (flags and id) is read with `Atomics.load`: when it says available, the rest of
 * the chain is visible. A batch is written behind its first descriptor's back and shown by one `Atomics.store`
 * of that descriptor's last word, since the driver reads used descriptors in ring order.
 */
import { VhostUserError } from '../errors.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Chain } from './chain.js';
import { IndirectTable } from './indirect-table.js';
import { PackedInflight } from './inflight-packed.js';
import {
  BROKEN,
  EMPTY,
  fullFence,
  INDIRECT_CHAIN_MAX,
  passedEvent,
  REJECTED,
  type Ring,
  TAKEN,
  type Taken,
} from './ring.js';
import {
  type QueueLayout,
  RING_EVENT_FLAGS_DESC,
  RING_EVENT_FLAGS_DISABLE,
  RING_EVENT_FLAGS_ENABLE,
  ringLayout,
  VIRTQ_DESC_F_AVAIL,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_USED,
  VIRTQ_DESC_F_WRITE,
} from './ring-layout.js';

/** The flags sit in the upper half of a descriptor's last word. */
const AVAIL = VIRTQ_DESC_F_AVAIL << 16;
const USED = VIRTQ_DESC_F_USED << 16;
const NEXT = VIRTQ_DESC_F_NEXT << 16;
const WRITE = VIRTQ_DESC_F_WRITE << 16;
const INDIRECT = VIRTQ_DESC_F_INDIRECT << 16;

/** Indices of 16-bit words in an event suppression structure. */
const EVENT_POSITION = 0;
const EVENT_FLAGS = 1;

export class PackedRing implements Ring {
  reason = '';
  private desc = new Int32Array(0);
  private driverEvent = new Uint16Array(0);
  private deviceEvent = new Uint16Array(0);
  private descGuest = 0;
  private readonly size: number;
  private readonly layout: QueueLayout;
  private readonly table = new IndirectTable();
  private readonly inflight: PackedInflight | null;
  private nextAvail: number;
  private availWrap: number;
  private nextUsed: number;
  private usedWrap: number;
  /** Descriptors taken and not yet given back: the distance from used to avail. */
  private taken: number;
  /** What was put and not published: where it starts, and the last word of that descriptor. */
  private staged = false;
  private stagedAt = 0;
  private stagedWord = 0;
  private publishedUsed: number;
  private publishedOnce = false;
  private memory: GuestMemory;

  constructor(memory: GuestMemory, layout: QueueLayout) {
    this.memory = memory;
    this.layout = layout;
    this.size = layout.size;
    const base = layout.baseIndex;
    this.nextAvail = base & 0x7fff;
    this.availWrap = (base >>> 15) & 1;
    this.nextUsed = (base >>> 16) & 0x7fff;
    this.usedWrap = base >>> 31;
    this.taken = this.nextAvail - this.nextUsed + (this.availWrap === this.usedWrap ? 0 : this.size);
    if (
      this.nextAvail >= this.size ||
      this.nextUsed >= this.size ||
      this.taken < 0 ||
      this.taken > this.size
    ) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_VRING',
        `ring base 0x${base.toString(16)} lies outside the ring`,
      );
    }
    this.bind(memory);
    this.inflight = null;
    if (layout.inflight) {
      this.inflight = new PackedInflight(layout.inflight, layout.size);
      this.recover(this.inflight);
    }
    this.publishedUsed = this.nextUsed;
    this.deviceEvent[EVENT_FLAGS] = RING_EVENT_FLAGS_ENABLE;
    this.logEvent();
  }

  bind(memory: GuestMemory): void {
    const { size, descUser, availUser, usedUser } = this.layout;
    const areas = ringLayout(size, true);
    const desc = memory.areaOfUser(descUser, areas.desc.bytes);
    const driver = memory.areaOfUser(availUser, areas.avail.bytes);
    const device = memory.areaOfUser(usedUser, areas.used.bytes);
    if (desc === null || driver === null || device === null) {
      throw new VhostUserError('VHOST_ERR_BAD_VRING', 'the ring lies outside guest memory');
    }
    this.memory = memory;
    this.desc = new Int32Array(desc.buffer, desc.byteOffset, areas.desc.bytes / 4);
    this.descGuest = desc.guestAddress;
    this.driverEvent = new Uint16Array(driver.buffer, driver.byteOffset, 2);
    this.deviceEvent = new Uint16Array(device.buffer, device.byteOffset, 2);
  }

  take(chain: Chain): Taken {
    const inflight = this.inflight;
    if (inflight !== null && inflight.resubmissions > 0) return this.resubmit(inflight, chain);
    let at = this.nextAvail * 4;
    let word = Atomics.load(this.desc, at + 3);
    if (!this.isAvailable(word)) return EMPTY;
    const room = this.size - this.taken;
    let slots = 0;
    let wrong: string | null = null;
    let index = this.nextAvail;
    for (;;) {
      if (slots === room) {
        this.reason = 'more descriptors are available than the ring holds';
        return BROKEN;
      }
      const low = this.desc[at] as number;
      const high = this.desc[at + 1] as number;
      const length = this.desc[at + 2] as number;
      const last = (word & NEXT) === 0;
      if (inflight !== null)
        chain.inflightEntry = inflight.record(slots === 0, last, low, high, length, word);
      if (wrong === null) wrong = this.absorb(chain, low, high, length, word, slots === 0);
      slots++;
      index++;
      if (index === this.size) {
        index = 0;
        this.availWrap ^= 1;
      }
      if (last) break;
      at = index * 4;
      word = this.desc[at + 3] as number;
    }
    this.nextAvail = index;
    this.taken += slots;
    return this.finish(chain, slots, word, wrong);
  }

  hasAvailable(): boolean {
    if (this.inflight !== null && this.inflight.resubmissions > 0) return true;
    return this.isAvailable(Atomics.load(this.desc, this.nextAvail * 4 + 3));
  }

  put(chain: Chain, used: number): void {
    const at = this.nextUsed * 4;
    const word = chain.head | (used > 0 ? WRITE : 0) | (this.usedWrap === 1 ? AVAIL | USED : 0);
    this.desc[at + 2] = used;
    if (this.staged) {
      this.desc[at + 3] = word;
    } else {
      this.staged = true;
      this.stagedAt = at;
      this.stagedWord = word;
    }
    if (this.inflight !== null) this.inflight.put(chain.inflightEntry);
    this.logDescriptor(at);
    this.taken -= chain.slots;
    this.nextUsed += chain.slots;
    if (this.nextUsed >= this.size) {
      this.nextUsed -= this.size;
      this.usedWrap ^= 1;
    }
  }

  publish(): boolean {
    const inflight = this.inflight;
    if (inflight !== null) inflight.publishing(this.nextUsed, this.usedWrap);
    Atomics.store(this.desc, this.stagedAt + 3, this.stagedWord);
    this.staged = false;
    if (inflight !== null) inflight.published();
    this.logDescriptor(this.stagedAt);
    const first = !this.publishedOnce;
    this.publishedOnce = true;
    let before = this.publishedUsed;
    const now = this.nextUsed;
    this.publishedUsed = now;
    const flags = this.driverEvent[EVENT_FLAGS] as number;
    if (flags !== RING_EVENT_FLAGS_DESC) return flags !== RING_EVENT_FLAGS_DISABLE;
    if (first || !this.layout.eventIdx) return true;
    const position = this.driverEvent[EVENT_POSITION] as number;
    let event = position & 0x7fff;
    // Both were maybe written one lap ago: bring them into the lap of `now`.
    if (position >>> 15 !== this.usedWrap) event -= this.size;
    if (now <= before) before -= this.size;
    return passedEvent(event, now, before);
  }

  enableNotifications(): boolean {
    if (this.layout.eventIdx) {
      this.deviceEvent[EVENT_POSITION] = this.nextAvail | (this.availWrap << 15);
      Atomics.store(this.deviceEvent, EVENT_FLAGS, RING_EVENT_FLAGS_DESC);
    } else {
      this.deviceEvent[EVENT_FLAGS] = RING_EVENT_FLAGS_ENABLE;
      fullFence();
    }
    this.logEvent();
    return this.hasAvailable();
  }

  disableNotifications(): void {
    this.deviceEvent[EVENT_FLAGS] = RING_EVENT_FLAGS_DISABLE;
    this.logEvent();
  }

  base(): number {
    const avail = this.nextAvail | (this.availWrap << 15);
    const used = this.nextUsed | (this.usedWrap << 15);
    return used * 0x1_0000 + avail;
  }

  private isAvailable(word: number): boolean {
    const avail = (word & AVAIL) !== 0;
    return avail === (this.availWrap === 1) && avail !== ((word & USED) !== 0);
  }

  private finish(chain: Chain, slots: number, word: number, wrong: string | null): Taken {
    chain.head = word & 0xffff;
    chain.slots = slots;
    if (wrong === null) return TAKEN;
    this.reason = wrong;
    return REJECTED;
  }

  /** Adds one ring descriptor's buffers to the chain. Returns what is wrong with it, or null. */
  private absorb(
    chain: Chain,
    low: number,
    high: number,
    length: number,
    word: number,
    first: boolean,
  ): string | null {
    if ((word & INDIRECT) === 0) return chain.append(low, high, length, (word & WRITE) !== 0);
    if (!this.layout.indirect) return 'an indirect descriptor without VIRTIO_F_INDIRECT_DESC';
    // "MUST NOT write direct descriptors with … INDIRECT set in a scatter-gather list linked by … NEXT"
    if (!first || (word & NEXT) !== 0) return 'an indirect descriptor in a list';
    return this.absorbTable(chain, low, high, length);
  }

  /** All entries of an indirect table, in order; of their flags only WRITE counts (virtio 1.3, 2.8.7). */
  private absorbTable(chain: Chain, tableLow: number, tableHigh: number, tableLength: number): string | null {
    const table = this.table;
    const bad = table.open(this.memory, tableLow, tableHigh, tableLength);
    if (bad !== null) return bad;
    if (table.entries > Math.max(this.size, INDIRECT_CHAIN_MAX)) return 'indirect table: it is too long';
    for (let index = 0; index < table.entries; index++) {
      const at = table.locate(index);
      if (at < 0) return 'indirect table: it lies outside guest memory';
      const words = table.words;
      const low = words[at] as number;
      const high = words[at + 1] as number;
      const length = words[at + 2] as number;
      const word = words[at + 3] as number;
      if ((word & INDIRECT) !== 0) return 'indirect table: it names a further indirect table';
      const wrong = chain.append(low, high, length, (word & WRITE) !== 0);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  private resubmit(inflight: PackedInflight, chain: Chain): Taken {
    let entry = inflight.resubmit();
    const slots = inflight.listLength;
    chain.inflightEntry = entry;
    let wrong: string | null = null;
    for (let i = 0; i < slots; i++) {
      if (i > 0) entry = inflight.next(entry);
      inflight.load(entry);
      const { low, high, length, word } = inflight;
      if (wrong === null) wrong = this.absorb(chain, low, high, length, word, i === 0);
    }
    return this.finish(chain, slots, inflight.word, wrong);
  }

  private recover(inflight: PackedInflight): void {
    const position = inflight.recover(this.desc, this.nextUsed, this.usedWrap);
    if (position === null) return;
    // What was in flight was taken before, whatever base the front-end remembers.
    this.nextUsed = position.usedIdx;
    this.usedWrap = position.usedWrap;
    this.taken = position.slots;
    this.hideStaged(position.slots);
    const wraps = position.usedIdx + position.slots >= this.size;
    this.nextAvail = position.usedIdx + position.slots - (wraps ? this.size : 0);
    this.availWrap = position.usedWrap ^ (wraps ? 1 : 0);
  }

  /**
   * A batch that was under way when our predecessor died may have left used descriptors behind the first one, which
   * hid them. The next batch need not be the same: before its first one shows, the others are made available again.
   */
  private hideStaged(slots: number): void {
    let wrap = this.usedWrap;
    for (let i = 0, index = this.nextUsed; i < slots; i++) {
      this.desc[index * 4 + 3] = wrap === 1 ? AVAIL : USED;
      if (++index === this.size) {
        index = 0;
        wrap ^= 1;
      }
    }
  }

  private logDescriptor(at: number): void {
    if (this.layout.logGuestAddress !== null) this.memory.markDirty(this.descGuest + at * 4, 16);
  }

  /** QEMU logs a packed ring by its `used` area, which is the event suppression structure only. */
  private logEvent(): void {
    const base = this.layout.logGuestAddress;
    if (base !== null) this.memory.markDirty(base, 4);
  }
}

/**
 * The device's side of a split virtqueue (virtio 1.3, 2.7). // hot
 *
 * One `Atomics.load` of avail.idx per batch (acquire: the entries before it are visible), one `Atomics.store` of
 * used.idx (release, and the full fence before the driver's wish for an interrupt is read).
 */
import { VhostUserError } from '../errors.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Chain } from './chain.js';
import { IndirectTable } from './indirect-table.js';
import { SplitInflight } from './inflight-split.js';
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
  ringLayout,
  VIRTQ_AVAIL_F_NO_INTERRUPT,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
  VIRTQ_USED_F_NO_NOTIFY,
} from './ring-layout.js';

/** Indices of 16-bit words in the available and the used ring. */
const FLAGS = 0;
const IDX = 1;

export class SplitRing implements Ring {
  reason = '';
  private desc = new Int32Array(0);
  private avail = new Uint16Array(0);
  private used = new Uint16Array(0);
  private usedWords = new Int32Array(0);
  private readonly size: number;
  private readonly layout: QueueLayout;
  private readonly table = new IndirectTable();
  private readonly inflight: SplitInflight | null;
  /** Next entry of the available ring, and the driver's index when last looked at. */
  private lastAvail = 0;
  private seenAvail = 0;
  /** Next entry of the used ring, and its index as the driver knows it. */
  private nextUsed = 0;
  private publishedUsed = 0;
  /** False until the first publication: an old used_event means nothing then. */
  private publishedOnce = false;
  private memory: GuestMemory;

  constructor(memory: GuestMemory, layout: QueueLayout) {
    this.memory = memory;
    this.size = layout.size;
    this.layout = layout;
    if (layout.baseIndex > 0xffff) {
      throw new VhostUserError('VHOST_ERR_BAD_VRING', `ring base ${layout.baseIndex} does not fit 16 bits`);
    }
    this.bind(memory);
    this.nextUsed = Atomics.load(this.used, IDX);
    this.publishedUsed = this.nextUsed;
    this.lastAvail = layout.baseIndex;
    this.inflight = null;
    if (layout.inflight) {
      this.inflight = new SplitInflight(layout.inflight, layout.size);
      const recovered = this.inflight.recover(this.nextUsed);
      // What was in flight was taken from the available ring before, whatever base the front-end remembers.
      if (recovered !== null) this.lastAvail = (this.nextUsed + recovered) & 0xffff;
    }
    this.seenAvail = this.lastAvail;
    this.used[FLAGS] = 0;
    if (layout.eventIdx) this.used[2 + 4 * this.size] = this.lastAvail;
    this.logUsed(0, ringLayout(this.size, false, layout.eventIdx).used.bytes);
  }

  bind(memory: GuestMemory): void {
    const { size, descUser, availUser, usedUser, eventIdx } = this.layout;
    const areas = ringLayout(size, false, eventIdx);
    const desc = memory.areaOfUser(descUser, areas.desc.bytes);
    const avail = memory.areaOfUser(availUser, areas.avail.bytes);
    const used = memory.areaOfUser(usedUser, areas.used.bytes);
    if (desc === null || avail === null || used === null) {
      throw new VhostUserError('VHOST_ERR_BAD_VRING', 'the ring lies outside guest memory');
    }
    this.memory = memory;
    this.desc = new Int32Array(desc.buffer, desc.byteOffset, areas.desc.bytes / 4);
    this.avail = new Uint16Array(avail.buffer, avail.byteOffset, areas.avail.bytes / 2);
    this.used = new Uint16Array(used.buffer, used.byteOffset, areas.used.bytes / 2);
    this.usedWords = new Int32Array(used.buffer, used.byteOffset, 1 + 2 * size);
  }

  take(chain: Chain): Taken {
    const inflight = this.inflight;
    if (inflight !== null && inflight.resubmissions > 0) return this.fill(chain, inflight.resubmit());
    let available = (this.seenAvail - this.lastAvail) & 0xffff;
    if (available === 0) {
      this.seenAvail = Atomics.load(this.avail, IDX);
      available = (this.seenAvail - this.lastAvail) & 0xffff;
      if (available === 0) return EMPTY;
      if (available > this.size) {
        this.reason = `avail.idx went from ${this.lastAvail} to ${this.seenAvail}, more than the ring's ${this.size}`;
        return BROKEN;
      }
    }
    const head = this.avail[2 + (this.lastAvail & (this.size - 1))] as number;
    if (head >= this.size) {
      this.reason = `the available ring names descriptor ${head} of ${this.size}`;
      return BROKEN;
    }
    this.lastAvail = (this.lastAvail + 1) & 0xffff;
    if (inflight !== null) inflight.taken(head);
    return this.fill(chain, head);
  }

  hasAvailable(): boolean {
    if (this.inflight !== null && this.inflight.resubmissions > 0) return true;
    return this.seenAvail !== this.lastAvail || Atomics.load(this.avail, IDX) !== this.lastAvail;
  }

  put(chain: Chain, used: number): void {
    const slot = this.nextUsed & (this.size - 1);
    this.usedWords[1 + 2 * slot] = chain.head;
    this.usedWords[2 + 2 * slot] = used;
    this.nextUsed = (this.nextUsed + 1) & 0xffff;
    if (this.inflight !== null) this.inflight.put(chain.head);
    this.logUsed(4 + 8 * slot, 8);
  }

  publish(): boolean {
    const before = this.publishedUsed;
    const now = this.nextUsed;
    Atomics.store(this.used, IDX, now);
    this.publishedUsed = now;
    if (this.inflight !== null) this.inflight.published(now);
    this.logUsed(2, 2);
    const first = !this.publishedOnce;
    this.publishedOnce = true;
    if (!this.layout.eventIdx) return ((this.avail[FLAGS] as number) & VIRTQ_AVAIL_F_NO_INTERRUPT) === 0;
    const event = this.avail[2 + this.size] as number;
    return first || passedEvent(event, now, before);
  }

  enableNotifications(): boolean {
    // avail_event follows what was taken, not what was completed: chains may be held for as long as it takes.
    if (this.layout.eventIdx) {
      const event = 2 + 4 * this.size;
      this.used[event] = this.lastAvail;
      this.logUsed(2 * event, 2);
    } else {
      this.used[FLAGS] = 0;
      this.logUsed(0, 2);
    }
    fullFence();
    return this.hasAvailable();
  }

  disableNotifications(): void {
    // With EVENT_IDX the stale avail_event does it, and `flags` must stay 0 (virtio 1.3, 2.7.10.1).
    if (this.layout.eventIdx) return;
    this.used[FLAGS] = VIRTQ_USED_F_NO_NOTIFY;
    this.logUsed(0, 2);
  }

  base(): number {
    return this.lastAvail;
  }

  private fill(chain: Chain, head: number): Taken {
    chain.head = head;
    const wrong = this.walk(chain, head);
    if (wrong === null) return TAKEN;
    this.reason = wrong;
    return REJECTED;
  }

  /** Follows the chain through the descriptor table (virtio 1.3, 2.7.5). Returns what is wrong with it. */
  private walk(chain: Chain, head: number): string | null {
    const desc = this.desc;
    let index = head;
    for (let left = this.size; left > 0; left--) {
      const at = index * 4;
      const low = desc[at] as number;
      const high = desc[at + 1] as number;
      const length = desc[at + 2] as number;
      const word = desc[at + 3] as number;
      if ((word & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (!this.layout.indirect) return 'an indirect descriptor without VIRTIO_F_INDIRECT_DESC';
        if ((word & VIRTQ_DESC_F_NEXT) !== 0) return 'an indirect descriptor has a next one';
        return this.walkTable(chain, low, high, length, this.size - left);
      }
      const wrong = chain.append(low, high, length, (word & VIRTQ_DESC_F_WRITE) !== 0);
      if (wrong !== null) return wrong;
      if ((word & VIRTQ_DESC_F_NEXT) === 0) return null;
      index = word >>> 16;
      if (index >= this.size) return 'next names a descriptor outside the table';
    }
    return 'the chain loops or is longer than the queue';
  }

  /** The same in an indirect table (virtio 1.3, 2.7.5.3), after `before` direct descriptors. */
  private walkTable(
    chain: Chain,
    tableLow: number,
    tableHigh: number,
    tableLength: number,
    before: number,
  ): string | null {
    const table = this.table;
    const bad = table.open(this.memory, tableLow, tableHigh, tableLength);
    if (bad !== null) return bad;
    const limit = Math.max(this.size, INDIRECT_CHAIN_MAX) - before;
    let index = 0;
    for (let left = Math.min(limit, table.entries); left > 0; left--) {
      const at = table.locate(index);
      if (at < 0) return 'indirect table: it lies outside guest memory';
      const words = table.words;
      const low = words[at] as number;
      const high = words[at + 1] as number;
      const length = words[at + 2] as number;
      const word = words[at + 3] as number;
      if ((word & VIRTQ_DESC_F_INDIRECT) !== 0) return 'indirect table: it names a further indirect table';
      const wrong = chain.append(low, high, length, (word & VIRTQ_DESC_F_WRITE) !== 0);
      if (wrong !== null) return wrong;
      if ((word & VIRTQ_DESC_F_NEXT) === 0) return null;
      index = word >>> 16;
      if (index >= table.entries) return 'indirect table: next names an entry outside it';
    }
    return 'indirect table: the chain loops or is too long';
  }

  private logUsed(offset: number, length: number): void {
    const base = this.layout.logGuestAddress;
    if (base !== null) this.memory.markDirty(base + offset, length);
  }
}

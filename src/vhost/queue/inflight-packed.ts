/**
 * Inflight tracking of a packed virtqueue (vhost-user, "Inflight I/O tracking": QueueRegionPacked). // hot
 *
 * Descriptors in a packed ring are overwritten by used ones, so that the region keeps copies of them, in lists
 * that are taken from and returned to a free list. `free_head`, `used_idx` and `used_wrap_counter` are the state
 * under way, `old_…` the committed one. Chains are returned to the free list when they are published, not when
 * they are put: taking commits the free list, and must not commit half a batch.
 */
import { VhostUserError } from '../errors.js';
import {
  checkInflight,
  INFLIGHT_VERSION,
  type InflightQueue,
  PACKED_ENTRY_BYTES,
  PACKED_HEADER_BYTES,
} from './inflight.js';
import { VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from './ring-layout.js';

/** QueueRegionPacked */
const VERSION = 8;
const DESC_NUM = 10;
const FREE_HEAD = 12;
const OLD_FREE_HEAD = 14;
const USED_IDX = 16;
const OLD_USED_IDX = 18;
const USED_WRAP = 20;
const OLD_USED_WRAP = 21;
/** DescStatePacked */
const INFLIGHT = 0;
const NEXT = 2;
const LAST = 4;
const NUM = 6;
const COUNTER = 8;
const ID = 16;
const FLAGS = 18;
const LEN = 20;
const ADDR = 24;

function entry(index: number): number {
  return PACKED_HEADER_BYTES + PACKED_ENTRY_BYTES * index;
}

/** Where the used side of the ring stands. */
export interface PackedPosition {
  readonly usedIdx: number;
  readonly usedWrap: number;
  /** Descriptors in the ring that belong to chains in flight. */
  readonly slots: number;
}

export class PackedInflight {
  /** Of the entry that `load` read. */
  low = 0;
  high = 0;
  length = 0;
  /** As the ring's last word: flags << 16 | id. */
  word = 0;
  /** Entries of the list that `resubmit` returned. */
  listLength = 0;

  private readonly view: DataView;
  private readonly entries: number;
  private readonly queueSize: number;
  private counter = 0;
  private again: number[] = [];
  private readonly batch: Uint16Array;
  private batched = 0;

  constructor(part: InflightQueue, queueSize: number) {
    checkInflight(part, queueSize, true);
    this.view = part.view;
    this.entries = part.size;
    this.queueSize = queueSize;
    this.batch = new Uint16Array(queueSize);
  }

  get resubmissions(): number {
    return this.again.length;
  }

  /**
   * "When reconnecting". Returns where the ring stands, or null when the region was never used: then it starts
   * at the given position. `ring` is the descriptor ring.
   */
  recover(ring: Int32Array, usedIdx: number, usedWrap: number): PackedPosition | null {
    const view = this.view;
    if (view.getUint16(VERSION, true) === 0) {
      this.initialise(usedIdx, usedWrap);
      return null;
    }
    this.settle(ring);
    this.clearFree();
    const found: { head: number; counter: number }[] = [];
    let slots = 0;
    for (let i = 0; i < this.entries; i++) {
      if (view.getUint8(entry(i) + INFLIGHT) !== 1) continue;
      const counter = Number(view.getBigUint64(entry(i) + COUNTER, true));
      found.push({ head: i, counter });
      slots += view.getUint16(entry(i) + NUM, true);
      this.counter = Math.max(this.counter, counter + 1);
    }
    if (slots > this.queueSize) this.fail(`${slots} descriptors in flight in a ring of ${this.queueSize}`);
    this.again = found.sort((a, b) => b.counter - a.counter).map((one) => one.head);
    return { usedIdx: view.getUint16(USED_IDX, true), usedWrap: view.getUint8(USED_WRAP) & 1, slots };
  }

  /** The entry at the head of the next list to be handed out again; `load` and `next` walk it. */
  resubmit(): number {
    const head = this.again.pop() as number;
    this.listLength = this.view.getUint16(entry(head) + NUM, true);
    return head;
  }

  /** Reads one entry's descriptor. */
  load(index: number): void {
    const view = this.view;
    const at = entry(index);
    this.low = view.getInt32(at + ADDR, true);
    this.high = view.getInt32(at + ADDR + 4, true);
    this.length = view.getInt32(at + LEN, true);
    this.word = view.getUint16(at + ID, true) | (view.getUint16(at + FLAGS, true) << 16);
  }

  next(index: number): number {
    return this.inside(this.view.getUint16(entry(index) + NEXT, true));
  }

  /** "When receiving available buffers": one descriptor of a chain. Returns the entry of the chain's head. */
  record(first: boolean, last: boolean, low: number, high: number, length: number, word: number): number {
    const view = this.view;
    const headIndex = this.inside(view.getUint16(OLD_FREE_HEAD, true));
    const head = entry(headIndex);
    const freeIndex = this.inside(view.getUint16(FREE_HEAD, true));
    const free = entry(freeIndex);
    if (first) {
      const counter = this.counter++;
      view.setUint16(head + NUM, 0, true);
      view.setUint32(head + COUNTER, counter >>> 0, true);
      view.setUint32(head + COUNTER + 4, Math.floor(counter / 0x1_0000_0000), true);
      view.setUint8(head + INFLIGHT, 1);
    }
    if (last) view.setUint16(head + LAST, freeIndex, true);
    view.setUint16(head + NUM, view.getUint16(head + NUM, true) + 1, true);
    view.setInt32(free + ADDR, low, true);
    view.setInt32(free + ADDR + 4, high, true);
    view.setInt32(free + LEN, length, true);
    view.setUint16(free + FLAGS, word >>> 16, true);
    view.setUint16(free + ID, word & 0xffff, true);
    const next = view.getUint16(free + NEXT, true);
    view.setUint16(FREE_HEAD, next, true);
    if (last) view.setUint16(OLD_FREE_HEAD, next, true);
    return headIndex;
  }

  /** A chain will be part of the next publication. */
  put(head: number): void {
    this.batch[this.batched++] = head;
  }

  /** "When supplying used buffers to the driver", before the first `d.flags` of the batch is written */
  publishing(usedIdx: number, usedWrap: number): void {
    const view = this.view;
    for (let i = 0; i < this.batched; i++) {
      const head = this.batch[i] as number;
      const last = this.inside(view.getUint16(entry(head) + LAST, true));
      view.setUint16(entry(last) + NEXT, view.getUint16(FREE_HEAD, true), true);
      view.setUint16(FREE_HEAD, head, true);
    }
    view.setUint16(USED_IDX, usedIdx, true);
    view.setUint8(USED_WRAP, usedWrap);
  }

  /** …and after it. */
  published(): void {
    for (let i = 0; i < this.batched; i++) this.view.setUint8(entry(this.batch[i] as number) + INFLIGHT, 0);
    this.batched = 0;
    this.commit();
  }

  private initialise(usedIdx: number, usedWrap: number): void {
    const view = this.view;
    for (let i = 0; i < this.entries; i++) view.setUint16(entry(i) + NEXT, i + 1, true);
    view.setUint16(DESC_NUM, this.entries, true);
    view.setUint16(FREE_HEAD, 0, true);
    view.setUint16(USED_IDX, usedIdx, true);
    view.setUint8(USED_WRAP, usedWrap);
    this.commit();
    view.setUint16(VERSION, INFLIGHT_VERSION, true);
  }

  /**
   * Sets the `old_…` state to the state under way. Index and wrap counter must change together, or a crash between
   * them leaves a position that was never held; they lie in one word with used_wrap_counter (bytes 18 to 21), so
   * one store does it.
   */
  private commit(): void {
    const view = this.view;
    const wrap = view.getUint8(USED_WRAP);
    view.setUint16(OLD_FREE_HEAD, view.getUint16(FREE_HEAD, true), true);
    view.setUint32(OLD_USED_IDX, view.getUint16(USED_IDX, true) | (wrap << 16) | (wrap << 24), true);
  }

  /** Commits a batch that the driver has seen, or rolls back one that it has not. */
  private settle(ring: Int32Array): void {
    const view = this.view;
    const oldIdx = view.getUint16(OLD_USED_IDX, true);
    const oldWrap = view.getUint8(OLD_USED_WRAP) & 1;
    if (oldIdx >= this.queueSize || view.getUint16(USED_IDX, true) >= this.queueSize) {
      this.fail('the used index lies outside the ring');
    }
    // The index alone does not tell a batch that goes once around the ring.
    if (view.getUint16(USED_IDX, true) !== oldIdx || (view.getUint8(USED_WRAP) & 1) !== oldWrap) {
      const flags = (ring[oldIdx * 4 + 3] as number) >>> 16;
      const available = oldWrap === 1 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
      if ((flags & (VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED)) !== available) this.commit();
    }
    view.setUint16(FREE_HEAD, view.getUint16(OLD_FREE_HEAD, true), true);
    view.setUint16(USED_IDX, view.getUint16(OLD_USED_IDX, true), true);
    view.setUint8(USED_WRAP, view.getUint8(OLD_USED_WRAP));
  }

  /** "Set the inflight field of each entry in the free list to 0". The list ends with an index past the table. */
  private clearFree(): void {
    const view = this.view;
    let index = view.getUint16(FREE_HEAD, true);
    for (let i = 0; i < this.entries && index < this.entries; i++) {
      view.setUint8(entry(index) + INFLIGHT, 0);
      index = view.getUint16(entry(index) + NEXT, true);
    }
  }

  /** The front-end can write to the region at any time: an index from it is kept inside the table. */
  private inside(index: number): number {
    return index < this.entries ? index : this.entries - 1;
  }

  private fail(what: string): never {
    throw new VhostUserError('VHOST_ERR_BAD_INFLIGHT', `inflight region: ${what}`);
  }
}

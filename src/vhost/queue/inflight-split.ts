/**
 * Inflight tracking of a split virtqueue (vhost-user, "Inflight I/O tracking": QueueRegionSplit). // hot
 *
 * The order of the stores is what makes it work: a crash between any two of them leaves a region from which
 * `recover` finds exactly the chains that the driver still waits for.
 */
import {
  checkInflight,
  INFLIGHT_VERSION,
  type InflightQueue,
  SPLIT_ENTRY_BYTES,
  SPLIT_HEADER_BYTES,
} from './inflight.js';

/** QueueRegionSplit */
const VERSION = 8;
const DESC_NUM = 10;
const LAST_BATCH_HEAD = 12;
const USED_IDX = 14;
/** DescStateSplit */
const INFLIGHT = 0;
const NEXT = 6;
const COUNTER = 8;

function entry(index: number): number {
  return SPLIT_HEADER_BYTES + SPLIT_ENTRY_BYTES * index;
}

export class SplitInflight {
  private readonly view: DataView;
  private readonly entries: number;
  /** The "global counter". */
  private counter = 0;
  /** Heads to be handed out again, the next one last. */
  private again: number[] = [];
  /** Heads put since the last publication. */
  private readonly batch: Uint16Array;
  private batched = 0;

  constructor(part: InflightQueue, queueSize: number) {
    checkInflight(part, queueSize, false);
    this.view = part.view;
    this.entries = queueSize;
    this.batch = new Uint16Array(queueSize);
  }

  /** Heads that `resubmit` will return. */
  get resubmissions(): number {
    return this.again.length;
  }

  /**
   * "When reconnecting". Returns how many chains are in flight, or null when the region was never used.
   * `usedIdx` is the used ring's idx, as the driver sees it.
   */
  recover(usedIdx: number): number | null {
    const view = this.view;
    if (view.getUint16(VERSION, true) === 0) {
      view.setUint16(DESC_NUM, this.entries, true);
      view.setUint16(USED_IDX, usedIdx, true);
      view.setUint16(VERSION, INFLIGHT_VERSION, true);
      return null;
    }
    // The last batch reached the driver, but we were gone before all of it was cleared.
    const missed = (usedIdx - view.getUint16(USED_IDX, true)) & 0xffff;
    let head = view.getUint16(LAST_BATCH_HEAD, true);
    for (let i = 0; i < missed && i < this.entries && head < this.entries; i++) {
      view.setUint8(entry(head) + INFLIGHT, 0);
      head = view.getUint16(entry(head) + NEXT, true);
    }
    view.setUint16(USED_IDX, usedIdx, true);
    const found: { head: number; counter: number }[] = [];
    for (let i = 0; i < this.entries; i++) {
      if (view.getUint8(entry(i) + INFLIGHT) !== 1) continue;
      const counter = Number(view.getBigUint64(entry(i) + COUNTER, true));
      found.push({ head: i, counter });
      this.counter = Math.max(this.counter, counter + 1);
    }
    this.again = found.sort((a, b) => b.counter - a.counter).map((one) => one.head);
    return found.length;
  }

  /** The next head to be handed out again; its entry stays as it is. */
  resubmit(): number {
    return this.again.pop() as number;
  }

  /** "When receiving available buffers from the driver" */
  taken(head: number): void {
    const view = this.view;
    const at = entry(head);
    const counter = this.counter++;
    view.setUint32(at + COUNTER, counter >>> 0, true);
    view.setUint32(at + COUNTER + 4, Math.floor(counter / 0x1_0000_0000), true);
    view.setUint8(at + INFLIGHT, 1);
  }

  /** "When supplying used buffers to the driver", before used.idx goes up */
  put(head: number): void {
    const view = this.view;
    view.setUint16(entry(head) + NEXT, view.getUint16(LAST_BATCH_HEAD, true), true);
    view.setUint16(LAST_BATCH_HEAD, head, true);
    this.batch[this.batched++] = head;
  }

  /** …and after. */
  published(usedIdx: number): void {
    for (let i = 0; i < this.batched; i++) this.view.setUint8(entry(this.batch[i] as number) + INFLIGHT, 0);
    this.batched = 0;
    this.view.setUint16(USED_IDX, usedIdx, true);
  }
}

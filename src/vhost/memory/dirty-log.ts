/**
 * The dirty log of live migration (vhost-user, "Migration"): one bit per 4 KiB page of guest-physical address
 * space, in memory shared with the front-end, which reads and clears it while we set bits.
 */
import type { Mapping } from 'vhost-user-native';

/** VHOST_LOG_PAGE */
const PAGE_BYTES = 0x1000;

/** Where a back-end notes the pages that it wrote, for live migration. */
export class DirtyLog {
  private readonly mapping: Mapping;
  private bits: Uint8Array;

  /** Takes over the mapping: byte 0 of it logs the pages from guest address 0 on. */
  constructor(mapping: Mapping) {
    this.mapping = mapping;
    this.bits = new Uint8Array(mapping.window(0, mapping.length));
  }

  /**
   * Marks the pages of [guestAddress, guestAddress + length). To be called after the write it tells of, so that
   * the front-end can't clear the bit before the data is there. Pages past the end of the log are left out.
   *
   * A bit that is set already is set again: skipping it would need a full fence between the data and the look.
   */
  mark(guestAddress: number, length: number): void {
    if (!(length > 0)) return;
    const bits = this.bits;
    let page = Math.floor(guestAddress / PAGE_BYTES);
    const last = Math.min(Math.floor((guestAddress + length - 1) / PAGE_BYTES), bits.length * 8 - 1);
    while (page <= last) {
      const bit = page % 8;
      const count = Math.min(8 - bit, last - page + 1);
      Atomics.or(bits, (page - bit) / 8, ((1 << count) - 1) << bit);
      page += count;
    }
  }

  /** Unmaps the log; marks after that go nowhere. */
  close(): void {
    this.bits = new Uint8Array(0);
    this.mapping.close();
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

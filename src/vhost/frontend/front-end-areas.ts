/** Memory beside guest RAM that a front-end shares with a back-end: the dirty log and the inflight region. */
import { closeFd, createMemfd, type Mapping, mapFile, pageSize } from 'vhost-user-native';

/** VHOST_LOG_PAGE */
const LOG_PAGE_BYTES = 4096;

/** The dirty log, read by its owner (vhost-user, "Migration"). */
export class DirtyLogReader {
  readonly fd: number;
  /** Bytes. */
  readonly length: number;
  private readonly mapping: Mapping;
  /** 32 pages per word: bit i of word w is page 32 * w + i (little-endian, so bytes are in the same order). */
  private readonly words: Int32Array;

  /** A log for guest addresses 0 to `guestAddressEnd`. */
  constructor(guestAddressEnd: number) {
    this.length = Math.ceil(guestAddressEnd / LOG_PAGE_BYTES / 8 / pageSize) * pageSize;
    this.fd = createMemfd('vhost-user-log', { size: this.length });
    try {
      this.mapping = mapFile(this.fd, 0, this.length, { writable: true });
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
    this.words = new Int32Array(this.mapping.window(0, this.length));
  }

  /** Reads and clears: guest addresses of the 4 KiB pages that were written since the last time, ascending. */
  take(): number[] {
    const pages: number[] = [];
    for (let at = 0; at < this.words.length; at++) {
      if (this.words[at] === 0) continue;
      const word = Atomics.exchange(this.words, at, 0);
      for (let bit = 0; bit < 32; bit++) {
        if (((word >>> bit) & 1) === 1) pages.push((at * 32 + bit) * LOG_PAGE_BYTES);
      }
    }
    return pages;
  }

  /** Unmaps and closes the memfd. The back-end keeps its own mapping. Idempotent. */
  close(): void {
    if (this.mapping.closed) return;
    this.mapping.close();
    closeFd(this.fd);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** The inflight region, kept from one connection to the next (vhost-user, "Inflight I/O tracking"). */
export class InflightArea {
  /** Owned by this object. */
  readonly fd: number;
  readonly mmapSize: number;
  readonly mmapOffset: number;
  readonly queueCount: number;
  readonly queueSize: number;
  private closed = false;

  /** Takes over the descriptor. */
  constructor(fd: number, mmapSize: number, mmapOffset: number, queueCount: number, queueSize: number) {
    this.fd = fd;
    this.mmapSize = mmapSize;
    this.mmapOffset = mmapOffset;
    this.queueCount = queueCount;
    this.queueSize = queueSize;
  }

  /** Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeFd(this.fd);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

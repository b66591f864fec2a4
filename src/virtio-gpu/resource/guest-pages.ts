/** The guest memory of a blob: to copy from, or as a dma-buf. */
import { closeFd, type ScatterGather } from 'vhost-user-native';
import type { DeviceMemory, GuestRanges } from 'vhost-user-ts';
import type { Backing } from './backing.js';
import type { HostAccount } from './host-account.js';

export interface DmabufExporter {
  /** A dma-buf over the first `bytes` bytes of guest ranges, the caller's to close; null where there can't be one. */
  export(memory: DeviceMemory, ranges: GuestRanges, bytes: number): number | null;
}

/** What the blobs of one VM share. */
export interface PagesParts {
  readonly memory: DeviceMemory;
  readonly dmabufs: DmabufExporter;
  readonly account: HostAccount;
}

export class GuestPages {
  readonly backing: Backing;
  readonly bytes: number;
  readonly #parts: PagesParts;
  #fd: number | null = null;
  /** Of the memory table for which there could be none. */
  #generation = -1;

  /** Takes over the backing. */
  constructor(backing: Backing, bytes: number, parts: PagesParts) {
    this.backing = backing;
    this.bytes = bytes;
    this.#parts = parts;
  }

  table(memory: DeviceMemory): ScatterGather | null {
    return this.backing.table(memory);
  }

  /**
   * A descriptor that stays ours; null where there can't be one, which is not tried again for the same memory table.
   * One that was made is of the same pages for ever, whatever becomes of the table.
   */
  dmabuf(): number | null {
    if (this.backing.closed) return null;
    const { account, memory } = this.#parts;
    if (this.#fd !== null || this.#generation === memory.generation || !account.takeDmabuf()) return this.#fd;
    this.#fd = this.#export();
    this.#generation = memory.generation;
    if (this.#fd === null) account.giveDmabuf();
    return this.#fd;
  }

  /** A descriptor for the caller to close. */
  exportDmabuf(): number | null {
    return this.backing.closed ? null : this.#export();
  }

  close(): void {
    if (this.#fd !== null) {
      closeFd(this.#fd);
      this.#parts.account.giveDmabuf();
    }
    this.#fd = null;
    this.backing.close();
  }

  #export(): number | null {
    const { dmabufs, memory } = this.#parts;
    return dmabufs.export(memory, this.backing.ranges, this.bytes);
  }
}

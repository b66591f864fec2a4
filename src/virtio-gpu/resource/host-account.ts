/** What one VM holds of the host's memory, against its limits. */
import { DMABUFS_MAX, type GpuLimits } from '../limits.js';

export class HostAccount {
  readonly #limits: GpuLimits;
  #bytes = 0;
  #entries = 0;
  #blobBytes = 0;
  #dmabufs = 0;

  constructor(limits: GpuLimits) {
    this.#limits = limits;
  }

  /** Bytes of pixel memory in use, including what only a display still holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Backing entries in use. */
  get entries(): number {
    return this.#entries;
  }

  /** Takes `bytes`, or takes nothing and returns false when that would go over the limit. */
  takeBytes(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.maxHostBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBytes(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Bytes of blobs on the host, mapped or not. */
  get blobBytes(): number {
    return this.#blobBytes;
  }

  /** Takes `bytes` for a blob, or takes nothing and returns false when that would go over the limit. */
  takeBlobBytes(bytes: number): boolean {
    if (this.#blobBytes + bytes > this.#limits.maxBlobBytes) return false;
    this.#blobBytes += bytes;
    return true;
  }

  giveBlobBytes(bytes: number): void {
    this.#blobBytes -= bytes;
  }

  /** True when `entries` more are within the limit. */
  hasRoomForEntries(entries: number): boolean {
    return this.#entries + entries <= this.#limits.maxBackingEntriesTotal;
  }

  takeEntries(entries: number): void {
    this.#entries += entries;
  }

  giveEntries(entries: number): void {
    this.#entries -= entries;
  }

  /** Takes a descriptor for a dma-buf, or returns false when there are too many. */
  takeDmabuf(): boolean {
    if (this.#dmabufs >= DMABUFS_MAX) return false;
    this.#dmabufs += 1;
    return true;
  }

  giveDmabuf(): void {
    this.#dmabufs -= 1;
  }
}

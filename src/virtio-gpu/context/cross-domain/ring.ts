/**
 * A ring of a cross-domain context: one page of guest memory, to whose start each message goes. What lies there is never
 * read.
 */
import type { ScatterGather } from 'vhost-user-native';
import type { DeviceMemory, GuestRanges } from 'vhost-user-ts';
import type { Staging } from './staging.js';

export class Ring {
  readonly resourceId: number;
  readonly #memory: DeviceMemory;
  readonly #ranges: GuestRanges;
  #table: ScatterGather | null = null;
  #generation = -1;
  #closed = false;

  /** `ranges` is the guest memory of the ring, RING_BYTES long. */
  constructor(resourceId: number, memory: DeviceMemory, ranges: GuestRanges) {
    this.resourceId = resourceId;
    this.#memory = memory;
    this.#ranges = ranges;
  }

  /** Copies the first `length` bytes of `staging` to the ring. False when it is not guest memory (any more). */
  write(staging: Staging, length: number): boolean {
    const table = this.#current();
    if (table === null) return false;
    table.writeRows(0, length, staging.mapping, 0, length, length, 1);
    let left = length;
    for (let i = 0; i < this.#ranges.length && left > 0; i += 2) {
      const bytes = Math.min(left, this.#ranges[i + 1] as number);
      this.#memory.markDirty(this.#ranges[i] as number, bytes);
      left -= bytes;
    }
    return true;
  }

  #current(): ScatterGather | null {
    if (this.#closed) return null;
    if (this.#generation !== this.#memory.generation) {
      this.#table?.close();
      this.#table = this.#memory.scatterGather(this.#ranges);
      this.#generation = this.#memory.generation;
    }
    return this.#table;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed = true;
    this.#table?.close();
    this.#table = null;
  }
}

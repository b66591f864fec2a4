/**
 * Shared memory for guests of front-ends that map none (QEMU before 11.1): the region is the memory of an ivshmem
 * device beside the GPU, which the front-end tells us of like of any guest memory. Found by its file, not by its size.
 */
import type { DeviceMemory, Logger } from 'vhost-user-ts';
import type { SharedRegion } from '../region/index.js';
import { partsOfFile } from './memory-file.js';

export class Ivshmem {
  readonly #region: SharedRegion;
  readonly #log: Logger;
  readonly #changed: (guestAddress: number | null) => void;
  #guestAddress: number | null = null;

  /** The region stays the caller's. `changed` is told where the guest has the memory now; null = nowhere. */
  constructor(region: SharedRegion, log: Logger, changed: (guestAddress: number | null) => void) {
    this.#region = region;
    this.#log = log;
    this.#changed = changed;
  }

  /** Guest-physical address of the region's first byte; null while the guest does not have the whole region. */
  get guestAddress(): number | null {
    return this.#guestAddress;
  }

  /** The memory table changed, or (null) nobody is connected any more. */
  look(memory: DeviceMemory | null): void {
    const found = memory === null ? null : this.#find(memory);
    if (found === this.#guestAddress) return;
    this.#guestAddress = found;
    this.#log.debug({ guestAddress: found === null ? null : `0x${found.toString(16)}` }, 'ivshmem memory');
    this.#changed(found);
  }

  #find(memory: DeviceMemory): number | null {
    const { fd, bytes } = this.#region;
    return partsOfFile(memory, fd).find(({ length }) => length >= bytes)?.guestAddress ?? null;
  }
}

/**
 * Shared memory for guests of front-ends that map none (QEMU before 11.1): the region is the memory of an ivshmem
 * device beside the GPU, which the front-end tells us of like of any guest memory. Found by its file, not by its size.
 */
import { fileIdentity } from 'vhost-user-native';
import type { DeviceMemory, Logger } from 'vhost-user-ts';
import type { SharedRegion } from '../region/index.js';

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
    const { device, inode } = fileIdentity(this.#region.fd);
    for (const { guestAddress, length, fd, fileOffset } of memory.files()) {
      if (fileOffset !== 0 || length < this.#region.bytes) continue;
      const file = fileIdentity(fd);
      if (file.device === device && file.inode === inode) return guestAddress;
    }
    return null;
  }
}

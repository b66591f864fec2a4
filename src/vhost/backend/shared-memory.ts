/** Shared memory regions (virtio 1.3, 2.10; vhost-user, SHMEM_MAP): what the front-end does not check for us. */
import type { VhostUserDevice } from '../device.js';
import { SHARED_REGIONS_MAX } from '../wire/limits.js';
import { SHMEM_MAP_RW, SharedMemoryConfig, SharedMemoryMapping } from '../wire/payloads.js';

const PAGE_BYTES = 4096;

/** The reply to GET_SHMEM_CONFIG. QEMU reads sizes until it has seen `count` that are not 0. */
export function sharedMemoryConfig(device: VhostUserDevice): Uint8Array {
  const sizes = new Array<number>(SHARED_REGIONS_MAX).fill(0);
  const regions = device.sharedMemory ?? [];
  for (const { id, length } of regions) sizes[id] = length;
  return SharedMemoryConfig.encode({ count: regions.length, padding: 0, sizes });
}

/**
 * The payload of SHMEM_MAP and SHMEM_UNMAP. Throws a RangeError (the device's mistake) when it does not lie in
 * one of the device's regions or is not page-aligned: QEMU 11.1 lets unaligned offsets and lengths pass.
 */
export function sharedMemoryPayload(
  device: VhostUserDevice,
  range: { readonly id: number; readonly fdOffset: number; readonly offset: number; readonly length: number },
): Uint8Array {
  const { id, fdOffset, offset, length } = range;
  const region = (device.sharedMemory ?? []).find((candidate) => candidate.id === id);
  if (region === undefined) throw new RangeError(`the device has no shared memory region ${id}`);
  for (const value of [fdOffset, offset, length]) {
    if (!(Number.isSafeInteger(value) && value >= 0 && value % PAGE_BYTES === 0)) {
      throw new RangeError(`${value} is not a multiple of the page size`);
    }
  }
  if (!(length > 0 && offset + length <= region.length)) {
    throw new RangeError(
      `[${offset}, +${length}) is not in shared memory region ${id} of ${region.length} bytes`,
    );
  }
  const padding = new Uint8Array(7);
  return SharedMemoryMapping.encode({ id, padding, fdOffset, offset, length, flags: SHMEM_MAP_RW });
}

/** The VM's resources as its contexts see them. */
import type { GuestRanges } from 'vhost-user-ts';
import type { BlobResource } from '../resource/resource.js';
import type { ResourceTable } from '../resource/resource-table.js';
import { VIRTIO_GPU_BLOB_MEM_GUEST } from '../wire/constants.js';
import type { ContextResources } from './context-resources.js';

/** The first `bytes` of the ranges, which are that long at least. */
function firstRanges(ranges: GuestRanges, bytes: number): GuestRanges {
  const first: number[] = [];
  let left = bytes;
  for (let i = 0; i < ranges.length && left > 0; i += 2) {
    const length = Math.min(left, ranges[i + 1] as number);
    first.push(ranges[i] as number, length);
    left -= length;
  }
  return Float64Array.from(first);
}

export function contextResources(resources: ResourceTable): ContextResources {
  const blobOf = (id: number): BlobResource | null => {
    const resource = resources.find(id);
    return resource?.kind === 'blob' ? resource : null;
  };
  return {
    exists: (id) => resources.find(id) !== undefined,
    guestPages(id, bytes) {
      const blob = blobOf(id);
      if (blob === null || blob.blobMem !== VIRTIO_GPU_BLOB_MEM_GUEST || blob.bytes < bytes) return null;
      return blob.backing === null ? null : firstRanges(blob.backing.ranges, bytes);
    },
    attachedBlob(id) {
      const blob = blobOf(id);
      return blob === null ? null : resources.attachedBlob(blob);
    },
  };
}

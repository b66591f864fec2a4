/** A blob as the channel of a context sees it. */
import { strict as assert } from 'node:assert';
import type { AttachedBlob } from '../context/channel.js';
import type { BlobResource } from './resource.js';

/**
 * The blob where it lies now. A blob that is mapped somewhere else later is another one to the channel: the compositor
 * knows it by its place.
 */
export function attachedBlob(blob: BlobResource): AttachedBlob {
  const { id, bytes, place, pages } = blob;
  let references = 0;
  return {
    resourceId: id,
    bytes,
    regionOffset: place?.offset ?? null,
    exportDmabuf: () => pages?.exportDmabuf() ?? null,
    retain() {
      references += 1;
      place?.hold();
    },
    release() {
      assert(references > 0, 'a blob was released too often');
      references -= 1;
      place?.unhold();
    },
  };
}

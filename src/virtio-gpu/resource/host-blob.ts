/** Where the memory of a HOST3D blob comes from (virtio 1.3, 5.7.6.8, RESOURCE_CREATE_BLOB with a `blob_id`). */
import type { Refusal } from '../result.js';

/** What a `blob_id` of a context stands for. */
export interface HostBlobOrigin {
  /** What the blob's memory starts with (the rest is 0); null when all of it is 0. At most the blob's bytes. */
  readonly content: Uint8Array | null;
}

/** Implemented by the contexts. */
export interface HostBlobOrigins {
  /**
   * Resolves a `blob_id` for a blob of `bytes` bytes (a multiple of the page size). Whatever can be had only once is
   * used up by a success.
   */
  take(contextId: number, blobId: bigint, bytes: number): HostBlobOrigin | Refusal;
}

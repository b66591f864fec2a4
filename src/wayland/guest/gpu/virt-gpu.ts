/** What the proxy needs of the guest's kernel: one open node of the virtio-gpu driver, and with it one context. */
import type { Mapping } from 'vhost-user-native';

/** `blob_mem` of virtio 1.3, 5.7.6.8: pages of the guest's, memory of the host's. */
export const BLOB_MEM_GUEST = 1;
export const BLOB_MEM_HOST3D = 2;

export interface GpuBlob {
  readonly handle: number;
  /** What the host calls it. */
  readonly resource: number;
}

/**
 * Whatever fails throws an Error with the errno name in `code`. Waiting is asynchronous here, although the kernel's
 * driver waits on the spot.
 */
export interface VirtGpu {
  /** The node's dev_t, as stat has it. */
  readonly deviceNumber: bigint;
  /** The first 16 bytes of capability set 5; throws when the device does not have it. */
  crossDomainCaps(): Uint8Array;
  /** Makes the cross-domain context with two rings, of which fences on ring 1 become events. */
  contextInit(name: string): void;
  createBlob(blobMem: number, bytes: number, blobId: number): GpuBlob;
  /** Maps a whole blob; EINVAL when the host refused to make it. */
  map(handle: number, bytes: number): Promise<Mapping>;
  /** Submits a command, with a fence on the ring if one is named. */
  submit(command: Uint8Array, ringIdx: number | null, handles: readonly number[]): void;
  /** Resolves when all that was submitted with the handle is done; rejects when it takes too long. */
  wait(handle: number): Promise<void>;
  /** A dma-buf for others, the caller's to close. */
  exportFd(handle: number): number;
  /** The handle of a dma-buf (not counted: one `close` ends it); null when it is none that this device can use. */
  importFd(fd: number): number | null;
  resourceInfo(handle: number): {
    readonly resource: number;
    readonly bytes: number;
    readonly blobMem: number;
  };
  closeHandle(handle: number): void;
  /** How many fences of ring 1 are done since the last call; an Error when the device is gone. */
  watch(callback: (fences: number | Error) => void): void;
  /** Ends the context, once all mappings are closed. Idempotent. */
  close(): void;
}

/**
 * Linux's virtio-gpu driver, seen from inside a guest: the part of its interface that programs use which forward
 * something to the host (contexts, blobs, rings). Handles and resource ids are unsigned 32-bit numbers.
 */
import type { Mapping } from './types.js';

/** One open node of the device, and with it at most one context. Calls of the kernel that are interrupted go on. */
export interface DrmDevice {
  readonly fd: number;
  readonly closed: boolean;
  /** VIRTGPU_PARAM_*; EINVAL when the kernel does not know it. */
  getParam(param: number): number;
  /** The first `bytes` bytes (at most 4096) of a capability set; EINVAL when the device does not have it. */
  getCaps(id: number, version: number, bytes: number): Uint8Array;
  /**
   * Makes the context; once, and before anything that needs one (EEXIST). `pollRings` is a bit mask of the rings whose
   * fences become events. `name` is for the host's logs (null: the kernel takes the name of the thread); EINVAL where
   * the kernel does not take names (param 8).
   */
  contextInit(capset: number, rings: number, pollRings: number, name: string | null): void;
  /** ENOSPC: `bytes` is 0, or the device's window is full. What the host refuses shows up in `map` only. */
  createBlob(
    blobMem: number,
    flags: number,
    bytes: number,
    blobId: number,
  ): { readonly handle: number; readonly resource: number };
  /** Maps all `length` bytes of a blob; waits for the host where the blob is the host's. EINVAL: the host refused. */
  map(handle: number, length: number): Mapping;
  /**
   * Submits a command; with a ring it gets a fence on that ring, as it does for `handles` (at most 64), which can be
   * waited for. Without either nobody hears of its end.
   */
  execbuffer(command: Uint8Array, ringIdx: number | null, handles: readonly number[]): void;
  /** Whether all that was submitted for the handle is done. Waits for it with `block`, 15 s at most. */
  wait(handle: number, block: boolean): boolean;
  /** A dma-buf of the buffer; close-on-exec, the caller's. */
  primeHandleToFd(handle: number): number;
  /**
   * The handle for a dma-buf, which stays the caller's. The same dma-buf gives the same handle each time, and one
   * `gemClose` ends it. Fails (EINVAL, EBADF, ...) for whatever is no dma-buf that this device can use.
   */
  primeFdToHandle(fd: number): number;
  gemClose(handle: number): void;
  /** `blobMem` is 0 for a resource that is no blob. */
  resourceInfo(handle: number): {
    readonly resource: number;
    readonly bytes: number;
    readonly blobMem: number;
  };
  /** Takes the waiting events (some of them, when there are very many); how many fences of polled rings they were. */
  readEvents(): number;
  /** Calls back while events wait, and when the device goes away; null stops. */
  watch(callback: (() => void) | null): void;
  /** The context lives on as long as a mapping of its blobs does. */
  close(): void;
}

/**
 * Handles of buffers, counted. The kernel gives the same handle each time the same dma-buf is imported, and one close
 * ends it for all who have it.
 */
import type { VirtGpu } from '../gpu/virt-gpu.js';

export class Handles {
  private readonly gpu: VirtGpu;
  private readonly counts = new Map<number, number>();

  constructor(gpu: VirtGpu) {
    this.gpu = gpu;
  }

  /** Counts one more user of a handle that the kernel just gave. */
  retain(handle: number): void {
    this.counts.set(handle, (this.counts.get(handle) ?? 0) + 1);
  }

  /** The handle of a dma-buf, counted; null when it is none that the device can use. */
  import(fd: number): number | null {
    const handle = this.gpu.importFd(fd);
    if (handle !== null) this.retain(handle);
    return handle;
  }

  release(handle: number): void {
    const count = this.counts.get(handle) ?? 0;
    if (count > 1) {
      this.counts.set(handle, count - 1);
      return;
    }
    if (this.counts.delete(handle)) this.gpu.closeHandle(handle);
  }
}

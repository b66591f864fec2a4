/**
 * Scanouts that QEMU shows as dma-bufs: the guest's own pages, so that no pixel goes over the socket. Which sources
 * that is good for, the messages, and who waits for QEMU to have drawn them. No I/O here.
 *
 * QEMU can't say whether its display draws dma-bufs, so they are used only where we are told to. Its answer to an
 * update comes when that is drawn, and names no scanout; while its display is busy QEMU reads nothing more. So one
 * update at a time is on its way, of all scanouts together, and the damage of a slow display is joined meanwhile.
 */
import type { Rect, ScanoutSource } from '../display-sink.js';
import type { DmabufExport } from '../resource/pixel-buffer.js';
import {
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
} from '../wire/formats.js';
import type { GpuSocketMetrics } from './band-messages.js';
import {
  encodeDmabufScanout,
  encodeDmabufUpdate,
  VHOST_USER_GPU_PROTOCOL_F_DMABUF2,
} from './gpu-socket-wire.js';
import type { DmabufRoute } from './scanout-queue.js';

/** The feature of the protocol that is used where it is offered. */
export const DMABUF2_FEATURE = 1n << BigInt(VHOST_USER_GPU_PROTOCOL_F_DMABUF2);

/**
 * DRM's codes (drm_fourcc.h), without alpha since a screen has none. OpenGL imports these two everywhere; pictures in
 * formats that it may refuse, unheard, are sent as pixels.
 */
const DRM_FORMAT_XRGB8888 = 0x34325258;
const DRM_FORMAT_XBGR8888 = 0x34324258;
const FOURCC: ReadonlyMap<number, number> = new Map([
  [VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, DRM_FORMAT_XRGB8888],
  [VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, DRM_FORMAT_XRGB8888],
  [VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, DRM_FORMAT_XBGR8888],
  [VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, DRM_FORMAT_XBGR8888],
]);

export interface DmabufScanoutsOptions {
  readonly enabled: boolean;
  /** The features of the protocol that the peer offers; null as long as that is not known. */
  readonly offered: () => bigint | null;
  readonly metrics: GpuSocketMetrics;
}

type Done = () => void;

export class DmabufScanouts implements DmabufRoute {
  private readonly options: DmabufScanoutsOptions;
  /** The scanout whose update is not answered yet. */
  private updating: number | null = null;
  /** Who waits for that answer. */
  private answering: Done[] = [];
  /** Who waits for an update that was not sent yet, by scanout. */
  private readonly waiting = new Map<number, Done[]>();

  constructor(options: DmabufScanoutsOptions) {
    this.options = options;
  }

  get busy(): boolean {
    return this.updating !== null;
  }

  /**
   * Null where the source is to be sent as pixels. QEMU does not look at the place of the part that is shown, nor at
   * an offset: the picture starts where the dma-buf does.
   */
  exportOf({ buffer, rect }: ScanoutSource): DmabufExport | null {
    if (!this.options.enabled || this.options.offered() === null) return null;
    if (rect.x !== 0 || rect.y !== 0 || !FOURCC.has(buffer.format)) return null;
    const dmabuf = buffer.dmabuf();
    return dmabuf?.offsetBytes === 0 ? dmabuf : null;
  }

  /** The message that the dma-buf's descriptor rides on. */
  scanout(scanoutId: number, { rect }: ScanoutSource, { strideBytes, format }: DmabufExport): Uint8Array {
    const { offered, metrics } = this.options;
    const hasModifier = ((offered() ?? 0n) & DMABUF2_FEATURE) !== 0n;
    const fourcc = FOURCC.get(format) ?? DRM_FORMAT_XRGB8888;
    metrics.dmabufScanouts += 1;
    return encodeDmabufScanout(
      scanoutId,
      { width: rect.width, height: rect.height, strideBytes, fourcc },
      hasModifier,
    );
  }

  /** The message, which counts as sent. There is no other on its way. */
  update(scanoutId: number, rect: Rect): Uint8Array {
    this.updating = scanoutId;
    this.answering = this.waiting.get(scanoutId) ?? [];
    this.waiting.delete(scanoutId);
    this.options.metrics.dmabufUpdates += 1;
    return encodeDmabufUpdate(scanoutId, rect);
  }

  /** QEMU answered an update. Returns what is wrong with that, or null. */
  answered(): string | null {
    if (this.updating === null) return 'nobody updated a dma-buf';
    this.updating = null;
    this.endAnswering();
    return null;
  }

  /** Calls `done` when QEMU has drawn the scanout: what `hasDamage` says is not sent yet, or what is on its way. */
  whenDrawn(scanoutId: number, hasDamage: boolean, done: Done): void {
    if (hasDamage) this.waiting.set(scanoutId, [...(this.waiting.get(scanoutId) ?? []), done]);
    else if (this.updating === scanoutId) this.answering.push(done);
    else done();
  }

  /** QEMU is not going to draw the scanout from a dma-buf: nobody waits for that any more. */
  giveUp(scanoutId: number): void {
    if (this.updating === scanoutId) this.endAnswering();
    const waiting = this.waiting.get(scanoutId);
    if (waiting === undefined) return;
    this.waiting.delete(scanoutId);
    for (const done of waiting) done();
  }

  /** The connection is gone, and the answer with it. */
  disconnect(): void {
    this.updating = null;
    this.endAnswering();
    for (const scanoutId of [...this.waiting.keys()]) this.giveUp(scanoutId);
  }

  private endAnswering(): void {
    for (const done of this.answering.splice(0)) done();
  }
}

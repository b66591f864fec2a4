/**
 * Messages with a band of a scanout's pixels. They come straight from the buffer's memory when its format is
 * QEMU's (B8G8R8A8, B8G8R8X8); others are converted into memory for one message.
 */
import { type Mapping, mapAnonymous } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import { BYTES_PER_PIXEL, pixelFormat, SWIZZLE_IDENTITY } from '../wire/formats.js';
import {
  SCANOUT_MESSAGE_BYTES,
  UPDATE_HEAD_BYTES,
  writeScanout,
  writeUpdateHead,
} from './gpu-socket-wire.js';
import type { MessageWriter, PixelRows } from './gpu-socket-writer.js';
import type { ScanoutStep } from './scanout-queue.js';

/** What was sent since the sink was made. */
export interface GpuSocketMetrics {
  /** Taken by the kernel. */
  bytesSent: number;
  /** Pixels that were converted first; 0 as long as all buffers are B8G8R8A8 or B8G8R8X8. */
  bytesStaged: number;
  updatesSent: number;
  /** Damaged rectangles that needed no message of their own. */
  damageMerged: number;
  /** Begun. */
  messages: number;
  /** dma-bufs put on scanouts, and their updates. */
  dmabufScanouts: number;
  dmabufUpdates: number;
}

/** A step that sends pixels. */
export type BandStep = ScanoutStep & { readonly kind: 'band' };

export class BandMessages {
  private readonly maxBandBytes: number;
  private readonly metrics: GpuSocketMetrics;
  private readonly onUnreadable: (error: unknown) => void;
  /** What goes before the pixels: an update's head alone, or behind a new size. */
  private readonly updateHead = new Uint8Array(UPDATE_HEAD_BYTES);
  private readonly updateView = viewOf(this.updateHead);
  private readonly resizeHead = new Uint8Array(SCANOUT_MESSAGE_BYTES + UPDATE_HEAD_BYTES);
  private readonly resizeView = viewOf(this.resizeHead);
  /** Converted pixels, `maxBandBytes` long; made on first use. */
  private staging: Mapping | null = null;

  /** `onUnreadable` is told when pixels could not be converted, and are sent black. */
  constructor(maxBandBytes: number, metrics: GpuSocketMetrics, onUnreadable: (error: unknown) => void) {
    this.maxBandBytes = maxBandBytes;
    this.metrics = metrics;
    this.onUnreadable = onUnreadable;
  }

  /** Begins the message. The writer is not busy, and the band has no more than `maxBandBytes` of pixels. */
  begin(writer: MessageWriter, scanoutId: number, step: BandStep): void {
    const { source, rect, resized } = step;
    const { buffer } = source;
    const head = resized ? this.resizeHead : this.updateHead;
    const view = resized ? this.resizeView : this.updateView;
    const at = resized ? writeScanout(view, 0, scanoutId, source.rect.width, source.rect.height) : 0;
    writeUpdateHead(view, at, scanoutId, rect);
    const rows: PixelRows = {
      memory: buffer.memory,
      offset:
        buffer.offsetBytes +
        (source.rect.y + rect.y) * buffer.strideBytes +
        (source.rect.x + rect.x) * BYTES_PER_PIXEL,
      rowBytes: rect.width * BYTES_PER_PIXEL,
      strideBytes: buffer.strideBytes,
      rows: rect.height,
    };
    const { swizzle } = pixelFormat(buffer.format);
    if (swizzle === SWIZZLE_IDENTITY) writer.beginRows(head, rows, buffer);
    else writer.beginRows(head, this.convert(rows, swizzle), null);
    this.metrics.messages += resized ? 2 : 1;
    this.metrics.updatesSent += 1;
  }

  /** Gives the memory back; nothing that was converted may be on its way. It is made again when needed. */
  close(): void {
    this.staging?.close();
    this.staging = null;
  }

  /** Copies the rows as B, G, R, X. */
  private convert(rows: PixelRows, swizzle: number): PixelRows {
    const { memory, offset, rowBytes, strideBytes } = rows;
    this.staging ??= mapAnonymous(this.maxBandBytes);
    const { staging } = this;
    try {
      const width = rowBytes / BYTES_PER_PIXEL;
      staging.convertPixels(0, rowBytes, memory, offset, strideBytes, width, rows.rows, swizzle, 0);
      this.metrics.bytesStaged += rowBytes * rows.rows;
    } catch (error) {
      this.onUnreadable(error);
      staging.fill(0, rowBytes * rows.rows, 0);
    }
    return { memory: staging, offset: 0, rowBytes, strideBytes: rowBytes, rows: rows.rows };
  }
}

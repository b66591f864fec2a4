/**
 * A picture in a blob of guest pages. Who can show a dma-buf shows the pages themselves. For those who can't, as long
 * as there is one, a shadow in memory of ours is kept up to date: whole when it is first looked at, after that where
 * the guest says that it drew.
 */
import { strict as assert } from 'node:assert';
import type { Mapping } from 'vhost-user-native';
import type { DeviceMemory } from 'vhost-user-ts';
import type { Rect } from '../display-sink.js';
import type { GpuMetrics } from '../metrics.js';
import { intersect } from '../rect.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import type { GuestPages } from './guest-pages.js';
import type { DmabufExport, PixelHold } from './pixel-buffer.js';
import { type PixelMemorySource, pixelBytes } from './pixel-memory.js';
import type { PictureLayout, ShownBuffer } from './shown-buffer.js';
import { SwapBuffer } from './swap-buffer.js';

/** What the blobs of one VM share. */
export interface ShadowParts {
  readonly memory: DeviceMemory;
  readonly pixelMemory: PixelMemorySource;
  readonly metrics: GpuMetrics;
}

export class GuestBlobBuffer implements ShownBuffer {
  readonly width: number;
  readonly height: number;
  /** Of the shadow. */
  readonly strideBytes: number;
  readonly format: number;
  readonly #layout: PictureLayout;
  readonly #pages: GuestPages;
  readonly #parts: ShadowParts;
  /** There is one while somebody shows or reads the picture. */
  #shadow: SwapBuffer | null = null;
  #shows = 0;
  #readers = 0;
  /** The shadow shows something old, all over. */
  #stale = true;

  /** The picture lies inside the pages. */
  constructor(layout: PictureLayout, pages: GuestPages, parts: ShadowParts) {
    this.width = layout.width;
    this.height = layout.height;
    this.strideBytes = layout.width * BYTES_PER_PIXEL;
    this.format = layout.format;
    this.#layout = layout;
    this.#pages = pages;
    this.#parts = parts;
  }

  /** Takes address space for a shadow; it costs no memory unless somebody reads. */
  show(): boolean {
    if (this.#shadow === null) {
      const { pixelMemory, metrics } = this.#parts;
      const memory = pixelMemory.takeUsed(pixelBytes(this.width, this.height));
      if (memory === null) return false;
      this.#shadow = new SwapBuffer(this.#layout, memory, pixelMemory, metrics);
      this.#stale = true;
    }
    this.#shows += 1;
    return true;
  }

  hide(): void {
    assert(this.#shows > 0, 'a buffer was hidden too often');
    this.#shows -= 1;
    this.#dropUnused();
  }

  retain(): void {
    assert(this.#shadow !== null, 'a buffer was retained that nobody shows');
    if (this.#readers === 0) this.#stale = true;
    this.#readers += 1;
    this.#shadow.retain();
  }

  release(): void {
    assert(this.#readers > 0, 'a buffer was released too often');
    this.#readers -= 1;
    this.#shadow?.release();
    this.#dropUnused();
  }

  hold(): PixelHold {
    if (this.#readers === 0) this.#stale = true;
    return this.#current().hold();
  }

  get memory(): Mapping {
    return this.#current().memory;
  }

  get offsetBytes(): number {
    return this.#current().offsetBytes;
  }

  get regionOffset(): number | null {
    return this.#current().regionOffset;
  }

  dmabuf(): DmabufExport | null {
    const fd = this.#pages.dmabuf();
    if (fd === null) return null;
    const { offsetBytes, strideBytes, format } = this.#layout;
    return { fd, offsetBytes, strideBytes, format };
  }

  flush(rect: Rect): void {
    if (this.#readers === 0 || this.#shadow === null) return;
    const drawn = intersect(rect, { x: 0, y: 0, width: this.width, height: this.height });
    if (drawn === null) return;
    if (this.#stale) this.#current();
    else this.#copy(this.#shadow, drawn);
  }

  /** The shadow, up to date as far as it is kept so. */
  #current(): SwapBuffer {
    const shadow = this.#shadow;
    assert(shadow !== null, 'a buffer was read that nobody shows');
    if (this.#stale) {
      this.#copy(shadow, { x: 0, y: 0, width: this.width, height: this.height });
      this.#stale = false;
    }
    return shadow;
  }

  /** Guest memory may be gone: then the picture stays as it is. */
  #copy(shadow: SwapBuffer, rect: Rect): void {
    const { memory, metrics } = this.#parts;
    const table = this.#pages.table(memory);
    const { x, y, width, height } = rect;
    const rowBytes = width * BYTES_PER_PIXEL;
    if (table === null || rowBytes * height === 0) return;
    shadow.prepareWrite(rect);
    const { strideBytes: stride, offsetBytes: first } = this.#layout;
    const target = shadow.offsetBytes + y * shadow.strideBytes + x * BYTES_PER_PIXEL;
    const source = first + y * stride + x * BYTES_PER_PIXEL;
    table.readRows(source, stride, shadow.memory, target, shadow.strideBytes, rowBytes, height);
    metrics.shadowBytes += rowBytes * height;
  }

  #dropUnused(): void {
    if (this.#shows + this.#readers > 0) return;
    this.#shadow?.release();
    this.#shadow = null;
  }
}

/**
 * Pixels in memory of ours, in as many copies as it takes not to write to one that a sink holds: one as long as
 * nobody does, three at most.
 */
// hot
import { strict as assert } from 'node:assert';
import type { Mapping } from 'vhost-user-native';
import type { Rect } from '../display-sink.js';
import type { GpuMetrics } from '../metrics.js';
import { BYTES_PER_PIXEL, SWIZZLE_IDENTITY } from '../wire/formats.js';
import type { GuestPages } from './guest-pages.js';
import type { DmabufExport, PixelHold } from './pixel-buffer.js';
import { type PixelMemory, type PixelMemorySource, pixelBytes } from './pixel-memory.js';
import type { ShownBuffer } from './shown-buffer.js';
import { StaleArea } from './stale-area.js';

/** The one that is shown, the one that the compositor will show next, and the one to write to. */
export const COPIES_MAX = 3;

interface Copy {
  readonly memory: PixelMemory;
  holds: number;
  /** Where it differs from the latest. */
  readonly stale: StaleArea;
}

class Hold implements PixelHold {
  readonly memory: Mapping;
  readonly offsetBytes: number;
  readonly strideBytes: number;
  readonly regionOffset: number | null;
  #released: (() => void) | null;

  constructor(
    { mapping, offsetBytes, regionOffset }: PixelMemory,
    strideBytes: number,
    released: () => void,
  ) {
    this.memory = mapping;
    this.offsetBytes = offsetBytes;
    this.strideBytes = strideBytes;
    this.regionOffset = regionOffset;
    this.#released = released;
  }

  release(): void {
    const released = this.#released;
    this.#released = null;
    released?.();
  }
}

export class SwapBuffer implements ShownBuffer {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly format: number;
  readonly #source: PixelMemorySource;
  readonly #metrics: GpuMetrics;
  readonly #copies: Copy[];
  #latest: Copy;
  /** Where the guest draws what it transfers to here; null when that can't be shown. */
  #pages: GuestPages | null = null;
  /** Whether the pixels lie there as they lie here, as far as transfers tell. */
  #pagesMatch = true;
  /** Its maker's, those that were retained, and the holds. */
  #references = 1;

  /** Takes over `memory`, of at least `pixelBytes(width, height)` bytes. Starts with one reference, its maker's. */
  constructor(
    shape: { readonly width: number; readonly height: number; readonly format: number },
    memory: PixelMemory,
    source: PixelMemorySource,
    metrics: GpuMetrics,
  ) {
    this.width = shape.width;
    this.height = shape.height;
    this.strideBytes = shape.width * BYTES_PER_PIXEL;
    this.format = shape.format;
    this.#source = source;
    this.#metrics = metrics;
    this.#latest = { memory, holds: 0, stale: new StaleArea() };
    this.#copies = [this.#latest];
  }

  get memory(): Mapping {
    return this.#latest.memory.mapping;
  }

  get offsetBytes(): number {
    return this.#latest.memory.offsetBytes;
  }

  get regionOffset(): number | null {
    return this.#latest.memory.regionOffset;
  }

  show(): boolean {
    return true;
  }

  hide(): void {
    // The memory is the resource's.
  }

  flush(): void {
    // The pixels came by TRANSFER_TO_HOST_2D.
  }

  retain(): void {
    assert(this.#references > 0, 'a freed buffer was retained');
    this.#references += 1;
  }

  release(): void {
    assert(this.#references > 0, 'a buffer was released too often');
    this.#references -= 1;
    if (this.#references > 1) return;
    // One is left: its maker, or somebody who outlives the maker and may hold a copy that is not the latest.
    for (const copy of this.#copies.splice(0)) {
      const isNeeded = copy === this.#latest || copy.holds > 0;
      if (isNeeded && this.#references > 0) this.#copies.push(copy);
      else copy.memory.free();
    }
  }

  hold(): PixelHold {
    const copy = this.#latest;
    this.retain();
    copy.holds += 1;
    return new Hold(copy.memory, this.strideBytes, () => {
      copy.holds -= 1;
      this.release();
    });
  }

  /** Lets displays see the guest's pages, or those no more. Takes them over, and closes the ones before. */
  showPages(pages: GuestPages | null): void {
    this.#pages?.close();
    this.#pages = pages;
    this.#pagesMatch = true;
  }

  /** Whether displays may see the guest's pages. */
  get showsPages(): boolean {
    return this.#pages !== null;
  }

  /** A transfer showed that the pixels don't lie in the guest's pages as they lie here. */
  hidePages(): void {
    this.#pagesMatch = false;
  }

  dmabuf(): DmabufExport | null {
    const fd = this.#pagesMatch ? (this.#pages?.dmabuf() ?? null) : null;
    if (fd === null) return null;
    return { fd, offsetBytes: 0, strideBytes: this.strideBytes, format: this.format };
  }

  /**
   * Announces that the caller writes all pixels of `rect`, which lies inside, before anybody reads: to where the
   * latest pixels are when this returns. What else differs there is brought up to date before.
   */
  prepareWrite(rect: Rect): void {
    this.#latest.memory.written = true;
    if (this.#latest.holds > 0) {
      const spare = this.#spare();
      if (spare === null) this.#metrics.tornWrites += 1;
      else this.#moveTo(spare, rect);
    }
    if (this.#copies.length === 1) return;
    for (const copy of this.#copies) if (copy !== this.#latest) copy.stale.add(rect);
  }

  /** The copy that nobody holds and that is the least out of date; a new one when there is none; or null. */
  #spare(): Copy | null {
    const free = this.#copies.filter((copy) => copy.holds === 0);
    if (free.length > 0) return free.reduce((a, b) => (b.stale.pixels < a.stale.pixels ? b : a));
    if (this.#copies.length >= COPIES_MAX) return null;
    const memory = this.#source.takeUsed(pixelBytes(this.width, this.height));
    if (memory === null) return null;
    const copy = { memory, holds: 0, stale: new StaleArea() };
    copy.stale.add({ x: 0, y: 0, width: this.width, height: this.height });
    this.#copies.push(copy);
    return copy;
  }

  #moveTo(spare: Copy, rect: Rect): void {
    const { strideBytes } = this;
    const { memory: from } = this.#latest;
    const { memory: to, stale } = spare;
    to.written = true;
    for (const { x, y, width, height } of stale.without(rect)) {
      const at = y * strideBytes + x * BYTES_PER_PIXEL;
      const source = from.offsetBytes + at;
      to.mapping.convertPixels(
        to.offsetBytes + at,
        strideBytes,
        from.mapping,
        source,
        strideBytes,
        width,
        height,
        SWIZZLE_IDENTITY,
        0,
      );
      this.#metrics.swapBytes += width * height * BYTES_PER_PIXEL;
    }
    stale.clear();
    this.#latest = spare;
  }
}

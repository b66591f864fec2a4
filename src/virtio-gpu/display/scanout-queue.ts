/**
 * One scanout as the display socket sees it: what it shows, what QEMU was told of it, and what is still to be
 * sent. Its memory does not grow: a size, a list of at most 8 rectangles and the rectangle being sent.
 */
import type { Rect, ScanoutSource } from '../display-sink.js';
import { contains, intersect } from '../rect.js';
import type { DmabufExport } from '../resource/pixel-buffer.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import { DamageList } from './damage.js';

/** The next thing to send for a scanout. */
export type ScanoutStep =
  /** Turn it off. */
  | { readonly kind: 'off' }
  /** Pixels of this part of the scanout; before them the scanout's size, when `resized`. */
  | { readonly kind: 'band'; readonly source: ScanoutSource; readonly rect: Rect; readonly resized: boolean }
  /** Show this dma-buf. Its descriptor is good until the next command of the guest. */
  | { readonly kind: 'dmabuf'; readonly source: ScanoutSource; readonly dmabuf: DmabufExport }
  /** That part of it changed. */
  | { readonly kind: 'dmabuf-update'; readonly rect: Rect }
  /** Show a dma-buf no more. */
  | { readonly kind: 'dmabuf-off' };

/** What dma-bufs a scanout can use at the moment. */
export interface DmabufRoute {
  /** The source as a dma-buf; null where it is to be shown as pixels. */
  exportOf(source: ScanoutSource): DmabufExport | null;
  /** An update was not answered yet: QEMU may read nothing until then, so nothing is sent after it. */
  readonly busy: boolean;
}

/** QEMU may show something of an earlier connection: neither a size nor off. */
const UNKNOWN = -1;

export class ScanoutQueue {
  private source: ScanoutSource | null = null;
  /** The size that QEMU knows: 0 = off. */
  private toldWidth = 0;
  private toldHeight = 0;
  /** The source whose dma-buf QEMU shows; null = none. */
  private toldDmabuf: ScanoutSource | 'unknown' | null = null;
  private readonly pending = new DamageList();
  /**
   * The rectangle whose bands are being sent: the part that is left. It is apart from `pending` and never
   * grows, so a guest that damages the top all the time can't keep the bottom from being sent.
   */
  private job: Rect | null = null;
  private isReading = false;

  /** What is to be shown; null = off. */
  get shown(): ScanoutSource | null {
    return this.source;
  }

  /** True when there is something to send. */
  get hasWork(): boolean {
    const { source } = this;
    if (source === null) return this.toldWidth !== 0;
    return this.job !== null || this.pending.length > 0;
  }

  /**
   * Whether there is somebody to send to. Until then the buffer is not retained: that can mean copies of all that the
   * guest draws. (A scanout is told of another source, or none, before its buffer goes.)
   */
  setReading(reading: boolean): void {
    if (reading === this.isReading) return;
    this.isReading = reading;
    if (reading) this.source?.buffer.retain();
    else this.source?.buffer.release();
  }

  /** Shows something else; all of it is damaged. While it is read, there is a reference to the buffer. */
  show(source: ScanoutSource | null): void {
    const before = this.source;
    if (this.isReading) source?.buffer.retain();
    this.source = source;
    // Same size, other buffer (a page flip): the bands that are left are read from the new buffer. Starting
    // at the top each time would never reach the bottom while the guest flips faster than QEMU reads.
    const sameSize =
      source !== null &&
      source.rect.width === before?.rect.width &&
      source.rect.height === before.rect.height;
    if (!sameSize) this.job = null;
    this.damageAll();
    if (this.isReading) before?.buffer.release();
  }

  /** Adds damage, in scanout coordinates. Returns how many rectangles needed no message of their own. */
  damage(rect: Rect): number {
    const { source, job } = this;
    if (source === null) return 0;
    const visible = intersect(rect, { x: 0, y: 0, width: source.rect.width, height: source.rect.height });
    if (visible === null) return 0;
    if (job !== null && contains(job, visible)) return 1;
    return this.pending.add(visible);
  }

  /** A new connection: everything is sent again. */
  restart(): void {
    if (this.toldWidth !== 0) {
      this.toldWidth = UNKNOWN;
      this.toldHeight = UNKNOWN;
    }
    if (this.toldDmabuf !== null) this.toldDmabuf = 'unknown';
    this.job = null;
    this.damageAll();
  }

  /** A 'dmabuf' step could not be carried out: it comes again. */
  retryDmabuf(): void {
    this.toldDmabuf = 'unknown';
  }

  /**
   * Takes the next step, to be carried out now; null when there is none. A band has at most `maxBytes` of
   * pixels, but at least one row. QEMU leaves the old picture up until the first pixels after a new size, and
   * it forgets to free a size that no pixels follow: so the two come as one step.
   */
  take(maxBytes: number, route: DmabufRoute | null = null): ScanoutStep | null {
    const { source } = this;
    const dmabuf = source === null ? null : (route?.exportOf(source) ?? null);
    if (source !== null && dmabuf !== null) return this.takeDmabuf(source, dmabuf, route?.busy ?? false);
    if (this.toldDmabuf !== null) {
      this.toldDmabuf = null;
      this.job = null;
      this.damageAll();
      return { kind: 'dmabuf-off' };
    }
    if (source === null) {
      if (this.toldWidth === 0) return null;
      this.toldWidth = 0;
      this.toldHeight = 0;
      return { kind: 'off' };
    }
    const rect = this.takeBand(maxBytes);
    if (rect === null) return null;
    const { width, height } = source.rect;
    const resized = this.toldWidth !== width || this.toldHeight !== height;
    this.toldWidth = width;
    this.toldHeight = height;
    return { kind: 'band', source, rect, resized };
  }

  /** Drops the reference to the buffer. Nothing is sent any more. */
  close(): void {
    this.setReading(false);
    this.source = null;
    this.toldWidth = 0;
    this.toldDmabuf = null;
    this.job = null;
    this.pending.clear();
  }

  private takeDmabuf(source: ScanoutSource, dmabuf: DmabufExport, busy: boolean): ScanoutStep | null {
    if (busy) return null;
    if (this.toldDmabuf !== source) {
      this.toldDmabuf = source;
      // Pixels that follow some day need their size again.
      this.toldWidth = UNKNOWN;
      this.toldHeight = UNKNOWN;
      this.job = null;
      this.damageAll();
      return { kind: 'dmabuf', source, dmabuf };
    }
    const rect = this.pending.takeAll();
    return rect === null ? null : { kind: 'dmabuf-update', rect };
  }

  private damageAll(): void {
    this.pending.clear();
    const { source } = this;
    if (source === null) return;
    this.pending.add({ x: 0, y: 0, width: source.rect.width, height: source.rect.height });
  }

  private takeBand(maxBytes: number): Rect | null {
    const job = this.job ?? this.pending.take();
    if (job === null) return null;
    const { x, y, width, height } = job;
    const rows = Math.min(height, Math.max(1, Math.floor(maxBytes / (width * BYTES_PER_PIXEL))));
    this.job = rows === height ? null : { x, y: y + rows, width, height: height - rows };
    return { x, y, width, height: rows };
  }
}

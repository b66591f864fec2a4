/**
 * What one scanout's window shows: the way of each frame from the guest's buffer to the compositor, and when the
 * guest may go on.
 *
 * Routes, chosen for each frame: the buffer itself by its place in the shared region; the buffer's guest pages as a
 * dma-buf; or a copy of what changed (staging.ts), for formats that the compositor lacks, for memory that is in no
 * region, and for guests that draw into the buffer which is on the screen.
 */
import type { RegionRange, SharedRegion } from '../../region/index.js';
import {
  BYTES_PER_PIXEL,
  DamageList,
  type PixelBuffer,
  pixelFormat,
  type Rect,
  type ScanoutSource,
} from '../../virtio-gpu/index.js';
import type { DmabufImporter, WindowContent, WindowFrame } from '../../wayland/index.js';
import { DmabufRoute } from './dmabuf-route.js';
import { SHM_XRGB8888, shmFormat } from './shm-formats.js';
import { Staging } from './staging.js';

/** Frames and bytes by route; for metrics. */
export interface RouteMetrics {
  /** Frames whose pixels were shown from where the guest put them. */
  directFrames: number;
  dmabufFrames: number;
  stagedFrames: number;
  /** Bytes that the copies took. */
  stagedBytes: number;
}

export interface ContentParts {
  readonly region: SharedRegion;
  readonly metrics: RouteMetrics;
  /** Of the connection to the compositor; null while there is none. */
  importer(): DmabufImporter | null;
  /** Whether the compositor takes this wl_shm format. */
  supportsFormat(format: number): boolean;
  /** There is something to take. */
  wake(): void;
}

interface Blank {
  /** Pages that nobody ever wrote to. */
  readonly range: RegionRange;
  readonly width: number;
  readonly height: number;
}

/** A frame that the compositor has. */
interface Taken {
  readonly buffer: PixelBuffer | null;
  /** The guest writes to these very bytes whenever it wants to. */
  readonly guestWrites: boolean;
}

export class ScanoutContent implements WindowContent {
  private readonly parts: ContentParts;
  private readonly dmabufs: DmabufRoute;
  private source: ScanoutSource | null = null;
  /** The source's buffer is retained, as it must be for those who read pixels. */
  private reading = false;
  private readonly damaged = new DamageList();
  private readonly taken = new Set<Taken>();
  /** Frames that were handed out and are not on the screen yet. */
  private unshown = 0;
  /** Who waits for the guest's last picture to be on the screen. */
  private waiting: (() => void)[] = [];
  private staging: Staging | null = null;
  /** Black, while the scanout is off. */
  private blank: Blank | null = null;
  /** Flushes since the guest put this source up. */
  private flushes = 0;
  /** Buffers that the guest drew into while they were shown. */
  private readonly frontDrawn = new WeakSet<PixelBuffer>();
  /** The guest came back to a buffer before the compositor had let go of it: it waits for nobody. */
  private overrun = false;
  private closed = false;

  constructor(parts: ContentParts) {
    this.parts = parts;
    this.dmabufs = new DmabufRoute(parts.importer, parts.wake);
  }

  /** Another picture, or none (the window turns black). */
  setSource(source: ScanoutSource | null): void {
    const before = this.source;
    const size = source?.rect ?? before?.rect;
    if (size === undefined) return;
    const wasReading = this.reading;
    if (source === null) this.overrun = false;
    else if (source.buffer !== before?.buffer && this.isOnScreen(source.buffer)) this.overrun = true;
    this.source = source;
    this.flushes = 0;
    this.reading = false;
    if (source !== null && (this.needsCopy(source.buffer) || !this.dmabufs.isOpen(source))) this.read(source);
    if (this.staging !== null && (this.staging.width !== size.width || this.staging.height !== size.height)) {
      this.closeStaging();
    }
    this.freeBlank();
    this.damageAll(size);
    this.staging?.damage({ ...size, x: 0, y: 0 });
    if (source === null) this.blank = this.makeBlank(size);
    if (wasReading) before?.buffer.release();
    // A driver flushes what it shows, with the next command; switching off is all there is.
    if (source === null) this.parts.wake();
  }

  /** The guest flushed this part. */
  damage(rect: Rect): void {
    if (this.source === null) return;
    this.flushes += 1;
    const { buffer } = this.source;
    if (this.flushes > 1 && this.isOnScreen(buffer)) this.frontDrawn.add(buffer);
    this.damaged.add(rect);
    this.staging?.damage(rect);
    // Now, while the guest waits for the answer: a moment later it may be drawing the next picture there. (Guest pages
    // have a copy of the device's own from here on.)
    if (this.needsCopy(buffer)) {
      this.read(this.source);
      if (this.isGuests(buffer.regionOffset)) this.stage(this.source);
    }
    this.parts.wake();
  }

  /** Calls back once the picture as it is now is on the screen and no other buffer of the guest's is. */
  whenShown(done: () => void): void {
    this.waiting.push(done);
    this.settle();
  }

  takeFrame(whole: boolean): WindowFrame | null {
    const shown = this.source?.rect ?? this.blank;
    if (whole && shown !== null) this.damageAll(shown);
    if (this.damaged.length === 0) return null;
    const frame = this.source === null ? this.blankFrame() : this.sourceFrame(this.source);
    if (frame !== null) this.damaged.clear();
    return frame;
  }

  /** The window is gone: nothing is shown any more. */
  close(): void {
    if (this.reading) this.source?.buffer.release();
    this.reading = false;
    this.source = null;
    this.damaged.clear();
    this.dmabufs.close();
    this.closeStaging();
    this.freeBlank();
    this.closed = true;
    this.settle();
  }

  private damageAll({ width, height }: { readonly width: number; readonly height: number }): void {
    this.damaged.clear();
    this.damaged.add({ x: 0, y: 0, width, height });
  }

  /** Whether the guest itself can write there. */
  private isGuests(regionOffset: number | null): boolean {
    return regionOffset !== null && regionOffset < this.parts.region.windowBytes;
  }

  /** Whether the guest would draw into what the compositor reads. */
  private needsCopy(buffer: PixelBuffer): boolean {
    return this.overrun || this.frontDrawn.has(buffer);
  }

  private isOnScreen(buffer: PixelBuffer): boolean {
    for (const each of this.taken) if (each.guestWrites && each.buffer === buffer) return true;
    return false;
  }

  private sourceFrame(source: ScanoutSource): WindowFrame | null {
    if (!this.reading) {
      const frame = this.dmabufFrame(source);
      if (frame !== null) return frame === 'pending' ? null : frame;
      this.read(source);
    }
    return this.directFrame(source) ?? this.stagedFrame(source);
  }

  /** From now on the source's pixels are read, for as long as it is shown. */
  private read({ buffer }: ScanoutSource): void {
    if (this.reading) return;
    this.reading = true;
    buffer.retain();
  }

  /** The guest's own pages. */
  private dmabufFrame(source: ScanoutSource): WindowFrame | 'pending' | null {
    const taken = this.dmabufs.take(source);
    if (taken === null || taken === 'pending') return taken;
    this.parts.metrics.dmabufFrames += 1;
    const { buffer, rect } = source;
    return this.frame(rect, taken.source, { buffer, guestWrites: true }, taken.release);
  }

  /** The buffer itself, where the compositor can read it. */
  private directFrame({ buffer, rect }: ScanoutSource): WindowFrame | null {
    const format = shmFormat(buffer.format);
    if (!this.parts.supportsFormat(format)) return null;
    const hold = buffer.hold();
    const { regionOffset, strideBytes } = hold;
    const guestWrites = this.isGuests(regionOffset);
    if (regionOffset !== null && !(guestWrites && this.needsCopy(buffer))) {
      const poolOffset = regionOffset + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL;
      // The compositor wants whole rows, the last one included.
      if (poolOffset + rect.height * strideBytes <= this.parts.region.bytes) {
        this.parts.metrics.directFrames += 1;
        const taken = { buffer, guestWrites: regionOffset < this.parts.region.windowBytes };
        return this.frame(rect, { kind: 'shm', poolOffset, strideBytes, format }, taken, () =>
          hold.release(),
        );
      }
    }
    hold.release();
    return null;
  }

  private stagedFrame(source: ScanoutSource): WindowFrame | null {
    if (!this.stage(source)) return null;
    const picture = this.staging?.take() ?? null;
    if (picture === null) return null;
    this.parts.metrics.stagedFrames += 1;
    const { regionOffset, strideBytes } = picture;
    return this.frame(
      source.rect,
      { kind: 'shm', poolOffset: regionOffset, strideBytes, format: SHM_XRGB8888 },
      { buffer: source.buffer, guestWrites: false },
      () => picture.release(),
    );
  }

  /** Copies what is new of the source. */
  private stage({ buffer, rect }: ScanoutSource): boolean {
    this.staging ??= new Staging(this.parts.region, rect.width, rect.height);
    const { staging } = this;
    const before = staging.copiedBytes;
    const { memory, offsetBytes, strideBytes } = buffer;
    const done = staging.refresh({
      memory,
      offsetBytes: offsetBytes + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL,
      strideBytes,
      swizzle: pixelFormat(buffer.format).swizzle,
    });
    this.parts.metrics.stagedBytes += staging.copiedBytes - before;
    return done;
  }

  private blankFrame(): WindowFrame | null {
    if (this.blank === null) return null;
    const { range, width, height } = this.blank;
    range.hold();
    return this.frame(
      { x: 0, y: 0, width, height },
      { kind: 'shm', poolOffset: range.offset, strideBytes: width * BYTES_PER_PIXEL, format: SHM_XRGB8888 },
      { buffer: null, guestWrites: false },
      () => range.unhold(),
    );
  }

  private frame(
    { width, height }: Rect,
    source: WindowFrame['source'],
    taken: Taken,
    release: () => void,
  ): WindowFrame {
    this.taken.add(taken);
    this.unshown += 1;
    let shown = false;
    const show = (): void => {
      if (shown) return;
      shown = true;
      this.unshown -= 1;
      this.settle();
    };
    return {
      width,
      height,
      damage: this.damaged.toArray(),
      source,
      released: () => {
        release();
        this.taken.delete(taken);
        this.settle();
        // A buffer of the staging is free again.
        if (this.damaged.length > 0) this.parts.wake();
      },
      shown: show,
    };
  }

  private settle(): void {
    if (this.waiting.length === 0 || !(this.closed || this.settled)) return;
    for (const done of this.waiting.splice(0)) done();
  }

  /** Nothing is on its way to the screen, and the compositor reads no buffer that the guest has left. */
  private get settled(): boolean {
    if (this.damaged.length > 0 || this.unshown > 0) return false;
    const current = this.source?.buffer ?? null;
    for (const { buffer, guestWrites } of this.taken) if (guestWrites && buffer !== current) return false;
    return true;
  }

  private makeBlank({ width, height }: Rect): Blank | null {
    const range = this.parts.region.allocate(width * height * BYTES_PER_PIXEL);
    return range === null ? null : { range, width, height };
  }

  private freeBlank(): void {
    this.blank?.range.free();
    this.blank = null;
  }

  private closeStaging(): void {
    this.staging?.close();
    this.staging = null;
  }
}

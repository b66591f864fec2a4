/**
 * A display sink that shows nothing and can be asked for the current picture at any time: for screenshots, recordings
 * and tests. It keeps references to what the scanouts show, no copies. It reads nothing unless it is asked: only while
 * somebody follows a scanout (`follow`) do guests' blobs have a shadow because of it.
 */
import { mapAnonymous } from 'vhost-user-native';
import type { CursorImage, DisplaySink, PixelBuffer, Rect, ScanoutSource } from '../virtio-gpu/index.js';
import { BYTES_PER_PIXEL, CURSOR_SOURCE_SIZE_MAX, pixelFormat } from '../virtio-gpu/index.js';

/** A picture: `width * height * 4` bytes, red, green, blue, alpha; rows from the top. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** A scanout's cursor. */
export interface CursorState {
  readonly x: number;
  readonly y: number;
  /** null while hidden. */
  readonly image: (Picture & { readonly hotX: number; readonly hotY: number }) | null;
}

/** What happened, for those who wait for a picture. */
export type CaptureEvent = 'scanout' | 'damage' | 'cursor';

/** `rect`: where the scanout was damaged, in its coordinates; null when all of it may be different. */
export type CaptureListener = (event: CaptureEvent, scanoutId: number, rect: Rect | null) => void;

const ALPHA_OPAQUE = 0xff00_0000;

/** Reorders a swizzle to B, G, R, A into one to R, G, B, A. */
function toRgba(swizzle: number): number {
  const red = (swizzle >> 4) & 3;
  const blue = swizzle & 3;
  return (swizzle & 0b11_00_11_00) | red | (blue << 4);
}

/** `alphaMask` is ORed to each pixel. */
function readPixels(buffer: PixelBuffer, rect: Rect, alphaMask: number): Uint8Array {
  const rowBytes = rect.width * BYTES_PER_PIXEL;
  const staging = mapAnonymous(rowBytes * rect.height);
  try {
    staging.convertPixels(
      0,
      rowBytes,
      buffer.memory,
      buffer.offsetBytes + rect.y * buffer.strideBytes + rect.x * BYTES_PER_PIXEL,
      buffer.strideBytes,
      rect.width,
      rect.height,
      toRgba(pixelFormat(buffer.format).swizzle),
      alphaMask,
    );
    return new Uint8Array(staging.window(0, rowBytes * rect.height)).slice();
  } finally {
    staging.close();
  }
}

export class FrameCapture implements DisplaySink {
  private readonly scanouts = new Map<number, ScanoutSource>();
  private readonly cursors = new Map<number, CursorState>();
  /** How many follow each scanout. */
  private readonly followers = new Map<number, number>();
  private readonly onEvent: CaptureListener | undefined;

  /** `onEvent` is called after each change, synchronously: it must not throw. */
  constructor(onEvent?: CaptureListener) {
    this.onEvent = onEvent;
  }

  /** Pixels of the scanout; null when it is off. */
  size(scanoutId: number): { readonly width: number; readonly height: number } | null {
    const source = this.scanouts.get(scanoutId);
    return source === undefined ? null : { width: source.rect.width, height: source.rect.height };
  }

  /** Numbers of the scanouts that show something, in order. */
  get shown(): number[] {
    return [...this.scanouts.keys()].sort((a, b) => a - b);
  }

  /** The scanout's picture, or a part of it that lies inside, as it is now, opaque; null when the scanout is off. */
  snapshot(scanoutId: number, part?: Rect): Picture | null {
    const source = this.scanouts.get(scanoutId);
    if (source === undefined) return null;
    const { buffer, rect } = source;
    const { x, y, width, height } = part ?? { ...rect, x: 0, y: 0 };
    buffer.retain();
    try {
      const shown = { x: rect.x + x, y: rect.y + y, width, height };
      return { width, height, rgba: readPixels(buffer, shown, ALPHA_OPAQUE) };
    } finally {
      buffer.release();
    }
  }

  /**
   * Many snapshots will be taken of what the scanout shows now and later, until the returned function is called: what
   * they are read from is kept up to date by small copies then, where each would need a large one.
   */
  follow(scanoutId: number): () => void {
    const count = this.followers.get(scanoutId) ?? 0;
    this.followers.set(scanoutId, count + 1);
    if (count === 0) this.scanouts.get(scanoutId)?.buffer.retain();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (this.followers.get(scanoutId) ?? 1) - 1;
      this.followers.set(scanoutId, left);
      if (left === 0) this.scanouts.get(scanoutId)?.buffer.release();
    };
  }

  /** The scanout's cursor; null before the driver set one. */
  cursor(scanoutId: number): CursorState | null {
    return this.cursors.get(scanoutId) ?? null;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    if ((this.followers.get(scanoutId) ?? 0) > 0) {
      source?.buffer.retain();
      this.scanouts.get(scanoutId)?.buffer.release();
    }
    if (source === null) this.scanouts.delete(scanoutId);
    else this.scanouts.set(scanoutId, source);
    this.onEvent?.('scanout', scanoutId, null);
  }

  damage(scanoutId: number, rect: Rect): void {
    this.onEvent?.('damage', scanoutId, rect);
  }

  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void {
    this.cursors.set(scanoutId, { x, y, image: image === null ? null : copyCursor(image) });
    this.onEvent?.('cursor', scanoutId, null);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const image = this.cursors.get(scanoutId)?.image ?? null;
    this.cursors.set(scanoutId, { x, y, image });
    this.onEvent?.('cursor', scanoutId, null);
  }
}

/**
 * Cut to what displays look at: a guest may make a cursor of half a gigabyte, and set it again and again. The fourth
 * byte is alpha in every format: Linux draws ARGB cursors into buffers that it declared as XRGB.
 */
function copyCursor({ buffer, hotX, hotY }: CursorImage): NonNullable<CursorState['image']> {
  const width = Math.min(buffer.width, CURSOR_SOURCE_SIZE_MAX);
  const height = Math.min(buffer.height, CURSOR_SOURCE_SIZE_MAX);
  return { width, height, hotX, hotY, rgba: readPixels(buffer, { x: 0, y: 0, width, height }, 0) };
}

/**
 * A display sink that shows nothing and can be asked for the current picture at any time: for screenshots and
 * for tests. It keeps references to what the scanouts show, no copies.
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
  private readonly onEvent: ((event: CaptureEvent, scanoutId: number) => void) | undefined;

  /** `onEvent` is called after each change, synchronously: it must not throw. */
  constructor(onEvent?: (event: CaptureEvent, scanoutId: number) => void) {
    this.onEvent = onEvent;
  }

  /** The scanout's picture as it is now, opaque; null when the scanout is off. */
  snapshot(scanoutId: number): Picture | null {
    const source = this.scanouts.get(scanoutId);
    if (source === undefined) return null;
    const { width, height } = source.rect;
    return { width, height, rgba: readPixels(source.buffer, source.rect, ALPHA_OPAQUE) };
  }

  /** The scanout's cursor; null before the driver set one. */
  cursor(scanoutId: number): CursorState | null {
    return this.cursors.get(scanoutId) ?? null;
  }

  setScanout(scanoutId: number, source: ScanoutSource | null): void {
    source?.buffer.retain();
    this.scanouts.get(scanoutId)?.buffer.release();
    if (source === null) this.scanouts.delete(scanoutId);
    else this.scanouts.set(scanoutId, source);
    this.onEvent?.('scanout', scanoutId);
  }

  damage(scanoutId: number): void {
    this.onEvent?.('damage', scanoutId);
  }

  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void {
    this.cursors.set(scanoutId, { x, y, image: image === null ? null : copyCursor(image) });
    this.onEvent?.('cursor', scanoutId);
  }

  moveCursor(scanoutId: number, x: number, y: number): void {
    const image = this.cursors.get(scanoutId)?.image ?? null;
    this.cursors.set(scanoutId, { x, y, image });
    this.onEvent?.('cursor', scanoutId);
  }
}

/** The fourth byte is alpha in every format: Linux draws ARGB cursors into buffers that it declared as XRGB. */
/** Cut to what displays look at: a guest may make a cursor of half a gigabyte, and set it again and again. */
function copyCursor({ buffer, hotX, hotY }: CursorImage): NonNullable<CursorState['image']> {
  const width = Math.min(buffer.width, CURSOR_SOURCE_SIZE_MAX);
  const height = Math.min(buffer.height, CURSOR_SOURCE_SIZE_MAX);
  return { width, height, hotX, hotY, rgba: readPixels(buffer, { x: 0, y: 0, width, height }, 0) };
}

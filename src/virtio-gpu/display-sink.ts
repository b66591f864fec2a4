/**
 * Where the device's pictures go. Declared here, by the side that uses it; implemented by the QEMU GPU socket
 * (display/gpu-socket-sink.ts), by the frame capture (src/capture) and later by host windows.
 *
 * Sinks never block and never throw: they take note of what changed and read the pixels when they can send
 * them. Calls come in command order, after the command was carried out.
 */
import type { PixelBuffer } from './resource/pixel-buffer.js';

/** A rectangle in pixels. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a scanout shows: a part of a buffer. */
export interface ScanoutSource {
  readonly buffer: PixelBuffer;
  /** The part of the buffer that is shown; its size is the scanout's size. It lies inside the buffer. */
  readonly rect: Rect;
}

/** What the cursor shows, or null when the driver hid it. */
export interface CursorImage {
  readonly buffer: PixelBuffer;
  readonly hotX: number;
  readonly hotY: number;
}

export interface DisplaySink {
  /**
   * The scanout shows something else now (null = disabled). The whole of it is damaged. What reads the buffer's
   * pixels retains it first (see PixelBuffer) and releases it when it is replaced.
   */
  setScanout(scanoutId: number, source: ScanoutSource | null): void;
  /** The guest flushed this part of the scanout (scanout coordinates, inside the scanout). */
  damage(scanoutId: number, rect: Rect): void;
  /** A new cursor image at a place in scanout coordinates (may be negative, as a signed 32-bit number). */
  setCursor(scanoutId: number, x: number, y: number, image: CursorImage | null): void;
  /** The cursor moved and keeps its image. */
  moveCursor(scanoutId: number, x: number, y: number): void;
  /**
   * Calls `done`, once, when what was shown before on this scanout is not read any more: the guest may draw into
   * buffers that it flipped away from. At once when the scanout is off.
   */
  whenShown?(scanoutId: number, done: () => void): void;
}

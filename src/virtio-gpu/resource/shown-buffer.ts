/** A PixelBuffer as the scanouts see it. */
import type { Rect } from '../display-sink.js';
import type { PixelBuffer } from './pixel-buffer.js';

export interface ShownBuffer extends PixelBuffer {
  /** A scanout or a cursor shows it now, and until as many calls of `hide`; false when there is no memory for that. */
  show(): boolean;
  hide(): void;
  /** The guest drew there and wants it seen; the rectangle may reach beyond the picture. */
  flush(rect: Rect): void;
}

/** How a picture lies in a blob. */
export interface PictureLayout {
  readonly width: number;
  readonly height: number;
  /** A VIRTIO_GPU_FORMAT_* value; 4 bytes a pixel. */
  readonly format: number;
  /** Bytes from one row to the next: at least a row. */
  readonly strideBytes: number;
  /** Offset of the first pixel in the blob. */
  readonly offsetBytes: number;
}

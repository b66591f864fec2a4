/**
 * Pixels that somebody shows: what a resource looks like to the sinks. Where the latest pixels are may change with
 * each command that writes them, since nobody overwrites what a sink holds.
 *
 * Two ways to use one. `retain` keeps the buffer: its latest pixels can be read until `release`, at once and each
 * time from where they are now. `hold` keeps those pixels that are the latest now, for somebody who reads them by and
 * by (a compositor): they stay as they are and where they are.
 */
import type { Mapping } from 'vhost-user-native';

export interface PixelBuffer {
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next. */
  readonly strideBytes: number;
  /** A VIRTIO_GPU_FORMAT_* value; 4 bytes a pixel. */
  readonly format: number;
  /** Where the latest pixels are. Valid while the buffer is retained, and until the next command is carried out. */
  readonly memory: Mapping;
  /** Offset of the first of them in `memory`. */
  readonly offsetBytes: number;
  /** Offset of the first of them in the shared region; null when they don't lie there. */
  readonly regionOffset: number | null;
  /** "I read pixels": there is something to read, and it is kept up to date, until as many calls of `release`. */
  retain(): void;
  release(): void;
  /** Pins the latest pixels. Somebody who holds more than two at a time sees them torn. */
  hold(): PixelHold;
  /** The guest's own pages, for somebody who can show them where they are; null where that is not possible. */
  dmabuf(): DmabufExport | null;
}

/** Pixels that nobody in this process writes to until they are released. (The guest can, where they are its own.) */
export interface PixelHold {
  readonly memory: Mapping;
  readonly offsetBytes: number;
  readonly strideBytes: number;
  readonly regionOffset: number | null;
  /** Idempotent. */
  release(): void;
}

/** A buffer as a dma-buf. */
export interface DmabufExport {
  /** Lent: it is open as long as the buffer exists, and its backing. */
  readonly fd: number;
  readonly offsetBytes: number;
  readonly strideBytes: number;
  /** A VIRTIO_GPU_FORMAT_* value. */
  readonly format: number;
}

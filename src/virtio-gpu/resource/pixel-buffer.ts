/**
 * Pixels in host memory, shared by the resource that they belong to and by sinks that have not sent them yet.
 * Counted references: the memory goes when the last holder releases it.
 */
import type { Mapping } from 'vhost-user-native';

export interface PixelBuffer {
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next. */
  readonly strideBytes: number;
  /** Offset of the first pixel in `memory`. */
  readonly offsetBytes: number;
  /** A VIRTIO_GPU_FORMAT_* value; 4 bytes a pixel. */
  readonly format: number;
  readonly memory: Mapping;
  retain(): void;
  release(): void;
}

/** A PixelBuffer in anonymous host memory: what a 2D resource is made of. */
import { strict as assert } from 'node:assert';
import { type Mapping, pageSize } from 'vhost-user-native';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import type { PixelBuffer } from './pixel-buffer.js';

/**
 * Bytes of memory that a buffer of this size takes: whole pages, since the smallest one takes a page of the host's
 * too. Exact for dimensions up to 32768.
 */
export function pixelBytes(width: number, height: number): number {
  return Math.ceil((width * height * BYTES_PER_PIXEL) / pageSize) * pageSize;
}

/**
 * Starts with one reference, its maker's. The mapping is page-aligned: that keeps row copies off slow paths of
 * the C library.
 */
export class HostPixelBuffer implements PixelBuffer {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly offsetBytes = 0;
  readonly format: number;
  readonly memory: Mapping;
  readonly #freed: () => void;
  #references = 1;

  /** Takes over `memory`, of at least `pixelBytes(width, height)` bytes; `freed` is called once it is gone. */
  constructor(width: number, height: number, format: number, memory: Mapping, freed: () => void) {
    this.width = width;
    this.height = height;
    this.strideBytes = width * BYTES_PER_PIXEL;
    this.format = format;
    this.memory = memory;
    this.#freed = freed;
  }

  retain(): void {
    assert(this.#references > 0, 'a freed buffer was retained');
    this.#references += 1;
  }

  release(): void {
    assert(this.#references > 0, 'a buffer was released too often');
    this.#references -= 1;
    if (this.#references > 0) return;
    this.memory.close();
    this.#freed();
  }
}

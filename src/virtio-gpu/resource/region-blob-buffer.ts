/** A picture in a blob that lies in the shared region: the guest draws where it is shown, and nothing is copied. */
import { strict as assert } from 'node:assert';
import type { Mapping } from 'vhost-user-native';
import type { RegionRange } from '../../region/index.js';
import type { PixelHold } from './pixel-buffer.js';
import type { PictureLayout, ShownBuffer } from './shown-buffer.js';

export class RegionBlobBuffer implements ShownBuffer {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly format: number;
  readonly memory: Mapping;
  /** Of the region, since `memory` is the region's mapping. */
  readonly offsetBytes: number;
  readonly regionOffset: number;
  readonly #range: RegionRange;
  #references = 0;

  /** `memory` is the region's; the picture lies inside the range. */
  constructor(layout: PictureLayout, memory: Mapping, range: RegionRange) {
    this.width = layout.width;
    this.height = layout.height;
    this.strideBytes = layout.strideBytes;
    this.format = layout.format;
    this.memory = memory;
    this.offsetBytes = range.offset + layout.offsetBytes;
    this.regionOffset = this.offsetBytes;
    this.#range = range;
  }

  show(): boolean {
    this.retain();
    return true;
  }

  hide(): void {
    this.release();
  }

  flush(): void {
    // There is no other copy.
  }

  /** Whoever shows or reads it keeps the bytes where they are. */
  retain(): void {
    this.#references += 1;
    this.#range.hold();
  }

  release(): void {
    assert(this.#references > 0, 'a buffer was released too often');
    this.#references -= 1;
    this.#range.unhold();
  }

  hold(): PixelHold {
    const { memory, offsetBytes, strideBytes, regionOffset } = this;
    let held = true;
    const release = (): void => {
      if (held) this.release();
      held = false;
    };
    this.retain();
    return { memory, offsetBytes, strideBytes, regionOffset, release };
  }

  dmabuf(): null {
    return null;
  }
}

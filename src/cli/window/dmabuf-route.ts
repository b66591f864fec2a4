/** The way of a frame as a dma-buf: guest pages that the compositor reads where they are. */

import { BYTES_PER_PIXEL, type PixelBuffer, type Rect, type ScanoutSource } from '../../virtio-gpu/index.js';
import { type DmabufImporter, type DmabufSource, DRM_FORMAT_MOD_LINEAR } from '../../wayland/index.js';
import { drmFormat } from './shm-formats.js';

/** Buffers of the compositor's that are kept for pictures which may be shown again: guests flip between three. */
const KEPT_MAX = 4;

/** A picture that the compositor was asked to take. The object itself is its name towards the importer. */
interface Image {
  readonly importer: DmabufImporter;
  readonly rect: Rect;
  /** Frames of it that the compositor has. */
  held: number;
}

export interface DmabufFrame {
  readonly source: DmabufSource;
  release(): void;
}

function sameRect(a: Rect, b: Rect): boolean {
  return a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
}

export class DmabufRoute {
  private readonly importer: () => DmabufImporter | null;
  private readonly wake: () => void;
  /** Shown longest ago first. */
  private readonly images = new Map<PixelBuffer, Image>();
  private closed = false;

  /** `importer`: of the present connection. `wake`: the compositor has decided. */
  constructor(importer: () => DmabufImporter | null, wake: () => void) {
    this.importer = importer;
    this.wake = wake;
  }

  /** Whether it is worth asking: the guest's pages can be a dma-buf, and the compositor takes the format. */
  isOpen({ buffer }: ScanoutSource): boolean {
    const importer = this.importer();
    return (
      importer?.supports(drmFormat(buffer.format), DRM_FORMAT_MOD_LINEAR) === true && buffer.dmabuf() !== null
    );
  }

  /** The frame, 'pending' until `wake`, or null when it has to go another way. */
  take(source: ScanoutSource): DmabufFrame | 'pending' | null {
    const importer = this.importer();
    const { buffer, rect } = source;
    const exported = importer === null ? null : buffer.dmabuf();
    if (importer === null || exported === null || !this.isOpen(source)) return null;
    const image = this.imageOf(buffer, importer, rect);
    const { fd, offsetBytes, strideBytes } = exported;
    const state = importer.bufferOf(
      image,
      {
        fd,
        offsetBytes: offsetBytes + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL,
        strideBytes,
        width: rect.width,
        height: rect.height,
        fourcc: drmFormat(buffer.format),
        modifier: DRM_FORMAT_MOD_LINEAR,
      },
      this.wake,
    );
    if (state === 'pending') return state;
    if (state === 'refused') return null;
    image.held += 1;
    return {
      source: { kind: 'dmabuf', buffer: state },
      release: () => {
        image.held -= 1;
        if (image.held === 0 && this.images.get(buffer) !== image) image.importer.forget(image);
      },
    };
  }

  /** Gives the compositor's buffers back, those that it reads once it has let go of them. */
  close(): void {
    this.closed = true;
    for (const buffer of [...this.images.keys()]) this.drop(buffer);
  }

  private imageOf(buffer: PixelBuffer, importer: DmabufImporter, rect: Rect): Image {
    const known = this.images.get(buffer);
    if (known !== undefined && known.importer === importer && sameRect(known.rect, rect)) {
      this.images.delete(buffer);
      this.images.set(buffer, known);
      return known;
    }
    this.drop(buffer);
    const image = { importer, rect, held: 0 };
    if (this.closed) return image;
    this.images.set(buffer, image);
    for (const oldest of this.images.keys()) {
      if (this.images.size <= KEPT_MAX) break;
      this.drop(oldest);
    }
    return image;
  }

  private drop(buffer: PixelBuffer): void {
    const image = this.images.get(buffer);
    if (image === undefined) return;
    this.images.delete(buffer);
    if (image.held === 0) image.importer.forget(image);
  }
}

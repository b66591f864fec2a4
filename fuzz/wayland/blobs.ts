/** The blobs that a made-up guest attaches to its messages, and who still holds them. */
import type { ForwardedBlob } from '../../src/wayland/index.js';

/** Apart from each other in the region, so that a byte of it tells the blob. */
const SLOT_BYTES = 1 << 16;
export const REGION_BYTES = 1 << 28;

export class FuzzBlob implements ForwardedBlob {
  readonly resourceId: number;
  readonly bytes: number;
  readonly regionOffset: number | null;
  holds = 0;
  private readonly dmabuf: () => number | null;

  constructor(resourceId: number, bytes: number, regionOffset: number | null, dmabuf: () => number | null) {
    this.resourceId = resourceId;
    this.bytes = bytes;
    this.regionOffset = regionOffset;
    this.dmabuf = dmabuf;
  }

  exportDmabuf(): number | null {
    return this.dmabuf();
  }

  retain(): void {
    this.holds++;
  }

  release(): void {
    if (--this.holds < 0) throw new Error(`blob ${this.resourceId} was released more often than retained`);
  }
}

export class FuzzBlobs {
  private readonly all: FuzzBlob[] = [];

  /** At most SLOT_BYTES long; outside of the region when `mapped` is false. */
  make(bytes: number, mapped: boolean, dmabuf: () => number | null): FuzzBlob {
    const slot = this.all.length % (REGION_BYTES / SLOT_BYTES);
    const size = Math.max(1, Math.min(bytes, SLOT_BYTES));
    const blob = new FuzzBlob(this.all.length + 1, size, mapped ? slot * SLOT_BYTES : null, dmabuf);
    this.all.push(blob);
    return blob;
  }

  /** Whether some blob that is held has all these bytes of the region. */
  held(offset: number, bytes: number): boolean {
    const blob = this.all[Math.floor(offset / SLOT_BYTES)];
    if (blob === undefined || blob.regionOffset === null || blob.holds < 1) return false;
    return offset >= blob.regionOffset && offset + bytes <= blob.regionOffset + blob.bytes;
  }

  get anyHeld(): boolean {
    return this.all.some(({ holds }) => holds > 0);
  }
}

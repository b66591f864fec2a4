/**
 * Pictures for the compositor that can't be shown from where they lie: because of their format, because they are not
 * in the shared region, or because the guest draws into what is shown. Up to three buffers take turns, and each gets
 * a copy of what changed since it was shown last, so that nothing is written that the compositor reads.
 */
import type { Mapping } from 'vhost-user-native';
import type { RegionRange, SharedRegion } from '../../region/index.js';
import { BYTES_PER_PIXEL, DamageList, type Rect } from '../../virtio-gpu/index.js';

/** One shown, one committed, one to write to. */
const BUFFERS_MAX = 3;

/** Where the picture is: its first pixel at `offsetBytes` of `memory`. */
export interface StagingSource {
  readonly memory: Mapping;
  readonly offsetBytes: number;
  readonly strideBytes: number;
  /** How its bytes become B, G, R, X (see PixelFormat.swizzle). */
  readonly swizzle: number;
}

/** A picture that can be shown; `release` when the compositor does not read it any more. */
export interface StagedPicture {
  /** Of the first pixel in the region. */
  readonly regionOffset: number;
  readonly strideBytes: number;
  release(): void;
}

interface Buffer {
  readonly range: RegionRange;
  /** What is newer in the source. */
  readonly stale: DamageList;
  busy: boolean;
}

export class Staging {
  readonly width: number;
  readonly height: number;
  /** Bytes copied so far. */
  copiedBytes = 0;
  private readonly region: SharedRegion;
  private readonly buffers: Buffer[] = [];
  private next: Buffer | null = null;
  private closed = false;

  constructor(region: SharedRegion, width: number, height: number) {
    this.region = region;
    this.width = width;
    this.height = height;
  }

  /** The source changed there. */
  damage(rect: Rect): void {
    for (const { stale } of this.buffers) stale.add(rect);
  }

  /**
   * Copies what changed into the buffer that is shown next. False while no buffer is free or the region is full.
   */
  refresh(source: StagingSource): boolean {
    this.next ??= this.buffers.find(({ busy }) => !busy) ?? this.add();
    if (this.next === null) return false;
    const { range, stale } = this.next;
    const strideBytes = this.width * BYTES_PER_PIXEL;
    for (let rect = stale.take(); rect !== null; rect = stale.take()) {
      this.region.mapping.convertPixels(
        range.offset + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL,
        strideBytes,
        source.memory,
        source.offsetBytes + rect.y * source.strideBytes + rect.x * BYTES_PER_PIXEL,
        source.strideBytes,
        rect.width,
        rect.height,
        source.swizzle,
        0,
      );
      this.copiedBytes += rect.width * rect.height * BYTES_PER_PIXEL;
    }
    return true;
  }

  /** The buffer that is shown next, as it was refreshed last; null when it was not since the last `take`. */
  take(): StagedPicture | null {
    const buffer = this.next;
    if (buffer === null) return null;
    this.next = null;
    buffer.busy = true;
    buffer.range.hold();
    return {
      regionOffset: buffer.range.offset,
      strideBytes: this.width * BYTES_PER_PIXEL,
      release: () => {
        buffer.busy = false;
        buffer.range.unhold();
      },
    };
  }

  /** Frees the buffers; those that the compositor reads go when it is done. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { range } of this.buffers) range.free();
    this.buffers.length = 0;
    this.next = null;
  }

  private add(): Buffer | null {
    if (this.closed || this.buffers.length === BUFFERS_MAX) return null;
    const range = this.region.allocate(this.width * this.height * BYTES_PER_PIXEL);
    if (range === null) return null;
    const stale = new DamageList();
    stale.add({ x: 0, y: 0, width: this.width, height: this.height });
    const buffer = { range, stale, busy: false };
    this.buffers.push(buffer);
    return buffer;
  }
}

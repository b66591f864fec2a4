/** The part of the region that the guest maps and places its blobs in, wherever it likes. */
import { pageSize } from 'vhost-user-native';
import type { RegionFile } from './region-file.js';
import { type RangeOwner, RegionRange } from './region-range.js';
import { SpanList, withoutSpans } from './span-list.js';

/** Why a blob can't lie there. */
export type PlaceRefusal = 'unaligned' | 'outside' | 'overlap' | 'too-many';

export class WindowPart implements RangeOwner {
  private readonly file: RegionFile;
  private readonly bytes: number;
  private readonly ranges = new SpanList<RegionRange>();
  /** Freed, but somebody still reads them; new ranges may lie over them. */
  private readonly lingering = new Set<RegionRange>();

  constructor(file: RegionFile, bytes: number) {
    this.file = file;
    this.bytes = bytes;
  }

  place(offset: number, bytes: number): RegionRange | PlaceRefusal {
    if (!(Number.isSafeInteger(offset) && Number.isSafeInteger(bytes) && offset >= 0 && bytes > 0)) {
      return 'outside';
    }
    if (offset + bytes > this.bytes) return 'outside';
    if (offset % pageSize !== 0 || bytes % pageSize !== 0) return 'unaligned';
    if (this.ranges.overlaps(offset, bytes)) return 'overlap';
    if (this.file.full) return 'too-many';
    for (const { offset: old, bytes: oldBytes } of this.lingering) {
      const start = Math.max(offset, old);
      const end = Math.min(offset + bytes, old + oldBytes);
      if (start < end) this.file.punch(start, end - start);
    }
    const range = new RegionRange(offset, bytes, this);
    this.ranges.insert(range);
    const { metrics } = this.file;
    metrics.ranges += 1;
    metrics.windowUsedBytes += bytes;
    metrics.windowPeakBytes = Math.max(metrics.windowPeakBytes, metrics.windowUsedBytes);
    return range;
  }

  freed(range: RegionRange): void {
    const { metrics } = this.file;
    this.ranges.remove(range);
    this.lingering.add(range);
    metrics.ranges -= 1;
    metrics.lingeringRanges += 1;
    metrics.windowUsedBytes -= range.bytes;
  }

  /** What was placed over it since, or is still read by others, stays. */
  abandoned(range: RegionRange): void {
    this.lingering.delete(range);
    this.file.metrics.lingeringRanges -= 1;
    const others = this.ranges.within(range.offset, range.bytes);
    for (const other of this.lingering) others.push(other);
    others.sort((a, b) => a.offset - b.offset);
    for (const { offset, bytes } of withoutSpans(range, others)) this.file.punch(offset, bytes);
  }
}

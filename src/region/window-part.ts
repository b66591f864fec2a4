/** The part of the region that the guest maps and places its blobs in, wherever it likes. */
import { strict as assert } from 'node:assert';
import { pageSize } from 'vhost-user-native';
import type { RegionFile } from './region-file.js';
import { type RangeOwner, RegionRange } from './region-range.js';
import { type Span, SpanList, withoutSpans } from './span-list.js';

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
    // Once, however many lie there: a guest can have a compositor hold thousands.
    if (this.lingeringIn(offset, bytes).length > 0) this.file.punch(offset, bytes);
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
    const others: Span[] = this.ranges.within(range.offset, range.bytes);
    others.push(...this.lingeringIn(range.offset, range.bytes));
    others.sort((a, b) => a.offset - b.offset);
    for (const { offset, bytes } of withoutSpans(range, others)) this.file.punch(offset, bytes);
  }

  /** Nothing is placed: all bytes become zeroes, those that are still held as well as those of no range. */
  clear(): void {
    assert(this.ranges.length === 0, 'a window was cleared with a blob in it');
    this.file.punch(0, this.bytes);
  }

  private lingeringIn(offset: number, bytes: number): RegionRange[] {
    const end = offset + bytes;
    return [...this.lingering].filter((range) => range.offset < end && range.offset + range.bytes > offset);
  }
}

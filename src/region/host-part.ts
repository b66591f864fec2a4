/** The part of the region that is ours to allocate: the guest never sees it (but see ivshmem: there it is all). */
import { pageSize } from 'vhost-user-native';
import { HoleList } from './hole-list.js';
import type { RegionFile } from './region-file.js';
import { type RangeOwner, RegionRange } from './region-range.js';

export class HostPart implements RangeOwner {
  private readonly file: RegionFile;
  private readonly holes: HoleList;

  constructor(file: RegionFile, start: number, bytes: number) {
    this.file = file;
    this.holes = new HoleList(start, bytes);
  }

  allocate(bytes: number): RegionRange | null {
    if (!(Number.isSafeInteger(bytes) && bytes > 0) || this.file.full) return null;
    const whole = Math.ceil(bytes / pageSize) * pageSize;
    const offset = this.holes.take(whole);
    if (offset === null) return null;
    const { metrics } = this.file;
    metrics.ranges += 1;
    metrics.hostUsedBytes += whole;
    metrics.hostPeakBytes = Math.max(metrics.hostPeakBytes, metrics.hostUsedBytes);
    return new RegionRange(offset, whole, this);
  }

  freed(): void {
    this.file.metrics.ranges -= 1;
    this.file.metrics.lingeringRanges += 1;
  }

  /** Only now can the place be given to somebody else: it is ours to choose, so nothing need lie over it before. */
  abandoned({ offset, bytes }: RegionRange): void {
    this.file.metrics.lingeringRanges -= 1;
    this.file.metrics.hostUsedBytes -= bytes;
    this.file.punch(offset, bytes);
    this.holes.give(offset, bytes);
  }
}

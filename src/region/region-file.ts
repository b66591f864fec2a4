/** The file behind the region, and what is known of its use. */
import { punchHole } from 'vhost-user-native';

/** What is in use, and what was; bytes. */
export interface RegionMetrics {
  /** Placed in the window, now and at most. */
  windowUsedBytes: number;
  windowPeakBytes: number;
  /** Allocated outside of the window (freed ranges that are still held count), now and at most. */
  hostUsedBytes: number;
  hostPeakBytes: number;
  /** Ranges in use. */
  ranges: number;
  /** Ranges that were freed and are still held. */
  lingeringRanges: number;
  /** Made holes since the region was made, wherever there was memory and where there was none. */
  punchedBytes: number;
}

export class RegionFile {
  readonly fd: number;
  /** Most ranges at a time, those that linger among them. */
  readonly maxRanges: number;
  readonly metrics: RegionMetrics = {
    windowUsedBytes: 0,
    windowPeakBytes: 0,
    hostUsedBytes: 0,
    hostPeakBytes: 0,
    ranges: 0,
    lingeringRanges: 0,
    punchedBytes: 0,
  };
  closed = false;

  constructor(fd: number, maxRanges: number) {
    this.fd = fd;
    this.maxRanges = maxRanges;
  }

  get full(): boolean {
    return this.metrics.ranges + this.metrics.lingeringRanges >= this.maxRanges;
  }

  /** Makes [offset, +bytes) zeroes that take no memory. */
  punch(offset: number, bytes: number): void {
    if (this.closed || bytes === 0) return;
    punchHole(this.fd, offset, bytes);
    this.metrics.punchedBytes += bytes;
  }
}

/**
 * Waiting for the next chain awake: a kick costs both sides a system call, and this one its way through the event loop.
 * // hot
 *
 * It pays only while the driver comes back quickly. So there is no wait unless the last chain came within the longest
 * wait after the ring ran empty; a driver that takes its time, or none, costs nothing.
 */
import { yieldCpu } from 'vhost-user-native';

/** What is waited for. */
export interface Waited {
  readonly pendingWork: boolean;
}

export class BusyWait {
  private readonly longestMs: number;
  private emptySince = Number.NEGATIVE_INFINITY;
  private pays = false;

  /** `longestUs`: microseconds of one wait at most; 0 = never waits. */
  constructor(longestUs: number) {
    this.longestMs = longestUs / 1000;
  }

  /** A kick came: was it soon after the ring ran empty? */
  woken(): void {
    if (this.longestMs > 0) this.pays = performance.now() - this.emptySince < this.longestMs;
  }

  /** The ring is empty. True when there is work now, after some waiting; else it is time to sleep. */
  wait(ring: Waited): boolean {
    if (this.longestMs === 0) return false;
    this.emptySince = performance.now();
    if (!this.pays) return false;
    const end = this.emptySince + this.longestMs;
    do {
      if (ring.pendingWork) return true;
      // The driver may need this processor.
      yieldCpu();
    } while (performance.now() < end);
    this.pays = false;
    return false;
  }
}

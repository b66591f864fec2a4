/**
 * Who uses which wl_buffer, and the wl_buffers over the pool. The compositor says `release` once for all commits of
 * a buffer so far. A buffer that is committed again before that (a guest that draws into its front buffer) makes it
 * ambiguous: the release may have been sent before the last commit arrived. A round trip behind each such commit
 * tells: what comes before its answer is about the past.
 */

import { WaylandError } from '../../errors.js';
import type { WlBuffer, WlShmPool } from '../../protocol/generated/wayland.js';
import type { Display } from '../display.js';
import { IDLE_BUFFERS_MAX } from './limits.js';

/** A wl_buffer, and what is to be done when the compositor has let go of it. */
export class TrackedBuffer {
  readonly buffer: WlBuffer;
  private readonly display: Display;
  private readonly onIdle: () => void;
  /** By window. */
  private readonly holders = new Map<object, () => void>();
  private roundTrips = 0;

  constructor(display: Display, buffer: WlBuffer, onIdle: () => void) {
    this.display = display;
    this.buffer = buffer;
    this.onIdle = onIdle;
    buffer.listen({ release: () => this.released() });
  }

  get busy(): boolean {
    return this.holders.size > 0;
  }

  /**
   * The window has committed the buffer; `done` is called when the compositor has released it. A frame of the same
   * window that is in the same buffer is done now: the new one holds its pixels.
   */
  hold(holder: object, done: () => void): void {
    const before = this.holders.get(holder);
    if (this.busy) this.outlastReleases();
    this.holders.set(holder, done);
    before?.();
  }

  /** The window is gone, and its surface with it. */
  drop(holder: object): void {
    const done = this.holders.get(holder);
    if (done === undefined) return;
    this.holders.delete(holder);
    this.outlastReleases();
    done();
    if (!this.busy) this.onIdle();
  }

  /** Releases that come from now on may be about the past, until the compositor has seen what was sent. */
  private outlastReleases(): void {
    if (!this.buffer.alive) return;
    this.roundTrips++;
    try {
      this.display.roundTrip(() => this.roundTrips--);
    } catch (error) {
      // No room for another object: whatever comes next ends the connection, and with it all holds.
      if (!(error instanceof WaylandError)) throw error;
    }
  }

  private released(): void {
    if (this.roundTrips > 0 || !this.busy) return;
    const done = [...this.holders.values()];
    this.holders.clear();
    for (const call of done) call();
    if (!this.busy) this.onIdle();
  }
}

export interface PoolPlace {
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly format: number;
}

/** All buffers of one connection. */
export class Buffers {
  private readonly display: Display;
  private readonly pool: WlShmPool;
  private readonly idleMax: number;
  /** Least recently used first. */
  private readonly inPool = new Map<string, TrackedBuffer>();
  private readonly others = new WeakMap<WlBuffer, TrackedBuffer>();

  constructor(display: Display, pool: WlShmPool, idleMax = IDLE_BUFFERS_MAX) {
    this.display = display;
    this.pool = pool;
    this.idleMax = idleMax;
  }

  /** The buffer at a place of the pool; the place was checked. */
  at(place: PoolPlace): TrackedBuffer {
    const { offset, width, height, strideBytes, format } = place;
    const key = `${offset} ${width} ${height} ${strideBytes} ${format}`;
    let found = this.inPool.get(key);
    if (found === undefined) {
      const buffer = this.pool.createBuffer(offset, width, height, strideBytes, format);
      found = new TrackedBuffer(this.display, buffer, () => this.trim());
    } else {
      this.inPool.delete(key);
    }
    this.inPool.set(key, found);
    this.trim(found);
    return found;
  }

  /** A buffer that was made elsewhere. */
  track(buffer: WlBuffer): TrackedBuffer {
    let found = this.others.get(buffer);
    if (found === undefined) {
      found = new TrackedBuffer(this.display, buffer, () => undefined);
      this.others.set(buffer, found);
    }
    return found;
  }

  /** Destroys the idle ones that were not used for longest, beyond what is kept. */
  private trim(keep: TrackedBuffer | null = null): void {
    let idle = 0;
    for (const tracked of this.inPool.values()) if (!tracked.busy) idle++;
    for (const [key, tracked] of this.inPool) {
      if (idle <= this.idleMax) return;
      if (tracked.busy || tracked === keep) continue;
      this.inPool.delete(key);
      if (tracked.buffer.alive) tracked.buffer.destroy();
      idle--;
    }
  }
}

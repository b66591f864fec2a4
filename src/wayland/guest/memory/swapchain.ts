/**
 * The copies of one surface's picture. A picture is copied into one that the compositor does not hold; only what has
 * changed since that one's last turn is copied.
 */
import { BUFFERS_PER_SURFACE_MAX } from '../limits.js';
import type { Session } from '../proxy/session.js';
import type { ClientBuffer, Shape } from './client-memory.js';
import type { Damage } from './damage.js';
import { copyShape, HostBuffer, wholeOf } from './host-buffer.js';
import type { WindowBlobs } from './window-blobs.js';

export class Swapchain {
  private readonly session: Session;
  private readonly blobs: WindowBlobs;
  private shape: Shape | null = null;
  private buffers: HostBuffer[] = [];
  private waiting: (() => void)[] = [];

  constructor(session: Session, blobs: WindowBlobs) {
    this.session = session;
    this.blobs = blobs;
    session.onEnd(() => this.wake());
  }

  /** A copy that can be written, as it is; null when there has to be a new one, or when all are held. */
  ready(buffer: ClientBuffer): HostBuffer | null {
    if (this.shape === null || !sameShape(this.shape, copyShape(buffer.shape))) return null;
    return this.buffers.find(({ busy }) => !busy) ?? null;
  }

  /** A copy that can be written, as soon as there is one. */
  async next(buffer: ClientBuffer): Promise<HostBuffer> {
    const shape = copyShape(buffer.shape);
    if (this.shape === null || !sameShape(this.shape, shape)) this.retire();
    this.shape = shape;
    for (;;) {
      const ready = this.ready(buffer);
      if (ready !== null) return ready;
      if (this.buffers.length < BUFFERS_PER_SURFACE_MAX) return await this.grow(shape);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (this.session.closed) throw new Error('the connection is over');
    }
  }

  /** The picture has changed there. */
  changed(damage: Damage): void {
    for (const { stale } of this.buffers) stale.addAll(damage);
  }

  /** The picture has changed in unknown ways. */
  changedAll(): void {
    for (const { stale } of this.buffers) if (this.shape !== null) stale.add(wholeOf(this.shape));
  }

  /** Nothing of it is needed any more. */
  retire(): void {
    for (const buffer of this.buffers.splice(0)) buffer.retire();
    this.shape = null;
  }

  private async grow(shape: Shape): Promise<HostBuffer> {
    const blob = await this.blobs.take(shape.strideBytes * shape.height);
    const made = new HostBuffer(this.session, this.blobs, blob, shape, () => this.wake());
    this.buffers.push(made);
    return made;
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

function sameShape(a: Shape, b: Shape): boolean {
  return (
    a.width === b.width && a.height === b.height && a.strideBytes === b.strideBytes && a.format === b.format
  );
}

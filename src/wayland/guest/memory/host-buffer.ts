/** One buffer in the host's window, which holds a copy of what a client drew. */
import type { ScatterGather } from 'vhost-user-native';
import { wl_buffer } from '../../index.js';
import type { ProxyObject } from '../proxy/objects.js';
import type { Session } from '../proxy/session.js';
import type { ClientBuffer, Shape } from './client-memory.js';
import { type Area, Damage } from './damage.js';
import type { WindowBlob, WindowBlobs } from './window-blobs.js';

export class HostBuffer {
  readonly object: ProxyObject;
  /** Where it is older than the surface's latest picture. */
  readonly stale = new Damage();
  private readonly session: Session;
  private readonly blobs: WindowBlobs;
  private readonly blob: WindowBlob;
  private readonly shape: Shape;
  private readonly onFree: () => void;
  private held = false;
  private retired = false;

  /** `onFree`: the compositor has released it, and it can be written again. */
  constructor(session: Session, blobs: WindowBlobs, blob: WindowBlob, shape: Shape, onFree: () => void) {
    this.session = session;
    this.blobs = blobs;
    this.blob = blob;
    this.shape = shape;
    this.onFree = onFree;
    this.object = session.makeOwn(wl_buffer, 1, () => this.released());
    const { width, height, strideBytes, format } = shape;
    session.call(blob.pool, 'create_buffer', [this.object.hostId, 0, width, height, strideBytes, format]);
    this.stale.add(wholeOf(shape));
  }

  /** The compositor may be reading it. */
  get busy(): boolean {
    return this.held;
  }

  /** Brings it up to date with the client's picture. Returns the bytes copied. ClientFault when they are not there. */
  update(buffer: ClientBuffer): number {
    if (this.held) throw new Error('a buffer that the compositor holds is not written');
    const source = buffer.source();
    const faults = buffer.pool.faults;
    let bytes = 0;
    for (const area of this.stale.areas) bytes += this.copy(source, buffer, area);
    if (buffer.pool.faults !== faults) throw buffer.fault('its memory was truncated');
    this.stale.clear();
    return bytes;
  }

  /** It was attached and committed: not written until the compositor releases it. */
  hold(): void {
    this.held = true;
  }

  /** It is not needed any more; its memory is given back when the compositor has released it. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    if (!this.held) this.destroy();
  }

  /** As `retire`, for a buffer of which no release can be expected. */
  abandon(): void {
    if (this.retired || this.session.closed) return;
    this.retired = true;
    this.session.call(this.object, 'destroy', []);
    this.blobs.discard(this.blob);
  }

  private released(): void {
    this.held = false;
    if (this.retired) this.destroy();
    else this.onFree();
  }

  private destroy(): void {
    if (this.session.closed || !this.object.alive) return;
    this.session.call(this.object, 'destroy', []);
    this.blobs.give(this.blob);
  }

  private copy(source: ScatterGather, buffer: ClientBuffer, area: Area): number {
    const { pixelBytes, strideBytes } = this.shape;
    const rowBytes = (area.right - area.left) * pixelBytes;
    const rows = area.bottom - area.top;
    const left = area.left * pixelBytes;
    source.readRows(
      buffer.offset + area.top * buffer.shape.strideBytes + left,
      buffer.shape.strideBytes,
      this.blob.mapping,
      area.top * strideBytes + left,
      strideBytes,
      rowBytes,
      rows,
    );
    return rowBytes * rows;
  }
}

export function wholeOf({ width, height }: { readonly width: number; readonly height: number }): Area {
  return { left: 0, top: 0, right: width, bottom: height };
}

/** How a copy of a client's buffer lies in the window: rows packed, and aligned as renderers like them. */
export function copyShape(shape: Shape): Shape {
  return { ...shape, strideBytes: Math.ceil((shape.width * shape.pixelBytes) / 64) * 64 };
}

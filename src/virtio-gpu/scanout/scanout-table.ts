/** Which part of which resource each scanout shows (virtio 1.3, 5.7.6.8: SET_SCANOUT, RESOURCE_FLUSH). */
import type { DisplaySink, Rect } from '../display-sink.js';
import { intersect } from '../rect.js';
import type { Resource } from '../resource/resource-table.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';

interface Scanout {
  resource: Resource | null;
  /** In the resource. */
  rect: Rect;
}

const NOWHERE: Rect = { x: 0, y: 0, width: 0, height: 0 };

export class ScanoutTable {
  readonly #sink: DisplaySink;
  readonly #scanouts: Scanout[];

  constructor(sink: DisplaySink) {
    this.#sink = sink;
    this.#scanouts = Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, () => ({
      resource: null,
      rect: NOWHERE,
    }));
  }

  /** Shows `rect` of the resource, which it lies inside of. `id` is below VIRTIO_GPU_MAX_SCANOUTS. */
  show(id: number, resource: Resource, rect: Rect): void {
    const scanout = this.#scanouts[id] as Scanout;
    if (scanout.resource !== null) scanout.resource.scanoutMask &= ~(1 << id);
    scanout.resource = resource;
    scanout.rect = rect;
    resource.scanoutMask |= 1 << id;
    this.#sink.setScanout(id, { buffer: resource.buffer, rect });
  }

  /** Turns the scanout off; nothing happens when it is off. */
  disable(id: number): void {
    const scanout = this.#scanouts[id] as Scanout;
    if (scanout.resource === null) return;
    scanout.resource.scanoutMask &= ~(1 << id);
    scanout.resource = null;
    scanout.rect = NOWHERE;
    this.#sink.setScanout(id, null);
  }

  /** Turns off each scanout that shows the resource. */
  disableAllOf(resource: Resource): void {
    for (let id = 0; resource.scanoutMask !== 0; id++) {
      if ((resource.scanoutMask & (1 << id)) !== 0) this.disable(id);
    }
  }

  disableAll(): void {
    for (let id = 0; id < this.#scanouts.length; id++) this.disable(id);
  }

  /**
   * Tells each scanout that shows a part of `rect` (in the resource) to present that part: the damage is in
   * the coordinates of the scanout, whose origin is at its rectangle's.
   */
  flush(resource: Resource, rect: Rect): void {
    for (let id = 0, mask = resource.scanoutMask; mask !== 0; id++, mask >>>= 1) {
      if ((mask & 1) === 0) continue;
      const shown = (this.#scanouts[id] as Scanout).rect;
      const visible = intersect(rect, shown);
      if (visible === null) continue;
      const { x, y, width, height } = visible;
      this.#sink.damage(id, { x: x - shown.x, y: y - shown.y, width, height });
    }
  }
}

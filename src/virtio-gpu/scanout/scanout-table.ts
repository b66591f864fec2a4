/** Which part of which resource each scanout shows (virtio 1.3, 5.7.6.8: SET_SCANOUT, RESOURCE_FLUSH). */
import type { DisplaySink, Rect } from '../display-sink.js';
import { intersect } from '../rect.js';
import type { Resource } from '../resource/resource.js';
import type { ShownBuffer } from '../resource/shown-buffer.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';
import { ShownWaits } from './shown-waits.js';

/** What a scanout shows. */
interface Shown {
  /** The scanout's number. */
  readonly id: number;
  readonly resource: Resource;
  readonly buffer: ShownBuffer;
  /** In the buffer. */
  readonly rect: Rect;
}

export class ScanoutTable {
  readonly #sink: DisplaySink;
  /** Null when no display has to be waited for. */
  readonly #waits: ShownWaits | null;
  readonly #scanouts: (Shown | null)[] = new Array(VIRTIO_GPU_MAX_SCANOUTS).fill(null);

  constructor(sink: DisplaySink) {
    this.#sink = sink;
    const { whenShown } = sink;
    this.#waits =
      whenShown === undefined ? null : new ShownWaits((id, done) => whenShown.call(sink, id, done));
  }

  /**
   * Shows `part` of the resource's buffer, which it lies inside of. `id` is below VIRTIO_GPU_MAX_SCANOUTS. False, and
   * nothing is changed, when there is no memory to show it with.
   */
  show(id: number, resource: Resource, buffer: ShownBuffer, part: Readonly<Rect>): boolean {
    if (!buffer.show()) return false;
    // The caller's may be the body of a command, which is read into again.
    const rect = { ...part };
    const before = this.#scanouts[id] ?? null;
    if (before !== null) before.resource.scanoutMask &= ~(1 << id);
    this.#scanouts[id] = { id, resource, buffer, rect };
    resource.scanoutMask |= 1 << id;
    this.#sink.setScanout(id, { buffer, rect });
    before?.buffer.hide();
    return true;
  }

  /** The pixels of the resource are to be looked for anew: tells whatever shows it. */
  announce(resource: Resource): void {
    for (const shown of this.#scanouts) {
      if (shown?.resource !== resource) continue;
      this.#sink.setScanout(shown.id, { buffer: shown.buffer, rect: shown.rect });
    }
  }

  /** The scanouts that show the resource, and which part of what. */
  shownBy(resourceId: number): { readonly id: number; readonly buffer: ShownBuffer; readonly rect: Rect }[] {
    return this.#scanouts
      .filter((shown) => shown !== null)
      .filter(({ resource }) => resource.id === resourceId);
  }

  /** Turns the scanout off; nothing happens when it is off. */
  disable(id: number): void {
    const shown = this.#scanouts[id] ?? null;
    if (shown === null) return;
    shown.resource.scanoutMask &= ~(1 << id);
    this.#scanouts[id] = null;
    this.#sink.setScanout(id, null);
    shown.buffer.hide();
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
    if (resource.scanoutMask === 0) return;
    let last: ShownBuffer | null = null;
    for (const scanout of this.#scanouts) {
      if (scanout?.resource !== resource) continue;
      const { id, buffer, rect: shown } = scanout;
      // Scanouts that show the same picture come one after the other, unless a guest is after double work.
      if (buffer !== last) buffer.flush(rect);
      last = buffer;
      const visible = intersect(rect, shown);
      if (visible === null) continue;
      const { x, y, width, height } = visible;
      this.#sink.damage(id, { x: x - shown.x, y: y - shown.y, width, height });
    }
  }

  /**
   * Calls `done`, once, when no scanout that shows the resource reads what it showed before, or when that takes longer
   * than drivers wait.
   */
  whenShown(resource: Resource, done: () => void): void {
    const ids: number[] = [];
    for (const shown of this.#scanouts) if (shown?.resource === resource) ids.push(shown.id);
    if (this.#waits === null || ids.length === 0) done();
    else this.#waits.add(ids, done);
  }
}

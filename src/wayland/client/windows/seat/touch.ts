/** Fingers on the host's touchscreen. */
import type { WlTouch } from '../../../protocol/generated/wayland.js';
import type { WindowView } from '../window-view.js';
import { DEVICE_RELEASE_SINCE, type SeatHost } from './seat-host.js';

interface Finger {
  readonly view: WindowView;
  readonly slot: number;
}

export class Touch {
  private readonly object: WlTouch;
  private readonly fingers = new Map<number, Finger>();
  /** Windows that were told something since the last frame. */
  private readonly unfinished = new Set<WindowView>();

  constructor(object: WlTouch, host: SeatHost) {
    this.object = object;
    object.listen({
      down: (_serial, _time, surface, id, x, y) => this.down(host.viewOf(surface), id, x, y),
      up: (_serial, _time, id) => this.up(id),
      motion: (_time, id, x, y) => this.motion(id, x, y),
      frame: () => this.frame(),
      cancel: () => this.cancel(),
    });
  }

  forget(view: WindowView): void {
    for (const [id, finger] of this.fingers) if (finger.view === view) this.up(id);
    this.frame();
  }

  destroy(): void {
    this.cancel();
    if (this.object.alive && this.object.version >= DEVICE_RELEASE_SINCE) this.object.release();
  }

  private down(view: WindowView | null, id: number, x: number, y: number): void {
    this.up(id);
    const slot = view?.touchSlots.take() ?? null;
    // More fingers than the guest's screen knows are not told.
    if (view === null || slot === null) return;
    this.fingers.set(id, { view, slot });
    this.motion(id, x, y);
  }

  private up(id: number): void {
    const finger = this.fingers.get(id);
    if (finger === undefined) return;
    this.fingers.delete(id);
    finger.view.touchSlots.free(finger.slot);
    finger.view.model.input.touchUp(finger.slot);
    this.unfinished.add(finger.view);
  }

  private motion(id: number, x: number, y: number): void {
    const finger = this.fingers.get(id);
    if (finger === undefined) return;
    const [atX, atY] = finger.view.fractionOf(x, y);
    finger.view.model.input.touch(finger.slot, atX, atY);
    this.unfinished.add(finger.view);
  }

  private frame(): void {
    for (const view of this.unfinished) view.model.input.frame();
    this.unfinished.clear();
  }

  /** The compositor took the gesture for itself. A guest's screen can only be told that the fingers are gone. */
  private cancel(): void {
    for (const id of [...this.fingers.keys()]) this.up(id);
    this.frame();
  }
}

/** The host's pointer over the windows: position or movement, buttons, wheels, and the chords of the mouse. */
import { type WlPointer, WlPointerButtonState, type WlSeat } from '../../../protocol/generated/wayland.js';
import type { WindowView } from '../window-view.js';
import type { Grab } from './grab.js';
import { ScrollFrame } from './scroll.js';
import { DEVICE_RELEASE_SINCE, type SeatHost } from './seat-host.js';

/** Events are grouped by wl_pointer.frame since this version. */
const FRAME_SINCE = 5;
const BTN_LEFT = 0x110;
const BTN_RIGHT = 0x111;
const BTN_MIDDLE = 0x112;
/** KEY_MAX of evdev. */
const BUTTON_MAX = 0x2ff;

export interface PointerHandlers {
  isChordHeld(view: WindowView): boolean;
  /** A button is about to go to the guest. */
  tellModifiers(view: WindowView): void;
  /** A chord was used: the guest holds no keys any more. */
  releaseKeys(): void;
  entered(view: WindowView, serial: number): void;
  left(): void;
}

export class Pointer {
  readonly object: WlPointer;
  private readonly seat: WlSeat;
  private readonly grab: Grab;
  private readonly handlers: PointerHandlers;
  private readonly scroll = new ScrollFrame();
  private view: WindowView | null = null;
  private x = 0;
  private y = 0;
  /** Buttons that the guest holds. */
  private readonly told = new Set<number>();
  /** Something was told since the last frame. */
  private unfinished = false;

  constructor(seat: WlSeat, object: WlPointer, host: SeatHost, grab: Grab, handlers: PointerHandlers) {
    this.seat = seat;
    this.object = object;
    this.grab = grab;
    this.handlers = handlers;
    const grouped = object.version >= FRAME_SINCE;
    const event = (handle: () => void): void => {
      handle();
      if (!grouped) this.frame();
    };
    object.listen({
      enter: (serial, surface, x, y) => event(() => this.enter(serial, host.viewOf(surface), x, y)),
      leave: () => event(() => this.leave()),
      motion: (_time, x, y) => event(() => this.motion(x, y)),
      button: (serial, _time, code, state) => event(() => this.button(serial, code, state)),
      axis: (_time, axis, value) => event(() => this.scroll.distance(axis, value)),
      axisDiscrete: (axis, steps) => this.scroll.discrete(axis, steps),
      axisValue120: (axis, v120) => this.scroll.v120(axis, v120),
      frame: () => this.frame(),
    });
  }

  /** Movement of a locked pointer. */
  moved(view: WindowView, dx: number, dy: number): void {
    view.model.input.moveBy(dx, dy);
    this.finish(view);
  }

  forget(view: WindowView): void {
    if (this.view === view) this.leave();
  }

  destroy(): void {
    this.leave();
    if (this.object.alive && this.object.version >= DEVICE_RELEASE_SINCE) this.object.release();
  }

  private enter(serial: number, view: WindowView | null, x: number, y: number): void {
    this.leave();
    if (view === null) return;
    this.view = view;
    this.x = x;
    this.y = y;
    this.handlers.entered(view, serial);
    this.motion(x, y);
  }

  private leave(): void {
    const { view } = this;
    if (view === null) return;
    this.scroll.flush(null);
    for (const code of this.told) view.model.input.button(code, false);
    if (this.told.size > 0) this.unfinished = true;
    this.told.clear();
    this.frame();
    this.view = null;
    this.handlers.left();
  }

  private motion(x: number, y: number): void {
    const { view } = this;
    if (view === null) return;
    const [dx, dy] = [x - this.x, y - this.y];
    this.x = x;
    this.y = y;
    // While locked, what counts is the movement itself.
    if (this.grab.locks(view)) return;
    const { input } = view.model;
    if (input.pointer === 'absolute') {
      const [atX, atY] = view.fractionOf(x, y);
      input.moveTo(atX, atY);
    } else {
      // Not locked, because the compositor can't, or does not want to: the way over the window has to do.
      if (this.grab.view !== view || (dx === 0 && dy === 0)) return;
      const scale = view.pictureScale;
      input.moveBy(dx / scale, dy / scale);
    }
    this.unfinished = true;
  }

  private button(serial: number, code: number, state: number): void {
    const { view } = this;
    if (view === null || code > BUTTON_MAX) return;
    const { input } = view.model;
    if (state === WlPointerButtonState.pressed) {
      if (this.swallows(view, serial, code)) return;
      this.handlers.tellModifiers(view);
      this.told.add(code);
    } else if (!this.told.delete(code)) {
      return;
    }
    input.button(code, state === WlPointerButtonState.pressed);
    this.unfinished = true;
  }

  /** Presses that are the window's own. Their releases are not told either, as nothing was. */
  private swallows(view: WindowView, serial: number, code: number): boolean {
    if (view.model.input.pointer === 'relative' && this.grab.view !== view) {
      this.grab.begin(view, this.object);
      return true;
    }
    if (this.grab.locks(view) || !this.handlers.isChordHeld(view)) return false;
    const { object: toplevel } = view.toplevel;
    if (code === BTN_LEFT) toplevel.move(this.seat, serial);
    else if (code === BTN_RIGHT) toplevel.resize(this.seat, serial, view.edgeAt(this.x, this.y));
    else if (code === BTN_MIDDLE) {
      toplevel.showWindowMenu(this.seat, serial, Math.round(this.x), Math.round(this.y));
    } else {
      return false;
    }
    this.handlers.releaseKeys();
    return true;
  }

  private frame(): void {
    const { view } = this;
    if (view === null) {
      this.scroll.flush(null);
      return;
    }
    const { input } = view.model;
    const reaches = input.pointer === 'absolute' || this.grab.view === view;
    if (this.scroll.flush(reaches ? input : null)) this.unfinished = true;
    if (!this.unfinished) return;
    this.unfinished = false;
    input.frame();
  }

  private finish(view: WindowView): void {
    if (this.object.version >= FRAME_SINCE && this.view === view) this.unfinished = true;
    else view.model.input.frame();
  }
}

/** One seat: its devices come and go with its capabilities. */
import { type WlSeat, WlSeatCapability } from '../../../protocol/generated/wayland.js';
import type { WindowView } from '../window-view.js';
import type { Chord } from './chords.js';
import { PointerCursor } from './cursor.js';
import { Grab } from './grab.js';
import { Keyboard } from './keyboard.js';
import { Pointer } from './pointer.js';
import type { SeatHost } from './seat-host.js';
import { Touch } from './touch.js';

/** wl_seat.release came with this version. */
const SEAT_RELEASE_SINCE = 5;

export class Seat {
  private readonly object: WlSeat;
  private readonly host: SeatHost;
  private readonly grab: Grab;
  private locked: WindowView | null = null;
  private keyboard: Keyboard | null = null;
  private pointer: Pointer | null = null;
  private cursor: PointerCursor | null = null;
  private touch: Touch | null = null;

  constructor(object: WlSeat, host: SeatHost) {
    this.object = object;
    this.host = host;
    this.grab = new Grab(object, host.globals, {
      moved: (view, dx, dy) => this.pointer?.moved(view, dx, dy),
      changed: () => this.grabChanged(),
    });
    object.listen({ capabilities: (bits) => this.capabilities(bits) });
  }

  /** The window's cursor image, or the scale of its picture, is another. */
  cursorChanged(view: WindowView): void {
    this.cursor?.refresh(view);
  }

  /** The window is about to go. */
  forget(view: WindowView): void {
    if (this.grab.view === view) this.grab.end();
    this.keyboard?.forget(view);
    this.pointer?.forget(view);
    this.touch?.forget(view);
  }

  /** The compositor took the seat away, or went away itself. */
  destroy(): void {
    this.cursor?.leave();
    this.capabilities(0);
    if (this.object.alive && this.object.version >= SEAT_RELEASE_SINCE) this.object.release();
  }

  private capabilities(bits: number): void {
    const has = (bit: number): boolean => (bits & bit) !== 0;
    if (has(WlSeatCapability.keyboard) !== (this.keyboard !== null)) this.toggleKeyboard();
    if (has(WlSeatCapability.pointer) !== (this.pointer !== null)) this.togglePointer();
    if (has(WlSeatCapability.touch) !== (this.touch !== null)) this.toggleTouch();
  }

  private toggleKeyboard(): void {
    if (this.keyboard !== null) {
      this.keyboard.destroy();
      this.keyboard = null;
      return;
    }
    this.keyboard = new Keyboard(this.object.getKeyboard(), this.host, {
      chord: (chord, view) => this.chord(chord, view),
      left: (view) => {
        if (this.grab.view === view) this.grab.end();
      },
    });
  }

  private togglePointer(): void {
    if (this.pointer !== null) {
      this.grab.end();
      this.pointer.destroy();
      this.cursor?.destroy();
      this.pointer = null;
      this.cursor = null;
      return;
    }
    const object = this.object.getPointer();
    const cursor = new PointerCursor(object, this.host);
    this.cursor = cursor;
    this.pointer = new Pointer(this.object, object, this.host, this.grab, {
      isChordHeld: (view) => this.keyboard?.isChordHeld(view) ?? false,
      tellModifiers: (view) => this.keyboard?.tellModifiers(view),
      releaseKeys: () => this.keyboard?.releaseTold(),
      entered: (view, serial) => cursor.enter(view, serial),
      left: () => cursor.leave(),
    });
  }

  private toggleTouch(): void {
    if (this.touch !== null) {
      this.touch.destroy();
      this.touch = null;
      return;
    }
    this.touch = new Touch(this.object.getTouch(), this.host);
  }

  private chord(chord: Chord, view: WindowView): void {
    if (chord === 'fullscreen') view.toggleFullscreen();
    else if (this.grab.view === view) this.grab.end();
    else this.grab.begin(view, this.pointer?.object ?? null);
  }

  /** While the pointer is locked its own place means nothing: the window shows the cursor where the guest has it. */
  private grabChanged(): void {
    const { view } = this.grab;
    const locked = view !== null && this.grab.locks(view) ? view : null;
    if (locked !== this.locked) {
      this.locked?.setLocked(this, false);
      locked?.setLocked(this, true);
      this.locked = locked;
    }
    this.cursor?.hide(locked !== null);
  }
}

/**
 * What the guest has not been told yet. The event queue of QEMU's devices has four entries, so a frame may have to go
 * out in pieces and others have to wait; the guest acts at SYN_REPORT, so it never sees half of one.
 *
 * - Motion that waits is merged: latest position, summed distance. It is never merged across a key, a button or a
 *   touch that begins or ends: those happen where they happened.
 * - Those transitions are kept in order, up to TRANSITIONS_MAX. When more wait (the guest doesn't take any), all of
 *   them are dropped; the guest then gets everything released, and after that the state as it is by then.
 */
import { Frame } from './frame.js';
import { TRACKING_ID_MAX } from './profile.js';
import type { Event } from './wire/structs.js';

/** Transitions that wait at most. A fast typist makes 30 a second. */
export const TRANSITIONS_MAX = 256;

interface Touch {
  id: number;
  x: number;
  y: number;
}

export class PendingEvents {
  /** Times that transitions were dropped. */
  overflows = 0;
  /** The state when everything that waits has been told. */
  readonly #keys = new Set<number>();
  readonly #touches = new Map<number, Touch>();
  readonly #absolute = new Map<number, number>();
  /** What of it the guest has been told: keys that it holds pressed, slots with a finger. */
  readonly #toldKeys = new Set<number>();
  readonly #toldTouches = new Set<number>();
  /** The frame that is being made, then those that wait. */
  #building = new Frame();
  #waiting: Frame[] = [];
  /** Transitions in all of them. */
  #transitions = 0;
  /** The frame on its way: its events, and the index of the next one. It does not change any more. */
  #events: Event[] = [];
  #next = 0;
  /** Non-null after an overflow, until the guest has been told the state anew: the distances of that time. */
  #resync: Frame | null = null;
  /** After an overflow: the state changed since the last `frame`. */
  #unfinished = false;
  #nextTrackingId = 0;

  /** Pressed keys and buttons, by code. */
  get pressed(): ReadonlySet<number> {
    return this.#keys;
  }

  /** Slots with a finger. */
  get touched(): Iterable<number> {
    return this.#touches.keys();
  }

  get touchCount(): number {
    return this.#touches.size;
  }

  /** Transitions that wait: at most TRANSITIONS_MAX, besides the release of everything. */
  get waitingTransitions(): number {
    return this.#transitions;
  }

  /** Frames that wait: at most one more than twice the transitions. */
  get waitingFrames(): number {
    return this.#waiting.length;
  }

  /** Nothing is pressed, nothing waits, no position is known: a new driver starts like this. */
  reset(): void {
    this.#keys.clear();
    this.#touches.clear();
    this.#absolute.clear();
    this.#toldKeys.clear();
    this.#toldTouches.clear();
    this.#building = new Frame();
    this.#waiting = [];
    this.#transitions = 0;
    this.#events = [];
    this.#next = 0;
    this.#resync = null;
    this.#unfinished = false;
  }

  /** A key or button is pressed or released. */
  key(code: number, pressed: boolean): void {
    if (this.#keys.has(code) === pressed) return;
    if (pressed) this.#keys.add(code);
    else this.#keys.delete(code);
    if (this.#transition()) this.#building.key(code, pressed);
  }

  /** A relative axis moves by `value`, a whole number of its units. */
  relative(code: number, value: number): void {
    if (value === 0) return;
    (this.#resync ?? this.#building).move(code, value);
    this.#unfinished = this.#resync !== null;
  }

  /** An absolute axis is at `value`. */
  absolute(code: number, value: number): void {
    if (this.#absolute.get(code) === value) return;
    this.#absolute.set(code, value);
    if (this.#resync === null) this.#building.absolute.set(code, value);
    else this.#unfinished = true;
  }

  /** A finger is at (x, y): it moved there, or came down. */
  touch(slot: number, x: number, y: number): void {
    const touch = this.#touches.get(slot);
    if (touch?.x === x && touch.y === y) return;
    const id = touch?.id ?? this.#newTrackingId();
    this.#touches.set(slot, { id, x, y });
    if (touch === undefined && this.#transition()) this.#building.track(slot, id);
    if (this.#resync === null) this.#building.position(slot, x, y);
    else this.#unfinished = true;
  }

  /** The finger was lifted. */
  lift(slot: number): void {
    if (this.#touches.delete(slot) && this.#transition()) this.#building.track(slot, -1);
  }

  /** The end of a frame: what came before it belongs together. */
  frame(): void {
    this.#unfinished = false;
    const frame = this.#building;
    if (frame.empty) return;
    this.#building = new Frame();
    const last = this.#waiting.at(-1);
    if (frame.transitions === 0 && last?.transitions === 0) last.addMotion(frame);
    else this.#waiting.push(frame);
  }

  /** The next event for the guest, or null when there is none now. Take it with `taken`. */
  peek(): Event | null {
    while (this.#next === this.#events.length) {
      const frame = this.#waiting.shift() ?? this.#stateAnew();
      if (frame === null) return null;
      this.#transitions -= frame.transitions;
      this.#tell(frame);
      this.#events = frame.encode();
      this.#next = 0;
    }
    return this.#events[this.#next] as Event;
  }

  /** The event that `peek` returned is on its way. */
  taken(): void {
    this.#next++;
  }

  /** Counts a transition in the frame that is being made; false when it can't be told as it happens. */
  #transition(): boolean {
    if (this.#resync === null && this.#transitions === TRANSITIONS_MAX) this.#overflow();
    if (this.#resync !== null) {
      this.#unfinished = true;
      return false;
    }
    this.#transitions++;
    return true;
  }

  /** Drops what waits, but not the distances, and has everything released. */
  #overflow(): void {
    this.overflows++;
    this.#resync = new Frame();
    for (const frame of [...this.#waiting, this.#building]) {
      for (const [code, value] of frame.relative) this.#resync.move(code, value);
    }
    const release = new Frame();
    for (const slot of this.#toldTouches) release.track(slot, -1);
    for (const code of this.#toldKeys) release.key(code, false);
    this.#building = new Frame();
    this.#waiting = release.empty ? [] : [release];
    this.#transitions = release.transitions;
  }

  /** After an overflow, when the guest has everything released: the frame that says how things are. */
  #stateAnew(): Frame | null {
    const frame = this.#resync;
    if (frame === null || this.#unfinished) return null;
    this.#resync = null;
    for (const [code, value] of this.#absolute) frame.absolute.set(code, value);
    for (const [slot, touch] of this.#touches) {
      touch.id = this.#newTrackingId();
      frame.track(slot, touch.id);
      frame.position(slot, touch.x, touch.y);
    }
    for (const code of this.#keys) frame.key(code, true);
    this.#transitions += frame.transitions;
    return frame;
  }

  #tell(frame: Frame): void {
    for (const { code, pressed } of frame.keys) {
      if (pressed) this.#toldKeys.add(code);
      else this.#toldKeys.delete(code);
    }
    for (const [slot, { ids }] of frame.touches) {
      const id = ids.at(-1);
      if (id === undefined) continue;
      if (id === -1) this.#toldTouches.delete(slot);
      else this.#toldTouches.add(slot);
    }
  }

  #newTrackingId(): number {
    const id = this.#nextTrackingId;
    this.#nextTrackingId = id === TRACKING_ID_MAX ? 0 : id + 1;
    return id;
  }
}

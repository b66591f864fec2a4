/**
 * What happened between two SYN_REPORTs, in a form that later motion can be added to, and its events as the guest
 * gets them: motion, then touches, then keys and buttons, so that a click is where the pointer is.
 */
import * as ev from './wire/event-codes.js';
import type { Event } from './wire/structs.js';

/** A relative sum stays in the range of an event's value. */
const REL_MAX = 2 ** 31 - 1;

/** One slot's changes: tracking ids that it got (-1 = lifted), in order, and where the finger is now. */
export interface TouchUpdate {
  readonly ids: number[];
  /** 0 to POSITION_MAX; null when the touch did not move. */
  x: number | null;
  y: number | null;
}

export class Frame {
  /** Relative axes: sum by code. */
  readonly relative = new Map<number, number>();
  /** Absolute axes: latest value by code. */
  readonly absolute = new Map<number, number>();
  readonly touches = new Map<number, TouchUpdate>();
  /** Keys and buttons in the order in which they changed. */
  readonly keys: { readonly code: number; readonly pressed: boolean }[] = [];
  /** Changes that must not be lost: keys, and touches that began or ended. */
  transitions = 0;

  get empty(): boolean {
    return (
      this.transitions === 0 &&
      this.relative.size === 0 &&
      this.absolute.size === 0 &&
      this.touches.size === 0
    );
  }

  key(code: number, pressed: boolean): void {
    this.keys.push({ code, pressed });
    this.transitions++;
  }

  /** Adds to the sum of a relative axis. */
  move(code: number, value: number): void {
    const sum = (this.relative.get(code) ?? 0) + value;
    this.relative.set(code, Math.max(-REL_MAX, Math.min(REL_MAX, sum)));
  }

  /** The slot's tracking id changes. */
  track(slot: number, id: number): void {
    this.#touch(slot).ids.push(id);
    this.transitions++;
  }

  /** The finger in the slot is there now. */
  position(slot: number, x: number, y: number): void {
    const touch = this.#touch(slot);
    touch.x = x;
    touch.y = y;
  }

  /** Adds a later frame that is motion only. */
  addMotion(later: Frame): void {
    for (const [code, value] of later.relative) this.move(code, value);
    for (const [code, value] of later.absolute) this.absolute.set(code, value);
    for (const [slot, { x, y }] of later.touches) {
      if (x !== null && y !== null) this.position(slot, x, y);
    }
  }

  /** The events, with SYN_REPORT at the end; none when nothing is left to tell. */
  encode(): Event[] {
    const events: Event[] = [];
    const add = (type: number, code: number, value: number): void => {
      events.push({ type, code, value });
    };
    for (const [code, value] of this.relative) if (value !== 0) add(ev.EV_REL, code, value);
    for (const [code, value] of this.absolute) add(ev.EV_ABS, code, value);
    for (const [slot, { ids, x, y }] of this.touches) {
      add(ev.EV_ABS, ev.ABS_MT_SLOT, slot);
      for (const id of ids) add(ev.EV_ABS, ev.ABS_MT_TRACKING_ID, id);
      // A slot without a finger has no position.
      if (ids.at(-1) === -1) continue;
      if (x !== null) add(ev.EV_ABS, ev.ABS_MT_POSITION_X, x);
      if (y !== null) add(ev.EV_ABS, ev.ABS_MT_POSITION_Y, y);
    }
    for (const { code, pressed } of this.keys) add(ev.EV_KEY, code, pressed ? 1 : 0);
    if (events.length > 0) add(ev.EV_SYN, ev.SYN_REPORT, 0);
    return events;
  }

  #touch(slot: number): TouchUpdate {
    let touch = this.touches.get(slot);
    if (touch === undefined) {
      touch = { ids: [], x: null, y: null };
      this.touches.set(slot, touch);
    }
    return touch;
  }
}

/** Fingers as the guest's touchscreen counts them: each has the lowest slot that is free while it is down. */
import { TOUCH_SLOT_MAX } from '../protocol/index.js';

export class TouchSlots {
  /** Pointer ids of browsers by slot. */
  private readonly fingers: (number | null)[] = [];

  /** Null when there are too many. */
  down(pointerId: number): number | null {
    const known = this.fingers.indexOf(pointerId);
    if (known >= 0) return known;
    const free = this.fingers.indexOf(null);
    const slot = free >= 0 ? free : this.fingers.length;
    if (slot > TOUCH_SLOT_MAX) return null;
    this.fingers[slot] = pointerId;
    return slot;
  }

  /** Null for a finger that is not down. */
  slot(pointerId: number): number | null {
    const slot = this.fingers.indexOf(pointerId);
    return slot < 0 ? null : slot;
  }

  /** The slot that has become free. */
  up(pointerId: number): number | null {
    const slot = this.slot(pointerId);
    if (slot !== null) this.fingers[slot] = null;
    return slot;
  }

  clear(): void {
    this.fingers.length = 0;
  }
}

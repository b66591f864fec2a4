/**
 * The parts of a picture that are still to be sent: a short list of rectangles whose union holds all the damage
 * that was added. Bounded, whatever the guest does.
 */
import type { Rect } from '../display-sink.js';
import { area, boundingBox, contains } from '../rect.js';

/** Most rectangles in a list. Desktops damage one to four places a frame; each costs a look at all others. */
export const DAMAGE_RECTS_MAX = 8;

/**
 * Pixels that may be sent for nothing to save a message. A message costs both sides a few microseconds (system
 * calls, an allocation and a composition in QEMU), in which a few kilobytes of pixels are copied.
 */
const WASTE_PIXELS_MAX = 1024;

/** Pixels that are sent more when one message holds both; negative where the two overlap. */
function waste(a: Rect, b: Rect): number {
  return area(boundingBox(a, b)) - area(a) - area(b);
}

export class DamageList {
  private readonly rects: Rect[] = [];

  /** Rectangles in the list, 0 to DAMAGE_RECTS_MAX. */
  get length(): number {
    return this.rects.length;
  }

  /**
   * Adds a rectangle (an empty one adds nothing). It is joined with those with which it costs less to send as
   * one, overlapping ones as a rule; when the list would become too long the cheapest pair is joined. A joined
   * rectangle takes the place of the older of the two, so that nothing waits for ever.
   *
   * Returns how many rectangles were joined or left out.
   */
  add(added: Rect): number {
    if (area(added) === 0) return 0;
    const { rects } = this;
    rects.push(added);
    let joined = this.settle(rects.length - 1);
    while (rects.length > DAMAGE_RECTS_MAX) {
      joined += this.joinCheapest();
    }
    return joined;
  }

  /** Takes the rectangle out that waits longest; null when there is none. */
  take(): Rect | null {
    return this.rects.shift() ?? null;
  }

  /** Takes all out, as the one rectangle around them; null when there is none. */
  takeAll(): Rect | null {
    const [first, ...others] = this.rects.splice(0);
    return first === undefined ? null : others.reduce(boundingBox, first);
  }

  clear(): void {
    this.rects.length = 0;
  }

  /** A copy, oldest first. */
  toArray(): Rect[] {
    return [...this.rects];
  }

  /** Joins the rectangle at `index` with others as long as that is worth it; returns how often. */
  private settle(index: number): number {
    const { rects } = this;
    let joined = 0;
    let at = index;
    for (let other = 0; other < rects.length; other++) {
      if (other === at) continue;
      const a = rects[at];
      const b = rects[other];
      if (a === undefined || b === undefined) break;
      if (!contains(b, a) && waste(a, b) > WASTE_PIXELS_MAX) continue;
      at = this.join(at, other);
      joined++;
      other = -1; // it has grown: look at all of them again
    }
    return joined;
  }

  /** Joins the pair that wastes least, and what that leads to; returns how many joins that were. */
  private joinCheapest(): number {
    const { rects } = this;
    let first = 0;
    let second = 1;
    let least = Number.POSITIVE_INFINITY;
    for (const [i, a] of rects.entries()) {
      for (const [j, b] of rects.entries()) {
        if (j <= i) continue;
        const cost = waste(a, b);
        if (cost < least) {
          least = cost;
          first = i;
          second = j;
        }
      }
    }
    return 1 + this.settle(this.join(first, second));
  }

  /** Puts the bounding box of two in the place of the older one, and returns that place. */
  private join(i: number, j: number): number {
    const { rects } = this;
    const older = Math.min(i, j);
    const a = rects[i];
    const b = rects[j];
    if (a !== undefined && b !== undefined) rects[older] = boundingBox(a, b);
    rects.splice(Math.max(i, j), 1);
    return older;
  }
}

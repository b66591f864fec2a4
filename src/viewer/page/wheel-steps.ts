/** Wheels and touchpads: what browsers tell in pixels, lines or pages as steps of 1/120 of a notch. */

/** WheelEvent.deltaMode. */
const LINES = 1;
const PAGES = 2;
/** Browsers scroll 100 pixels, or 3 lines, for a notch. */
const STEPS_PER_PIXEL = 120 / 100;
const STEPS_PER_LINE = 120 / 3;
const STEPS_PER_PAGE = 120 * 8;
const STEPS_MAX = 12_000;

export interface WheelDelta {
  readonly deltaX: number;
  readonly deltaY: number;
  readonly deltaMode: number;
}

export class WheelSteps {
  private restX = 0;
  private restY = 0;

  /** Whole steps; what is left of one counts the next time. Null for less than a step. */
  add({ deltaX, deltaY, deltaMode }: WheelDelta): { readonly dx: number; readonly dy: number } | null {
    const unit =
      deltaMode === LINES ? STEPS_PER_LINE : deltaMode === PAGES ? STEPS_PER_PAGE : STEPS_PER_PIXEL;
    const [x, y] = [this.restX + deltaX * unit, this.restY + deltaY * unit];
    const [dx, dy] = [Math.trunc(x), Math.trunc(y)];
    this.restX = x - dx;
    this.restY = y - dy;
    if (dx === 0 && dy === 0) return null;
    const bounded = (steps: number): number => Math.min(STEPS_MAX, Math.max(-STEPS_MAX, steps));
    return { dx: bounded(dx), dy: bounded(dy) };
  }
}

/** The axis events of one pointer frame, in whatever way the compositor's version tells them, as 1/120 detents. */
import { WlPointerAxis } from '../../../protocol/generated/wayland.js';
import type { ScrollDirection, WindowInput } from '../types.js';

const V120 = 120;
/** Distance of a wheel's detent in wl_pointer.axis, as compositors have it by convention. */
const DETENT_DISTANCE = 10;

interface Axis {
  readonly direction: ScrollDirection;
  /** Wayland counts down and right as positive, evdev up and right. */
  readonly sign: 1 | -1;
  /** From axis_value120 or axis_discrete, else null: then `distance` has to do. */
  v120: number | null;
  distance: number;
}

export class ScrollFrame {
  private readonly vertical: Axis = { direction: 'vertical', sign: -1, v120: null, distance: 0 };
  private readonly horizontal: Axis = { direction: 'horizontal', sign: 1, v120: null, distance: 0 };

  /** wl_pointer.axis. */
  distance(axis: number, value: number): void {
    const target = this.find(axis);
    if (target !== null) target.distance += value;
  }

  /** wl_pointer.axis_discrete, versions 5 to 7. */
  discrete(axis: number, steps: number): void {
    this.v120(axis, steps * V120);
  }

  /** wl_pointer.axis_value120, version 8 and newer. */
  v120(axis: number, value: number): void {
    const target = this.find(axis);
    if (target !== null) target.v120 = (target.v120 ?? 0) + value;
  }

  /** Tells what came together and starts anew. False when that was nothing. */
  flush(input: WindowInput | null): boolean {
    const told = [this.vertical, this.horizontal].map((axis) => {
      const v120 = axis.v120 ?? (axis.distance * V120) / DETENT_DISTANCE;
      axis.v120 = null;
      axis.distance = 0;
      if (v120 === 0 || input === null) return false;
      input.scroll(axis.direction, v120 * axis.sign);
      return true;
    });
    return told.includes(true);
  }

  private find(axis: number): Axis | null {
    if (axis === WlPointerAxis.vertical_scroll) return this.vertical;
    return axis === WlPointerAxis.horizontal_scroll ? this.horizontal : null;
  }
}

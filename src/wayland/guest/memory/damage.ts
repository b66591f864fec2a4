/** Parts of a picture, as a short list of rectangles. */

/** [left, right) x [top, bottom) in pixels of a buffer. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** More are one that has them all. */
const AREAS_MAX = 16;

export class Damage {
  private list: Area[] = [];

  get areas(): readonly Area[] {
    return this.list;
  }

  get empty(): boolean {
    return this.list.length === 0;
  }

  add(area: Area): void {
    if (area.left >= area.right || area.top >= area.bottom) return;
    if (this.list.some((other) => contains(other, area))) return;
    this.list = this.list.filter((other) => !contains(area, other));
    this.list.push(area);
    if (this.list.length > AREAS_MAX) this.list = [this.list.reduce(around)];
  }

  addAll(other: Damage): void {
    for (const area of other.list) this.add(area);
  }

  clear(): void {
    this.list = [];
  }
}

/** A rectangle cut to a picture of that size. Any numbers are fine, as 32-bit ones are added without loss. */
export function clip(
  x: number,
  y: number,
  width: number,
  height: number,
  size: { readonly width: number; readonly height: number },
): Area {
  return {
    left: Math.max(0, x),
    top: Math.max(0, y),
    right: Math.min(size.width, x + width),
    bottom: Math.min(size.height, y + height),
  };
}

function contains(outer: Area, inner: Area): boolean {
  return (
    outer.left <= inner.left &&
    outer.top <= inner.top &&
    outer.right >= inner.right &&
    outer.bottom >= inner.bottom
  );
}

function around(a: Area, b: Area): Area {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

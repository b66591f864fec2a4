/** The part of an old picture that differs from the latest one: rectangles that don't overlap. Bounded. */
import type { Rect } from '../display-sink.js';
import { area, boundingBox, intersect } from '../rect.js';

/** More than these become their bounding box. */
const RECTS_MAX = 16;

/** What is left of `rect` without `cut`: at most four rectangles. */
function subtract(rect: Rect, cut: Rect): Rect[] {
  const hole = intersect(rect, cut);
  if (hole === null) return [rect];
  const { x, y, width, height } = rect;
  const right = hole.x + hole.width;
  const bottom = hole.y + hole.height;
  const pieces = [
    { x, y, width, height: hole.y - y },
    { x, y: bottom, width, height: y + height - bottom },
    { x, y: hole.y, width: hole.x - x, height: hole.height },
    { x: right, y: hole.y, width: x + width - right, height: hole.height },
  ];
  return pieces.filter((piece) => area(piece) > 0);
}

export class StaleArea {
  #rects: Rect[] = [];

  /** Pixels. */
  get pixels(): number {
    return this.#rects.reduce((sum, rect) => sum + area(rect), 0);
  }

  add(rect: Rect): void {
    if (area(rect) === 0) return;
    const rects = this.without(rect);
    rects.push({ ...rect });
    this.#rects = rects.length > RECTS_MAX ? [rects.reduce(boundingBox)] : rects;
  }

  /** The area less `rect`, as a list of its own. */
  without(rect: Rect): Rect[] {
    return this.#rects.flatMap((piece) => subtract(piece, rect));
  }

  clear(): void {
    this.#rects = [];
  }
}

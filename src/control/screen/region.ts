/** Parts of an output that requests are about. */
import type { Rect } from '../../virtio-gpu/index.js';
import { ApiError } from '../api/errors.js';

/** What a request says; what it leaves out reaches to the edges. */
export interface RegionQuery {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Whether a change touches the region; null = everything changed. */
export function touches({ x = 0, y = 0, width, height }: RegionQuery, rect: Rect | null): boolean {
  if (rect === null) return true;
  const right = width === undefined ? Number.POSITIVE_INFINITY : x + width;
  const bottom = height === undefined ? Number.POSITIVE_INFINITY : y + height;
  return rect.x < right && rect.x + rect.width > x && rect.y < bottom && rect.y + rect.height > y;
}

/** The region in a picture of that size; null when it does not lie inside. */
export function regionIn({ x = 0, y = 0, width, height }: RegionQuery, size: Size): Rect | null {
  const rect = { x, y, width: width ?? size.width - x, height: height ?? size.height - y };
  const inside = rect.x + rect.width <= size.width && rect.y + rect.height <= size.height;
  return inside && rect.width > 0 && rect.height > 0 ? rect : null;
}

/** The same; refuses a request whose region lies elsewhere. */
export function regionInside(query: RegionQuery, size: Size): Rect {
  const rect = regionIn(query, size);
  if (rect !== null) return rect;
  throw new ApiError(
    'not-possible',
    `the region is not inside the ${size.width} x ${size.height} pixels that are shown`,
  );
}

/** Where a border lies. All in logical pixels, in the coordinates of a surface. */
import { EDGE_LENGTH_MAX } from './pixels.js';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How far shadows and title bars may reach beyond a window's geometry or its surface. */
export const MARGIN_MAX = 64;

/**
 * What the border of a window goes around: its geometry, where that is believable, else its surface. (A guest could
 * call a corner of its window the whole window.)
 */
export function windowBox(surface: Box, geometry: Box | null): Box {
  if (geometry === null) return surface;
  const left = Math.max(geometry.x, surface.x - MARGIN_MAX);
  const top = Math.max(geometry.y, surface.y - MARGIN_MAX);
  const right = Math.min(geometry.x + geometry.width, surface.x + surface.width + MARGIN_MAX);
  const bottom = Math.min(geometry.y + geometry.height, surface.y + surface.height + MARGIN_MAX);
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  return box.width > 0 && box.height > 0 && contains(box, surface) ? box : surface;
}

/** Whether the inner box reaches beyond the outer one by no more than the margin. */
export function contains(outer: Box, inner: Box): boolean {
  return (
    inner.x >= outer.x - MARGIN_MAX &&
    inner.y >= outer.y - MARGIN_MAX &&
    inner.x + inner.width <= outer.x + outer.width + MARGIN_MAX &&
    inner.y + inner.height <= outer.y + outer.height + MARGIN_MAX
  );
}

/** Top, bottom, left, right: inside of the box, without overlap; null where there is no room left. */
export function edgesOf({ x, y, width, height }: Box, thickness: number): readonly (Box | null)[] {
  const top = Math.min(thickness, height);
  const bottom = Math.min(thickness, height - top);
  const left = Math.min(thickness, width);
  const right = Math.min(thickness, width - left);
  const between = height - top - bottom;
  return [
    { x, y, width, height: top },
    { x, y: y + height - bottom, width, height: bottom },
    { x, y: y + top, width: left, height: between },
    { x: x + width - right, y: y + top, width: right, height: between },
  ].map((edge) => (edge.width > 0 && edge.height > 0 ? cut(edge) : null));
}

export function sameSize(one: Box | null, other: Box | null): boolean {
  return one?.width === other?.width && one?.height === other?.height;
}

/** No screen shows more of it. */
function cut(edge: Box): Box {
  const width = Math.min(edge.width, EDGE_LENGTH_MAX);
  return { ...edge, width, height: Math.min(edge.height, EDGE_LENGTH_MAX) };
}

/** The surfaces of a tree that are seen, and how large a picture of them is. */
import type { Box } from '../border/geometry.js';
import type { BufferContent } from './buffer.js';
import type { ContentState, SurfaceContent } from './content.js';
import { sizeOf, sourceOf } from './coordinates.js';

/** One surface, where it lies in the coordinates of the picture's root. */
export interface Layer extends Box {
  readonly state: ContentState;
  readonly buffer: BufferContent;
}

/** A picture of more pixels a logical one than that is none that a screen shows. */
const DENSITY_MAX = 8;

/** From the bottom, with the root at this place. A surface without a buffer is not seen, and its children neither. */
export function layersOf(root: SurfaceContent, x = 0, y = 0, layers: Layer[] = []): Layer[] {
  const { current } = root;
  const { buffer } = current;
  if (buffer === null) return layers;
  for (const entry of root.stack) {
    if (entry === null) layers.push({ x, y, ...sizeOf(current, buffer), state: current, buffer });
    else layersOf(entry.content, x + entry.content.x, y + entry.content.y, layers);
  }
  return layers;
}

/**
 * What of a window is its picture: its geometry, as far as there is something (xdg_surface.set_window_geometry), or
 * all of it. So without shadows, where the application draws any.
 */
export function frameOf(root: SurfaceContent, layers: readonly Layer[]): Box | null {
  const bounds = boundsOf(layers);
  const { geometry } = root.current;
  return bounds === null || geometry === null ? bounds : (overlap(bounds, geometry) ?? bounds);
}

/** Pixels of the root's buffer to a logical one, so that a picture has every pixel of it; at least 1. */
export function densityOf({ current }: SurfaceContent): number {
  const { buffer } = current;
  if (buffer === null) return 1;
  const density = sourceOf(current, buffer).width / sizeOf(current, buffer).width;
  return density >= 1 && density <= DENSITY_MAX ? density : 1;
}

export function overlap(a: Box, b: Box): Box | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

function boundsOf(layers: readonly Layer[]): Box | null {
  if (layers.length === 0) return null;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y, width, height } of layers) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + width);
    bottom = Math.max(bottom, y + height);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

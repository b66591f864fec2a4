/**
 * From a surface's coordinates to its buffer's pixels and back: wp_viewport, wl_surface.set_buffer_scale and
 * set_buffer_transform. A buffer with transform 90 holds the surface's picture turned counter-clockwise.
 */
import type { Box } from '../border/geometry.js';
import type { Size } from './buffer.js';
import type { ContentState } from './content.js';

/** Bits of wl_output.transform: turned by quarters, flipped around the vertical axis before that. */
const HALF_TURN = 2;
const FLIPPED = 4;

/** Which way the axes of a surface go in its buffer. */
export interface Axes {
  /** The surface's x axis is the buffer's y axis. */
  readonly swapped: boolean;
  /** The surface's axis runs against the buffer's. */
  readonly xReversed: boolean;
  readonly yReversed: boolean;
}

export function axesOf(transform: number): Axes {
  const swapped = transform % 2 === 1;
  const half = (transform & HALF_TURN) !== 0;
  const flipped = (transform & FLIPPED) !== 0;
  // By 90: the surface's upper edge is the buffer's left one, from the bottom up; flipped, from the top down.
  return swapped
    ? { swapped, xReversed: half === flipped, yReversed: half }
    : { swapped, xReversed: half !== flipped, yReversed: half };
}

/** What is mapped onto the surface: a part of the buffer in its own pixels, as the surface's axes see it. */
export function sourceOf({ source, scale, transform }: ContentState, buffer: Size): Box {
  const swapped = transform % 2 === 1;
  if (source === null) {
    const [width, height] = swapped ? [buffer.height, buffer.width] : [buffer.width, buffer.height];
    return { x: 0, y: 0, width, height };
  }
  const { x, y, width, height } = source;
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}

/** Logical pixels. */
export function sizeOf(state: ContentState, buffer: Size): Size {
  if (state.destination !== null) return state.destination;
  const { width, height } = sourceOf(state, buffer);
  return { width: width / state.scale, height: height / state.scale };
}

/** Where a part of the buffer is seen on the surface. */
export function surfaceBoxOf(state: ContentState, buffer: Size, box: Box): Box {
  const { swapped, xReversed, yReversed } = axesOf(state.transform);
  const turned = swapped ? { x: box.y, y: box.x, width: box.height, height: box.width } : box;
  const [width, height] = swapped ? [buffer.height, buffer.width] : [buffer.width, buffer.height];
  const x = xReversed ? width - turned.x - turned.width : turned.x;
  const y = yReversed ? height - turned.y - turned.height : turned.y;
  const source = sourceOf(state, buffer);
  const size = sizeOf(state, buffer);
  const [xFactor, yFactor] = [size.width / source.width, size.height / source.height];
  return {
    x: (x - source.x) * xFactor,
    y: (y - source.y) * yFactor,
    width: turned.width * xFactor,
    height: turned.height * yFactor,
  };
}

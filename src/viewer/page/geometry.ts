/** Where the picture is on the stage, and which place of the picture a pointer is at. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * `fit`: as large as fits; `whole`: the same, in whole factors, so that every pixel of the guest is a square of equal size;
 * `pixels`: a pixel of the guest is one of the display.
 */
export type ScaleMode = 'fit' | 'whole' | 'pixels';
export const SCALE_MODES: readonly ScaleMode[] = ['fit', 'whole', 'pixels'];

/** CSS pixels, from the stage's upper left corner. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Pixels of the display for one of the guest. */
  readonly scale: number;
  /** The factor is a whole one: pixels are to be repeated, not smoothed. */
  readonly crisp: boolean;
}

function factor(mode: ScaleMode, picture: Size, stage: Size): number {
  if (mode === 'pixels') return 1;
  const fit = Math.min(stage.width / picture.width, stage.height / picture.height);
  return mode === 'whole' && fit > 1 ? Math.floor(fit) : fit;
}

/** `stage` is in CSS pixels, of which `ratio` (devicePixelRatio) display pixels make one. */
export function place(mode: ScaleMode, picture: Size, stage: Size, ratio: number): Placement {
  // In pixels of the display, so that edges are on its grid.
  const room = { width: Math.floor(stage.width * ratio), height: Math.floor(stage.height * ratio) };
  const scale = factor(mode, picture, room);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  return {
    left: Math.max(0, Math.floor((room.width - width) / 2)) / ratio,
    top: Math.max(0, Math.floor((room.height - height) / 2)) / ratio,
    width: width / ratio,
    height: height / ratio,
    scale,
    crisp: Number.isInteger(scale),
  };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The pixel of the picture that a point is on, as fractions (0 to 1): of its middle, so that no rounding on the way makes it
 * the one beside. `box`: where the picture is, in the point's coordinates; points outside are on its edge.
 */
export function fractionOf(
  point: Point,
  box: Size & { readonly left: number; readonly top: number },
  picture: Size,
): Point {
  const middle = (distance: number, length: number, pixels: number): number =>
    (Math.min(pixels - 1, Math.max(0, Math.floor((distance * pixels) / length))) + 0.5) / pixels;
  return {
    x: middle(point.x - box.left, box.width, picture.width),
    y: middle(point.y - box.top, box.height, picture.height),
  };
}

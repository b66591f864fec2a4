/** Damaged rectangles of a picture as PNG tiles: cut so that each takes little time at once, made once for all viewers. */
import { encodePngInPieces, type Picture } from '../../capture/index.js';
import type { Rect } from '../../virtio-gpu/index.js';
import { encodeTileHeader } from '../protocol/index.js';

/** Pixels of a tile: a quarter of a megabyte, which is filtered in less than a millisecond. */
const TILE_PIXELS_MAX = 65_536;
/** Tiles of a rectangle that are compressed at a time; libuv has four threads for all that the process does. */
const LANES = 3;
const BYTES_PER_PIXEL = 4;

export interface EncodedTile {
  readonly rect: Rect;
  readonly png: Uint8Array;
}

/** Bands of whole rows, so that the pixels of each lie together. */
function bandsOf({ x, y, width, height }: Rect): Rect[] {
  const rows = Math.max(1, Math.floor(TILE_PIXELS_MAX / width));
  const bands: Rect[] = [];
  for (let top = 0; top < height; top += rows) {
    bands.push({ x, y: y + top, width, height: Math.min(rows, height - top) });
  }
  return bands;
}

/** A part of a picture, which lies inside. */
export function cutOut(picture: Picture, { x, y, width, height }: Rect): Picture {
  const rgba = new Uint8Array(width * height * BYTES_PER_PIXEL);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * BYTES_PER_PIXEL;
    rgba.set(picture.rgba.subarray(from, from + width * BYTES_PER_PIXEL), row * width * BYTES_PER_PIXEL);
  }
  return { width, height, rgba };
}

/** The tiles of a rectangle whose pixels are `picture`; none for no picture. The event loop goes on meanwhile. */
export async function encodeTiles(rect: Rect, picture: Picture | null): Promise<readonly EncodedTile[]> {
  if (picture === null) return [];
  const { rgba } = picture;
  const bands = bandsOf(rect);
  const tiles: EncodedTile[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < bands.length; i = next++) {
      const band = bands[i] as Rect;
      const from = (band.y - rect.y) * rect.width * BYTES_PER_PIXEL;
      const pixels = rgba.subarray(from, from + band.width * band.height * BYTES_PER_PIXEL);
      tiles[i] = { rect: band, png: await encodePngInPieces(band.width, band.height, pixels) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, bands.length) }, lane));
  return tiles;
}

/** A tile as the message for one viewer: the header is its own, the picture is shared. */
export function tileMessage({ rect, png }: EncodedTile, frame: number): Uint8Array {
  return Buffer.concat([encodeTileHeader({ ...rect, frame }), png]);
}

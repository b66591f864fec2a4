/** A binary message of the server: where the pixels belong, and a PNG of them. Numbers are little-endian. */

/** x, y, width, height (u16, pixels of the view), frame (u32), four bytes of zeroes. */
export const TILE_HEADER_BYTES = 16;

export interface TileHeader {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The `frame` message's number. */
  readonly frame: number;
}

export interface Tile extends TileHeader {
  /** A view of the message. */
  readonly png: Uint8Array<ArrayBuffer>;
}

export function encodeTileHeader({ x, y, width, height, frame }: TileHeader): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(TILE_HEADER_BYTES));
  for (const [i, value] of [x, y, width, height].entries()) view.setUint16(i * 2, value, true);
  view.setUint32(8, frame, true);
  return new Uint8Array(view.buffer);
}

/** Null when the message is too short for a tile, or the tile has no pixels. */
export function decodeTile(message: ArrayBuffer): Tile | null {
  if (message.byteLength <= TILE_HEADER_BYTES) return null;
  const view = new DataView(message);
  const [x, y, width, height] = [0, 2, 4, 6].map((at) => view.getUint16(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  if (width === 0 || height === 0) return null;
  return {
    x,
    y,
    width,
    height,
    frame: view.getUint32(8, true),
    png: new Uint8Array(message, TILE_HEADER_BYTES),
  };
}

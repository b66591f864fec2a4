/** A cursor's image for browsers. */
import { type CursorState, encodePngInPieces } from '../../capture/index.js';

export interface CursorPicture {
  readonly hotX: number;
  readonly hotY: number;
  /** PNG, in base64. */
  readonly png: string;
}

/** Of premultiplied colors, as Linux's cursors have them, the straight ones that PNG has. */
function straighten(premultiplied: Uint8Array): Uint8Array {
  const rgba = premultiplied.slice();
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3] as number;
    if (alpha === 0 || alpha === 255) continue;
    for (let i = at; i < at + 3; i++) {
      rgba[i] = Math.min(255, Math.round(((rgba[i] as number) * 255) / alpha));
    }
  }
  return rgba;
}

export async function cursorPicture({
  width,
  height,
  hotX,
  hotY,
  rgba,
}: NonNullable<CursorState['image']>): Promise<CursorPicture> {
  const png = await encodePngInPieces(width, height, straighten(rgba));
  return { hotX, hotY, png: Buffer.from(png).toString('base64') };
}

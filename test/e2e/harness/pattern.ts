/** What the guest's test programs draw and write (guest/lib.h, guest/drm-test.c), computed on the host. */
import { computed, type RgbPicture } from './picture.js';

/** 0xRRGGBB of one pixel of picture(seed). */
export function pictureColor(x: number, y: number, seed: number): number {
  const r = (x + seed * 17) & 255;
  const g = (y * 3 + seed * 31) & 255;
  const b = ((x ^ y) + seed * 7) & 255;
  return (r << 16) | (g << 8) | b;
}

/** A whole screen of picture(seed). */
export function picture(width: number, height: number, seed: number): RgbPicture {
  return computed(width, height, (x, y) => pictureColor(x, y, seed));
}

function cursorAlpha(x: number, y: number): number {
  if (x >= 48) return 0x80;
  return ((x >> 3) + (y >> 3)) & 1 ? 0xff : 0;
}

/** A cursor image: 4 bytes a pixel, red, green, blue, alpha (premultiplied). */
export function cursorRgba(width: number, height: number, seed: number): Uint8Array {
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const alpha = cursorAlpha(x, y);
      const color = pictureColor(x, y, seed);
      for (const shift of [16, 8, 0]) rgba[to++] = Math.floor((((color >> shift) & 255) * alpha) / 255);
      rgba[to++] = alpha;
    }
  }
  return rgba;
}

/** Bytes of shared memory as the guest's programs write them, from `offset` on. */
export function bytePattern(offset: number, length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => {
    const i = offset + at;
    return i * 7 + (i >>> 8) * 13 + (i >>> 16) * 29 + seed * 101;
  });
}

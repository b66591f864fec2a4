/** Pictures as tests handle them: 24-bit RGB, compared pixel by pixel. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '../../../src/capture/index.js';

/** `rgb` has `width * height * 3` bytes, rows from the top. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Decodes a binary PPM (P6, 8 bits), as QEMU's screendump writes it. */
export function decodePpm(data: Uint8Array): RgbPicture {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(Buffer.from(data.subarray(0, 64)).toString('latin1'));
  if (header === null) throw new Error('not a P6 picture');
  const [width, height] = [Number(header[1]), Number(header[2])];
  const rgb = data.subarray(header[0].length);
  if (rgb.length !== width * height * 3) throw new Error(`a ${width}x${height} PPM of ${rgb.length} bytes`);
  return { width, height, rgb };
}

export function fromRgba(picture: { width: number; height: number; rgba: Uint8Array }): RgbPicture {
  const { width, height, rgba } = picture;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from] as number;
    rgb[to++] = rgba[from + 1] as number;
    rgb[to++] = rgba[from + 2] as number;
  }
  return { width, height, rgb };
}

/** A picture computed from a function that gives 0xRRGGBB for each pixel. */
export function computed(width: number, height: number, color: (x: number, y: number) => number): RgbPicture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = color(x, y);
      rgb[to++] = (value >> 16) & 0xff;
      rgb[to++] = (value >> 8) & 0xff;
      rgb[to++] = value & 0xff;
    }
  }
  return { width, height, rgb };
}

/** 0xRRGGBB. */
export function pixelAt({ width, rgb }: RgbPicture, x: number, y: number): number {
  const at = (y * width + x) * 3;
  return ((rgb[at] ?? 0) << 16) | ((rgb[at + 1] ?? 0) << 8) | (rgb[at + 2] ?? 0);
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function cut(picture: RgbPicture, { x, y, width, height }: Place): RgbPicture {
  return computed(width, height, (column, row) => pixelAt(picture, x + column, y + row));
}

/** Where the wanted picture is in another, pixel for pixel: its upper left corner; null when it is not there. */
export function placeOf(
  wanted: RgbPicture,
  picture: RgbPicture,
): { readonly x: number; readonly y: number } | null {
  const rows = Array.from({ length: wanted.height }, (_, y) =>
    Buffer.from(wanted.rgb.subarray(y * wanted.width * 3, (y + 1) * wanted.width * 3)),
  );
  const all = Buffer.from(picture.rgb);
  const first = rows[0] ?? Buffer.alloc(0);
  for (let at = all.indexOf(first); at >= 0; at = all.indexOf(first, at + 1)) {
    const from = at;
    const same = rows.every((row, y) => {
      const start = from + y * picture.width * 3;
      return row.equals(all.subarray(start, start + row.length));
    });
    const pixel = at / 3;
    if (same) return { x: pixel % picture.width, y: Math.floor(pixel / picture.width) };
  }
  return null;
}

/** The largest difference of a color, of two pictures of one size. */
export function distance(one: RgbPicture, other: RgbPicture): number {
  return one.rgb.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (other.rgb[i] ?? 0))), 0);
}

/** null when both are equal; otherwise what differs, in words. */
export function difference(actual: RgbPicture, expected: RgbPicture): string | null {
  if (actual.width !== expected.width || actual.height !== expected.height) {
    return `${actual.width}x${actual.height} instead of ${expected.width}x${expected.height}`;
  }
  if (Buffer.compare(actual.rgb, expected.rgb) === 0) return null;
  let count = 0;
  let first = '';
  for (let i = 0; i < expected.rgb.length; i += 3) {
    const [a, e] = [actual, expected].map(({ rgb }) => Buffer.from(rgb.subarray(i, i + 3)).toString('hex'));
    if (a === e) continue;
    if (count++ === 0) {
      const pixel = i / 3;
      first = `first at (${pixel % expected.width}, ${Math.floor(pixel / expected.width)}): #${a} instead of #${e}`;
    }
  }
  return `${count} of ${expected.width * expected.height} pixels differ, ${first}`;
}

/** Writes a picture to out/ for people to look at; returns the path. */
export function savePicture(name: string, { width, height, rgb }: RgbPicture): string {
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba.set(rgb.subarray(from, from + 3), to);
  }
  mkdirSync('out', { recursive: true });
  const path = join('out', `${name.replace(/[^\w.-]+/g, '-')}.png`);
  writeFileSync(path, encodePng(width, height, rgba));
  return path;
}

/** Pixel formats whose size in memory is known here: one plane, whole bytes per pixel. Others are not announced. */

export function fourcc(name: string): number {
  return (
    (name.charCodeAt(0) |
      (name.charCodeAt(1) << 8) |
      (name.charCodeAt(2) << 16) |
      (name.charCodeAt(3) << 24)) >>>
    0
  );
}

const FOUR_BYTES = 'AR24 XR24 AB24 XB24 RA24 RX24 BA24 BX24 AR30 XR30 AB30 XB30 RA30 RX30 BA30 BX30'.split(
  ' ',
);
const TWO_BYTES =
  'RG16 BG16 AR15 XR15 AB15 XB15 RA15 RX15 BA15 BX15 AR12 XR12 AB12 XB12 RA12 RX12 BA12 BX12'.split(' ');
const THREE_BYTES = 'RG24 BG24'.split(' ');
const EIGHT_BYTES = 'AB4H XB4H AR4H XR4H AB48 XB48 AR48 XR48'.split(' ');

const BYTES: ReadonlyMap<number, number> = new Map([
  ...FOUR_BYTES.map((name): [number, number] => [fourcc(name), 4]),
  ...TWO_BYTES.map((name): [number, number] => [fourcc(name), 2]),
  ...THREE_BYTES.map((name): [number, number] => [fourcc(name), 3]),
  ...EIGHT_BYTES.map((name): [number, number] => [fourcc(name), 8]),
]);

/** wl_shm has numbers of its own for these two. */
export const ARGB8888 = 0;
export const XRGB8888 = 1;

const ARGB8888_FOURCC = fourcc('AR24');
const XRGB8888_FOURCC = fourcc('XR24');

/** A format of wl_shm as DRM has it. */
export function shmFourcc(format: number): number {
  if (format === ARGB8888) return ARGB8888_FOURCC;
  return format === XRGB8888 ? XRGB8888_FOURCC : format;
}

/** Bytes of a pixel in a format of wl_shm; 0 when it is not known. */
export function shmPixelBytes(format: number): number {
  return BYTES.get(shmFourcc(format)) ?? 0;
}

/** Bytes of a pixel in a DRM format; 0 when it is not known. */
export function drmPixelBytes(format: number): number {
  return BYTES.get(format) ?? 0;
}

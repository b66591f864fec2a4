/**
 * Pixel formats (virtio 1.3, 5.7.6.8, enum virtio_gpu_formats). A name gives the order of the bytes in memory,
 * lowest address first; each pixel takes 4 bytes.
 */

export const VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM = 1;
export const VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM = 2;
export const VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM = 3;
export const VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM = 4;
export const VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM = 67;
export const VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM = 68;
export const VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM = 121;
export const VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM = 134;

/** Every format of the specification has 32 bits a pixel. */
export const BYTES_PER_PIXEL = 4;

/** How a format's bytes become B, G, R, A (a little-endian 0xAARRGGBB word). */
export interface PixelFormat {
  readonly name: string;
  /** Target byte i (0 = B, 1 = G, 2 = R, 3 = A) is source byte `(swizzle >> 2 * i) & 3`. */
  readonly swizzle: number;
}

/** The swizzle that changes nothing: the bytes are B, G, R, A/X already. */
export const SWIZZLE_IDENTITY = 0b11_10_01_00;
const SWIZZLE_ARGB = 0b00_01_10_11;
const SWIZZLE_RGBA = 0b11_00_01_10;
const SWIZZLE_ABGR = 0b00_11_10_01;

/** All formats that a 2D resource can have, by VIRTIO_GPU_FORMAT_* value. */
export const PIXEL_FORMATS: ReadonlyMap<number, PixelFormat> = new Map([
  [VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, { name: 'B8G8R8A8', swizzle: SWIZZLE_IDENTITY }],
  [VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, { name: 'B8G8R8X8', swizzle: SWIZZLE_IDENTITY }],
  [VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, { name: 'A8R8G8B8', swizzle: SWIZZLE_ARGB }],
  [VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, { name: 'X8R8G8B8', swizzle: SWIZZLE_ARGB }],
  [VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, { name: 'R8G8B8A8', swizzle: SWIZZLE_RGBA }],
  [VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, { name: 'X8B8G8R8', swizzle: SWIZZLE_ABGR }],
  [VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, { name: 'A8B8G8R8', swizzle: SWIZZLE_ABGR }],
  [VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, { name: 'R8G8B8X8', swizzle: SWIZZLE_RGBA }],
]);

/** The format's description. RangeError for a number that is not a format: check guest input before. */
export function pixelFormat(format: number): PixelFormat {
  const found = PIXEL_FORMATS.get(format);
  if (found === undefined) throw new RangeError(`${format} is not a VIRTIO_GPU_FORMAT`);
  return found;
}

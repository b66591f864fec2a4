/**
 * The guest's pixel formats as the compositor calls them. A screen has no alpha: what a format says of it is left
 * out, so that a guest's garbage there does not make the window transparent.
 */
import {
  VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
  VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM,
  VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM,
  VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM,
} from '../../virtio-gpu/index.js';

/** DRM's codes (drm_fourcc.h). They name the bits of a little-endian word from the highest down, virtio's names the bytes. */
const DRM_FORMAT_XRGB8888 = 0x34325258;
const DRM_FORMAT_XBGR8888 = 0x34324258;
const DRM_FORMAT_RGBX8888 = 0x34325852;
const DRM_FORMAT_BGRX8888 = 0x34325842;

/** wl_shm.format.xrgb8888: the one format besides argb8888 that has a number of its own, and that all compositors have. */
export const SHM_XRGB8888 = 1;

const FOURCC: ReadonlyMap<number, number> = new Map([
  [VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, DRM_FORMAT_XRGB8888],
  [VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, DRM_FORMAT_XRGB8888],
  [VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, DRM_FORMAT_XBGR8888],
  [VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, DRM_FORMAT_XBGR8888],
  [VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, DRM_FORMAT_BGRX8888],
  [VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, DRM_FORMAT_BGRX8888],
  [VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, DRM_FORMAT_RGBX8888],
  [VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, DRM_FORMAT_RGBX8888],
]);

/** The opaque DRM format with the same bytes. RangeError for what is no VIRTIO_GPU_FORMAT. */
export function drmFormat(format: number): number {
  const fourcc = FOURCC.get(format);
  if (fourcc === undefined) throw new RangeError(`${format} is not a VIRTIO_GPU_FORMAT`);
  return fourcc;
}

/** The same as wl_shm numbers it. */
export function shmFormat(format: number): number {
  const fourcc = drmFormat(format);
  return fourcc === DRM_FORMAT_XRGB8888 ? SHM_XRGB8888 : fourcc;
}

/** Commands that put resources on scanouts and present them (virtio 1.3, 5.7.6.8). */
import { insideBounds } from '../rect.js';
import type { PictureLayout } from '../resource/shown-buffer.js';
import {
  BAD_DIMENSIONS,
  BAD_FORMAT,
  BAD_LAYOUT,
  BLOB_NOT_MAPPED,
  type GpuResult,
  IS_A_BLOB,
  NO_SUCH_RESOURCE,
  NO_SUCH_SCANOUT,
  NOT_A_BLOB,
  OK_NODATA,
  okWhen,
  RECT_EMPTY,
  RECT_OUTSIDE,
  TOO_MUCH_MEMORY,
} from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_SET_SCANOUT,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_F_RESOURCE_BLOB,
} from '../wire/constants.js';
import { BYTES_PER_PIXEL, PIXEL_FORMATS } from '../wire/formats.js';
import { ResourceFlushBody, SetScanoutBlobBody, SetScanoutBody } from '../wire/structs.js';
import { type Command, command, type Request } from './command.js';

/** Resource id 0 turns the scanout off, whatever the rectangle says. */
function setScanout(vm: VmState, body: SetScanoutBody): GpuResult {
  const { r, scanoutId, resourceId } = body;
  if (scanoutId >= vm.displayInfo.scanoutCount) return NO_SUCH_SCANOUT;
  if (resourceId === 0) {
    vm.scanouts.disable(scanoutId);
    return OK_NODATA;
  }
  const resource = vm.resources.find(resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  // Nothing says how the pixels lie in it.
  if (resource.kind === 'blob') return IS_A_BLOB;
  if (r.width === 0 || r.height === 0) return RECT_EMPTY;
  if (!insideBounds(r, resource.buffer.width, resource.buffer.height)) return RECT_OUTSIDE;
  return vm.scanouts.show(scanoutId, resource, resource.buffer, r) ? OK_NODATA : TOO_MUCH_MEMORY;
}

/** The layout of the only plane; or a refusal when that does not lie inside a blob of `blobBytes`. */
function layoutOf(vm: VmState, body: SetScanoutBlobBody, blobBytes: number): PictureLayout | GpuResult {
  const { width, height, format } = body;
  const { maxDimension } = vm.limits;
  if (!PIXEL_FORMATS.has(format)) return BAD_FORMAT;
  if (width === 0 || height === 0 || width > maxDimension || height > maxDimension) return BAD_DIMENSIONS;
  const strideBytes = body.strides[0] as number;
  const offsetBytes = body.offsets[0] as number;
  const rowBytes = width * BYTES_PER_PIXEL;
  // Displays take whole pixels only.
  if (strideBytes % BYTES_PER_PIXEL !== 0 || offsetBytes % BYTES_PER_PIXEL !== 0) return BAD_LAYOUT;
  if (strideBytes < rowBytes) return BAD_LAYOUT;
  if (offsetBytes + strideBytes * (height - 1) + rowBytes > blobBytes) return BAD_LAYOUT;
  return { width, height, format, strideBytes, offsetBytes };
}

function setScanoutBlob(vm: VmState, body: SetScanoutBlobBody): GpuResult {
  const { r, scanoutId, resourceId } = body;
  if (scanoutId >= vm.displayInfo.scanoutCount) return NO_SUCH_SCANOUT;
  if (resourceId === 0) {
    vm.scanouts.disable(scanoutId);
    return OK_NODATA;
  }
  const blob = vm.resources.find(resourceId);
  if (blob === undefined) return NO_SUCH_RESOURCE;
  if (blob.kind !== 'blob') return NOT_A_BLOB;
  const layout = layoutOf(vm, body, blob.bytes);
  if ('kind' in layout) return layout;
  if (r.width === 0 || r.height === 0) return RECT_EMPTY;
  if (!insideBounds(r, layout.width, layout.height)) return RECT_OUTSIDE;
  const picture = blob.picture(layout, vm.shadows);
  if (picture === null) return BLOB_NOT_MAPPED;
  return vm.scanouts.show(scanoutId, blob, picture, r) ? OK_NODATA : TOO_MUCH_MEMORY;
}

/**
 * A driver that waits for the fence draws into what it showed before as soon as it has the answer. (A blob has no size
 * in pixels of its own; of a rectangle that is too large only what is there is drawn.)
 */
function flushResource(vm: VmState, body: ResourceFlushBody, { fenced }: Request): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  if (resource.kind === '2d' && !insideBounds(body.r, resource.buffer.width, resource.buffer.height)) {
    return RECT_OUTSIDE;
  }
  vm.scanouts.flush(resource, body.r);
  if (!fenced || resource.scanoutMask === 0) return OK_NODATA;
  return okWhen((done) => vm.scanouts.whenShown(resource, done));
}

export const scanoutCommands: readonly Command[] = [
  command(VIRTIO_GPU_CMD_SET_SCANOUT, SetScanoutBody, setScanout),
  command(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, SetScanoutBlobBody, setScanoutBlob, VIRTIO_GPU_F_RESOURCE_BLOB),
  command(VIRTIO_GPU_CMD_RESOURCE_FLUSH, ResourceFlushBody, flushResource),
];

/** Commands that put resources on scanouts and present them (virtio 1.3, 5.7.6.8). */
import { insideBounds } from '../rect.js';
import {
  type GpuResult,
  NO_SUCH_RESOURCE,
  NO_SUCH_SCANOUT,
  OK_NODATA,
  RECT_EMPTY,
  RECT_OUTSIDE,
} from '../result.js';
import type { VmState } from '../vm-state.js';
import { VIRTIO_GPU_CMD_RESOURCE_FLUSH, VIRTIO_GPU_CMD_SET_SCANOUT } from '../wire/constants.js';
import { ResourceFlushBody, SetScanoutBody } from '../wire/structs.js';
import { type Command, command } from './command.js';

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
  if (r.width === 0 || r.height === 0) return RECT_EMPTY;
  if (!insideBounds(r, resource.buffer.width, resource.buffer.height)) return RECT_OUTSIDE;
  vm.scanouts.show(scanoutId, resource, r);
  return OK_NODATA;
}

function flushResource(vm: VmState, body: ResourceFlushBody): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  if (!insideBounds(body.r, resource.buffer.width, resource.buffer.height)) return RECT_OUTSIDE;
  vm.scanouts.flush(resource, body.r);
  return OK_NODATA;
}

export const scanoutCommands: readonly Command[] = [
  command(VIRTIO_GPU_CMD_SET_SCANOUT, SetScanoutBody, setScanout),
  command(VIRTIO_GPU_CMD_RESOURCE_FLUSH, ResourceFlushBody, flushResource),
];

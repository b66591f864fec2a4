/** Commands that make, back, fill and destroy resources (virtio 1.3, 5.7.6.8). */
import { randomBytes } from 'node:crypto';
import { insideBounds } from '../rect.js';
import { readEntries } from '../resource/backing.js';
import {
  ALREADY_BACKED,
  ENTRY_OUTSIDE,
  type GpuResult,
  IS_A_BLOB,
  NO_ENTRIES,
  NO_SUCH_RESOURCE,
  NOT_BACKED,
  OFFSET_OUTSIDE,
  OK_NODATA,
  okWith,
  RECT_OUTSIDE,
  SHORT_COMMAND,
  TOO_MANY_ENTRIES,
} from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
  VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
  VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
  VIRTIO_GPU_CMD_RESOURCE_UNREF,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
  VIRTIO_GPU_F_RESOURCE_UUID,
  VIRTIO_GPU_RESP_OK_RESOURCE_UUID,
} from '../wire/constants.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import {
  MemEntry,
  ResourceAttachBackingBody,
  ResourceBody,
  ResourceCreate2dBody,
  ResourceUuidBody,
  TransferToHost2dBody,
} from '../wire/structs.js';
import { type Command, command, HEADER_BYTES, type Request } from './command.js';

/** A copy of that much takes longer than some dozen other commands: cursors don't wait for a second one. */
const LONG_COPY_BYTES = 512 * 1024;

function createResource2d(vm: VmState, body: ResourceCreate2dBody): GpuResult {
  return vm.resources.create2d(body.resourceId, body.format, body.width, body.height) ?? OK_NODATA;
}

/** A resource that is shown is taken off its scanouts first. */
function unrefResource(vm: VmState, body: ResourceBody): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  vm.scanouts.disableAllOf(resource);
  vm.contexts.forget(resource);
  vm.resources.destroy(resource);
  return OK_NODATA;
}

function attachBacking(vm: VmState, body: ResourceAttachBackingBody, request: Request): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  if (resource.kind === 'blob') return IS_A_BLOB;
  if (resource.backing !== null) return ALREADY_BACKED;
  const { nrEntries } = body;
  if (nrEntries === 0) return NO_ENTRIES;
  const entriesOffset = HEADER_BYTES + ResourceAttachBackingBody.size;
  // The claim is held against the bytes that are really there before anything is allocated for it.
  if (nrEntries * MemEntry.size > request.chain.readableBytes - entriesOffset) return SHORT_COMMAND;
  if (nrEntries > vm.limits.maxBackingEntries) return TOO_MANY_ENTRIES;
  const ranges = readEntries(request.chain, entriesOffset, nrEntries);
  if (!(ranges instanceof Float64Array)) return ranges;
  return vm.resources.attachBacking(resource, ranges, vm.frontEnd.memory) ?? OK_NODATA;
}

function detachBacking(vm: VmState, body: ResourceBody): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  if (resource.kind === 'blob') return IS_A_BLOB;
  const { showsPages } = resource.buffer;
  const refused = vm.resources.detachBacking(resource);
  if (refused !== null) return refused;
  // The guest does with those pages what it likes from now on: whoever shows them shows our copy instead.
  if (showsPages) vm.scanouts.announce(resource);
  return OK_NODATA;
}

/**
 * `offset` is where the rectangle's first pixel lies in the backing; its rows are as far apart there as the
 * rows of the resource. All of it must lie inside the backing, or nothing is copied.
 */
function transferToHost2d(vm: VmState, body: TransferToHost2dBody, request: Request): GpuResult {
  const { r, offset } = body;
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  // Linux sends it for each buffer that it draws into, blobs of guest memory among them: there is nothing to do.
  if (resource.kind === 'blob') return resource.pages === null ? IS_A_BLOB : OK_NODATA;
  const { buffer, backing } = resource;
  if (backing === null) return NOT_BACKED;
  if (!insideBounds(r, buffer.width, buffer.height)) return RECT_OUTSIDE;
  const table = backing.table(vm.frontEnd.memory);
  if (table === null) return ENTRY_OUTSIDE;
  if (r.width === 0 || r.height === 0) return offset <= table.length ? OK_NODATA : OFFSET_OUTSIDE;
  const stride = buffer.strideBytes;
  const rowBytes = r.width * BYTES_PER_PIXEL;
  if (offset + (r.height - 1) * stride + rowBytes > table.length) return OFFSET_OUTSIDE;
  if (offset !== r.y * stride + r.x * BYTES_PER_PIXEL) buffer.hidePages();
  buffer.prepareWrite(r);
  const target = buffer.offsetBytes + r.y * stride + r.x * BYTES_PER_PIXEL;
  const bytes = rowBytes * r.height;
  if (rowBytes === stride) {
    table.readRows(offset, bytes, buffer.memory, target, bytes, bytes, 1);
  } else {
    table.readRows(offset, stride, buffer.memory, target, stride, rowBytes, r.height);
  }
  vm.metrics.transferBytes += bytes;
  if (bytes >= LONG_COPY_BYTES) request.tookLong();
  return OK_NODATA;
}

/** A random (version 4, RFC 9562) UUID; the resource keeps it. */
function newUuid(): Uint8Array {
  const uuid = new Uint8Array(randomBytes(16));
  uuid[6] = ((uuid[6] as number) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] as number) & 0x3f) | 0x80;
  return uuid;
}

function assignUuid(vm: VmState, body: ResourceBody): GpuResult {
  const resource = vm.resources.find(body.resourceId);
  if (resource === undefined) return NO_SUCH_RESOURCE;
  resource.uuid ??= newUuid();
  return okWith(VIRTIO_GPU_RESP_OK_RESOURCE_UUID, ResourceUuidBody.encode({ uuid: resource.uuid }));
}

export const resourceCommands: readonly Command[] = [
  command(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, ResourceCreate2dBody, createResource2d),
  command(VIRTIO_GPU_CMD_RESOURCE_UNREF, ResourceBody, unrefResource),
  command(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, ResourceAttachBackingBody, attachBacking),
  command(VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, ResourceBody, detachBacking),
  command(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, TransferToHost2dBody, transferToHost2d),
  command(VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, ResourceBody, assignUuid, VIRTIO_GPU_F_RESOURCE_UUID),
];

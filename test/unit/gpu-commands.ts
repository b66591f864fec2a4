/** Encodes virtio-gpu requests and decodes responses, for the tests of the device. */
import { viewOf } from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';

export interface Fence {
  readonly flags?: number;
  readonly fenceId?: bigint;
  readonly ctxId?: number;
  readonly ringIdx?: number;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const HEADER_BYTES = wire.CtrlHdr.size;

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function header(type: number, fence: Fence = {}): Uint8Array {
  const { flags = 0, fenceId = 0n, ctxId = 0, ringIdx = 0 } = fence;
  return wire.CtrlHdr.encode({ type, flags, fenceId, ctxId, ringIdx, padding: new Uint8Array(3) });
}

export function create2d(resourceId: number, width: number, height: number, format = 2): Uint8Array {
  const body = wire.ResourceCreate2dBody.encode({ resourceId, format, width, height });
  return concat(header(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D), body);
}

/** UNREF, DETACH_BACKING, ASSIGN_UUID. */
export function onResource(type: number, resourceId: number): Uint8Array {
  return concat(header(type), wire.ResourceBody.encode({ resourceId, padding: 0 }));
}

export function unref(resourceId: number): Uint8Array {
  return onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF, resourceId);
}

export function attach(
  resourceId: number,
  entries: readonly (readonly [addr: number, length: number])[],
  nrEntries = entries.length,
): Uint8Array {
  return concat(
    header(gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING),
    wire.ResourceAttachBackingBody.encode({ resourceId, nrEntries }),
    ...entries.map(([addr, length]) => wire.MemEntry.encode({ addr, length, padding: 0 })),
  );
}

export function detach(resourceId: number): Uint8Array {
  return onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, resourceId);
}

export function setScanout(scanoutId: number, resourceId: number, r: Rect): Uint8Array {
  const body = wire.SetScanoutBody.encode({ r, scanoutId, resourceId });
  return concat(header(gpu.VIRTIO_GPU_CMD_SET_SCANOUT), body);
}

export function flush(resourceId: number, r: Rect): Uint8Array {
  const body = wire.ResourceFlushBody.encode({ r, resourceId, padding: 0 });
  return concat(header(gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH), body);
}

export function transfer(resourceId: number, r: Rect, offset = 0): Uint8Array {
  const body = wire.TransferToHost2dBody.encode({ r, offset, resourceId, padding: 0 });
  return concat(header(gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D), body);
}

export interface BlobArguments {
  readonly blobMem?: number;
  readonly blobFlags?: number;
  readonly blobId?: bigint;
  readonly size?: number;
  readonly entries?: readonly (readonly [addr: number, length: number])[];
  readonly nrEntries?: number;
  readonly ctxId?: number;
}

/** A mappable blob on the host of a page, unless the arguments say otherwise. */
export function createBlob(resourceId: number, args: BlobArguments = {}): Uint8Array {
  const { blobMem = 2, blobFlags = 1, blobId = 0n, size = 4096, entries = [], ctxId = 0 } = args;
  const nrEntries = args.nrEntries ?? entries.length;
  return concat(
    header(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, { ctxId }),
    wire.ResourceCreateBlobBody.encode({ resourceId, blobMem, blobFlags, nrEntries, blobId, size }),
    ...entries.map(([addr, length]) => wire.MemEntry.encode({ addr, length, padding: 0 })),
  );
}

/** A blob of guest memory. */
export function guestBlob(
  resourceId: number,
  entries: readonly (readonly [addr: number, length: number])[],
  size = entries.reduce((sum, [, length]) => sum + length, 0),
): Uint8Array {
  return createBlob(resourceId, { blobMem: 1, blobFlags: 2, entries, size });
}

export function mapBlob(resourceId: number, offset: number): Uint8Array {
  const body = wire.ResourceMapBlobBody.encode({ resourceId, padding: 0, offset });
  return concat(header(gpu.VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB), body);
}

export function unmapBlob(resourceId: number): Uint8Array {
  return onResource(gpu.VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, resourceId);
}

export interface BlobPicture {
  readonly width: number;
  readonly height: number;
  readonly stride?: number;
  readonly offset?: number;
  readonly format?: number;
  readonly r?: Rect;
}

export function setScanoutBlob(scanoutId: number, resourceId: number, picture: BlobPicture): Uint8Array {
  const { width, height, stride = width * 4, offset = 0, format = 2 } = picture;
  const r = picture.r ?? rect(width, height);
  const strides = [stride, 0, 0, 0];
  const offsets = [offset, 0, 0, 0];
  const body = { r, scanoutId, resourceId, width, height, format, padding: 0, strides, offsets };
  return concat(header(gpu.VIRTIO_GPU_CMD_SET_SCANOUT_BLOB), wire.SetScanoutBlobBody.encode(body));
}

export function getEdid(scanout: number): Uint8Array {
  return concat(header(gpu.VIRTIO_GPU_CMD_GET_EDID), wire.GetEdidBody.encode({ scanout, padding: 0 }));
}

export interface CursorArguments {
  readonly scanoutId?: number;
  readonly x?: number;
  readonly y?: number;
  readonly resourceId?: number;
  readonly hotX?: number;
  readonly hotY?: number;
}

export function cursor(type: number, args: CursorArguments): Uint8Array {
  const { scanoutId = 0, x = 0, y = 0, resourceId = 0, hotX = 0, hotY = 0 } = args;
  const pos = { scanoutId, x: x >>> 0, y: y >>> 0, padding: 0 };
  const body = wire.UpdateCursorBody.encode({ pos, resourceId, hotX, hotY, padding: 0 });
  return concat(header(type), body);
}

/** `rect(w, h)` at the origin, `rect(x, y, w, h)` anywhere. */
export function rect(...n: readonly number[]): Rect {
  const [x = 0, y = 0, width = 0, height = 0] = n.length === 2 ? [0, 0, ...n] : n;
  return { x, y, width, height };
}

/** The response's type; 0 when there is no whole header. */
export function typeOf(response: Uint8Array): number {
  return response.length < HEADER_BYTES ? 0 : viewOf(response).getUint32(0, true);
}

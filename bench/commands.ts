/** Commands of virtio-gpu as the benchmark's driver sends them. */
import * as gpu from '../src/virtio-gpu/wire/constants.js';
import {
  VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from '../src/virtio-gpu/wire/formats.js';
import * as wire from '../src/virtio-gpu/wire/structs.js';
import type { Picture, Rect } from './picture.js';

/** One command: what it consists of, and what must be answered. */
export interface Command {
  readonly request: Uint8Array;
  /** Goes in a descriptor of its own behind the request. */
  readonly data?: Uint8Array;
  /** Type of the response; 0 = it has none (cursor queue). */
  readonly answer: number;
  /** Room for the response, bytes. */
  readonly answerBytes: number;
}

type HeaderFields = Partial<Parameters<typeof wire.CtrlHdr.encode>[0]>;

export function header(type: number, fields: HeaderFields = {}): Uint8Array {
  const plain = { type, flags: 0, fenceId: 0n, ctxId: 0, ringIdx: 0, padding: new Uint8Array(3) };
  return wire.CtrlHdr.encode({ ...plain, ...fields });
}

/** A command that is answered without data. */
export function command(
  type: number,
  body: Uint8Array,
  data?: Uint8Array,
  fields: HeaderFields = {},
): Command {
  const request = Buffer.concat([header(type, fields), body]);
  const answer = gpu.VIRTIO_GPU_RESP_OK_NODATA;
  return { request, ...(data === undefined ? {} : { data }), answer, answerBytes: wire.CtrlHdr.size };
}

export function getDisplayInfo(): Command {
  return {
    request: header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO),
    answer: gpu.VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
    answerBytes: wire.CtrlHdr.size + wire.DisplayInfoBody.size,
  };
}

export function create(resourceId: number, picture: Picture): Command {
  const { width, height } = picture;
  const format = picture.alpha ? VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM : VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
  const body = wire.ResourceCreate2dBody.encode({ resourceId, format, width, height });
  return command(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, body);
}

export function attach(resourceId: number, picture: Picture): Command {
  const { entries } = picture;
  const body = wire.ResourceAttachBackingBody.encode({
    resourceId,
    nrEntries: entries.length / wire.MemEntry.size,
  });
  return command(gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, body, entries);
}

export function detach(resourceId: number): Command {
  return command(
    gpu.VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
    wire.ResourceBody.encode({ resourceId, padding: 0 }),
  );
}

export function unref(resourceId: number): Command {
  return command(gpu.VIRTIO_GPU_CMD_RESOURCE_UNREF, wire.ResourceBody.encode({ resourceId, padding: 0 }));
}

export function setScanout(resourceId: number, r: Rect): Command {
  const body = wire.SetScanoutBody.encode({ r, scanoutId: 0, resourceId });
  return command(gpu.VIRTIO_GPU_CMD_SET_SCANOUT, body);
}

export function transfer(resourceId: number, picture: Picture, r: Rect): Command {
  const offset = (r.y * picture.width + r.x) * 4;
  const body = wire.TransferToHost2dBody.encode({ r, offset, resourceId, padding: 0 });
  return command(gpu.VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, body);
}

export function flush(resourceId: number, r: Rect): Command {
  const body = wire.ResourceFlushBody.encode({ r, resourceId, padding: 0 });
  return command(gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH, body);
}

/** A flush whose answer tells that the picture was shown and the one before it is free. */
export function fencedFlush(resourceId: number, r: Rect): Command {
  const body = wire.ResourceFlushBody.encode({ r, resourceId, padding: 0 });
  const fence = { flags: gpu.VIRTIO_GPU_FLAG_FENCE, fenceId: 1n };
  return command(gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH, body, undefined, fence);
}

function cursorCommand(type: number, resourceId: number, x: number, y: number): Command {
  const pos = { scanoutId: 0, x, y, padding: 0 };
  const body = wire.UpdateCursorBody.encode({ pos, resourceId, hotX: 0, hotY: 0, padding: 0 });
  return { request: Buffer.concat([header(type), body]), answer: 0, answerBytes: 0 };
}

export function updateCursor(resourceId: number, x: number, y: number): Command {
  return cursorCommand(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, resourceId, x, y);
}

export function moveCursor(x: number, y: number): Command {
  return cursorCommand(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, 0, x, y);
}

/** QEMU's answer to GET_DISPLAY_INFO: one output. */
export function displayInfoAnswer(width: number, height: number): Uint8Array {
  const off = { r: { x: 0, y: 0, width: 0, height: 0 }, enabled: 0, flags: 0 };
  const on = { r: { x: 0, y: 0, width, height }, enabled: 1, flags: 0 };
  const pmodes = Array.from({ length: gpu.VIRTIO_GPU_MAX_SCANOUTS }, (_, i) => (i === 0 ? on : off));
  return Buffer.concat([
    header(gpu.VIRTIO_GPU_RESP_OK_DISPLAY_INFO),
    wire.DisplayInfoBody.encode({ pmodes }),
  ]);
}

/** QEMU's answer to GET_EDID: a block whose checksum is right. */
export function edidAnswer(): Uint8Array {
  const edid = new Uint8Array(wire.EDID_BYTES_MAX);
  edid.set([0, 255, 255, 255, 255, 255, 255, 0]);
  edid[127] = -edid.reduce((sum, byte) => sum + byte, 0) & 0xff;
  const body = wire.EdidBody.encode({ size: 128, padding: 0, edid });
  return Buffer.concat([header(gpu.VIRTIO_GPU_RESP_OK_EDID), body]);
}

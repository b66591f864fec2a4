/**
 * Messages of the vhost-user-gpu protocol (QEMU, docs/interop/vhost-user-gpu): what the back-end tells the
 * display, the three questions that it may ask, and the answer to a dma-buf's update. Data only, no I/O.
 *
 * A message is a 12-byte header and a payload. Numbers are in the machine's byte order, which is little-endian
 * wherever this runs.
 */
import { type Infer, i32, struct, u32, u64big, viewOf } from 'vhost-user-ts';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import { CtrlHdr, DisplayInfoBody, EdidBody } from '../wire/structs.js';

export const VHOST_USER_GPU_GET_PROTOCOL_FEATURES = 1;
export const VHOST_USER_GPU_SET_PROTOCOL_FEATURES = 2;
export const VHOST_USER_GPU_GET_DISPLAY_INFO = 3;
export const VHOST_USER_GPU_CURSOR_POS = 4;
export const VHOST_USER_GPU_CURSOR_POS_HIDE = 5;
export const VHOST_USER_GPU_CURSOR_UPDATE = 6;
export const VHOST_USER_GPU_SCANOUT = 7;
export const VHOST_USER_GPU_UPDATE = 8;
export const VHOST_USER_GPU_DMABUF_SCANOUT = 9;
export const VHOST_USER_GPU_DMABUF_UPDATE = 10;
export const VHOST_USER_GPU_GET_EDID = 11;
export const VHOST_USER_GPU_DMABUF_SCANOUT2 = 12;

/** Bit of `flags`: this answers a question. All other bits are 0. */
export const VHOST_USER_GPU_FLAG_REPLY = 0x4;

/** Bit of the protocol features: GET_EDID is answered. */
export const VHOST_USER_GPU_PROTOCOL_F_EDID = 0;
/** DMABUF_SCANOUT2 is understood. (DMABUF_SCANOUT always is.) */
export const VHOST_USER_GPU_PROTOCOL_F_DMABUF2 = 1;

export const GpuMessageHeader = struct('vhost_user_gpu_header', { request: u32, flags: u32, size: u32 });
export type GpuMessageHeader = Infer<typeof GpuMessageHeader>;

/** The position may be negative. QEMU declares it unsigned, and passes it on as a signed number. */
export const GpuCursorPos = struct('vhost_user_gpu_cursor_pos', { scanoutId: u32, x: i32, y: i32 });

/** 64 x 64 pixels follow, rows from the top, each a 0xAARRGGBB word. */
export const GpuCursorUpdateHead = struct('vhost_user_gpu_cursor_update', {
  pos: GpuCursorPos,
  hotX: u32,
  hotY: u32,
});

/** Width and height 0 turn the scanout off. */
export const GpuScanout = struct('vhost_user_gpu_scanout', { scanoutId: u32, width: u32, height: u32 });

/** `width * height` pixels follow, rows from the top without gaps: the bytes B, G, R and one without meaning. */
export const GpuUpdateHead = struct('vhost_user_gpu_update', {
  scanoutId: u32,
  x: u32,
  y: u32,
  width: u32,
  height: u32,
});

/** A picture in a dma-buf, whose descriptor rides on the message; without one the scanout shows none any more. */
export const GpuDmabufScanout = struct('vhost_user_gpu_dmabuf_scanout', {
  scanoutId: u32,
  /** The part that is shown. QEMU shows the whole of it. */
  x: u32,
  y: u32,
  width: u32,
  height: u32,
  fdWidth: u32,
  fdHeight: u32,
  fdStride: u32,
  /** Bit 0: OpenGL drew it, so its first row is the lowest one. */
  fdFlags: u32,
  /** A DRM_FORMAT_* code. */
  fourcc: u32,
});
const GpuDmabufModifier = struct('vhost_user_gpu_dmabuf_modifier', { modifier: u64big });
/** DRM_FORMAT_MOD_LINEAR: rows from the top, one after the other. */
const MODIFIER_LINEAR = 0n;

const GpuEdidRequest = struct('vhost_user_gpu_edid_request', { scanoutId: u32 });
const GpuFeatures = struct('vhost_user_gpu_features', { features: u64big });

/** Width and height of the cursor, in pixels: the protocol knows one size only. */
export const CURSOR_SIZE = 64;
export const CURSOR_BYTES = CURSOR_SIZE * CURSOR_SIZE * BYTES_PER_PIXEL;

export const CURSOR_POS_MESSAGE_BYTES = GpuMessageHeader.size + GpuCursorPos.size;
export const CURSOR_UPDATE_MESSAGE_BYTES = GpuMessageHeader.size + GpuCursorUpdateHead.size + CURSOR_BYTES;
export const SCANOUT_MESSAGE_BYTES = GpuMessageHeader.size + GpuScanout.size;
/** Without the pixels. */
export const UPDATE_HEAD_BYTES = GpuMessageHeader.size + GpuUpdateHead.size;

/** Payload sizes of the answers, in bytes. No answer is longer or shorter. */
export const REPLY_BYTES: ReadonlyMap<number, number> = new Map([
  [VHOST_USER_GPU_GET_PROTOCOL_FEATURES, GpuFeatures.size],
  [VHOST_USER_GPU_GET_DISPLAY_INFO, CtrlHdr.size + DisplayInfoBody.size],
  [VHOST_USER_GPU_DMABUF_UPDATE, 0],
  [VHOST_USER_GPU_GET_EDID, CtrlHdr.size + EdidBody.size],
]);

export const REPLY_BYTES_MAX = Math.max(...REPLY_BYTES.values());

/** Writes a header with flags 0 at `offset`; `size` is the payload's, in bytes. Returns the payload's offset. */
export function writeHeader(view: DataView, offset: number, request: number, size: number): number {
  GpuMessageHeader.write(view, offset, { request, flags: 0, size });
  return offset + GpuMessageHeader.size;
}

/** Writes SCANOUT at `offset`; returns the offset after it. */
export function writeScanout(
  view: DataView,
  offset: number,
  scanoutId: number,
  width: number,
  height: number,
): number {
  const at = writeHeader(view, offset, VHOST_USER_GPU_SCANOUT, GpuScanout.size);
  GpuScanout.write(view, at, { scanoutId, width, height });
  return at + GpuScanout.size;
}

/** Writes UPDATE without its pixels at `offset`; returns the offset after it. */
export function writeUpdateHead(
  view: DataView,
  offset: number,
  scanoutId: number,
  rect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): number {
  const { x, y, width, height } = rect;
  const at = writeHeader(
    view,
    offset,
    VHOST_USER_GPU_UPDATE,
    GpuUpdateHead.size + width * height * BYTES_PER_PIXEL,
  );
  GpuUpdateHead.write(view, at, { scanoutId, x, y, width, height });
  return at + GpuUpdateHead.size;
}

function message(request: number, size: number): { data: Uint8Array; view: DataView; at: number } {
  const data = new Uint8Array(GpuMessageHeader.size + size);
  const view = viewOf(data);
  return { data, view, at: writeHeader(view, 0, request, size) };
}

/** SCANOUT that turns the scanout off. */
export function encodeScanoutOff(scanoutId: number): Uint8Array {
  const data = new Uint8Array(SCANOUT_MESSAGE_BYTES);
  writeScanout(viewOf(data), 0, scanoutId, 0, 0);
  return data;
}

/** A linear picture in a dma-buf. */
export interface DmabufPicture {
  /** In pixels; all of it is shown. */
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  /** A DRM_FORMAT_* code. */
  readonly fourcc: number;
}

/** DMABUF_SCANOUT2, or DMABUF_SCANOUT for a peer that knows no modifiers. The descriptor goes with it. */
export function encodeDmabufScanout(
  scanoutId: number,
  picture: DmabufPicture,
  hasModifier: boolean,
): Uint8Array {
  const { width, height, strideBytes, fourcc } = picture;
  const { data, view, at } = hasModifier
    ? message(VHOST_USER_GPU_DMABUF_SCANOUT2, GpuDmabufScanout.size + GpuDmabufModifier.size)
    : message(VHOST_USER_GPU_DMABUF_SCANOUT, GpuDmabufScanout.size);
  GpuDmabufScanout.write(view, at, {
    scanoutId,
    x: 0,
    y: 0,
    width,
    height,
    fdWidth: width,
    fdHeight: height,
    fdStride: strideBytes,
    fdFlags: 0,
    fourcc,
  });
  if (hasModifier) {
    GpuDmabufModifier.write(view, at + GpuDmabufScanout.size, { modifier: MODIFIER_LINEAR });
  }
  return data;
}

/** DMABUF_SCANOUT that takes the dma-buf off the scanout; no descriptor goes with it. */
export function encodeDmabufOff(scanoutId: number): Uint8Array {
  return encodeDmabufScanout(scanoutId, { width: 0, height: 0, strideBytes: 0, fourcc: 0 }, false);
}

/** DMABUF_UPDATE: that part of the dma-buf changed. */
export function encodeDmabufUpdate(
  scanoutId: number,
  rect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Uint8Array {
  const { x, y, width, height } = rect;
  const { data, view, at } = message(VHOST_USER_GPU_DMABUF_UPDATE, GpuUpdateHead.size);
  GpuUpdateHead.write(view, at, { scanoutId, x, y, width, height });
  return data;
}

export function encodeGetProtocolFeatures(): Uint8Array {
  return message(VHOST_USER_GPU_GET_PROTOCOL_FEATURES, 0).data;
}

export function encodeSetProtocolFeatures(features: bigint): Uint8Array {
  const { data, view, at } = message(VHOST_USER_GPU_SET_PROTOCOL_FEATURES, GpuFeatures.size);
  GpuFeatures.write(view, at, { features });
  return data;
}

export function encodeGetDisplayInfo(): Uint8Array {
  return message(VHOST_USER_GPU_GET_DISPLAY_INFO, 0).data;
}

export function encodeGetEdid(scanoutId: number): Uint8Array {
  const { data, view, at } = message(VHOST_USER_GPU_GET_EDID, GpuEdidRequest.size);
  GpuEdidRequest.write(view, at, { scanoutId });
  return data;
}

/** The answer to GET_PROTOCOL_FEATURES. */
export function decodeProtocolFeatures(payload: Uint8Array): bigint {
  return GpuFeatures.read(viewOf(payload)).features;
}

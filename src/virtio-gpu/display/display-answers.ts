/**
 * What QEMU answers to GET_DISPLAY_INFO and GET_EDID, checked. The sizes of the payloads were checked by the
 * reader; an answer that makes no sense is null here, and the device uses its own.
 */
import { viewOf } from 'vhost-user-ts';
import { VIRTIO_GPU_RESP_OK_DISPLAY_INFO, VIRTIO_GPU_RESP_OK_EDID } from '../wire/constants.js';
import { CtrlHdr, DisplayInfoBody, EDID_BYTES_MAX, EdidBody } from '../wire/structs.js';

/** What the user's display would like one scanout to be. */
export interface DisplayMode {
  /** Place among the other scanouts, in pixels. */
  readonly x: number;
  readonly y: number;
  /** In pixels, 0 to 16384; 1 at least when enabled. */
  readonly width: number;
  readonly height: number;
  readonly enabled: boolean;
  readonly flags: number;
}

/** One for each of the 16 scanouts that the specification allows. */
export type DisplayModes = readonly DisplayMode[];

const DIMENSION_MAX = 16384;
const EDID_BLOCK_BYTES = 128;
/** Where an EDID's first block says how many blocks follow. */
const EDID_EXTENSIONS_AT = 126;

function isSane(mode: DisplayMode): boolean {
  if (mode.width > DIMENSION_MAX || mode.height > DIMENSION_MAX) return false;
  return !mode.enabled || (mode.width > 0 && mode.height > 0);
}

/** Reads a virtio_gpu_resp_display_info of 408 bytes; null when the header or a mode is not believable. */
export function parseDisplayInfo(payload: Uint8Array): DisplayModes | null {
  const view = viewOf(payload);
  if (CtrlHdr.read(view).type !== VIRTIO_GPU_RESP_OK_DISPLAY_INFO) return null;
  const modes = DisplayInfoBody.read(view, CtrlHdr.size).pmodes.map(
    ({ r, enabled, flags }): DisplayMode => ({ ...r, enabled: enabled !== 0, flags }),
  );
  return modes.every(isSane) ? modes : null;
}

function sumsToZero(block: Uint8Array): boolean {
  return block.reduce((sum, byte) => sum + byte, 0) % 256 === 0;
}

/**
 * Reads a virtio_gpu_resp_edid of 1056 bytes. QEMU says that its EDID has 1024 bytes whatever it holds, so the
 * length returned is what the first block says: 128 to 1024 bytes, a multiple of 128. Null when the header, the
 * length or a block's checksum is wrong.
 */
export function parseEdid(payload: Uint8Array): Uint8Array | null {
  const view = viewOf(payload);
  if (CtrlHdr.read(view).type !== VIRTIO_GPU_RESP_OK_EDID) return null;
  const { size, edid } = EdidBody.read(view, CtrlHdr.size);
  if (size < EDID_BLOCK_BYTES || size > EDID_BYTES_MAX || size % EDID_BLOCK_BYTES !== 0) return null;
  const length = (1 + (edid[EDID_EXTENSIONS_AT] ?? 0)) * EDID_BLOCK_BYTES;
  if (length > size) return null;
  for (let at = 0; at < length; at += EDID_BLOCK_BYTES) {
    const block = edid.subarray(at, at + EDID_BLOCK_BYTES);
    if (!sumsToZero(block)) return null;
  }
  // A block of zeros has a good checksum too.
  return edid[1] === 0xff ? edid.slice(0, length) : null;
}

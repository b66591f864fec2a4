/**
 * The 8 bytes before every message: object id, then size and opcode in one word. Words are in the byte order of
 * the machine, which is little-endian wherever this runs (checked when the module is loaded).
 */
import { WaylandError } from '../errors.js';

export const HEADER_BYTES = 8;

if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1)
  throw new Error('only little-endian machines are supported');

export interface Header {
  readonly objectId: number;
  readonly opcode: number;
  /** Bytes of the message, with these 8. */
  readonly size: number;
}

/** Reads the header at `offset`; WL_ERR_BAD_SIZE when no message can have its size. */
export function readHeader(view: DataView, offset: number, bytesMax: number): Header {
  const objectId = view.getUint32(offset, true);
  const word = view.getUint32(offset + 4, true);
  const size = word >>> 16;
  if (size < HEADER_BYTES || size % 4 !== 0 || size > bytesMax) {
    throw new WaylandError('WL_ERR_BAD_SIZE', `a message of ${size} bytes for object ${objectId}`);
  }
  return { objectId, opcode: word & 0xffff, size };
}

export function writeHeader(view: DataView, offset: number, header: Header): void {
  view.setUint32(offset, header.objectId, true);
  view.setUint32(offset + 4, ((header.size << 16) | header.opcode) >>> 0, true);
}

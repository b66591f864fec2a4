/**
 * Traces of commands: what came on the queues, with the pixels that each command took from guest memory, so that it can
 * be played into another device. All numbers are little-endian.
 *
 *     file    "VGPUTRC1", then records
 *     record  u32 bytes that follow, u32 milliseconds since the start, u8 kind, u8 1 = carried out (0 = refused),
 *             u16 bytes of the request, u16 pieces, u16 0, the request (header and fixed part), the pieces
 *     piece   u32 x, y, width, height in the picture; width * height * 4 bytes in the picture's format
 */
import { struct, u8, u16, u32 } from 'vhost-user-ts';
import type { Rect } from '../display-sink.js';

export const TRACE_MAGIC: Uint8Array = new TextEncoder().encode('VGPUTRC1');

/** A driver has started anew: nothing of before is there. */
export const TRACE_RESET = 0;
export const TRACE_CONTROL = 1;
export const TRACE_CURSOR = 2;

/** `bytes`: what follows that field. */
export const TraceRecord = struct('trace_record', {
  bytes: u32,
  atMs: u32,
  kind: u8,
  ok: u8,
  requestBytes: u16,
  pieces: u16,
  padding: u16,
});

export const TracePiece = struct('trace_piece', { x: u32, y: u32, width: u32, height: u32 });

/** Pixels of a part of a picture, row by row. */
export interface TracedPixels {
  readonly rect: Rect;
  readonly pixels: Uint8Array;
}

/** Reads a trace of commands (src/virtio-gpu/trace). It is a file that somebody sends: everything in it is checked. */
import { readSync } from 'node:fs';
import { viewOf } from 'vhost-user-ts';
import {
  BYTES_PER_PIXEL,
  TRACE_MAGIC,
  type TracedPixels,
  TracePiece,
  TraceRecord,
} from '../../virtio-gpu/index.js';

/** The file is no trace, or is damaged. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

export interface TracedCommand {
  /** Milliseconds since the trace began. */
  readonly atMs: number;
  /** TRACE_*. */
  readonly kind: number;
  /** It was carried out. */
  readonly ok: boolean;
  readonly request: Uint8Array;
  readonly pieces: readonly TracedPixels[];
}

/** A record with the pixels of a few 16384 x 16384 pictures does not come from a guest. */
const RECORD_BYTES_MAX = 2 ** 30;
const LENGTH_BYTES = 4;

/** Reads `bytes` bytes, fewer only at the end of the file. */
function readBytes(fd: number, bytes: number): Uint8Array {
  const target = Buffer.alloc(bytes);
  let filled = 0;
  while (filled < bytes) {
    const count = readSync(fd, target, filled, bytes - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return target.subarray(0, filled);
}

function readPieces(body: Uint8Array, start: number, count: number): TracedPixels[] {
  const view = viewOf(body);
  let at = start;
  return Array.from({ length: count }, () => {
    if (at + TracePiece.size > body.length) throw new TraceError('a piece of a picture is cut off');
    const rect = TracePiece.read(view, at);
    const bytes = rect.width * rect.height * BYTES_PER_PIXEL;
    at += TracePiece.size;
    if (at + bytes > body.length) throw new TraceError('a piece of a picture is cut off');
    const pixels = body.subarray(at, at + bytes);
    at += bytes;
    return { rect, pixels };
  });
}

/** The commands of an open file, in their order. A file whose last record is cut off ends with the one before. */
export function* readTrace(fd: number): Generator<TracedCommand> {
  if (!Buffer.from(readBytes(fd, TRACE_MAGIC.length)).equals(TRACE_MAGIC)) {
    throw new TraceError('this is no trace of commands');
  }
  const head = Buffer.alloc(TraceRecord.size);
  for (;;) {
    const length = readBytes(fd, LENGTH_BYTES);
    if (length.length < LENGTH_BYTES) return;
    const bytes = viewOf(length).getUint32(0, true);
    if (bytes < TraceRecord.size - LENGTH_BYTES || bytes > RECORD_BYTES_MAX) {
      throw new TraceError(`a record of ${bytes} bytes`);
    }
    const body = readBytes(fd, bytes);
    if (body.length < bytes) return;
    head.set(length);
    head.set(body.subarray(0, TraceRecord.size - LENGTH_BYTES), LENGTH_BYTES);
    const { atMs, kind, ok, requestBytes, pieces } = TraceRecord.read(viewOf(head), 0);
    const start = TraceRecord.size - LENGTH_BYTES;
    if (start + requestBytes > bytes) throw new TraceError('a request is cut off');
    const request = body.subarray(start, start + requestBytes);
    yield { atMs, kind, ok: ok === 1, request, pieces: readPieces(body, start + requestBytes, pieces) };
  }
}

/**
 * Writes a trace of the commands of all machines, one after the other (format: trace-format.ts). Each command is copied
 * with the pixels that it took; that costs a copy of everything that the guest draws, and is for finding mistakes.
 */
import { viewOf } from 'vhost-user-ts';
import { blobCursor } from '../cursor/cursor-queue.js';
import type { Rect } from '../display-sink.js';
import { insideBounds, intersect } from '../rect.js';
import type { PixelBuffer } from '../resource/pixel-buffer.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_RESOURCE_FLUSH,
  VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
} from '../wire/constants.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import {
  CtrlHdr,
  ResourceFlushBody,
  SetScanoutBlobBody,
  TransferToHost2dBody,
  UpdateCursorBody,
} from '../wire/structs.js';
import {
  TRACE_CONTROL,
  TRACE_CURSOR,
  TRACE_MAGIC,
  TRACE_RESET,
  type TracedPixels,
  TracePiece,
  TraceRecord,
} from './trace-format.js';

/** Takes the bytes; false when it takes no more. Must not throw. */
export type TraceWriter = (bytes: Uint8Array) => boolean;

const BODY = CtrlHdr.size;

/** The latest pixels of a part of a buffer that somebody shows. */
function pixelsOf(buffer: PixelBuffer, rect: Rect): TracedPixels {
  const rowBytes = rect.width * BYTES_PER_PIXEL;
  const pixels = new Uint8Array(rowBytes * rect.height);
  buffer.retain();
  try {
    const { memory, offsetBytes, strideBytes } = buffer;
    const first = offsetBytes + rect.y * strideBytes + rect.x * BYTES_PER_PIXEL;
    const source = new Uint8Array(memory.window(first, strideBytes * (rect.height - 1) + rowBytes));
    for (let y = 0; y < rect.height; y++) {
      pixels.set(source.subarray(y * strideBytes, y * strideBytes + rowBytes), y * rowBytes);
    }
  } finally {
    buffer.release();
  }
  return { rect, pixels };
}

export class CommandTrace {
  readonly #write: TraceWriter;
  readonly #startMs = performance.now();
  /** The writer takes no more. */
  #full: boolean;

  constructor(write: TraceWriter) {
    this.#write = write;
    this.#full = !write(TRACE_MAGIC);
  }

  /** A driver starts anew. */
  reset(): void {
    this.#record(TRACE_RESET, true, new Uint8Array(0), []);
  }

  /** A command of the control queue was carried out, or refused. `request`: its header and fixed part. */
  control(vm: VmState, request: Uint8Array, ok: boolean): void {
    if (this.#full) return;
    this.#record(TRACE_CONTROL, ok, request, ok ? this.#taken(vm, viewOf(request)) : []);
  }

  /** A command of the cursor queue came. */
  cursor(vm: VmState, request: Uint8Array): void {
    if (this.#full) return;
    const { resourceId } = UpdateCursorBody.read(viewOf(request), BODY);
    const resource = vm.resources.find(resourceId);
    const image = resource?.kind === 'blob' ? blobCursor(vm, resource) : null;
    if (image?.show() !== true) {
      this.#record(TRACE_CURSOR, true, request, []);
      return;
    }
    const { width, height } = image;
    this.#record(TRACE_CURSOR, true, request, [pixelsOf(image, { x: 0, y: 0, width, height })]);
    image.hide();
  }

  /** The pixels that a command took from guest memory, or may have. */
  #taken(vm: VmState, view: DataView): TracedPixels[] {
    switch (view.getUint32(CtrlHdr.offsets.type, true)) {
      case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D: {
        const { r, resourceId } = TransferToHost2dBody.read(view, BODY);
        const resource = vm.resources.find(resourceId);
        if (resource?.kind !== '2d' || r.width * r.height === 0) return [];
        return [pixelsOf(resource.buffer, r)];
      }
      case VIRTIO_GPU_CMD_SET_SCANOUT_BLOB: {
        const { r, resourceId, scanoutId } = SetScanoutBlobBody.read(view, BODY);
        const shown = vm.scanouts.shownBy(resourceId).filter(({ id }) => id === scanoutId);
        return shown
          .filter(({ buffer }) => insideBounds(r, buffer.width, buffer.height))
          .map(({ buffer }) => pixelsOf(buffer, r));
      }
      case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
        return this.#flushed(vm, ResourceFlushBody.read(view, BODY));
      default:
        return [];
    }
  }

  /** Of a blob that is shown: its pixels are the guest's own until a flush says that they are to be seen. */
  #flushed(vm: VmState, { r, resourceId }: ResourceFlushBody): TracedPixels[] {
    if (vm.resources.find(resourceId)?.kind !== 'blob') return [];
    return vm.scanouts.shownBy(resourceId).flatMap(({ buffer, rect }) => {
      const drawn = intersect(r, rect);
      return drawn === null ? [] : [pixelsOf(buffer, drawn)];
    });
  }

  #record(kind: number, ok: boolean, request: Uint8Array, pieces: readonly TracedPixels[]): void {
    const parts = pieces.flatMap(({ rect, pixels }) => [TracePiece.encode(rect), pixels]);
    const head = {
      bytes: TraceRecord.size - 4 + request.length + parts.reduce((sum, { length }) => sum + length, 0),
      atMs: Math.floor(performance.now() - this.#startMs),
      kind,
      ok: ok ? 1 : 0,
      requestBytes: request.length,
      pieces: pieces.length,
      padding: 0,
    };
    this.#full ||= !this.#write(Buffer.concat([TraceRecord.encode(head), request, ...parts]));
  }
}

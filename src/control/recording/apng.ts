/**
 * Animated PNG (W3C PNG, third edition, 11.3.5): frames that are parts of the picture, each with the time that it is
 * shown. Made frame by frame and kept as chunks; the file is put together at the end, when the size of the canvas and
 * the number of frames are known. Its default picture is no part of the animation, which so may begin with a part.
 */
import { imageHeader, PNG_SIGNATURE, pngChunk } from '../../capture/index.js';
import type { Rect } from '../../virtio-gpu/index.js';

/** Where a delay's unit goes when it does not fit: units a second, finest first. */
const DELAY_UNITS = [1000, 100, 10, 1] as const;
const U16_MAX = 0xffff;
const FCTL_BYTES = 26;
const CHUNK_OVERHEAD = 12;
/** Chunks of a frame besides its data: fcTL, and fdAT's sequence number. */
const FRAME_OVERHEAD = FCTL_BYTES + CHUNK_OVERHEAD + 4 + CHUNK_OVERHEAD;

interface Frame {
  readonly rect: Rect;
  /** Compressed rows, as an IDAT chunk has them. */
  readonly data: Uint8Array;
  /** When it was shown first, in milliseconds. */
  readonly atMs: number;
}

/** A time as numerator and denominator of 16 bits, in seconds: to the millisecond up to a minute, then coarser. */
export function delayOf(ms: number): readonly [numerator: number, denominator: number] {
  for (const unit of DELAY_UNITS) {
    const count = Math.round((ms * unit) / 1000);
    if (count <= U16_MAX) return [count, unit];
  }
  return [U16_MAX, 1];
}

export class Animation {
  private readonly frames: Frame[] = [];
  private dataBytes = 0;

  get length(): number {
    return this.frames.length;
  }

  /** Bytes of the file, without its default picture. */
  get bytes(): number {
    return this.dataBytes;
  }

  /** Adds a frame: `data` is what `deflatePicture` made of that part of the picture. Times do not go back. */
  add(rect: Rect, data: Uint8Array, atMs: number): void {
    this.frames.push({ rect, data, atMs });
    this.dataBytes += data.length + FRAME_OVERHEAD;
  }

  /** Pixels from the left and the top that any frame reaches: what a canvas has to have. */
  get extent(): { readonly width: number; readonly height: number } {
    return {
      width: Math.max(1, ...this.frames.map(({ rect }) => rect.x + rect.width)),
      height: Math.max(1, ...this.frames.map(({ rect }) => rect.y + rect.height)),
    };
  }

  /** The file, in pieces. `poster`: compressed rows of a picture of the extent's size; `endMs`: when the last frame ended. */
  file(poster: Uint8Array, endMs: number): Uint8Array[] {
    const { width, height } = this.extent;
    const control = Buffer.alloc(8);
    control.writeUInt32BE(this.frames.length, 0);
    control.writeUInt32BE(1, 4); // played once
    const animated = this.frames.length > 0;
    let sequence = 0;
    const frames = this.frames.flatMap((frame, i) => {
      const until = this.frames[i + 1]?.atMs ?? endMs;
      return [frameControl(sequence++, frame, until - frame.atMs), frameData(sequence++, frame.data)];
    });
    return [
      PNG_SIGNATURE,
      imageHeader(width, height),
      ...(animated ? [pngChunk('acTL', control)] : []),
      pngChunk('IDAT', poster),
      ...frames,
      pngChunk('IEND', new Uint8Array()),
    ];
  }
}

function frameControl(sequence: number, { rect }: Frame, ms: number): Uint8Array {
  const body = Buffer.alloc(FCTL_BYTES);
  const [numerator, denominator] = delayOf(ms);
  for (const [i, value] of [sequence, rect.width, rect.height, rect.x, rect.y].entries()) {
    body.writeUInt32BE(value, i * 4);
  }
  body.writeUInt16BE(numerator, 20);
  body.writeUInt16BE(denominator, 22);
  // The last two bytes: it stays (APNG_DISPOSE_OP_NONE) and replaces what is there (APNG_BLEND_OP_SOURCE).
  return pngChunk('fcTL', body);
}

function frameData(sequence: number, data: Uint8Array): Uint8Array {
  const body = Buffer.alloc(4 + data.length);
  body.writeUInt32BE(sequence, 0);
  body.set(data, 4);
  return pngChunk('fdAT', body);
}

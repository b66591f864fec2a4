/** A player of animated PNGs, written from the specification, for pictures that were recorded. */
import { crc32, inflateSync } from 'node:zlib';

export interface AnimationFrame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Seconds. */
  readonly delay: number;
  /** The canvas when it is shown: R, G, B, A. */
  readonly canvas: Uint8Array;
}

export interface AnimationFile {
  readonly width: number;
  readonly height: number;
  readonly plays: number;
  readonly frames: readonly AnimationFrame[];
}

interface Chunk {
  readonly type: string;
  readonly body: Buffer;
}

function chunksOf(file: Buffer): Chunk[] {
  if (file.toString('latin1', 1, 4) !== 'PNG') throw new Error('no PNG');
  const chunks: Chunk[] = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (crc32(file.subarray(at + 4, at + 8 + length)) !== file.readUInt32BE(at + 8 + length)) {
      throw new Error(`bad checksum in ${type}`);
    }
    chunks.push({ type, body });
    at += 12 + length;
  }
  if (chunks[0]?.type !== 'IHDR' || chunks.at(-1)?.type !== 'IEND') throw new Error('IHDR first, IEND last');
  return chunks;
}

/** 8-bit RGBA with the filters None and Up. */
function unpack(data: Buffer, width: number, height: number): Uint8Array {
  const rows = inflateSync(data);
  if (rows.length !== (width * 4 + 1) * height)
    throw new Error(`${rows.length} bytes for ${width} x ${height}`);
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width * 4 + 1)] as number;
    if (filter !== 0 && filter !== 2) throw new Error(`filter ${filter}`);
    for (let i = 0; i < width * 4; i++) {
      const above = filter === 0 || y === 0 ? 0 : (rgba[(y - 1) * width * 4 + i] as number);
      rgba[y * width * 4 + i] = (rows[y * (width * 4 + 1) + 1 + i] as number) + above;
    }
  }
  return rgba;
}

/** Plays all frames; throws for what the specification does not allow, and for what is not used here. */
export function playAnimation(bytes: Uint8Array): AnimationFile {
  const chunks = chunksOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  const header = (chunks[0] as Chunk).body;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const still = chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body);
  unpack(Buffer.concat(still), width, height);
  const control = chunks.find(({ type }) => type === 'acTL')?.body;
  const canvas = new Uint8Array(width * height * 4);
  const frames: AnimationFrame[] = [];
  let sequence = 0;
  for (const [i, { type, body }] of chunks.entries()) {
    if (type !== 'fcTL' && type !== 'fdAT') continue;
    if (body.readUInt32BE(0) !== sequence++) throw new Error('a sequence number is wrong');
    if (type === 'fdAT') continue;
    const [w, h, x, y] = [4, 8, 12, 16].map((at) => body.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    if (x + w > width || y + h > height || body[24] !== 0 || body[25] !== 0) throw new Error('a bad frame');
    const data = chunks[i + 1];
    if (data?.type !== 'fdAT') throw new Error('a frame without data');
    const rgba = unpack(data.body.subarray(4), w, h);
    for (let row = 0; row < h; row++) {
      canvas.set(rgba.subarray(row * w * 4, (row + 1) * w * 4), ((y + row) * width + x) * 4);
    }
    const delay = body.readUInt16BE(20) / (body.readUInt16BE(22) || 100);
    frames.push({ x, y, width: w, height: h, delay, canvas: canvas.slice() });
  }
  if ((control?.readUInt32BE(0) ?? 0) !== frames.length) throw new Error('acTL has another number of frames');
  return { width, height, plays: control?.readUInt32BE(4) ?? 0, frames };
}

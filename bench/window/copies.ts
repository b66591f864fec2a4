/** The guest proxy's copy of damage into the host's window (HostBuffer), against one plain copy of as many bytes. */
import { closeFd, createMemfd, createScatterGather, type Mapping, mapFile } from 'vhost-user-native';
import { type Spread, spreadOf } from '../statistics.js';
import { WINDOW_SIZES, type WindowSize } from './presents.js';

export interface CopyResult {
  readonly title: string;
  readonly plainBytesPerSecond: Spread;
  readonly damageBytesPerSecond: Spread;
  /** Damage copy to plain copy, turn by turn. */
  readonly ratio: Spread;
}

/** Width and height of small damage, in pixels. */
const SQUARE = 64;

function sharedMemory(bytes: number): Mapping {
  const fd = createMemfd('bench-copy', { size: bytes });
  const mapping = mapFile(fd, 0, bytes, { writable: true });
  closeFd(fd);
  mapping.fill(0, bytes, 1);
  return mapping;
}

/** Bytes a second of what `copy` does again and again. */
function throughput(copy: () => void, bytes: number, durationMs: number): number {
  const start = process.hrtime.bigint();
  const end = start + BigInt(Math.round(durationMs * 1e6));
  let copied = 0;
  let now = start;
  while (now < end) {
    copy();
    copied += bytes;
    now = process.hrtime.bigint();
  }
  return (copied * 1e9) / Number(now - start);
}

/** Copies of the whole of a picture, or of a square in its middle. */
export function measureCopies(size: WindowSize, whole: boolean, turns: number, turnMs: number): CopyResult {
  const [width, height] = WINDOW_SIZES[size];
  const strideBytes = width * 4;
  const source = sharedMemory(strideBytes * height);
  const target = sharedMemory(strideBytes * height);
  const table = createScatterGather([{ mapping: source, offset: 0, length: source.length }]);
  const rows = whole ? height : SQUARE;
  const rowBytes = (whole ? width : SQUARE) * 4;
  const offset = whole ? 0 : (height / 2) * strideBytes + strideBytes / 2;
  const bytes = rows * rowBytes;
  const plain = (): void => target.copyFrom(0, source, 0, bytes);
  const damage = (): void => table.readRows(offset, strideBytes, target, offset, strideBytes, rowBytes, rows);
  try {
    const samples = Array.from({ length: turns + 1 }, () => ({
      plain: throughput(plain, bytes, turnMs),
      damage: throughput(damage, bytes, turnMs),
    })).slice(1);
    return {
      title: `${whole ? 'all' : `${SQUARE}x${SQUARE}`} of ${size}`,
      plainBytesPerSecond: spreadOf(samples.map((sample) => sample.plain)),
      damageBytesPerSecond: spreadOf(samples.map((sample) => sample.damage)),
      ratio: spreadOf(samples.map((sample) => sample.damage / sample.plain)),
    };
  } finally {
    table.close();
    source.close();
    target.close();
  }
}

/**
 * dma-bufs over guest pages, for whoever can show them where they are: the host kernel's udmabuf makes one out of page
 * ranges of the memfds that guest memory lies in. Where that can't be done the pixels are copied instead, so each
 * refusal has a reason that is counted, and none is an error.
 */
import {
  createUdmabuf,
  type FilePiece,
  pageSize,
  Seal,
  sealsOf,
  type UdmabufLimits,
  udmabufLimits,
} from 'vhost-user-native';
import type { DeviceMemory, MemoryFile } from 'vhost-user-ts';

/** Why there is no dma-buf over some guest pages. */
export const UDMABUF_REFUSALS = [
  /** No /dev/udmabuf, or it can't be opened. */
  'unavailable',
  /** A range is not in guest memory (any more), or the ranges are shorter than the buffer. */
  'outside',
  /** A range does not consist of whole pages of the host's. */
  'unaligned',
  /** Guest memory is no memfd that is sealed against shrinking, or one that is sealed against writing. */
  'unsealed',
  /** More pieces than the kernel takes (list_limit). */
  'too-many-pieces',
  /** More bytes than the kernel takes (size_limit_mb). */
  'too-large',
  /** The kernel said no for a reason of its own. */
  'refused',
] as const;
export type UdmabufRefusal = (typeof UDMABUF_REFUSALS)[number];

/**
 * The pieces of files behind the first `bytes` bytes (rounded up to pages) of guest ranges. `ranges` has two numbers
 * each: guest-physical address and length. Pieces that adjoin in their file become one.
 */
export function planPieces(
  files: readonly MemoryFile[],
  ranges: Float64Array,
  bytes: number,
  limits: UdmabufLimits,
): FilePiece[] | UdmabufRefusal {
  let left = Math.ceil(bytes / pageSize) * pageSize;
  if (!(left > 0)) return 'outside';
  if (left > limits.bytes) return 'too-large';
  const pieces: { fd: number; offset: number; length: number }[] = [];
  let at: MemoryFile | undefined;
  for (let i = 0; i < ranges.length && left > 0; i += 2) {
    let address = ranges[i] as number;
    let rest = Math.min(ranges[i + 1] as number, left);
    if (address % pageSize !== 0 || rest % pageSize !== 0) return 'unaligned';
    left -= rest;
    while (rest > 0) {
      if (at === undefined || !holds(at, address)) at = fileAt(files, address);
      if (at === undefined) return 'outside';
      const within = address - at.guestAddress;
      const length = Math.min(rest, at.length - within);
      const offset = at.fileOffset + within;
      // (A region or its place in the file may be odd, even where the guest's addresses are not.)
      if (offset % pageSize !== 0 || length % pageSize !== 0) return 'unaligned';
      const last = pieces.at(-1);
      if (last !== undefined && last.fd === at.fd && last.offset + last.length === offset)
        last.length += length;
      else pieces.push({ fd: at.fd, offset, length });
      if (pieces.length > limits.entries) return 'too-many-pieces';
      address += length;
      rest -= length;
    }
  }
  return left > 0 ? 'outside' : pieces;
}

function holds(file: MemoryFile, address: number): boolean {
  return address >= file.guestAddress && address < file.guestAddress + file.length;
}

/** The file behind a guest-physical address; they are sorted, and don't overlap. */
function fileAt(files: readonly MemoryFile[], address: number): MemoryFile | undefined {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((files[middle] as MemoryFile).guestAddress <= address) low = middle;
    else high = middle - 1;
  }
  const file = files[low];
  return file !== undefined && holds(file, address) ? file : undefined;
}

/** Whether the kernel takes pages of the file: drivers/dma-buf/udmabuf.c wants that it can't shrink. */
function isUsable(fd: number): boolean {
  try {
    const seals = sealsOf(fd);
    return (seals & Seal.SHRINK) !== 0 && (seals & (Seal.WRITE | Seal.FUTURE_WRITE)) === 0;
  } catch {
    // No memfd.
    return false;
  }
}

/** What the exporter asks of the host. */
export interface UdmabufHost {
  limits(): UdmabufLimits | null;
  isUsable(fd: number): boolean;
  create(pieces: readonly FilePiece[]): number;
}

const HOST: UdmabufHost = { limits: udmabufLimits, isUsable, create: createUdmabuf };

/** What errno says that the device itself is out of reach, not that it dislikes the pieces. */
const UNAVAILABLE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENODEV', 'ENXIO', 'EACCES', 'EPERM', 'ENOTTY']);

/** Makes the dma-bufs of one VM, and counts. */
export class UdmabufExporter {
  readonly metrics: {
    exported: number;
    readonly refused: Record<UdmabufRefusal, number>;
  } = { exported: 0, refused: zeroes() };
  private readonly host: UdmabufHost;
  private memory: DeviceMemory | null = null;
  private generation = -1;
  /** Of the files of `generation`. */
  private readonly usable = new Map<number, boolean>();

  /** `host` is for tests that stand in for parts of the kernel. */
  constructor(host: Partial<UdmabufHost> = {}) {
    this.host = { ...HOST, ...host };
  }

  /**
   * Whether the host has the device now. That it has says little: see `export`. It is looked at each time, so a device
   * that comes, goes or gets other limits needs no restart.
   */
  get available(): boolean {
    return this.host.limits() !== null;
  }

  /**
   * A dma-buf over the first `bytes` bytes of guest ranges (pairs of guest-physical address and length), the caller's
   * to close; null where there can't be one. It keeps the pages, also when the guest's memory table changes.
   */
  export(memory: DeviceMemory, ranges: Float64Array, bytes: number): number | null {
    const made = this.attempt(memory, ranges, bytes);
    if (typeof made === 'number') this.metrics.exported++;
    else this.metrics.refused[made]++;
    return typeof made === 'number' ? made : null;
  }

  private attempt(memory: DeviceMemory, ranges: Float64Array, bytes: number): number | UdmabufRefusal {
    const limits = this.host.limits();
    if (limits === null) return 'unavailable';
    const pieces = planPieces(memory.files(), ranges, bytes, limits);
    if (typeof pieces === 'string') return pieces;
    this.forgetFilesOf(memory);
    if (!pieces.every(({ fd }) => this.isUsable(fd))) return 'unsealed';
    try {
      return this.host.create(pieces);
    } catch (error) {
      return error instanceof Error && 'code' in error && UNAVAILABLE.has(error.code)
        ? 'unavailable'
        : 'refused';
    }
  }

  /** Descriptor numbers mean other files once the memory table has changed. */
  private forgetFilesOf(memory: DeviceMemory): void {
    if (memory === this.memory && memory.generation === this.generation) return;
    this.memory = memory;
    this.generation = memory.generation;
    this.usable.clear();
  }

  private isUsable(fd: number): boolean {
    let usable = this.usable.get(fd);
    if (usable === undefined) {
      usable = this.host.isUsable(fd);
      this.usable.set(fd, usable);
    }
    return usable;
  }
}

function zeroes(): Record<UdmabufRefusal, number> {
  return Object.fromEntries(UDMABUF_REFUSALS.map((reason) => [reason, 0])) as Record<UdmabufRefusal, number>;
}

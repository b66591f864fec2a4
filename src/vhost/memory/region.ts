/** One entry of the memory table: its checks and its mapping (vhost-user, "Memory regions description"). */
import { closeFd, dupFd, type Mapping } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';

/** A region as the front-end describes it. */
export interface RegionDescription {
  /** Guest-physical address of the first byte. */
  readonly guestAddress: number;
  /** Bytes. */
  readonly size: number;
  /** The front-end's virtual address of the first byte: ring addresses are in this space. */
  readonly userAddress: number;
  /** Where the region starts in the file. */
  readonly mmapOffset: number;
}

/** A mapped region: byte 0 of the mapping is its first. */
export interface Region extends RegionDescription {
  readonly mapping: Mapping;
  /** A duplicate of the region's descriptor, its own. */
  readonly fd: number;
}

/** Most regions in one table; QEMU itself stops at 512. */
export const REGIONS_MAX = 512;

/** Regions start on page boundaries in all three address spaces; typed arrays over rings count on it. */
const PAGE_BYTES = 4096;

function refuse(region: RegionDescription | null, what: string, cause?: unknown): never {
  const where = region === null ? '' : `region at guest address 0x${region.guestAddress.toString(16)}: `;
  throw new VhostUserError('VHOST_ERR_BAD_MEMORY_TABLE', `memory table: ${where}${what}`, { cause });
}

function checkRegion(region: RegionDescription): void {
  const { guestAddress, size, userAddress, mmapOffset } = region;
  if (!(size > 0)) refuse(region, 'its size is zero');
  for (const [name, value] of Object.entries({ guestAddress, userAddress, mmapOffset })) {
    // A u64 above 2^53 was read as Infinity, so this also finds ranges that wrap at 2^64.
    if (!(value >= 0 && Number.isSafeInteger(value + size))) {
      refuse(region, `${name} plus size does not fit 53 bits`);
    }
    if (value % PAGE_BYTES !== 0) refuse(region, `${name} is not a multiple of ${PAGE_BYTES}`);
  }
}

/** Throws unless the regions can stand in one table together. */
export function checkTable(regions: readonly RegionDescription[]): void {
  if (regions.length > REGIONS_MAX)
    refuse(null, `${regions.length} regions, at most ${REGIONS_MAX} are allowed`);
  for (const region of regions) checkRegion(region);
  const sorted = regions.toSorted((a, b) => a.guestAddress - b.guestAddress);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1] as RegionDescription;
    const region = sorted[i] as RegionDescription;
    if (before.guestAddress + before.size > region.guestAddress) {
      refuse(region, `it overlaps the region at 0x${before.guestAddress.toString(16)}`);
    }
  }
}

/** Maps a checked region. Throws when its file ends before the region does. */
export function mapRegion(
  description: RegionDescription,
  fd: number,
  map: (fd: number, offset: number, length: number) => Mapping,
): Region {
  const { guestAddress, size, userAddress, mmapOffset } = description;
  let mapping: Mapping | null = null;
  try {
    mapping = map(fd, mmapOffset, size);
    return { guestAddress, size, userAddress, mmapOffset, mapping, fd: dupFd(fd) };
  } catch (error) {
    mapping?.close();
    refuse(description, `it can't be mapped (${(error as Error).message})`, error);
  }
}

/** Gives back the mapping and the descriptor. */
export function closeRegion(region: Region): void {
  region.mapping.close();
  closeFd(region.fd);
}

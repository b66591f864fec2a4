/**
 * What one VM may take from the host. Every number that the guest chooses is held against one of these before
 * anything is allocated.
 */

export interface GpuLimits {
  /** Resources that exist at once. Each takes one memory mapping (Linux allows 65530 a process). */
  readonly maxResources: number;
  /**
   * Bytes of host memory for pixels. The default of 512 MiB holds four buffers of 7680x4320. Memory that a
   * display still reads after the guest gave it back counts until it is free.
   */
  readonly maxHostBytes: number;
  /**
   * Guest memory ranges behind one resource: 262144 are 1 GiB in pages of 4 KiB (7680x4320 takes 32400, which
   * the 16384 of other implementations refuse).
   */
  readonly maxBackingEntries: number;
  /** The same, all resources together. An entry costs 16 bytes here and as much again in the copy table. */
  readonly maxBackingEntriesTotal: number;
  /**
   * Bytes of all blobs on the host (HOST3D), mapped or not. They take memory of the shared region only while they are
   * mapped, so the region's window bounds them as well.
   */
  readonly maxBlobBytes: number;
  /** Width and height of a resource, in pixels; at most RESOURCE_DIMENSION_MAX. */
  readonly maxDimension: number;
}

/** With that, sizes stay far from any overflow. */
export const RESOURCE_DIMENSION_MAX = 32768;

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: GpuLimits = {
  maxResources: 16384,
  maxHostBytes: 512 * MIB,
  maxBackingEntries: 262144,
  maxBackingEntriesTotal: 1048576,
  maxBlobBytes: 1024 * MIB,
  maxDimension: 16384,
};

/**
 * dma-bufs of guest memory that are kept open for displays, one for each blob that was shown. Guests show a few;
 * descriptors are the process's, and without one nobody connects any more. Pictures of other blobs are copied.
 */
export const DMABUFS_MAX = 128;

/**
 * How long the first MAP_BLOB waits for the memory table that follows a mapping, in ms. QEMU sends one within a
 * millisecond, unless it has more regions than the message holds.
 */
export const MAP_COMMIT_WAIT_MAX_MS = 50;

/** How long the answer to a fenced RESOURCE_FLUSH waits for the displays, in ms; Linux waits no longer than that. */
export const FLUSH_WAIT_MAX_MS = 50;

/** Width and height of an output, in pixels. What EDID can say of a mode's physical size ends above. */
export const OUTPUT_DIMENSION_MAX = 16384;
/** Refresh rates that an output can have, in Hz. */
export const OUTPUT_REFRESH_MIN_HZ = 1;
export const OUTPUT_REFRESH_MAX_HZ = 480;
/** What an output has when its options don't say. */
export const OUTPUT_REFRESH_DEFAULT_HZ = 60;

/**
 * The memory that guest, device and compositor share: one sparse, sealed memfd of one VM. The guest maps its first
 * part, the window, and says where in it each blob lies; the rest is ours. The compositor maps all of it as one pool,
 * so that a buffer for it is an offset.
 *
 * It is guest memory: what is read there may change at any time, and is never to be trusted.
 */
import { closeFd, createMemfd, type Mapping, mapFile, pageSize, Seal } from 'vhost-user-native';
import { HostPart } from './host-part.js';
import { RegionFile, type RegionMetrics } from './region-file.js';
import type { RegionRange } from './region-range.js';
import { type PlaceRefusal, WindowPart } from './window-part.js';

/** Largest window. A pool of the compositor ends at 2 GiB, and QEMU wants a power of two. */
export const WINDOW_BYTES_MAX = 2 ** 30;
/** The size of a wl_shm pool is a signed 32-bit number. */
export const REGION_BYTES_MAX = 2 ** 31 - 1;
/** Ranges at a time; a range costs about 200 bytes here. */
const RANGES_MAX_DEFAULT = 65536;

export interface SharedRegionOptions {
  /** What the guest maps and places blobs in: 0 (nothing), or a power of two from a page to WINDOW_BYTES_MAX. */
  readonly windowBytes: number;
  /** What `allocate` takes from; whole pages. Both together at most REGION_BYTES_MAX, and more than 0. */
  readonly hostBytes: number;
  /** Most ranges at a time. Default 65536. */
  readonly maxRanges?: number;
}

function checkSizes({ windowBytes, hostBytes }: SharedRegionOptions): void {
  for (const [name, value] of Object.entries({ windowBytes, hostBytes })) {
    if (!(Number.isSafeInteger(value) && value >= 0 && value % pageSize === 0)) {
      throw new RangeError(`${name} ${value}: whole pages of ${pageSize} bytes`);
    }
  }
  if (windowBytes > WINDOW_BYTES_MAX || !Number.isInteger(Math.log2(Math.max(1, windowBytes)))) {
    throw new RangeError(`windowBytes ${windowBytes}: a power of two, at most ${WINDOW_BYTES_MAX}`);
  }
  const bytes = windowBytes + hostBytes;
  if (bytes === 0 || bytes > REGION_BYTES_MAX) {
    throw new RangeError(`a region of ${bytes} bytes: 1 to ${REGION_BYTES_MAX}`);
  }
}

export class SharedRegion {
  /** The region's, open until `close`. */
  readonly fd: number;
  readonly windowBytes: number;
  /** Window and the rest. */
  readonly bytes: number;
  /** All of it. */
  readonly mapping: Mapping;
  readonly #file: RegionFile;
  readonly #window: WindowPart;
  readonly #host: HostPart;

  private constructor(fd: number, mapping: Mapping, options: SharedRegionOptions) {
    const { windowBytes, hostBytes, maxRanges = RANGES_MAX_DEFAULT } = options;
    this.fd = fd;
    this.mapping = mapping;
    this.windowBytes = windowBytes;
    this.bytes = windowBytes + hostBytes;
    this.#file = new RegionFile(fd, maxRanges);
    this.#window = new WindowPart(this.#file, windowBytes);
    this.#host = new HostPart(this.#file, windowBytes, hostBytes);
  }

  /** Throws RangeError for sizes that can't be, and errno errors when there is no memory or no descriptor. */
  static create(options: SharedRegionOptions): SharedRegion {
    checkSizes(options);
    const size = options.windowBytes + options.hostBytes;
    const fd = createMemfd('vhost-user-gpu-region', { size, seals: Seal.SHRINK | Seal.GROW | Seal.SEAL });
    try {
      return new SharedRegion(fd, mapFile(fd, 0, size, { writable: true }), options);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /**
   * Takes [offset, +bytes) of the window, where the guest wants it; or says why it can't be there. Its bytes are
   * zeroes, unless the guest itself wrote there while nothing was placed.
   */
  place(offset: number, bytes: number): RegionRange | PlaceRefusal {
    return this.#window.place(offset, bytes);
  }

  /** Takes that many bytes, rounded up to whole pages, outside of the window. Zeroes; null when there is no room. */
  allocate(bytes: number): RegionRange | null {
    return this.#host.allocate(bytes);
  }

  /**
   * Makes the whole window zeroes, since its next guest may be another one: also what is still held, and what the guest
   * wrote where nothing was placed. All placed ranges were freed before.
   */
  clearWindow(): void {
    this.#window.clear();
  }

  get metrics(): Readonly<RegionMetrics> {
    return this.#file.metrics;
  }

  /** Unmaps the region and closes its descriptor. Ranges can still be freed; that does nothing more. Idempotent. */
  close(): void {
    if (this.#file.closed) return;
    this.#file.closed = true;
    this.mapping.close();
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The 2D resources of one VM (virtio 1.3, 5.7.6.8): host memory for pixels, and guest memory behind it. */
import type { DeviceMemory, GuestRanges } from 'vhost-user-ts';
import type { GpuLimits } from '../limits.js';
import type { GpuMetrics } from '../metrics.js';
import {
  ALREADY_BACKED,
  BAD_DIMENSIONS,
  BAD_FORMAT,
  ENTRY_OUTSIDE,
  NOT_BACKED,
  RESOURCE_ID_TAKEN,
  RESOURCE_ID_ZERO,
  type Refusal,
  TOO_MANY_ENTRIES,
  TOO_MANY_RESOURCES,
  TOO_MUCH_MEMORY,
} from '../result.js';
import { PIXEL_FORMATS } from '../wire/formats.js';
import { Backing } from './backing.js';
import type { HostAccount } from './host-account.js';
import { type PixelMemorySource, pixelBytes } from './pixel-memory.js';
import { SwapBuffer } from './swap-buffer.js';

export interface Resource {
  readonly id: number;
  readonly buffer: SwapBuffer;
  backing: Backing | null;
  /** 16 bytes, once one was asked for. */
  uuid: Uint8Array | null;
  /** Bit n is set while scanout n shows this resource. */
  scanoutMask: number;
}

export class ResourceTable {
  readonly #limits: GpuLimits;
  readonly #account: HostAccount;
  readonly #memory: PixelMemorySource;
  readonly #metrics: GpuMetrics;
  readonly #resources = new Map<number, Resource>();

  constructor(limits: GpuLimits, account: HostAccount, memory: PixelMemorySource, metrics: GpuMetrics) {
    this.#limits = limits;
    this.#account = account;
    this.#memory = memory;
    this.#metrics = metrics;
  }

  get count(): number {
    return this.#resources.size;
  }

  find(id: number): Resource | undefined {
    return this.#resources.get(id);
  }

  /** Makes a resource whose pixels are 0. Returns null, or why it was refused. */
  create2d(id: number, format: number, width: number, height: number): Refusal | null {
    if (id === 0) return RESOURCE_ID_ZERO;
    if (this.#resources.has(id)) return RESOURCE_ID_TAKEN;
    if (!PIXEL_FORMATS.has(format)) return BAD_FORMAT;
    const { maxDimension, maxResources } = this.#limits;
    if (width === 0 || height === 0 || width > maxDimension || height > maxDimension) return BAD_DIMENSIONS;
    if (this.#resources.size >= maxResources) return TOO_MANY_RESOURCES;
    const memory = this.#memory.take(pixelBytes(width, height));
    if (memory === null) return TOO_MUCH_MEMORY;
    const buffer = new SwapBuffer({ width, height, format }, memory, this.#memory, this.#metrics);
    this.#resources.set(id, { id, buffer, backing: null, uuid: null, scanoutMask: 0 });
    return null;
  }

  /** Forgets the resource. Displays may hold its pixels a little longer. The scanouts are off by now. */
  destroy(resource: Resource): void {
    this.detachBacking(resource);
    this.#resources.delete(resource.id);
    resource.buffer.release();
  }

  /** Puts guest memory behind the resource. Returns null, or why it was refused. */
  attachBacking(resource: Resource, ranges: GuestRanges, memory: DeviceMemory): Refusal | null {
    if (resource.backing !== null) return ALREADY_BACKED;
    if (!this.#account.hasRoomForEntries(ranges.length / 2)) return TOO_MANY_ENTRIES;
    const backing = Backing.over(memory, ranges);
    if (backing === null) return ENTRY_OUTSIDE;
    this.#account.takeEntries(backing.entries);
    resource.backing = backing;
    return null;
  }

  /** Takes it away again. Returns null, or why it was refused. */
  detachBacking(resource: Resource): Refusal | null {
    const { backing } = resource;
    if (backing === null) return NOT_BACKED;
    this.#account.giveEntries(backing.entries);
    backing.close();
    resource.backing = null;
    return null;
  }

  /** Destroys everything. */
  clear(): void {
    for (const resource of this.#resources.values()) this.destroy(resource);
  }
}

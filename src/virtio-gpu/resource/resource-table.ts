/** The resources of one VM (virtio 1.3, 5.7.6.8): pixels in memory of ours, and blobs. */
import type { DeviceMemory, GuestRanges } from 'vhost-user-ts';
import type { AttachedBlob } from '../context/channel.js';
import type { GpuLimits } from '../limits.js';
import {
  ALREADY_BACKED,
  BAD_BLOB_SIZE,
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
import { attachedBlob } from './attached-blob.js';
import { Backing } from './backing.js';
import type { ShadowParts } from './guest-blob-buffer.js';
import { type DmabufExporter, GuestPages } from './guest-pages.js';
import type { HostAccount } from './host-account.js';
import { pixelBytes } from './pixel-memory.js';
import { type BlobDescription, BlobResource, type Resource, type Resource2d } from './resource.js';
import { SwapBuffer } from './swap-buffer.js';

/** What the table works with. */
export interface ResourceParts extends ShadowParts {
  readonly limits: GpuLimits;
  readonly account: HostAccount;
  readonly dmabufs: DmabufExporter;
  /** Displays may see the pages behind 2D resources, instead of what was transferred from there. */
  readonly showsBackings: boolean;
}

export class ResourceTable {
  readonly #parts: ResourceParts;
  readonly #resources = new Map<number, Resource>();

  constructor(parts: ResourceParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#resources.size;
  }

  find(id: number): Resource | undefined {
    return this.#resources.get(id);
  }

  /** Why a resource can't be made with this id, or null. */
  checkNewId(id: number): Refusal | null {
    if (id === 0) return RESOURCE_ID_ZERO;
    if (this.#resources.has(id)) return RESOURCE_ID_TAKEN;
    return this.#resources.size >= this.#parts.limits.maxResources ? TOO_MANY_RESOURCES : null;
  }

  /** Makes a resource whose pixels are 0. Returns null, or why it was refused. */
  create2d(id: number, format: number, width: number, height: number): Refusal | null {
    const refused = this.checkNewId(id);
    if (refused !== null) return refused;
    if (!PIXEL_FORMATS.has(format)) return BAD_FORMAT;
    const { limits, pixelMemory, metrics } = this.#parts;
    const { maxDimension } = limits;
    if (width === 0 || height === 0 || width > maxDimension || height > maxDimension) return BAD_DIMENSIONS;
    const memory = pixelMemory.take(pixelBytes(width, height));
    if (memory === null) return TOO_MUCH_MEMORY;
    const buffer = new SwapBuffer({ width, height, format }, memory, pixelMemory, metrics);
    this.#resources.set(id, { kind: '2d', id, buffer, backing: null, uuid: null, scanoutMask: 0 });
    return null;
  }

  /** Makes a blob of guest memory. The id is free. Returns null, or why it was refused. */
  createGuestBlob(description: BlobDescription, ranges: GuestRanges): Refusal | null {
    const { account, memory } = this.#parts;
    if (!account.hasRoomForEntries(ranges.length / 2)) return TOO_MANY_ENTRIES;
    const backing = Backing.over(memory, ranges);
    if (backing === null) return ENTRY_OUTSIDE;
    if (backing.bytes < description.bytes) {
      backing.close();
      return BAD_BLOB_SIZE;
    }
    account.takeEntries(backing.entries);
    const pages = new GuestPages(backing, description.bytes, this.#parts);
    this.#resources.set(description.id, new BlobResource(description, pages, null));
    return null;
  }

  /** Why a blob of `bytes` on the host can't be made, or null. */
  checkHostBlob(bytes: number): Refusal | null {
    const { account, limits } = this.#parts;
    return account.blobBytes + bytes > limits.maxBlobBytes ? TOO_MUCH_MEMORY : null;
  }

  /** Makes a blob on the host. The id is free. Returns null, or why it was refused. */
  createHostBlob(description: BlobDescription, content: Uint8Array | null): Refusal | null {
    const { account } = this.#parts;
    const { bytes } = description;
    if (content !== null && content.length > bytes) return BAD_BLOB_SIZE;
    if (!account.takeBytes(content?.length ?? 0)) return TOO_MUCH_MEMORY;
    if (!account.takeBlobBytes(bytes)) {
      account.giveBytes(content?.length ?? 0);
      return TOO_MUCH_MEMORY;
    }
    this.#resources.set(description.id, new BlobResource(description, null, content));
    return null;
  }

  /** Forgets the resource. Displays may hold its pixels a little longer. The scanouts are off by now. */
  destroy(resource: Resource): void {
    const { account } = this.#parts;
    this.#resources.delete(resource.id);
    account.giveEntries(resource.backing?.entries ?? 0);
    if (resource.kind === '2d') {
      resource.buffer.showPages(null);
      resource.backing?.close();
      resource.buffer.release();
      return;
    }
    if (resource.pages === null) account.giveBlobBytes(resource.bytes);
    account.giveBytes(resource.content?.length ?? 0);
    resource.close();
  }

  /** Puts guest memory behind the resource. Returns null, or why it was refused. */
  attachBacking(resource: Resource2d, ranges: GuestRanges, memory: DeviceMemory): Refusal | null {
    const { account } = this.#parts;
    if (resource.backing !== null) return ALREADY_BACKED;
    if (!account.hasRoomForEntries(ranges.length / 2)) return TOO_MANY_ENTRIES;
    const backing = Backing.over(memory, ranges);
    if (backing === null) return ENTRY_OUTSIDE;
    account.takeEntries(backing.entries);
    resource.backing = backing;
    const { buffer } = resource;
    const bytes = buffer.strideBytes * buffer.height;
    if (this.#parts.showsBackings && backing.bytes >= bytes) {
      buffer.showPages(new GuestPages(backing, bytes, this.#parts));
    }
    return null;
  }

  /** Takes it away again. Returns null, or why it was refused. */
  detachBacking(resource: Resource2d): Refusal | null {
    const { backing } = resource;
    if (backing === null) return NOT_BACKED;
    this.#parts.account.giveEntries(backing.entries);
    resource.buffer.showPages(null);
    backing.close();
    resource.backing = null;
    return null;
  }

  /** The blob for a context's channel. */
  attachedBlob(blob: BlobResource): AttachedBlob {
    return attachedBlob(blob);
  }

  /** True while a blob lies in the guest's window. */
  get hasMappedBlobs(): boolean {
    for (const resource of this.#resources.values()) {
      if (resource.kind === 'blob' && resource.place !== null) return true;
    }
    return false;
  }

  /** Destroys everything. */
  clear(): void {
    for (const resource of this.#resources.values()) this.destroy(resource);
  }
}

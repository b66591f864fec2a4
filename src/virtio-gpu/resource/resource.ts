/** What a resource is: pixels of a 2D resource, or a blob of bytes (virtio 1.3, 5.7.6.8). */
import type { Mapping } from 'vhost-user-native';
import type { RegionRange } from '../../region/index.js';
import type { Backing } from './backing.js';
import { GuestBlobBuffer, type ShadowParts } from './guest-blob-buffer.js';
import type { GuestPages } from './guest-pages.js';
import { RegionBlobBuffer } from './region-blob-buffer.js';
import type { PictureLayout, ShownBuffer } from './shown-buffer.js';
import type { SwapBuffer } from './swap-buffer.js';

interface AnyResource {
  readonly id: number;
  /** 16 bytes, once one was asked for. */
  uuid: Uint8Array | null;
  /** Bit n is set while scanout n shows this resource. */
  scanoutMask: number;
}

export interface Resource2d extends AnyResource {
  readonly kind: '2d';
  readonly buffer: SwapBuffer;
  backing: Backing | null;
}

export type Resource = Resource2d | BlobResource;

/** Pictures of one blob that are remembered: guests show a blob in one way, or in one for each output. */
const PICTURES_MAX = 4;

/** What CREATE_BLOB said, checked. */
export interface BlobDescription {
  readonly id: number;
  /** VIRTIO_GPU_BLOB_MEM_*. */
  readonly blobMem: number;
  /** VIRTIO_GPU_BLOB_FLAG_*. */
  readonly blobFlags: number;
  readonly bytes: number;
  /** The context that made it; 0 = none. */
  readonly contextId: number;
}

export class BlobResource implements AnyResource, BlobDescription {
  readonly kind = 'blob';
  readonly id: number;
  readonly blobMem: number;
  readonly blobFlags: number;
  readonly bytes: number;
  readonly contextId: number;
  /** Guest memory; null for what lies on the host. */
  readonly pages: GuestPages | null;
  /** What a blob on the host starts with each time that it is mapped; the rest is 0. */
  readonly content: Uint8Array | null;
  uuid: Uint8Array | null = null;
  scanoutMask = 0;
  #place: { readonly range: RegionRange; readonly mapping: Mapping } | null = null;
  readonly #pictures = new Map<string, ShownBuffer>();

  constructor(description: BlobDescription, pages: GuestPages | null, content: Uint8Array | null) {
    this.id = description.id;
    this.blobMem = description.blobMem;
    this.blobFlags = description.blobFlags;
    this.bytes = description.bytes;
    this.contextId = description.contextId;
    this.pages = pages;
    this.content = content;
  }

  get backing(): Backing | null {
    return this.pages?.backing ?? null;
  }

  /** Where the blob lies in the shared region, while it is mapped. */
  get place(): RegionRange | null {
    return this.#place?.range ?? null;
  }

  /** Puts the blob there, with what it starts with. `mapping` is the region's. */
  map(range: RegionRange, mapping: Mapping): void {
    this.#place = { range, mapping };
    const { content } = this;
    if (content === null || content.length === 0) return;
    new Uint8Array(mapping.window(range.offset, content.length)).set(content);
  }

  /** Takes it away; nothing happens when it is nowhere. No scanout shows it by now. */
  unmap(): void {
    if (this.#place === null) return;
    this.#pictures.clear();
    this.#place.range.free();
    this.#place = null;
  }

  /** The picture that lies in the blob like this, inside of it; null when the blob has no bytes yet (not mapped). */
  picture(layout: PictureLayout, parts: ShadowParts): ShownBuffer | null {
    const { width, height, format, strideBytes, offsetBytes } = layout;
    const key = `${width} ${height} ${format} ${strideBytes} ${offsetBytes}`;
    const known = this.#pictures.get(key);
    if (known !== undefined) return known;
    const { pages } = this;
    const place = this.#place;
    let picture: ShownBuffer;
    if (pages !== null) picture = new GuestBlobBuffer(layout, pages, parts);
    else if (place !== null) picture = new RegionBlobBuffer(layout, place.mapping, place.range);
    else return null;
    // A picture that is forgotten while it is shown stays with those who show it.
    if (this.#pictures.size >= PICTURES_MAX) this.#pictures.clear();
    this.#pictures.set(key, picture);
    return picture;
  }

  /** Gives everything back. It is shown nowhere by now. */
  close(): void {
    this.unmap();
    this.#pictures.clear();
    this.pages?.close();
  }
}

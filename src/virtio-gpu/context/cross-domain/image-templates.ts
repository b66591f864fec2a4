/**
 * The kinds of images that a guest asked the requirements of. Each stays for as long as its context: guests remember the
 * answer and make any number of blobs from it. Asking again for the same kind gives the same answer.
 */
import { pageSize } from 'vhost-user-native';
import type { ContextAccount } from '../context-account.js';
import { imageLayout } from './image-formats.js';
import type { ImageQuery } from './parse.js';
import { ImageRequirements } from './wire.js';

/** VIRTIO_GPU_MAP_CACHE_CACHED. */
const MAP_INFO_CACHED = 1;
/** As an int32 this is -1: there is no GPU. */
const NO_INDEX = 0xffff_ffff;

export class ImageTemplates {
  readonly #account: ContextAccount;
  readonly #nextId: () => number;
  readonly #idByKind = new Map<string, number>();
  readonly #bytesById = new Map<number, number>();

  /** `nextId` gives identifiers that nothing else in the context has. */
  constructor(account: ContextAccount, nextId: () => number) {
    this.#account = account;
    this.#nextId = nextId;
  }

  /** The answer to a query, in bytes; null when there can't be such an image, or not one kind more. */
  requirements(query: ImageQuery): Uint8Array | null {
    const { width, height, drmFormat, flags } = query;
    const layout = imageLayout(drmFormat, width, height, this.#account.limits.maxImageBytes);
    if (layout === null) return null;
    const size = Math.ceil(layout.bytes / pageSize) * pageSize;
    const blobId = this.#idOf(`${width} ${height} ${drmFormat} ${flags}`, size);
    if (blobId === null) return null;
    const four = (numbers: readonly number[]): number[] => [0, 1, 2, 3].map((i) => numbers[i] ?? 0);
    return ImageRequirements.encode({
      strides: four(layout.strides),
      offsets: four(layout.offsets),
      modifier: 0,
      size,
      blobId,
      mapInfo: MAP_INFO_CACHED,
      memoryIdx: NO_INDEX,
      physicalDeviceIdx: NO_INDEX,
    });
  }

  #idOf(kind: string, bytes: number): number | null {
    const known = this.#idByKind.get(kind);
    if (known !== undefined) return known;
    if (!this.#account.imageTemplates.take(1)) return null;
    const id = this.#nextId();
    this.#idByKind.set(kind, id);
    this.#bytesById.set(id, bytes);
    return id;
  }

  /** Bytes that images of this kind have, a multiple of the page size; undefined when it is not a kind of image. */
  bytesOf(id: number): number | undefined {
    return this.#bytesById.get(id);
  }

  close(): void {
    this.#account.imageTemplates.give(this.#bytesById.size);
    this.#bytesById.clear();
    this.#idByKind.clear();
  }
}

/** What the host sent to one context and the guest refers to by number: files to make blobs of, pipes to write to. */
import { closeFd } from 'vhost-user-native';
import type { ReceivedItem } from '../channel.js';
import type { ContextAccount } from '../context-account.js';
import { CROSS_DOMAIN_ID_TYPE_VIRTGPU_BLOB, CROSS_DOMAIN_ID_TYPE_WRITE_PIPE } from './wire.js';
import { WritePipe } from './write-pipe.js';

/** How the guest is told of an item. */
export interface Identifier {
  readonly id: number;
  readonly type: number;
  /** Bytes of a file, else 0. */
  readonly size: number;
}

type Item =
  | { readonly kind: 'file'; readonly content: Uint8Array }
  | { readonly kind: 'write-pipe'; readonly pipe: WritePipe };

/** A blob can't be empty: an empty file is one of a single zero. */
const EMPTY_FILE = new Uint8Array(1);

export class ItemTable {
  readonly #account: ContextAccount;
  readonly #nextId: () => number;
  readonly #items = new Map<number, Item>();

  /** `nextId` gives identifiers that nothing else in the context has. */
  constructor(account: ContextAccount, nextId: () => number) {
    this.#account = account;
    this.#nextId = nextId;
  }

  has(id: number): boolean {
    return this.#items.has(id);
  }

  /** Takes the items over, all or none. Null when the guest leaves too many lying about. */
  add(received: readonly ReceivedItem[]): Identifier[] | null {
    const fileBytes = received.reduce(
      (sum, item) => sum + (item.kind === 'file' ? item.content.length : 0),
      0,
    );
    const fits =
      this.#items.size + received.length <= this.#account.limits.maxItemsPerContext &&
      this.#account.fileBytes.take(fileBytes);
    if (!fits) {
      for (const item of received) if (item.kind === 'write-pipe') closeFd(item.fd);
      return null;
    }
    return received.map((item) => this.#addOne(item));
  }

  #addOne(item: ReceivedItem): Identifier {
    const id = this.#nextId();
    if (item.kind === 'write-pipe') {
      this.#items.set(id, { kind: 'write-pipe', pipe: new WritePipe(item.fd, this.#account) });
      return { id, type: CROSS_DOMAIN_ID_TYPE_WRITE_PIPE, size: 0 };
    }
    this.#items.set(id, item);
    return { id, type: CROSS_DOMAIN_ID_TYPE_VIRTGPU_BLOB, size: Math.max(item.content.length, 1) };
  }

  /** The bytes of a file that was not taken yet; null when this is none. */
  fileContent(id: number): Uint8Array | null {
    const item = this.#items.get(id);
    if (item?.kind !== 'file') return null;
    return item.content.length === 0 ? EMPTY_FILE : item.content;
  }

  /** The guest made a blob of the file. */
  takeFile(id: number): void {
    const item = this.#items.get(id);
    if (item?.kind !== 'file') return;
    this.#account.fileBytes.give(item.content.length);
    this.#items.delete(id);
  }

  /** Null when this is not a pipe to write to. One that nobody reads any more still counts as one. */
  writePipe(id: number): WritePipe | null {
    const item = this.#items.get(id);
    return item?.kind === 'write-pipe' ? item.pipe : null;
  }

  /** The guest has closed the pipe: what it wrote before still goes out. */
  endPipe(id: number): void {
    this.writePipe(id)?.end();
    this.#items.delete(id);
  }

  close(): void {
    for (const [id, item] of this.#items) {
      if (item.kind === 'file') this.takeFile(id);
      else item.pipe.close();
    }
    this.#items.clear();
  }
}

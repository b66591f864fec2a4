/**
 * What a forwarded client is towards the guest: a channel of a virtio-gpu context. The shapes are those that the
 * device declares for its channels; they are repeated here because neither side imports the other, and the
 * composition root, where both meet, lets the compiler compare them.
 */

/** A blob resource that the guest attached to a message. */
export interface ForwardedBlob {
  readonly resourceId: number;
  /** Bytes of the blob. */
  readonly bytes: number;
  /** Bytes from the start of the shared region, where the blob lies there; else null. */
  readonly regionOffset: number | null;
  /** A dma-buf over the blob's pages, the caller's to close; null where there can't be one. */
  exportDmabuf(): number | null;
  /** Keeps the blob's bytes where they are until `release`, even when the guest destroys the resource. */
  retain(): void;
  release(): void;
}

/** What the guest attached to a message. */
export type ItemFromGuest =
  | { readonly kind: 'blob'; readonly blob: ForwardedBlob }
  /** The write end of a pipe whose other end the guest reads; ours to close. */
  | { readonly kind: 'read-pipe'; readonly fd: number };

/** What we attach to a message for the guest. */
export type ItemForGuest =
  /** The guest gets a blob with a copy. Never empty: a blob can't be. */
  | { readonly kind: 'file'; readonly content: Uint8Array }
  /** A descriptor that the guest writes to; the receiver's to close. */
  | { readonly kind: 'write-pipe'; readonly fd: number };

/** Most bytes of one message to the guest. */
export const GUEST_DATA_MAX = 3744;
/** Most things attached to one message, either way. */
export const GUEST_ITEMS_MAX = 28;

export interface MessageForGuest {
  /** At most GUEST_DATA_MAX bytes. */
  readonly data: Uint8Array;
  /** At most GUEST_ITEMS_MAX. */
  readonly items: readonly ItemForGuest[];
}

export interface GuestChannel {
  send(data: Uint8Array, items: readonly ItemFromGuest[]): void;
  receive(): MessageForGuest | 'end' | null;
  close(): void;
}

export interface GuestChannelOwner {
  /** What the guest calls the context: printable ASCII, at most 64 characters. */
  readonly name: string;
  /** `receive` has something, or the end. Called from the event loop, never from within `send` or `receive`. */
  ready(): void;
}

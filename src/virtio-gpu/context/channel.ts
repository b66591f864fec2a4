/**
 * A context's way out of the device: a stream of messages with things attached, to a compositor for example. Declared
 * here, by the side that uses it; what is behind it comes from the composition root.
 *
 * Nothing here blocks, and nothing is lost: what the other side does not take yet waits in the channel, within the
 * channel's own bounds.
 */

/** A blob resource that the guest attached to a message. */
export interface AttachedBlob {
  readonly resourceId: number;
  /** Bytes of the blob. */
  readonly bytes: number;
  /**
   * Where the blob lies in the shared region, in bytes from its start; null when it does not lie there (guest pages,
   * or a blob that is not mapped).
   */
  readonly regionOffset: number | null;
  /** A dma-buf over the blob's guest pages, the caller's to close; null where there can't be one. */
  exportDmabuf(): number | null;
  /** Keeps the blob's bytes where they are until `release`, even when the guest destroys the resource. */
  retain(): void;
  release(): void;
}

/** What the guest attached to a message. */
export type SentItem =
  | { readonly kind: 'blob'; readonly blob: AttachedBlob }
  /** The write end of a pipe whose other end the guest reads; it is the channel's to close. */
  | { readonly kind: 'read-pipe'; readonly fd: number };

/** What the host attached to a message. */
export type ReceivedItem =
  /** A file's content: the guest gets a blob with a copy of it. */
  | { readonly kind: 'file'; readonly content: Uint8Array }
  /** A descriptor that the guest writes to; it is the device's to close. */
  | { readonly kind: 'write-pipe'; readonly fd: number };

/** Most bytes of one message to the guest: a ring page less the layout in front of them. */
export const CHANNEL_DATA_MAX = 3744;
/** Most things attached to one message, either way. */
export const CHANNEL_ITEMS_MAX = 28;

/** Never without data and items both: to the guest that means the end. */
export interface ReceivedMessage {
  /** At most CHANNEL_DATA_MAX bytes. */
  readonly data: Uint8Array;
  /** At most CHANNEL_ITEMS_MAX. */
  readonly items: readonly ReceivedItem[];
}

export interface Channel {
  /** Takes bytes from the guest, copied, and takes over the items. After the end they are dropped (and closed). */
  send(data: Uint8Array, items: readonly SentItem[]): void;
  /** The next message for the guest (its items are the caller's), 'end' when no more will come, null when there is none now. */
  receive(): ReceivedMessage | 'end' | null;
  /** The context is gone: gives everything back. Idempotent. */
  close(): void;
}

export interface ChannelOwner {
  /** What the guest calls the context: printable ASCII, at most 64 characters. */
  readonly name: string;
  /** `receive` has something, or the end. Called from the event loop, not from within `send` or `receive`. */
  ready(): void;
}

/** What kinds of channel there are; their numbers are those of cross-domain's INIT. */
export const CHANNEL_WAYLAND = 1;

/** Opens channels for contexts. */
export interface ChannelFactory {
  /** Channel types that can be opened now. */
  readonly types: readonly number[];
  /** Null when it can't be opened. */
  open(type: number, owner: ChannelOwner): Channel | null;
}

/** What waits for the guest: messages with what is attached to them, handed out in pieces that a channel takes. */
import { closeFd } from 'vhost-user-native';
import { GUEST_DATA_MAX, GUEST_ITEMS_MAX, type ItemForGuest, type MessageForGuest } from './channel.js';

interface Waiting {
  readonly bytes: Uint8Array;
  sent: number;
  /** They go with the first bytes. */
  items: readonly ItemForGuest[];
}

export class GuestOutput {
  private waiting: Waiting[] = [];
  private first = 0;
  private total = 0;
  private content = 0;

  /** Bytes that wait, the content of files included. */
  get bytes(): number {
    return this.total + this.content;
  }

  get empty(): boolean {
    return this.first === this.waiting.length;
  }

  /** Copies the bytes and takes over the items. */
  push(bytes: Uint8Array, items: readonly ItemForGuest[]): void {
    this.waiting.push({ bytes: bytes.slice(), sent: 0, items });
    this.total += bytes.length;
    this.content += contentBytes(items);
  }

  /** Whole messages as far as possible; only one that is too long for a piece is cut. Null when nothing waits. */
  next(): MessageForGuest | null {
    if (this.empty) return null;
    const data = new Uint8Array(Math.min(GUEST_DATA_MAX, this.total));
    const items: ItemForGuest[] = [];
    let filled = 0;
    for (let head = this.waiting[this.first]; head !== undefined; head = this.waiting[this.first]) {
      const left = head.bytes.length - head.sent;
      const room = data.length - filled;
      if (filled > 0 && (left > room || !fits(items, head.items))) break;
      const count = Math.min(left, room);
      data.set(head.bytes.subarray(head.sent, head.sent + count), filled);
      items.push(...head.items);
      this.content -= contentBytes(head.items);
      head.items = [];
      filled += count;
      head.sent += count;
      this.total -= count;
      if (head.sent < head.bytes.length) break;
      this.first++;
    }
    this.compact();
    return { data: data.subarray(0, filled), items };
  }

  /** Drops everything and closes what was attached. */
  clear(): void {
    for (const { items } of this.waiting) {
      for (const item of items) if (item.kind === 'write-pipe') closeFd(item.fd);
    }
    this.waiting = [];
    this.first = 0;
    this.total = 0;
    this.content = 0;
  }

  private compact(): void {
    if (this.first < 256 && !this.empty) return;
    this.waiting = this.waiting.slice(this.first);
    this.first = 0;
  }
}

/** Sommelier takes one pipe at a time. */
function fits(items: readonly ItemForGuest[], more: readonly ItemForGuest[]): boolean {
  const pipes = [...items, ...more].filter(({ kind }) => kind === 'write-pipe').length;
  return items.length + more.length <= GUEST_ITEMS_MAX && (more.length === 0 || pipes <= 1);
}

function contentBytes(items: readonly ItemForGuest[]): number {
  let bytes = 0;
  for (const item of items) if (item.kind === 'file') bytes += item.content.length;
  return bytes;
}

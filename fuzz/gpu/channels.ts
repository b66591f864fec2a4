/** What the contexts of a made-up guest are connected to. */
import { closeFd } from 'vhost-user-native';
import type {
  Channel,
  ChannelFactory,
  ChannelOwner,
  ReceivedMessage,
  SentItem,
} from '../../src/virtio-gpu/index.js';
import { Finding } from '../core/target.js';

class FuzzChannel implements Channel {
  readonly owner: ChannelOwner;
  closed = false;
  private readonly inbox: (ReceivedMessage | 'end')[] = [];
  private readonly items: SentItem[] = [];

  constructor(owner: ChannelOwner) {
    this.owner = owner;
  }

  send(_: Uint8Array, items: readonly SentItem[]): void {
    if (this.closed) throw new Finding('sent after it was closed');
    for (const item of items) if (item.kind === 'blob') item.blob.retain();
    this.items.push(...items);
    if (this.items.length > 8) this.drop();
  }

  receive(): ReceivedMessage | 'end' | null {
    return this.inbox.shift() ?? null;
  }

  deliver(message: ReceivedMessage | 'end'): void {
    this.inbox.push(message);
    this.owner.ready();
  }

  close(): void {
    this.closed = true;
    this.drop();
    for (const message of this.inbox.splice(0)) if (message !== 'end') closeItems(message);
  }

  private drop(): void {
    for (const item of this.items.splice(0)) {
      if (item.kind === 'blob') item.blob.release();
      else closeFd(item.fd);
    }
  }
}

export function closeItems({ items }: ReceivedMessage): void {
  for (const item of items) if (item.kind === 'write-pipe') closeFd(item.fd);
}

export class FuzzChannels implements ChannelFactory {
  readonly types = [1];
  private readonly opened: FuzzChannel[] = [];

  open(type: number, owner: ChannelOwner): Channel | null {
    if (type !== 1) return null;
    const channel = new FuzzChannel(owner);
    this.opened.push(channel);
    return channel;
  }

  get living(): FuzzChannel[] {
    return this.opened.filter(({ closed }) => !closed);
  }
}

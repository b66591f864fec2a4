/**
 * The client in the guest: it knows what it sent and what it was told, and judges both. A request that libwayland would
 * refuse must be refused; an event must be one that libwayland takes.
 */
import { closeFd } from 'vhost-user-native';
import type { ForwardedClient, ItemForGuest } from '../../src/wayland/index.js';
import { type ModelMessage, Refusal, WireModel } from './wire-model.js';

export class ModelGuest {
  readonly model = new WireModel({ denseIds: false, name: 'to the guest' });
  readonly features = new Set<string>();
  /** Serials that events brought, the last ones. */
  readonly serials: number[] = [];
  /** By interface, the name of the global and its version. */
  readonly globals = new Map<string, readonly [number, number]>();
  /** Why libwayland would have ended this client; null as long as it would not. */
  refused: string | null = null;
  ended = false;
  /** What comes is not looked at: somebody else's mistake is in it. */
  deaf = false;
  /** wl_display.error came. */
  errorSeen = false;
  private outgoing = Buffer.alloc(0);
  private incoming = Buffer.alloc(0);
  private items: ItemForGuest[] = [];
  private attached = 0;

  /** What it sends, in any pieces. */
  sent(bytes: Uint8Array, items: number): void {
    this.outgoing = Buffer.concat([this.outgoing, bytes]);
    this.attached += items;
    while (this.refused === null && this.outgoing.length >= 8) {
      const size = this.outgoing.readUInt16LE(6);
      if (size < 8 || size % 4 !== 0 || size > 4096) {
        this.refused = `a message of ${size} bytes`;
        return;
      }
      if (this.outgoing.length < size) return;
      const message = this.outgoing.subarray(0, size);
      this.outgoing = this.outgoing.subarray(size);
      this.request(message);
    }
  }

  /** Takes everything that there is for it; throws a Refusal when it makes no sense. */
  take(channel: ForwardedClient): void {
    for (let message = channel.receive(); message !== null; message = channel.receive()) {
      if (message === 'end') {
        this.ended = true;
        return;
      }
      if (message.data.length > 3744 || message.items.length > 28)
        throw new Refusal('a piece that is too large');
      this.incoming = Buffer.concat([this.incoming, message.data]);
      this.items.push(...message.items);
      this.read();
    }
  }

  close(): void {
    for (const item of this.items.splice(0)) dispose(item);
  }

  private request(bytes: Buffer): void {
    try {
      const parsed = this.model.request(
        bytes.readUInt32LE(0),
        bytes.readUInt16LE(4),
        bytes.subarray(8),
        this.attached,
      );
      this.attached -= parsed.fds;
      this.features.add(`from guest ${parsed.object.table.name}.${parsed.message.name}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refused = error.message;
    }
  }

  private read(): void {
    while (this.incoming.length >= 8) {
      const size = this.incoming.readUInt16LE(6);
      if (size < 8 || size % 4 !== 0) throw new Refusal(`to the guest: a message of ${size} bytes`);
      if (this.incoming.length < size) return;
      const bytes = this.incoming.subarray(0, size);
      this.incoming = this.incoming.subarray(size);
      // After a request of its own that is none, it does not know what the firewall thinks it has.
      if (this.refused !== null || this.deaf) continue;
      if (this.errorSeen) throw new Refusal('to the guest: more after wl_display.error');
      this.event(
        this.model.event(bytes.readUInt32LE(0), bytes.readUInt16LE(4), bytes.subarray(8), this.items.length),
      );
    }
  }

  private event({ object, message, values, fds }: ModelMessage): void {
    this.features.add(`to guest ${object.table.name}.${message.name}`);
    for (const item of this.items.splice(0, fds)) dispose(item);
    const serial = message.args.findIndex(({ name }) => name === 'serial');
    if (serial >= 0) this.serials.push(Number(values[serial]));
    if (this.serials.length > 16) this.serials.shift();
    if (object.id === 1 && message.name === 'error') this.errorSeen = true;
    if (message.name === 'global')
      this.globals.set(String(values[1]), [Number(values[0]), Number(values[2])]);
  }
}

function dispose(item: ItemForGuest): void {
  if (item.kind === 'write-pipe') closeFd(item.fd);
}

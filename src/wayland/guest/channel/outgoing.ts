/**
 * The bytes on their way to the host, and what is attached to them. They leave in SENDs of at most 3744 bytes; what a
 * message has attached leaves with its first byte. As every proxy does, at most one pipe goes with a SEND.
 */
import { ID_TYPE_READ_PIPE, IDENTIFIERS_MAX, type Identifier, SEND_DATA_MAX } from './messages.js';

export interface OutgoingItem extends Identifier {
  /** Of a buffer: to be released once it is sent. */
  readonly handle: number | null;
}

export class OutgoingBytes {
  private readonly buffer = new Uint8Array(SEND_DATA_MAX);
  private readonly send: (data: Uint8Array, items: readonly OutgoingItem[]) => void;
  private items: OutgoingItem[] = [];
  private filled = 0;

  constructor(send: (data: Uint8Array, items: readonly OutgoingItem[]) => void) {
    this.send = send;
  }

  push(message: Uint8Array, items: readonly OutgoingItem[]): void {
    if (!this.fits(message, items)) this.flush();
    this.items.push(...items);
    for (let done = 0; done < message.length; ) {
      if (this.filled === SEND_DATA_MAX) this.flush();
      const part = message.subarray(done, done + SEND_DATA_MAX - this.filled);
      this.buffer.set(part, this.filled);
      this.filled += part.length;
      done += part.length;
    }
  }

  flush(): void {
    if (this.filled === 0) return;
    const { items, filled } = this;
    // First: a failing send must not be repeated.
    this.items = [];
    this.filled = 0;
    this.send(this.buffer.subarray(0, filled), items);
  }

  private fits(message: Uint8Array, items: readonly OutgoingItem[]): boolean {
    const pipes = [...this.items, ...items].filter(({ type }) => type === ID_TYPE_READ_PIPE);
    return (
      this.filled + message.length <= SEND_DATA_MAX &&
      this.items.length + items.length <= IDENTIFIERS_MAX &&
      (items.length === 0 || pipes.length <= 1)
    );
  }
}

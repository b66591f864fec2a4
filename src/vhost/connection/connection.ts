/**
 * A vhost-user connection: messages both ways over one socket. What the kernel does not take at once waits in a
 * bounded queue; while much waits, nothing is read, so that a peer that sends without reading stops itself.
 */
import { closeFd, READABLE, type UnixSocket, WRITABLE } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { QUEUED_MESSAGES_HIGH, QUEUED_MESSAGES_MAX } from '../wire/limits.js';
import { MessageHeader } from '../wire/payloads.js';
import { viewOf } from '../wire/struct.js';
import type { Message } from './message.js';
import { ENDED, isHangUp, NOTHING, Receiver } from './receiver.js';

/** Messages handled in one go before the event loop looks at other things. */
const MESSAGES_PER_TURN = 32;

/** Whom a connection tells of what comes. */
export interface ConnectionHandlers {
  /** One message. It is closed (with the descriptors that were not taken) when the handler returns. */
  message(message: Message): void;
  /**
   * The connection is over: null when the peer closed it between two messages, else why. Called once, and not
   * after `close()`. The socket is closed already.
   */
  ended(error: Error | null): void;
}

/** What goes along with a message. */
export interface SendOptions {
  /** Descriptors that ride on the message. They must stay open until it was sent. */
  readonly fds?: readonly number[];
  /** They are the connection's now: it closes them once they were sent (or never will be). */
  readonly closeFds?: boolean;
}

interface Outgoing {
  readonly data: Uint8Array;
  sent: number;
  readonly fds: readonly number[];
  readonly closeFds: boolean;
}

/** One vhost-user socket, either end: takes messages apart, and sends those that are given to it in order. */
export class Connection {
  private readonly socket: UnixSocket;
  private readonly handlers: ConnectionHandlers;
  private readonly receiver: Receiver;
  private readonly outgoing: Outgoing[] = [];
  private events = 0;
  private over = false;

  /** Takes over the socket and starts reading from the next turn of the event loop on. */
  constructor(socket: UnixSocket, handlers: ConnectionHandlers) {
    this.socket = socket;
    this.handlers = handlers;
    this.receiver = new Receiver(socket);
    this.watch();
  }

  get closed(): boolean {
    return this.over;
  }

  /** Messages that wait for the peer to read. */
  get queued(): number {
    return this.outgoing.length;
  }

  /** Sends one message, or queues it. After the end it is dropped. */
  send(request: number, flags: number, payload: Uint8Array, options: SendOptions = {}): void {
    const data = new Uint8Array(MessageHeader.size + payload.length);
    MessageHeader.write(viewOf(data), 0, { request, flags, size: payload.length });
    data.set(payload, MessageHeader.size);
    this.sendRaw(data, options);
  }

  /** Sends bytes as they are: for tests that break the protocol on purpose. */
  sendRaw(data: Uint8Array, options: SendOptions = {}): void {
    const entry = { data, sent: 0, fds: options.fds ?? [], closeFds: options.closeFds ?? false };
    if (this.over) {
      release(entry);
      return;
    }
    this.outgoing.push(entry);
    if (this.outgoing.length > QUEUED_MESSAGES_MAX) {
      this.end(new VhostUserError('VHOST_ERR_CONNECTION', 'the peer does not read its messages'));
    } else if (this.outgoing.length === 1) {
      this.flush();
    } else {
      this.watch();
    }
  }

  /** Closes the socket and the descriptors that wait. No handler is called any more. Idempotent. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.socket.close();
    this.receiver.close();
    for (const entry of this.outgoing.splice(0)) release(entry);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private end(error: Error | null): void {
    if (this.over) return;
    this.close();
    this.handlers.ended(error);
  }

  private watch(): void {
    if (this.over) return;
    let events = this.outgoing.length > 0 ? WRITABLE : 0;
    if (this.outgoing.length <= QUEUED_MESSAGES_HIGH) events |= READABLE;
    if (events === this.events) return;
    this.events = events;
    this.socket.watch(events, this.ready);
  }

  private readonly ready = (events: number): void => {
    if ((events & WRITABLE) !== 0) this.flush();
    if ((events & READABLE) !== 0) this.read();
  };

  private read(): void {
    for (let count = 0; count < MESSAGES_PER_TURN; count++) {
      if (this.over || this.outgoing.length > QUEUED_MESSAGES_HIGH) return;
      try {
        const received = this.receiver.receive();
        if (received === NOTHING) return;
        if (received === ENDED) {
          this.end(null);
          return;
        }
        try {
          this.handlers.message(received);
        } finally {
          received.close();
        }
      } catch (error) {
        this.end(error as Error);
        return;
      }
    }
  }

  private flush(): void {
    try {
      for (let entry = this.outgoing[0]; entry !== undefined; entry = this.outgoing[0]) {
        const sent = this.socket.send(entry.data.subarray(entry.sent), entry.sent === 0 ? entry.fds : []);
        if (sent < 0) break;
        entry.sent += sent;
        if (entry.sent < entry.data.length) break;
        this.outgoing.shift();
        release(entry);
      }
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.watch();
  }

  /** A failed send. What the peer had sent before it went is not worth reading: nobody takes our answer. */
  private fail(cause: Error): void {
    if (isHangUp(cause)) this.end(null);
    else this.end(new VhostUserError('VHOST_ERR_CONNECTION', `sending failed: ${cause.message}`, { cause }));
  }
}

function release(entry: Outgoing): void {
  if (entry.closeFds) for (const fd of entry.fds) closeFd(fd);
}

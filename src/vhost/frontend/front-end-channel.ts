/**
 * The front-end's end of the main socket: requests out, replies in. vhost-user has no request numbers, so a
 * reply belongs to the oldest request that waits, and must name the same request.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import { Connection, type SendOptions } from '../connection/connection.js';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { FLAG_NEED_REPLY, FLAG_REPLY, U64, VERSION } from '../wire/payloads.js';
import { frontEndRequestName } from '../wire/requests.js';
import { viewOf } from '../wire/struct.js';

/** A received message; the descriptors are the receiver's. */
export interface ReceivedMessage {
  readonly request: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  readonly fds: readonly number[];
}

export interface QueryOptions {
  /** Descriptors to send; they must stay open until the reply is there. */
  readonly fds?: readonly number[];
  /** Descriptors that the reply may carry; more are a violation. Default 0. */
  readonly replyFds?: number;
}

interface Waiting {
  /** The request that the reply must name; null takes any message. */
  readonly request: number | null;
  readonly replyFds: number;
  readonly resolve: (message: ReceivedMessage | null) => void;
  readonly reject: (error: Error) => void;
}

/** Messages that `receiveRaw` did not fetch yet. */
const UNCLAIMED_MAX = 256;
const NO_PAYLOAD = new Uint8Array(0);

export class FrontEndChannel {
  /** PROTOCOL_F_REPLY_ACK: commands ask for an acknowledgement and wait for it. */
  replyAck = false;
  private readonly connection: Connection;
  private readonly waiting: Waiting[] = [];
  private readonly unclaimed: ReceivedMessage[] = [];
  private readonly ended: (error: Error | null) => void;
  private raw = false;
  private over: VhostUserError | null = null;

  /** Takes over the socket. `ended` is told once: the peer closed (null), broke the protocol, or `close`. */
  constructor(socket: UnixSocket, ended: (error: Error | null) => void) {
    this.ended = ended;
    this.connection = new Connection(socket, {
      message: (message) => this.receive(message),
      ended: (error) => this.end(error, 'VHOST_ERR_CONNECTION', 'the back-end closed the connection'),
    });
  }

  /** Why the connection is over; null while it is not. */
  get failure(): VhostUserError | null {
    return this.over;
  }

  /** A request that has a reply of its own. Rejects with a VhostUserError. */
  async query(
    request: number,
    payload: Uint8Array = NO_PAYLOAD,
    options: QueryOptions = {},
  ): Promise<ReceivedMessage> {
    if (this.over !== null) throw this.over;
    const reply = this.expect(request, options.replyFds ?? 0);
    this.connection.send(request, VERSION, payload, { fds: options.fds ?? [] });
    return (await reply) as ReceivedMessage;
  }

  /**
   * A request without one. With `replyAck`, resolves when the back-end has done it and rejects with
   * VHOST_ERR_REFUSED when it could not; without, resolves at once.
   */
  async command(
    request: number,
    payload: Uint8Array = NO_PAYLOAD,
    fds: readonly number[] = [],
  ): Promise<void> {
    return this.order(request, payload, { fds });
  }

  /** A command that hands one descriptor over: it is closed here once it was sent. */
  async give(request: number, fd: number): Promise<void> {
    return this.order(request, NO_PAYLOAD, { fds: [fd], closeFds: true });
  }

  /** Sends bytes as they are. Whatever comes back is for `receiveRaw`. */
  sendRaw(data: Uint8Array, fds: readonly number[] = []): void {
    if (this.over !== null) throw this.over;
    this.raw = true;
    this.connection.sendRaw(data, { fds });
  }

  /** The next message that no request waits for; null when the connection ends before one comes. */
  receiveRaw(): Promise<ReceivedMessage | null> {
    const first = this.unclaimed.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.over !== null) return Promise.resolve(null);
    return this.expect(null, 0);
  }

  /** Closes the socket; requests that wait reject with VHOST_ERR_CLOSED. Idempotent. */
  close(): void {
    this.connection.close();
    this.end(null, 'VHOST_ERR_CLOSED', 'the front-end was closed');
    for (const { fds } of this.unclaimed.splice(0)) closeAll(fds);
  }

  /** The connection fails for a reason that was found elsewhere. */
  abort(error: Error): void {
    this.connection.close();
    this.end(error, 'VHOST_ERR_CONNECTION', error.message);
  }

  private async order(request: number, payload: Uint8Array, options: SendOptions): Promise<void> {
    const acknowledged = this.replyAck && this.over === null;
    const reply = acknowledged ? this.expect(request, 0) : null;
    this.connection.send(request, VERSION | (acknowledged ? FLAG_NEED_REPLY : 0), payload, options);
    if (this.over !== null && reply === null) throw this.over;
    if (reply === null) return;
    const value = u64Of(request, ((await reply) as ReceivedMessage).payload);
    if (value !== 0n) refused(request, `it answered ${value}`);
  }

  private expect(request: number | null, replyFds: number): Promise<ReceivedMessage | null> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, replyFds, resolve, reject });
    });
  }

  /** An exception ends the connection, and comes back through `end`. */
  private receive(message: Message): void {
    const first = this.waiting[0];
    if (first !== undefined && first.request !== null) this.check(message, first.request, first.replyFds);
    else if (first === undefined && (!this.raw || this.unclaimed.length === UNCLAIMED_MAX)) {
      badReply(message.request, 'nobody asked for it');
    }
    const { request, flags } = message;
    const fds: number[] = [];
    while (message.fdCount > 0) fds.push(message.takeFd());
    const received = { request, flags, payload: message.payload.slice(), fds };
    if (first === undefined) {
      this.unclaimed.push(received);
      return;
    }
    this.waiting.shift();
    first.resolve(received);
  }

  private check(message: Message, request: number, replyFds: number): void {
    if (message.request !== request)
      badReply(message.request, `expected one to ${frontEndRequestName(request)}`);
    if ((message.flags & FLAG_REPLY) === 0) badReply(request, 'the reply flag is not set');
    if (message.fdCount > replyFds) badReply(request, `${message.fdCount} descriptors came along`);
  }

  private end(error: Error | null, code: string, what: string): void {
    if (this.over !== null) return;
    this.over =
      error instanceof VhostUserError
        ? error
        : new VhostUserError(
            code,
            error === null ? what : error.message,
            error === null ? {} : { cause: error },
          );
    for (const { request, resolve, reject } of this.waiting.splice(0)) {
      if (request === null) resolve(null);
      else reject(this.over);
    }
    this.ended(error);
  }
}

/** The u64 that a reply consists of; VHOST_ERR_BAD_REPLY when it is something else. */
export function u64Of(request: number, payload: Uint8Array): bigint {
  if (payload.length !== U64.size) badReply(request, `${payload.length} bytes instead of a u64`);
  return U64.read(viewOf(payload)).value;
}

/** The back-end answered something that does not fit the request. */
export function badReply(request: number, what: string): never {
  throw new VhostUserError('VHOST_ERR_BAD_REPLY', `reply to ${frontEndRequestName(request)}: ${what}`);
}

/** The back-end says that it can't or won't. */
export function refused(request: number, what: string): never {
  throw new VhostUserError('VHOST_ERR_REFUSED', `${frontEndRequestName(request)} was refused: ${what}`);
}

/** Closes descriptors that nobody wants. */
export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeFd(fd);
}

/**
 * Requests with replies over one connection, in order: vhost-user has no request numbers, so a reply belongs to
 * the oldest request that waits, and must name the same request.
 */
import type { UnixSocket } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { BACKEND_REQUESTS_MAX } from '../wire/limits.js';
import { FLAG_NEED_REPLY, U64, VERSION } from '../wire/payloads.js';
import { Connection } from './connection.js';
import type { Message } from './message.js';

interface Waiting {
  readonly request: number;
  readonly resolve: (accepted: boolean) => void;
}

export class RequestChannel {
  private readonly connection: Connection;
  private readonly waiting: Waiting[] = [];
  private readonly ended: (error: Error | null) => void;

  /** Takes over the socket. `ended` is told when the peer closes it or breaks the protocol. */
  constructor(socket: UnixSocket, ended: (error: Error | null) => void) {
    this.ended = ended;
    this.connection = new Connection(socket, {
      message: (message) => this.receive(message),
      ended: (error) => {
        this.abandon();
        this.ended(error);
      },
    });
  }

  /**
   * Sends a request that asks for a reply. Resolves true when the peer says 0, false when it says anything
   * else, when too many requests wait, or when the channel ends before. The descriptor has to stay open until
   * then.
   */
  request(request: number, payload: Uint8Array, fd?: number): Promise<boolean> {
    if (this.connection.closed || this.waiting.length >= BACKEND_REQUESTS_MAX) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.waiting.push({ request, resolve });
      this.connection.send(
        request,
        VERSION | FLAG_NEED_REPLY,
        payload,
        fd === undefined ? {} : { fds: [fd] },
      );
    });
  }

  /** Sends a request without asking for a reply. */
  notify(request: number, payload: Uint8Array): void {
    this.connection.send(request, VERSION, payload);
  }

  /** Closes the socket; requests that wait resolve false. Idempotent. */
  close(): void {
    this.connection.close();
    this.abandon();
  }

  private receive(message: Message): void {
    const first = this.waiting[0];
    if (first === undefined || message.request !== first.request || !message.isReply) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_REPLY',
        `an unexpected reply to back-end request ${message.request}`,
      );
    }
    if (message.payload.length !== U64.size || message.fdCount > 0) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_REPLY',
        `a malformed reply to back-end request ${message.request}`,
      );
    }
    this.waiting.shift();
    first.resolve(U64.read(message.view).value === 0n);
  }

  private abandon(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve(false);
  }
}

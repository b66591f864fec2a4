/** One received message and the descriptors that it owns. */
import { closeFd } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { FLAG_NEED_REPLY, FLAG_REPLY } from '../wire/payloads.js';
import { viewOf } from '../wire/struct.js';

/**
 * The payload is a view of the receiver's buffer: it holds until the handler returns. Descriptors are the
 * message's until they are taken; `close` closes the rest.
 */
export class Message {
  readonly request: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  private readonly fds: number[];

  constructor(request: number, flags: number, payload: Uint8Array, fds: readonly number[]) {
    this.request = request;
    this.flags = flags;
    this.payload = payload;
    this.fds = [...fds];
  }

  get view(): DataView {
    return viewOf(this.payload);
  }

  get needsReply(): boolean {
    return (this.flags & FLAG_NEED_REPLY) !== 0;
  }

  get isReply(): boolean {
    return (this.flags & FLAG_REPLY) !== 0;
  }

  /** Descriptors that nobody took yet. */
  get fdCount(): number {
    return this.fds.length;
  }

  /** Hands the first descriptor over: the caller closes it. Throws VHOST_ERR_BAD_FDS when there is none. */
  takeFd(): number {
    const fd = this.fds.shift();
    if (fd === undefined) throw new VhostUserError('VHOST_ERR_BAD_FDS', 'a descriptor is missing');
    return fd;
  }

  /** Lends the descriptors: they stay the message's. */
  peekFds(): readonly number[] {
    return this.fds;
  }

  /** Closes what was not taken. */
  close(): void {
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

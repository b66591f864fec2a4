/**
 * From a byte stream to messages: header, then payload, each in as many pieces as the kernel likes. Reads never
 * go past the end of a message, so that descriptors (which ride on a message's first byte) stay with theirs.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { MESSAGE_FDS_MAX, PAYLOAD_BYTES_MAX } from '../wire/limits.js';
import { MessageHeader, VERSION, VERSION_MASK } from '../wire/payloads.js';
import { viewOf } from '../wire/struct.js';
import { Message } from './message.js';

/** `receive` found nothing (now). */
export const NOTHING = 0;
/** The peer closed the connection between two messages. */
export const ENDED = 1;

export class Receiver {
  private readonly socket: UnixSocket;
  private readonly buffer = new Uint8Array(MessageHeader.size + PAYLOAD_BYTES_MAX);
  private readonly view = viewOf(this.buffer);
  /** Bytes in the buffer, and how many the message has as far as we know. */
  private filled = 0;
  private wanted = MessageHeader.size;
  private fds: number[] = [];

  constructor(socket: UnixSocket) {
    this.socket = socket;
  }

  /**
   * The next whole message, NOTHING or ENDED. The message's payload is valid until the next call. Throws a
   * VhostUserError (VHOST_ERR_BAD_MESSAGE, VHOST_ERR_BAD_FDS, VHOST_ERR_CONNECTION) when the stream can't be
   * followed any further.
   */
  receive(): Message | typeof NOTHING | typeof ENDED {
    for (;;) {
      if (this.filled < this.wanted) {
        const got = this.fill();
        if (got !== null) return got;
        if (this.filled < this.wanted) continue;
      }
      const header = MessageHeader.read(this.view);
      if (this.wanted === MessageHeader.size && header.size > 0) {
        if (header.size > PAYLOAD_BYTES_MAX) {
          bad(`request ${header.request}: ${header.size} bytes of payload, at most ${PAYLOAD_BYTES_MAX}`);
        }
        this.wanted += header.size;
        continue;
      }
      if ((header.flags & VERSION_MASK) !== VERSION) {
        bad(`request ${header.request}: version ${header.flags & VERSION_MASK} is not ${VERSION}`);
      }
      const payload = this.buffer.subarray(MessageHeader.size, this.wanted);
      const message = new Message(header.request, header.flags, payload, this.fds);
      this.fds = [];
      this.filled = 0;
      this.wanted = MessageHeader.size;
      return message;
    }
  }

  /** Closes the descriptors of a message that never became whole. */
  close(): void {
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }

  /** Null when bytes arrived. */
  private fill(): typeof NOTHING | typeof ENDED | null {
    const first = this.filled === 0;
    const { bytes, fds, truncated } = this.read();
    for (const fd of fds) this.fds.push(fd);
    if (truncated) {
      throw new VhostUserError('VHOST_ERR_BAD_FDS', 'more descriptors came than this process can take');
    }
    if (fds.length > 0 && !first) {
      throw new VhostUserError('VHOST_ERR_BAD_FDS', 'descriptors came in the middle of a message');
    }
    if (this.fds.length > MESSAGE_FDS_MAX) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_FDS',
        `${this.fds.length} descriptors, at most ${MESSAGE_FDS_MAX}`,
      );
    }
    if (bytes < 0) return NOTHING;
    if (bytes === 0) {
      if (first) return ENDED;
      bad(`the connection ended after ${this.filled} bytes of a message`);
    }
    this.filled += bytes;
    return null;
  }

  private read(): ReturnType<UnixSocket['receive']> {
    try {
      return this.socket.receive(this.buffer.subarray(this.filled, this.wanted));
    } catch (error) {
      if (isHangUp(error)) return { bytes: 0, fds: [], truncated: false };
      throw new VhostUserError('VHOST_ERR_CONNECTION', `receiving failed: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

function bad(what: string): never {
  throw new VhostUserError('VHOST_ERR_BAD_MESSAGE', what);
}

/** A peer that closes its socket with bytes of ours unread resets the connection: it hung up all the same. */
export function isHangUp(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ECONNRESET' || code === 'EPIPE';
}

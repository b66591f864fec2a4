/**
 * Takes QEMU's answers off the stream, which may come in pieces of any size. Only the four answers that are
 * known are accepted, each with the one size it has: so a peer can't make this hold more than 1068 bytes, nor
 * lose the place where the next message starts.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import {
  GpuMessageHeader,
  REPLY_BYTES,
  REPLY_BYTES_MAX,
  VHOST_USER_GPU_FLAG_REPLY,
} from './gpu-socket-wire.js';

/** Messages taken in one go, so that a peer that floods us does not keep us from everything else. */
const MESSAGES_PER_TURN_MAX = 16;

/** How reading ended for now. */
export type ReadResult =
  /** Nothing more is there, or enough was read for one turn (the socket stays readable then). */
  | { readonly kind: 'more-later' }
  /** The peer closed its end. */
  | { readonly kind: 'end' }
  /** The peer broke the protocol. */
  | { readonly kind: 'malformed'; readonly why: string };

const MORE_LATER: ReadResult = { kind: 'more-later' };
const END: ReadResult = { kind: 'end' };

function malformed(why: string): ReadResult {
  return { kind: 'malformed', why };
}

export class AnswerReader {
  private readonly data = new Uint8Array(GpuMessageHeader.size + REPLY_BYTES_MAX);
  private readonly view = viewOf(this.data);
  private filled = 0;
  /** Bytes of the message as far as known: the header's, then header and payload. */
  private wanted = GpuMessageHeader.size;

  /** Forgets half a message: a new connection. */
  reset(): void {
    this.filled = 0;
    this.wanted = GpuMessageHeader.size;
  }

  /**
   * Reads what is there and hands each whole message to `onAnswer`, which says what is wrong with it, or null.
   * The payload is valid during the call only. Throws when the system call fails.
   */
  read(socket: UnixSocket, onAnswer: (request: number, payload: Uint8Array) => string | null): ReadResult {
    for (let messages = 0; messages < MESSAGES_PER_TURN_MAX; ) {
      const { bytes, fds } = socket.receive(this.data.subarray(this.filled, this.wanted));
      for (const fd of fds) closeFd(fd);
      if (fds.length > 0) return malformed('a descriptor came with an answer');
      if (bytes < 0) return MORE_LATER;
      if (bytes === 0) return END;
      this.filled += bytes;
      if (this.filled < this.wanted) continue;
      const { request, flags, size } = GpuMessageHeader.read(this.view);
      if (this.filled === GpuMessageHeader.size) {
        const wrong = this.checkHeader(request, flags, size);
        if (wrong !== null) return malformed(wrong);
        this.wanted = GpuMessageHeader.size + size;
        if (size > 0) continue;
      }
      const wrong = onAnswer(request, this.data.subarray(GpuMessageHeader.size, this.wanted));
      if (wrong !== null) return malformed(wrong);
      this.reset();
      messages++;
    }
    return MORE_LATER;
  }

  private checkHeader(request: number, flags: number, size: number): string | null {
    const expected = REPLY_BYTES.get(request);
    if (expected === undefined) return `message ${request} is no answer`;
    if ((flags & VHOST_USER_GPU_FLAG_REPLY) === 0) return `message ${request} is not marked as an answer`;
    if (size !== expected) return `the answer to ${request} has ${size} bytes instead of ${expected}`;
    return null;
  }
}

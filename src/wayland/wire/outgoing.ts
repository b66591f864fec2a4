/**
 * What waits for the peer to read: segments of bytes, each with the descriptors that ride on its first byte. A
 * descriptor never travels after the bytes of its message (the receiver takes it when it has those), and never
 * more than 28 in one go.
 */
import { checkReserve, closeFd, dupFd, type UnixSocket } from 'vhost-user-native';
import { FDS_PER_SEND_MAX, MESSAGE_BYTES_MAX } from '../limits.js';

interface Segment {
  readonly data: Uint8Array;
  filled: number;
  sent: number;
  readonly fds: number[];
}

export class OutgoingQueue {
  private readonly segments: Segment[] = [];
  /** An empty buffer of the usual size, so that steady traffic allocates none. */
  private spare: Uint8Array | null = null;
  private waitingBytes = 0;
  private waitingFds = 0;

  get bytes(): number {
    return this.waitingBytes;
  }

  get fds(): number {
    return this.waitingFds;
  }

  /** Copies the bytes and duplicates the descriptors (which can fail, EMFILE: then nothing was queued). */
  push(bytes: Uint8Array, fds: readonly number[]): void {
    if (fds.length > FDS_PER_SEND_MAX) throw new RangeError(`${fds.length} descriptors on one message`);
    const own = duplicate(fds);
    let tail = this.segments.at(-1);
    if (
      tail === undefined ||
      tail.filled + bytes.length > tail.data.length ||
      tail.fds.length + own.length > FDS_PER_SEND_MAX ||
      (own.length > 0 && tail.sent > 0)
    ) {
      tail = { data: this.buffer(bytes.length), filled: 0, sent: 0, fds: [] };
      this.segments.push(tail);
    }
    tail.data.set(bytes, tail.filled);
    tail.filled += bytes.length;
    tail.fds.push(...own);
    this.waitingBytes += bytes.length;
    this.waitingFds += own.length;
  }

  /** Hands the socket what it takes; whatever it throws is passed on. */
  flush(socket: UnixSocket): void {
    for (let head = this.segments[0]; head !== undefined; head = this.segments[0]) {
      const sent = socket.send(head.data.subarray(head.sent, head.filled), head.fds);
      if (sent < 0) return;
      // The descriptors went with the first of these bytes.
      this.waitingFds -= head.fds.length;
      for (const fd of head.fds.splice(0)) closeFd(fd);
      head.sent += sent;
      this.waitingBytes -= sent;
      if (head.sent < head.filled) return;
      this.segments.shift();
      if (head.data.length === MESSAGE_BYTES_MAX) this.spare = head.data;
    }
  }

  /** Drops everything and closes the descriptors. */
  clear(): void {
    for (const segment of this.segments.splice(0)) for (const fd of segment.fds) closeFd(fd);
    this.waitingBytes = 0;
    this.waitingFds = 0;
  }

  private buffer(bytes: number): Uint8Array {
    if (bytes > MESSAGE_BYTES_MAX) return new Uint8Array(bytes);
    const buffer = this.spare ?? new Uint8Array(MESSAGE_BYTES_MAX);
    this.spare = null;
    return buffer;
  }
}

function duplicate(fds: readonly number[]): number[] {
  const own: number[] = [];
  try {
    for (const fd of fds) {
      const copy = dupFd(fd);
      own.push(copy);
      checkReserve(copy);
    }
  } catch (error) {
    for (const fd of own) closeFd(fd);
    throw error;
  }
  return own;
}

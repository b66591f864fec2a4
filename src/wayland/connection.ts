/**
 * A Wayland connection: messages both ways over one socket, descriptors beside them. It knows no objects and no
 * protocol; client and proxy are built on it.
 *
 * As in libwayland, at most one message's worth of unhandled bytes is kept (4096 by default), descriptors are a
 * stream of their own, and requests collect until the end of the turn (a microtask) or until 4096 bytes are there.
 */
import { READABLE, type UnixSocket, WRITABLE } from 'vhost-user-native';
import { isPeerFault, WaylandError } from './errors.js';
import {
  INCOMING_FDS_MAX,
  MESSAGE_BYTES_LIMIT,
  MESSAGE_BYTES_MAX,
  OUTGOING_BYTES_HIGH,
  OUTGOING_BYTES_MAX,
  OUTGOING_FDS_MAX,
} from './limits.js';
import { FdQueue } from './wire/fd-queue.js';
import { HEADER_BYTES, readHeader } from './wire/header.js';
import { OutgoingQueue } from './wire/outgoing.js';

/** Reads in one go before the event loop looks at other things. */
const READS_PER_TURN = 16;

export interface ConnectionHandlers {
  /**
   * One whole message. `body` is what follows the header, valid until this returns; the message's descriptors are
   * the next ones in `fds`. When it throws a WaylandError that is the
   * peer's fault, the connection ends; anything else is passed on.
   */
  message(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void;
  /** The connection is not congested any more. */
  drained?(): void;
  /**
   * The connection is over, by the peer (WL_ERR_DISCONNECTED when it just hung up) or by an error. Called once,
   * and not after `close()`. The socket and all descriptors are closed already.
   */
  ended(error: WaylandError): void;
}

export interface ConnectionOptions {
  /** Default 4096. */
  readonly messageBytesMax?: number;
  /** Default 128. */
  readonly incomingFdsMax?: number;
  /** Default 1 MiB. */
  readonly outgoingBytesMax?: number;
  /** Default 64 KiB. */
  readonly outgoingBytesHigh?: number;
}

export class WaylandConnection {
  readonly messageBytesMax: number;
  private readonly socket: UnixSocket;
  private readonly handlers: ConnectionHandlers;
  private readonly outgoingBytesMax: number;
  private readonly outgoingBytesHigh: number;
  private readonly incoming: Uint8Array;
  private readonly view: DataView;
  private readonly incomingFds: FdQueue;
  private readonly outgoing = new OutgoingQueue();
  private filled = 0;
  private handled = 0;
  private events = 0;
  private isPaused = false;
  private isCongested = false;
  private flushPlanned = false;
  private drainedPlanned = false;
  /** The peer takes no more; what it said before it went is still read (a protocol error, most likely). */
  private peerDeaf = false;
  private over = false;

  /** Takes over the socket; reading starts with the next turn of the event loop. */
  constructor(socket: UnixSocket, handlers: ConnectionHandlers, options: ConnectionOptions = {}) {
    this.socket = socket;
    this.handlers = handlers;
    this.messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX;
    if (this.messageBytesMax < HEADER_BYTES || this.messageBytesMax > MESSAGE_BYTES_LIMIT) {
      throw new RangeError(`messages of ${this.messageBytesMax} bytes`);
    }
    this.outgoingBytesMax = options.outgoingBytesMax ?? OUTGOING_BYTES_MAX;
    this.outgoingBytesHigh = Math.min(
      options.outgoingBytesHigh ?? OUTGOING_BYTES_HIGH,
      this.outgoingBytesMax,
    );
    this.incoming = new Uint8Array(this.messageBytesMax);
    this.view = new DataView(this.incoming.buffer);
    this.incomingFds = new FdQueue(options.incomingFdsMax ?? INCOMING_FDS_MAX);
    this.watch();
  }

  get closed(): boolean {
    return this.over;
  }

  /** Bytes that wait for the peer. */
  get backlogBytes(): number {
    return this.outgoing.bytes;
  }

  /** Much waits for the peer: whoever can hold back should, until `drained`. */
  get congested(): boolean {
    return this.isCongested;
  }

  /**
   * Queues one message (header included), copied; the descriptors are duplicated and stay the caller's. After the
   * end it is dropped.
   */
  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (this.over || this.peerDeaf) return;
    this.outgoing.push(bytes, fds);
    if (this.outgoing.bytes >= MESSAGE_BYTES_MAX) this.flush();
    else this.planFlush();
    if (this.over) return;
    if (this.outgoing.bytes > this.outgoingBytesMax || this.outgoing.fds > OUTGOING_FDS_MAX) {
      // Not from within the caller's send: it may be in the middle of something.
      const what = `the peer does not read: ${this.outgoing.bytes} bytes wait for it`;
      this.outgoing.clear();
      this.peerDeaf = true;
      setImmediate(() => this.end(new WaylandError('WL_ERR_OVERFLOW', what)));
    } else if (this.outgoing.bytes > this.outgoingBytesHigh) {
      this.isCongested = true;
    }
  }

  /** Hands the kernel what it takes now, without waiting for the end of the turn. */
  flush(): void {
    if (this.over || this.peerDeaf) return;
    try {
      this.outgoing.flush(this.socket);
    } catch (error) {
      this.peerDeaf = true;
      this.outgoing.clear();
      if (!isHangUp(error)) {
        setImmediate(() => this.end(connectionError('sending', error)));
      }
    }
    this.watch();
    this.planDrained();
  }

  /** Stops reading, for as long as what is read could not be passed on. A hang-up goes unnoticed meanwhile. */
  pause(): void {
    this.isPaused = true;
    this.watch();
  }

  resume(): void {
    if (!this.isPaused || this.over) return;
    this.isPaused = false;
    this.watch();
    // Messages that were read before the pause make no socket readable.
    setImmediate(() => this.handle());
  }

  /** Sends what goes at once, then closes the socket and all descriptors. No handler is called. Idempotent. */
  close(): void {
    if (this.over) return;
    this.flush();
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private release(): void {
    this.over = true;
    this.socket.close();
    this.incomingFds.close();
    this.outgoing.clear();
  }

  private end(error: WaylandError): void {
    if (this.over) return;
    this.release();
    this.handlers.ended(error);
  }

  private planFlush(): void {
    if (this.flushPlanned) return;
    this.flushPlanned = true;
    queueMicrotask(() => {
      this.flushPlanned = false;
      this.flush();
    });
  }

  private get relieved(): boolean {
    return this.isCongested && !this.over && this.outgoing.bytes <= this.outgoingBytesHigh / 2;
  }

  /** Not from within a send, whose caller may be in the middle of something. */
  private planDrained(): void {
    if (this.drainedPlanned || !this.relieved) return;
    this.drainedPlanned = true;
    setImmediate(() => {
      this.drainedPlanned = false;
      if (!this.relieved) return;
      this.isCongested = false;
      this.handlers.drained?.();
    });
  }

  private watch(): void {
    if (this.over) return;
    const events = (this.isPaused ? 0 : READABLE) | (this.outgoing.bytes > 0 ? WRITABLE : 0);
    if (events === this.events) return;
    this.events = events;
    this.socket.watch(events, this.ready);
  }

  private readonly ready = (events: number): void => {
    if ((events & WRITABLE) !== 0) this.flush();
    if ((events & READABLE) !== 0) this.read();
  };

  private read(): void {
    for (let count = 0; count < READS_PER_TURN; count++) {
      if (this.over || this.isPaused) return;
      // Bytes that a handler's exception or a pause left behind come first.
      if (!this.handle()) return;
      if (!this.fill()) return;
      if (!this.handle()) return;
    }
  }

  /** False when nothing (more) is there now. */
  private fill(): boolean {
    let bytes: number;
    try {
      const received = this.socket.receive(this.incoming.subarray(this.filled));
      ({ bytes } = received);
      this.incomingFds.push(received.fds);
      if (received.truncated) {
        throw new WaylandError('WL_ERR_BAD_FDS', 'more descriptors came than this process can take');
      }
    } catch (error) {
      if (error instanceof WaylandError) this.end(error);
      else if (isHangUp(error)) this.end(this.hungUp());
      else this.end(connectionError('receiving', error));
      return false;
    }
    if (bytes === 0) this.end(this.hungUp());
    if (bytes <= 0) return false;
    this.filled += bytes;
    return true;
  }

  private hungUp(): WaylandError {
    const rest = this.filled === 0 ? '' : ` in the middle of a message (${this.filled} bytes)`;
    return new WaylandError('WL_ERR_DISCONNECTED', `the peer closed the connection${rest}`);
  }

  /** Hands out the whole messages that are there. False when the connection ended or paused meanwhile. */
  private handle(): boolean {
    try {
      while (!this.over && !this.isPaused && this.filled - this.handled >= HEADER_BYTES) {
        const start = this.handled;
        const { objectId, opcode, size } = readHeader(this.view, start, this.messageBytesMax);
        if (this.filled - start < size) break;
        // Before the handler runs: whatever it throws, the message is not seen twice.
        this.handled += size;
        this.handlers.message(
          objectId,
          opcode,
          this.incoming.subarray(start + HEADER_BYTES, start + size),
          this.incomingFds,
        );
      }
    } catch (error) {
      if (!isPeerFault(error)) throw error;
      this.end(error);
    }
    if (this.over || this.isPaused) return false;
    this.compact();
    return true;
  }

  /** Moves the incomplete rest to the front. */
  private compact(): void {
    if (this.handled === 0) return;
    this.incoming.copyWithin(0, this.handled, this.filled);
    this.filled -= this.handled;
    this.handled = 0;
  }
}

function connectionError(doing: string, cause: unknown): WaylandError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WaylandError('WL_ERR_CONNECTION', `${doing} failed: ${reason}`, { cause });
}

/** A peer that closes its socket with bytes of ours unread resets the connection: it hung up all the same. */
function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

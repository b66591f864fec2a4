/**
 * The contract of the native addon: what it owns, and what TypeScript may ask of it.
 *
 * Every object here owns one kernel resource and frees it in `close()` (idempotent). After `close()` each
 * other method throws an Error with code 'ERR_CLOSED'. A failed system call throws an Error with `code` (the
 * errno name, 'ENOMEM'), `errno` and `syscall`. Out-of-range arguments throw a RangeError: native code checks
 * each offset and length again before it touches memory.
 */

/** Result of one non-blocking `recvmsg`. */
export interface Received {
  /** Bytes stored in the target; 0 at end of stream; -1 when nothing is there (EAGAIN). */
  readonly bytes: number;
  /** Descriptors that came with these bytes, close-on-exec; the caller owns them now. */
  readonly fds: number[];
  /** MSG_CTRUNC was set: descriptors were lost. (Those that did arrive are in `fds`.) */
  readonly truncated: boolean;
}

/** Readiness bits for `watch`. A hang-up or error is reported as READABLE (and WRITABLE if watched). */
export const READABLE = 1;
export const WRITABLE = 2;

/** Most descriptors that one message carries, either way (a vhost-user memory table needs 8). */
export const FDS_PER_MESSAGE_MAX = 32;

/** A connected AF_UNIX stream socket, non-blocking, close-on-exec, never raises SIGPIPE. */
export interface UnixSocket {
  readonly fd: number;
  readonly closed: boolean;
  /** Reads at most `target.length` bytes and the descriptors that ride on them. Never blocks. */
  receive(target: Uint8Array): Received;
  /**
   * Writes the bytes; the descriptors ride on the first of them (they stay the caller's).
   * Returns how many bytes the kernel took (maybe fewer), or -1 when it took none (EAGAIN; no descriptor was
   * sent either).
   */
  send(data: Uint8Array, fds?: readonly number[]): number;
  /**
   * Writes one message that consists of `header` followed by `rows` rows of `rowBytes` bytes, the first at
   * `offset` of `source`, each `strideBytes` after the one before; the first `skipBytes` bytes of that message
   * are left out (they went before). The pixels go from `source` to the kernel without a copy in between.
   * Returns the bytes taken, or -1 (EAGAIN).
   */
  sendRows(
    header: Uint8Array,
    skipBytes: number,
    source: Mapping,
    offset: number,
    rowBytes: number,
    strideBytes: number,
    rows: number,
  ): number;
  /** How many bytes the kernel keeps until the peer reads them (SO_SNDBUF); more than the host allows is not an error. */
  setSendBuffer(bytes: number): void;
  /**
   * Calls back with READABLE and/or WRITABLE from the event loop whenever the socket is so (level-triggered).
   * `events` 0 stops watching. A watched socket keeps the process alive. The callback may close the socket.
   */
  watch(events: number, callback: (events: number) => void): void;
  close(): void;
}

/** A listening AF_UNIX stream socket. */
export interface UnixListener {
  readonly fd: number;
  readonly closed: boolean;
  /** Takes one waiting connection, or null when there is none. */
  accept(): UnixSocket | null;
  /** Calls back whenever a connection waits; null stops. */
  watch(callback: (() => void) | null): void;
  /** Closes; if this process bound the path, unlinks it (only while it is still the same inode). */
  close(): void;
}

/** An eventfd, non-blocking, close-on-exec. */
export interface EventFd {
  readonly fd: number;
  readonly closed: boolean;
  /** Adds 1. A full counter is not an error: the peer is signalled already. */
  signal(): void;
  /** Reads and clears the counter; false when it was 0. */
  drain(): boolean;
  /** Drains, then calls back, each time the counter is not 0 (no thread per descriptor); null stops. */
  watch(callback: (() => void) | null): void;
  close(): void;
}

/**
 * One end of a pipe, or any other descriptor that bytes are read from or written to one after the other (a file, a
 * terminal, a stream socket): non-blocking, close-on-exec.
 */
export interface Pipe {
  readonly fd: number;
  readonly closed: boolean;
  /** Reads at most `target.length` bytes; 0 at the end, -1 when nothing is there (EAGAIN). Never blocks. */
  read(target: Uint8Array): number;
  /**
   * Writes; returns how many bytes were taken (maybe fewer), or -1 when none (EAGAIN). EPIPE when nobody reads any
   * more.
   */
  write(data: Uint8Array): number;
  /** As `UnixSocket.watch`. EPERM for what can't be waited for: a plain file, which never makes anybody wait. */
  watch(events: number, callback: (events: number) => void): void;
  close(): void;
}

/**
 * One mmap: a range of a file descriptor, or anonymous memory. Page-aligned.
 * Reading past the end of a file that was truncated does not kill the process: from the page that was missing on,
 * zeroes take the place of the file, and `faults` counts that.
 */
export interface Mapping {
  /** Bytes, as asked for. */
  readonly length: number;
  readonly closed: boolean;
  readonly writable: boolean;
  /** Page faults past the end of the file (SIGBUS) so far. Not 0 = the contents can't be trusted any more. */
  readonly faults: number;
  /**
   * A view of [offset, offset + length), at most 4 GiB long. It is detached by `close()`: after that, typed
   * arrays over it have length 0, and DataView and Atomics on it throw. Asking twice for the same range gives
   * a second, independent ArrayBuffer.
   */
  window(offset: number, length: number): ArrayBuffer;
  /** Copies within or between mappings (memmove semantics). */
  copyFrom(offset: number, source: Mapping, sourceOffset: number, length: number): void;
  /** Fills with one byte value. */
  fill(offset: number, length: number, value: number): void;
  /**
   * Copies a rectangle of 4-byte pixels from `source`, rearranging bytes: target byte i of each pixel is
   * source byte `(swizzle >> 2*i) & 3`, then the pixel (little-endian u32) is ORed with `orMask`.
   * Offsets and strides in bytes; `width` in pixels.
   */
  convertPixels(
    offset: number,
    strideBytes: number,
    source: Mapping,
    sourceOffset: number,
    sourceStrideBytes: number,
    width: number,
    rows: number,
    swizzle: number,
    orMask: number,
  ): void;
  /** Detaches every window, then unmaps. */
  close(): void;
}

/** One entry of a scatter/gather table: `length` bytes at `offset` of `mapping`. */
export interface Segment {
  readonly mapping: Mapping;
  readonly offset: number;
  readonly length: number;
}

/**
 * A scatter/gather table over mappings, indexed by prefix sums: finding a byte is O(log n), walking on from it
 * O(1). It does not keep the mappings open: copies throw ERR_CLOSED once one of them is closed.
 */
export interface ScatterGather {
  /** Sum of the segments' lengths, in bytes. */
  readonly length: number;
  readonly closed: boolean;
  /**
   * Copies `rows` rows of `rowBytes` bytes out of the table (row i starts at `offset + i * strideBytes`) to
   * `target` (row i at `targetOffset + i * targetStrideBytes`). Rows past the end of the table are an error.
   */
  readRows(
    offset: number,
    strideBytes: number,
    target: Mapping,
    targetOffset: number,
    targetStrideBytes: number,
    rowBytes: number,
    rows: number,
  ): void;
  /** The opposite direction. */
  writeRows(
    offset: number,
    strideBytes: number,
    source: Mapping,
    sourceOffset: number,
    sourceStrideBytes: number,
    rowBytes: number,
    rows: number,
  ): void;
  close(): void;
}

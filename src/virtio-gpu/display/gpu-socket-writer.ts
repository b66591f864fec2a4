/**
 * The message that is on its way to QEMU, one at a time. Once its first byte is out, QEMU's main loop waits for
 * the last one, so it is sent to the end as it was begun, whatever the guest does meanwhile; the buffer that
 * its pixels come from is kept until then.
 */
import { type Mapping, mapAnonymous, type UnixSocket } from 'vhost-user-native';
import type { PixelBuffer } from '../resource/pixel-buffer.js';

/** Rows of pixels in memory. */
export interface PixelRows {
  readonly memory: Mapping;
  /** Bytes from the start of `memory` to the first row. */
  readonly offset: number;
  readonly rowBytes: number;
  readonly strideBytes: number;
  readonly rows: number;
}

export class MessageWriter {
  private head: Uint8Array | null = null;
  /** Rides on the first byte. */
  private fd: number | null = null;
  private rows: PixelRows | null = null;
  private buffer: PixelBuffer | null = null;
  /** A row of zeros, which stands in for pixels that can't be read. */
  private blankRow: Mapping | null = null;
  private blank = false;
  private sentBytes = 0;
  private totalBytes = 0;

  get busy(): boolean {
    return this.head !== null;
  }

  /**
   * Begins a message. `data` stays as it is until it is sent. A descriptor is only lent: one that the first `write`
   * finds no room for has to be dropped (see `hasUnsentFd`).
   */
  begin(data: Uint8Array, fd: number | null = null): void {
    this.head = data;
    this.fd = fd;
    this.rows = null;
    this.sentBytes = 0;
    this.totalBytes = data.length;
  }

  /**
   * Begins a message that ends with pixels. `head` and the memory stay as they are until it is sent; `buffer`,
   * when the memory is one's, is held.
   */
  beginRows(head: Uint8Array, rows: PixelRows, buffer: PixelBuffer | null): void {
    buffer?.retain();
    this.buffer = buffer;
    this.head = head;
    this.fd = null;
    this.rows = rows;
    this.blank = false;
    this.sentBytes = 0;
    this.totalBytes = head.length + rows.rowBytes * rows.rows;
  }

  /**
   * Offers the rest to the kernel, once. Returns the bytes it took, or -1 when it took none for now. Throws
   * when the socket is broken, or the pixels can't be read (`canBlank` tells which, perhaps).
   */
  write(socket: UnixSocket): number {
    const { head } = this;
    if (head === null) return 0;
    const taken = this.offer(socket, head);
    if (taken <= 0) return taken;
    this.sentBytes += taken;
    this.fd = null;
    if (this.sentBytes === this.totalBytes) this.drop();
    return taken;
  }

  /** True when the message has a descriptor, and none of it was sent. */
  get hasUnsentFd(): boolean {
    return this.fd !== null;
  }

  /** True when the message has pixels that black ones could take the place of. */
  get canBlank(): boolean {
    return this.rows !== null && !this.blank;
  }

  /**
   * Sends the rest of the message as zeros. The message must have the length that it announced; to close the
   * socket instead would cost the guest its display for the sake of one unreadable picture.
   */
  useBlank(): void {
    const { rows } = this;
    if (rows === null) return;
    if (this.blankRow === null || this.blankRow.length < rows.rowBytes) {
      this.blankRow?.close();
      this.blankRow = mapAnonymous(rows.rowBytes);
    }
    this.rows = { ...rows, memory: this.blankRow, offset: 0, strideBytes: 0 };
    this.blank = true;
    this.releaseBuffer();
  }

  /** Forgets the message and lets its buffer go. The stream is of no use any more if it was half sent. */
  drop(): void {
    this.head = null;
    this.fd = null;
    this.rows = null;
    this.releaseBuffer();
  }

  close(): void {
    this.drop();
    this.blankRow?.close();
    this.blankRow = null;
  }

  private offer(socket: UnixSocket, head: Uint8Array): number {
    const { rows, fd } = this;
    if (fd !== null) return socket.send(head, [fd]);
    if (rows === null) return socket.send(this.sentBytes === 0 ? head : head.subarray(this.sentBytes));
    const { memory, offset, rowBytes, strideBytes } = rows;
    return socket.sendRows(head, this.sentBytes, memory, offset, rowBytes, strideBytes, rows.rows);
  }

  private releaseBuffer(): void {
    const { buffer } = this;
    this.buffer = null;
    buffer?.release();
  }
}

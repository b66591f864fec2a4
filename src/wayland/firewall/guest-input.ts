/** The guest's bytes, cut into messages. They arrive in any pieces. */

import { WaylandError } from '../errors.js';
import { MESSAGE_BYTES_MAX } from '../limits.js';
import { HEADER_BYTES, type Header, readHeader } from '../wire/header.js';
import { Violation } from './violation.js';

export interface GuestMessage extends Header {
  /** What follows the header; valid until the next call. */
  readonly body: Uint8Array;
}

export class GuestInput {
  private buffer = new Uint8Array(MESSAGE_BYTES_MAX * 2);
  private view = new DataView(this.buffer.buffer);
  private start = 0;
  private end = 0;

  /** Bytes that were not taken. */
  get bytes(): number {
    return this.end - this.start;
  }

  push(data: Uint8Array): void {
    if (this.end + data.length > this.buffer.length) this.makeRoom(data.length);
    this.buffer.set(data, this.end);
    this.end += data.length;
  }

  /** The next whole message; null when it is not there yet. */
  next(): GuestMessage | null {
    if (this.bytes < HEADER_BYTES) return null;
    const header = this.header();
    if (this.bytes < header.size) return null;
    const body = this.buffer.subarray(this.start + HEADER_BYTES, this.start + header.size);
    this.start += header.size;
    return { objectId: header.objectId, opcode: header.opcode, size: header.size, body };
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
  }

  private header(): Header {
    try {
      return readHeader(this.view, this.start, MESSAGE_BYTES_MAX);
    } catch (error) {
      if (error instanceof WaylandError) throw new Violation('wire-format', error.message);
      throw error;
    }
  }

  private makeRoom(more: number): void {
    const bytes = this.bytes;
    let size = this.buffer.length;
    while (size < bytes + more) size *= 2;
    const target = size === this.buffer.length ? this.buffer : new Uint8Array(size);
    if (target === this.buffer) this.buffer.copyWithin(0, this.start, this.end);
    else target.set(this.buffer.subarray(this.start, this.end));
    this.buffer = target;
    this.view = new DataView(target.buffer);
    this.start = 0;
    this.end = bytes;
  }
}

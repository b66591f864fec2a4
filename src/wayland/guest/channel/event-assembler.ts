/** Whole messages out of a stream of bytes that arrives in pieces. */
import { HEADER_BYTES, readHeader } from '../../index.js';

/** The 16 bits of the header's size field, rounded down to whole words. */
const MESSAGE_BYTES_MAX = 0xfffc;

export class EventAssembler {
  private rest: Uint8Array = new Uint8Array(0);

  /**
   * Hands out the messages that are whole now; `body` is what follows the header, valid until the call returns. What
   * the callback throws is passed on, as is a WaylandError about a header; nothing can be pushed after that.
   */
  push(data: Uint8Array, message: (objectId: number, opcode: number, body: Uint8Array) => void): void {
    const all = this.rest.length === 0 ? data : concat(this.rest, data);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    let at = 0;
    while (all.length - at >= HEADER_BYTES) {
      const { objectId, opcode, size } = readHeader(view, at, MESSAGE_BYTES_MAX);
      if (all.length - at < size) break;
      message(objectId, opcode, all.subarray(at + HEADER_BYTES, at + size));
      at += size;
    }
    this.rest = all.slice(at);
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

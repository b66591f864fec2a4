/**
 * From bytes to arguments, by the message's table. The bytes are whoever's is at the other end: every length is
 * checked against the message before anything is read or allocated, and descriptors are only taken once all else
 * is known to be well-formed.
 */
import { TextDecoder } from 'node:util';
import { WaylandError } from '../errors.js';
import type { ArgTable, MessageTable } from './table.js';
import { fdCount } from './table.js';

/** The value of a new_id argument whose interface is named in the message (wl_registry.bind). */
export interface UntypedNewId {
  readonly interface: string;
  readonly version: number;
  readonly id: number;
}

/**
 * int, uint, fixed and fd are numbers; object and new_id are ids, 0 for null; a string may be null; an array is
 * bytes.
 */
export type WireValue = number | string | null | Uint8Array | UntypedNewId;

export interface DecodeOptions {
  /** What to do with a string that is not UTF-8: 'refuse' (WL_ERR_BAD_STRING, the default) or 'replace' (U+FFFD). */
  readonly invalidUtf8?: 'refuse' | 'replace';
}

/** Where the fd arguments come from; `take` throws WL_ERR_BAD_FDS when there are not that many. (An FdQueue is one.) */
export interface FdSource {
  take(count: number): number[];
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Decodes the arguments (the bytes after the header). Arrays are copies, so that nothing refers to `body` later.
 * The descriptors are the caller's when this returns; when it throws, none was taken.
 */
export function decodeArguments(
  table: MessageTable,
  body: Uint8Array,
  fds: FdSource,
  options: DecodeOptions = {},
): WireValue[] {
  const reader = new Reader(table, body, options.invalidUtf8 === 'replace' ? lenientUtf8 : strictUtf8);
  const { args } = table;
  const values: WireValue[] = [];
  for (const arg of args) values.push(reader.argument(arg));
  reader.finish();
  const count = fdCount(args);
  if (count > 0) placeFds(args, values, fds.take(count));
  return values;
}

function placeFds(args: readonly ArgTable[], values: WireValue[], fds: readonly number[]): void {
  let next = 0;
  args.forEach((arg, index) => {
    if (arg.type === 'fd') values[index] = fds[next++] ?? -1;
  });
}

class Reader {
  private readonly table: MessageTable;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly utf8: TextDecoder;
  private offset = 0;

  constructor(table: MessageTable, bytes: Uint8Array, utf8: TextDecoder) {
    this.table = table;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.utf8 = utf8;
  }

  argument(arg: ArgTable): WireValue {
    switch (arg.type) {
      case 'int':
        return this.word(arg) | 0;
      case 'uint':
        return this.word(arg);
      case 'fixed':
        return (this.word(arg) | 0) / 256;
      case 'string':
        return this.string(arg);
      case 'array':
        return this.block(arg, this.word(arg)).slice();
      case 'object':
        return this.id(arg);
      case 'new_id':
        return arg.interface === undefined ? this.untypedNewId(arg) : this.id(arg);
      case 'fd':
        return -1;
    }
  }

  finish(): void {
    const left = this.bytes.length - this.offset;
    if (left > 0) throw new WaylandError('WL_ERR_TRAILING', `${this.table.name}: ${left} bytes too many`);
  }

  private word(arg: ArgTable): number {
    const { offset } = this;
    if (this.bytes.length - offset < 4) this.fail('WL_ERR_TRUNCATED', arg, 'beyond the message');
    this.offset += 4;
    return this.view.getUint32(offset, true);
  }

  /** `length` bytes and their padding. */
  private block(arg: ArgTable, length: number): Uint8Array {
    const { offset } = this;
    // The padding is added as a number, not as 32 bits: a length near 2^32 does not wrap.
    const padded = Math.ceil(length / 4) * 4;
    if (padded > this.bytes.length - offset)
      this.fail('WL_ERR_TRUNCATED', arg, `${length} bytes are not there`);
    this.offset += padded;
    return this.bytes.subarray(offset, offset + length);
  }

  private id(arg: ArgTable): number {
    const id = this.word(arg);
    if (id === 0 && arg.nullable !== true) this.fail('WL_ERR_NULL_ARGUMENT', arg, 'null');
    return id;
  }

  private string(arg: ArgTable): string | null {
    const length = this.word(arg);
    if (length === 0) {
      if (arg.nullable !== true) this.fail('WL_ERR_NULL_ARGUMENT', arg, 'null');
      return null;
    }
    const block = this.block(arg, length);
    if (block.indexOf(0) !== length - 1) this.fail('WL_ERR_BAD_STRING', arg, 'not one NUL, at the end');
    try {
      return this.utf8.decode(block.subarray(0, length - 1));
    } catch (error) {
      return this.fail('WL_ERR_BAD_STRING', arg, 'not UTF-8', error);
    }
  }

  private untypedNewId(arg: ArgTable): UntypedNewId {
    const name = this.string({ name: arg.name, type: 'string' }) ?? '';
    const version = this.word(arg);
    return { interface: name, version, id: this.id(arg) };
  }

  private fail(
    code: 'WL_ERR_TRUNCATED' | 'WL_ERR_NULL_ARGUMENT' | 'WL_ERR_BAD_STRING',
    arg: ArgTable,
    what: string,
    cause?: unknown,
  ): never {
    throw new WaylandError(code, `${this.table.name}: argument ${arg.name}: ${what}`, { cause });
  }
}

/**
 * One message on its way through: a copy of its bytes, in which ids are changed to those of the other side. All else
 * is passed on as it came; what is looked at is read in place.
 */
import { type ArgTable, HEADER_BYTES, type MessageTable, WaylandError, writeHeader } from '../../index.js';
import type { ProxyObject } from './objects.js';

const text = new TextDecoder();

export class Message {
  readonly object: ProxyObject;
  readonly table: MessageTable;
  /** Header and body. */
  readonly bytes: Uint8Array;
  /** Objects behind object arguments, by the argument's index; null elsewhere and for null. */
  readonly refs: (ProxyObject | null)[];
  /** What its new_id argument makes. */
  created: ProxyObject | null = null;
  /** Descriptors of a request, in order; whoever handles it owns what it takes out. */
  fds: number[] = [];
  private readonly view: DataView;
  private readonly offsets: number[] = [];

  /** Copies the body; throws a WaylandError when it does not have the arguments of its table. */
  constructor(object: ProxyObject, table: MessageTable, body: Uint8Array) {
    this.object = object;
    this.table = table;
    this.bytes = new Uint8Array(HEADER_BYTES + body.length);
    this.bytes.set(body, HEADER_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.refs = table.args.map(() => null);
    this.locate();
  }

  uint(index: number): number {
    return this.view.getUint32(this.at(index), true);
  }

  int(index: number): number {
    return this.view.getInt32(this.at(index), true);
  }

  setUint(index: number, value: number): void {
    this.view.setUint32(this.at(index), value, true);
  }

  /** A string; null is ''. */
  string(index: number): string {
    return this.stringAt(this.at(index));
  }

  /** Bytes of an array, in place. */
  array(index: number): Uint8Array {
    const at = this.at(index);
    return this.bytes.subarray(at + 4, at + 4 + this.view.getUint32(at, true));
  }

  /** Of a new_id that names its interface: (name, version, id), the last two as words that follow the string. */
  untyped(index: number): { name: string; version: number; id: number } {
    const at = this.at(index);
    const after = at + 4 + padded(this.view.getUint32(at, true));
    return {
      name: this.stringAt(at),
      version: this.view.getUint32(after, true),
      id: this.view.getUint32(after + 4, true),
    };
  }

  setUntypedId(index: number, id: number): void {
    const at = this.at(index);
    this.view.setUint32(at + 8 + padded(this.view.getUint32(at, true)), id, true);
  }

  /** Writes the header, for the object as the receiver knows it. */
  address(objectId: number): Uint8Array {
    writeHeader(this.view, 0, { objectId, opcode: this.table.opcode, size: this.bytes.length });
    return this.bytes;
  }

  private at(index: number): number {
    const offset = this.offsets[index];
    if (offset === undefined) throw new Error(`${this.table.name} has no argument ${index}`);
    return offset;
  }

  private stringAt(at: number): string {
    const length = this.view.getUint32(at, true);
    return length === 0 ? '' : text.decode(this.bytes.subarray(at + 4, at + 3 + length));
  }

  private locate(): void {
    let offset = HEADER_BYTES;
    for (const arg of this.table.args) {
      this.offsets.push(offset);
      offset += this.sizeOf(arg, offset);
      if (offset > this.bytes.length) this.fail('WL_ERR_TRUNCATED', arg, 'beyond the message');
    }
    const left = this.bytes.length - offset;
    if (left > 0) throw new WaylandError('WL_ERR_TRAILING', `${this.table.name}: ${left} bytes too many`);
  }

  private sizeOf(arg: ArgTable, offset: number): number {
    if (arg.type === 'fd') return 0;
    if (offset + 4 > this.bytes.length) this.fail('WL_ERR_TRUNCATED', arg, 'beyond the message');
    const word = this.view.getUint32(offset, true);
    switch (arg.type) {
      case 'string':
        return this.stringSize(arg, offset, word);
      case 'array':
        return 4 + padded(word);
      case 'object':
        if (word === 0 && arg.nullable !== true) this.fail('WL_ERR_NULL_ARGUMENT', arg, 'null');
        return 4;
      case 'new_id':
        return arg.interface === undefined ? this.stringSize(arg, offset, word) + 8 : 4;
      default:
        return 4;
    }
  }

  private stringSize(arg: ArgTable, offset: number, length: number): number {
    if (length === 0 && arg.nullable !== true) this.fail('WL_ERR_NULL_ARGUMENT', arg, 'null');
    if (padded(length) > this.bytes.length - offset - 4) {
      this.fail('WL_ERR_TRUNCATED', arg, `${length} bytes are not there`);
    }
    const content = this.bytes.subarray(offset + 4, offset + 4 + length);
    if (length > 0 && content.indexOf(0) !== length - 1) {
      this.fail('WL_ERR_BAD_STRING', arg, 'not one NUL, at the end');
    }
    return 4 + padded(length);
  }

  private fail(
    code: 'WL_ERR_TRUNCATED' | 'WL_ERR_NULL_ARGUMENT' | 'WL_ERR_BAD_STRING',
    arg: ArgTable,
    what: string,
  ): never {
    throw new WaylandError(code, `${this.table.name}: argument ${arg.name}: ${what}`);
  }
}

/** To whole words; as a number, so that a length near 2^32 does not wrap. */
function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

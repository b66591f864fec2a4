/** From arguments to bytes, by the message's table: the opposite of decode.ts, byte for byte. */
import { WaylandError } from '../errors.js';
import { MESSAGE_BYTES_LIMIT, MESSAGE_BYTES_MAX } from '../limits.js';
import type { UntypedNewId, WireValue } from './decode.js';
import { HEADER_BYTES, writeHeader } from './header.js';
import type { ArgTable, MessageTable } from './table.js';

export interface EncodedMessage {
  /** Valid until the encoder's next message. */
  readonly bytes: Uint8Array;
  /** The values of the fd arguments; still the caller's. */
  readonly fds: number[];
}

export class Encoder {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private offset = 0;
  private fds: number[] = [];

  constructor(bytesMax = MESSAGE_BYTES_MAX) {
    if (!Number.isInteger(bytesMax) || bytesMax < HEADER_BYTES || bytesMax > MESSAGE_BYTES_LIMIT) {
      throw new RangeError(`messages of ${bytesMax} bytes`);
    }
    this.bytes = new Uint8Array(bytesMax);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Throws WL_ERR_BAD_VALUE when a value does not fit its argument, or all of them do not fit a message. */
  encode(objectId: number, table: MessageTable, values: readonly WireValue[]): EncodedMessage {
    if (values.length !== table.args.length) {
      throw new WaylandError(
        'WL_ERR_BAD_VALUE',
        `${table.name}: ${values.length} arguments, not ${table.args.length}`,
      );
    }
    this.offset = HEADER_BYTES;
    this.fds = [];
    let index = 0;
    for (const arg of table.args) {
      if (!this.argument(arg, values[index++] ?? null)) {
        throw new WaylandError('WL_ERR_BAD_VALUE', `${table.name}: argument ${arg.name} can't be sent`);
      }
    }
    writeHeader(this.view, 0, { objectId, opcode: table.opcode, size: this.offset });
    return { bytes: this.bytes.subarray(0, this.offset), fds: this.fds };
  }

  /** False when the value does not fit. */
  private argument(arg: ArgTable, value: WireValue): boolean {
    switch (arg.type) {
      case 'int':
        return isInt32(value) && this.word(value);
      case 'uint':
        return isUint32(value) && this.word(value);
      case 'fixed':
        return this.fixed(value);
      case 'string':
        return this.string(arg, value);
      case 'array':
        return value instanceof Uint8Array && this.word(value.length) && this.block(value, value.length);
      case 'object':
        return this.id(arg, value);
      case 'new_id':
        return arg.interface === undefined ? this.untypedNewId(value) : this.id(arg, value);
      case 'fd':
        if (!isInt32(value) || value < 0) return false;
        this.fds.push(value);
        return true;
    }
  }

  private word(value: number): boolean {
    if (this.bytes.length - this.offset < 4) return false;
    this.view.setUint32(this.offset, value, true);
    this.offset += 4;
    return true;
  }

  private fixed(value: WireValue): boolean {
    if (typeof value !== 'number') return false;
    const units = Math.round(value * 256);
    return isInt32(units) && this.word(units);
  }

  private id(arg: ArgTable, value: WireValue): boolean {
    if (value === null) return arg.nullable === true && this.word(0);
    return isUint32(value) && (value !== 0 || arg.nullable === true) && this.word(value);
  }

  private string(arg: ArgTable, value: WireValue): boolean {
    if (value === null) return arg.nullable === true && this.word(0);
    if (typeof value !== 'string' || value.includes('\0') || value.length >= this.bytes.length) return false;
    const text = Buffer.from(value, 'utf8');
    return this.word(text.length + 1) && this.block(text, text.length + 1);
  }

  private untypedNewId(value: WireValue): boolean {
    if (!isUntypedNewId(value)) return false;
    const { interface: name, version, id } = value;
    return (
      this.string({ name: 'interface', type: 'string' }, name) &&
      isUint32(version) &&
      this.word(version) &&
      isUint32(id) &&
      id !== 0 &&
      this.word(id)
    );
  }

  /** `length` bytes that begin with `data`; zeros up to there and to the next word. */
  private block(data: Uint8Array, length: number): boolean {
    const padded = Math.ceil(length / 4) * 4;
    if (padded > this.bytes.length - this.offset) return false;
    this.bytes.set(data, this.offset);
    this.bytes.fill(0, this.offset + data.length, this.offset + padded);
    this.offset += padded;
    return true;
  }
}

function isInt32(value: WireValue): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= -0x80000000 && value <= 0x7fffffff;
}

function isUint32(value: WireValue): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function isUntypedNewId(value: WireValue): value is UntypedNewId {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

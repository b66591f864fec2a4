/** A message's arguments, read a second way: as libwayland's signatures describe them. */
import type { ArgTable } from '../../src/wayland/index.js';

export interface ModelNewId {
  readonly interface: string;
  readonly version: number;
  readonly id: number;
}

/** Numbers as they stand on the wire (int signed, fixed in 1/256), strings, bytes; fd is -1. */
export type ModelValue = number | string | null | Uint8Array | ModelNewId;

export interface ReadArguments {
  readonly values: readonly ModelValue[];
  /** What is wrong; null when nothing is. */
  readonly problem: string | null;
}

export function readArguments(args: readonly ArgTable[], body: Uint8Array): ReadArguments {
  const reader = new Reader(body);
  const values: ModelValue[] = [];
  for (const arg of args) {
    values.push(reader.argument(arg));
    if (reader.problem !== null) return { values, problem: `argument ${arg.name}: ${reader.problem}` };
  }
  const problem = reader.rest.length === 0 ? null : `${reader.rest.length} bytes too many`;
  return { values, problem };
}

class Reader {
  rest: Uint8Array;
  problem: string | null = null;

  constructor(body: Uint8Array) {
    this.rest = body;
  }

  argument(arg: ArgTable): ModelValue {
    if (arg.type === 'fd') return -1;
    if (arg.type === 'string') return this.string(arg.nullable === true);
    if (arg.type === 'array') return this.bytes(this.word());
    if (arg.type === 'new_id' && arg.interface === undefined) {
      const name = this.string(false);
      return { interface: name ?? '', version: this.word(), id: this.id(false) };
    }
    if (arg.type === 'object' || arg.type === 'new_id') return this.id(arg.nullable === true);
    const word = this.word();
    return arg.type === 'uint' ? word : word | 0;
  }

  private id(nullable: boolean): number {
    const id = this.word();
    if (id === 0 && !nullable) this.problem ??= 'null';
    return id;
  }

  private word(): number {
    const bytes = this.cut(4);
    return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  private string(nullable: boolean): string | null {
    const length = this.word();
    if (length === 0) {
      if (!nullable) this.problem ??= 'null';
      return null;
    }
    const bytes = this.bytes(length);
    const text = Buffer.from(bytes).toString('utf8');
    if (this.problem !== null) return null;
    if (bytes.at(-1) !== 0) this.problem = 'a string without its end';
    else if (bytes.indexOf(0) !== bytes.length - 1) this.problem = 'a string with a NUL inside';
    else if (Buffer.compare(Buffer.from(text, 'utf8'), Buffer.from(bytes)) !== 0) this.problem = 'not UTF-8';
    return text.slice(0, -1);
  }

  private bytes(length: number): Uint8Array {
    return this.cut(length, Math.ceil(length / 4) * 4);
  }

  private cut(length: number, padded = length): Uint8Array {
    if (padded > this.rest.length) {
      this.problem ??= `${length} bytes, ${this.rest.length} are there`;
      return new Uint8Array(0);
    }
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(padded);
    return bytes;
  }
}

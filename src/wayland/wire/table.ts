/**
 * Protocol tables: what the XML files say about interfaces, as data. `protocol/generated` has them for every
 * protocol that is built in; the codec, the client and whoever inspects traffic are driven by them.
 */

export type ArgType = 'int' | 'uint' | 'fixed' | 'string' | 'object' | 'new_id' | 'array' | 'fd';

export interface ArgTable {
  /** As in the XML. */
  readonly name: string;
  readonly type: ArgType;
  /** Of an object or new_id; a new_id without one travels with its interface's name and version. */
  readonly interface?: string;
  readonly nullable?: true;
  /** 'interface.enum' that the number belongs to. */
  readonly enum?: string;
}

export interface MessageTable {
  /** As in the XML. */
  readonly name: string;
  readonly opcode: number;
  /** The interface version that brought it. */
  readonly since: number;
  /** The interface version that deprecated it. */
  readonly deprecatedSince?: number;
  /** The object is gone after it. */
  readonly destructor?: true;
  readonly args: readonly ArgTable[];
}

export interface EnumEntryTable {
  readonly name: string;
  readonly value: number;
  readonly since: number;
}

export interface EnumTable {
  readonly name: string;
  readonly since: number;
  readonly bitfield: boolean;
  readonly entries: readonly EnumEntryTable[];
}

export interface InterfaceTable {
  readonly name: string;
  readonly version: number;
  /** Indexed by opcode. */
  readonly requests: readonly MessageTable[];
  /** Indexed by opcode. */
  readonly events: readonly MessageTable[];
  readonly enums: readonly EnumTable[];
}

/** A table that knows the TypeScript type of its objects. There is no value behind `objectType`. */
export interface TypedInterface<T> extends InterfaceTable {
  readonly objectType?: T;
}

/** Descriptors that a message with these arguments carries. */
export function fdCount(args: readonly ArgTable[]): number {
  let count = 0;
  for (const arg of args) if (arg.type === 'fd') count++;
  return count;
}

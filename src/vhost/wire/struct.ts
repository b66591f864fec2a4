/**
 * Binary layouts, declared once, compiled once.
 *
 * `struct(name, { field: type, … })` lays the fields out in order, without implicit padding (virtio, vhost-user
 * and the kernel's uapi structs spell their padding out), little-endian. `read` and `write` are straight-line
 * DataView code made with `new Function` from the declaration (never from input), as fast as by hand.
 *
 * `u64` is a number and rejects values above 2^53 - 1 by reading them as `Infinity`, which fails every bounds
 * check; `u64big` is a bigint and keeps all 64 bits (cookies such as fence ids, feature words).
 */

type Kind = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'u64big' | 'bytes' | 'array' | 'struct';

/** A field type: how many bytes it takes and how it is read and written. */
export interface FieldType<T> {
  readonly kind: Kind;
  readonly size: number;
  readonly count?: number;
  readonly element?: FieldType<unknown>;
  readonly fields?: Fields;
  /** Carries the TypeScript type; never set. */
  readonly type?: T;
}

/** A struct's declaration: field names in wire order. */
export interface Fields {
  readonly [name: string]: FieldType<unknown>;
}

/** The object type that a struct reads and writes. */
export type Infer<S> = S extends FieldType<infer T> ? T : never;

type InferFields<F extends Fields> = { -readonly [K in keyof F]: Infer<F[K]> };

/** A compiled layout. It is a field type too, so that structs nest. */
export interface Struct<F extends Fields> extends FieldType<InferFields<F>> {
  readonly name: string;
  readonly size: number;
  /** Byte offset of each top-level field. */
  readonly offsets: { readonly [K in keyof F]: number };
  readonly fields: F;
  /** Reads `size` bytes at `offset`; RangeError when they are not there. */
  read(view: DataView, offset?: number): InferFields<F>;
  /**
   * The same for hot paths: a function that fills one object and returns it, each time. Who keeps something of that
   * beyond the next call copies it.
   */
  reader(): (view: DataView, offset?: number) => InferFields<F>;
  /** Writes `size` bytes at `offset`; RangeError when there is no room. */
  write(view: DataView, offset: number, value: InferFields<F>): void;
  /** A new buffer that holds `value`. */
  encode(value: InferFields<F>): Uint8Array;
}

/** One byte. */
export const u8: FieldType<number> = { kind: 'u8', size: 1 };
/** Two bytes, unsigned. */
export const u16: FieldType<number> = { kind: 'u16', size: 2 };
/** Four bytes, unsigned. */
export const u32: FieldType<number> = { kind: 'u32', size: 4 };
/** Four bytes, signed. */
export const i32: FieldType<number> = { kind: 'i32', size: 4 };
/** Eight bytes as a number, for addresses and sizes: what is above 2^53 - 1 reads as infinity, which is out of any range. */
export const u64: FieldType<number> = { kind: 'u64', size: 8 };
/** Eight bytes as a bigint: for values whose every bit matters. */
export const u64big: FieldType<bigint> = { kind: 'u64big', size: 8 };

/** `count` raw bytes, copied out (and in). */
export function bytes(count: number): FieldType<Uint8Array> {
  return { kind: 'bytes', size: count, count };
}

/** `count` elements of one type, as a plain array. */
export function array<T>(element: FieldType<T>, count: number): FieldType<T[]> {
  return { kind: 'array', size: element.size * count, count, element };
}

/** The bytes of a struct as a DataView's (all views here are over exactly the bytes meant). */
export function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

const GETTERS: Partial<Record<Kind, string>> = { u16: 'getUint16', u32: 'getUint32', i32: 'getInt32' };
const SETTERS: Partial<Record<Kind, string>> = { u16: 'setUint16', u32: 'setUint32', i32: 'setInt32' };

function readExpression(type: FieldType<unknown>, at: string, depth: number): string {
  switch (type.kind) {
    case 'u8':
      return `v.getUint8(${at})`;
    case 'u64':
      return `u64(v.getUint32(${at}, true), v.getUint32(${at} + 4, true))`;
    case 'u64big':
      return `v.getBigUint64(${at}, true)`;
    case 'bytes':
      return `new Uint8Array(v.buffer.slice(v.byteOffset + ${at}, v.byteOffset + ${at} + ${type.size}))`;
    case 'array': {
      const element = type.element as FieldType<unknown>;
      const i = `i${depth}`;
      const value = readExpression(element, `${at} + ${i} * ${element.size}`, depth + 1);
      return `Array.from({ length: ${type.count} }, (_, ${i}) => ${value})`;
    }
    case 'struct': {
      let offset = 0;
      const parts: string[] = [];
      for (const [name, field] of Object.entries(type.fields as Fields)) {
        parts.push(`${JSON.stringify(name)}: ${readExpression(field, `${at} + ${offset}`, depth + 1)}`);
        offset += field.size;
      }
      return `({ ${parts.join(', ')} })`;
    }
    default:
      return `v.${GETTERS[type.kind]}(${at}, true)`;
  }
}

/** Fills the fields of `target`, an object of the type's shape. */
function readStatements(type: FieldType<unknown>, at: string, target: string, depth: number): string {
  if (type.kind !== 'struct') return `${target} = ${readExpression(type, at, depth)};`;
  let offset = 0;
  const parts: string[] = [];
  for (const [name, field] of Object.entries(type.fields as Fields)) {
    parts.push(readStatements(field, `${at} + ${offset}`, `${target}[${JSON.stringify(name)}]`, depth + 1));
    offset += field.size;
  }
  return parts.join('\n');
}

function writeStatements(type: FieldType<unknown>, at: string, value: string, depth: number): string {
  switch (type.kind) {
    case 'u8':
      return `v.setUint8(${at}, ${value});`;
    case 'u64':
      return `v.setUint32(${at}, ${value} >>> 0, true); v.setUint32(${at} + 4, Math.floor(${value} / 4294967296), true);`;
    case 'u64big':
      return `v.setBigUint64(${at}, ${value}, true);`;
    case 'bytes':
      return `put(v, ${at}, ${type.size}, ${value});`;
    case 'array': {
      const element = type.element as FieldType<unknown>;
      const i = `i${depth}`;
      const inner = writeStatements(element, `${at} + ${i} * ${element.size}`, `${value}[${i}]`, depth + 1);
      return `for (let ${i} = 0; ${i} < ${type.count}; ${i}++) { ${inner} }`;
    }
    case 'struct': {
      let offset = 0;
      const parts: string[] = [];
      for (const [name, field] of Object.entries(type.fields as Fields)) {
        parts.push(
          writeStatements(field, `${at} + ${offset}`, `${value}[${JSON.stringify(name)}]`, depth + 1),
        );
        offset += field.size;
      }
      return parts.join('\n');
    }
    default:
      return `v.${SETTERS[type.kind]}(${at}, ${value}, true);`;
  }
}

function combineU64(low: number, high: number): number {
  return high > 0x1fffff ? Number.POSITIVE_INFINITY : high * 0x1_0000_0000 + low;
}

function putBytes(view: DataView, at: number, size: number, value: Uint8Array): void {
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
  if (value.length > size) throw new RangeError(`${value.length} bytes do not fit a field of ${size}`);
  target.fill(0);
  target.set(value);
}

/** Declares a layout and compiles its codec. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  const offsets: Record<string, number> = {};
  let size = 0;
  for (const [field, type] of Object.entries(fields)) {
    offsets[field] = size;
    size += type.size;
  }
  const self: FieldType<unknown> = { kind: 'struct', size, fields };
  const source = `//# sourceURL=struct:${name}`;
  const read = new Function(
    'u64',
    `return function read_${name}(v, o = 0) { return ${readExpression(self, 'o', 0)}; }\n${source}.read`,
  )(combineU64) as Struct<F>['read'];
  const reader = (): Struct<F>['read'] => {
    const statements = readStatements(self, 'o', 'x', 0);
    const fill = new Function(
      'u64',
      'x',
      `return function fill_${name}(v, o = 0) {\n${statements}\nreturn x;\n}\n${source}.fill`,
    );
    return fill(combineU64, read(new DataView(new ArrayBuffer(size))));
  };
  const write = new Function(
    'put',
    `return function write_${name}(v, o, x) {\n${writeStatements(self, 'o', 'x', 0)}\n}\n${source}.write`,
  )(putBytes) as Struct<F>['write'];
  return {
    kind: 'struct',
    name,
    size,
    fields,
    offsets: offsets as Struct<F>['offsets'],
    read,
    reader,
    write,
    encode(value) {
      const data = new Uint8Array(size);
      write(viewOf(data), 0, value);
      return data;
    },
  };
}

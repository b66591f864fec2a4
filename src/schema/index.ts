/**
 * The part of JSON Schema (2020-12) that the API is declared in: what a value must look like, as data that both the
 * server checks requests with and the OpenAPI document is made of. `Infer` is the TypeScript type of such values.
 */

interface Described {
  readonly description?: string;
}

export interface StringSchema extends Described {
  readonly type: 'string';
  readonly enum?: readonly string[];
  readonly minLength?: number;
  /** UTF-16 units. Every string that comes in has a bound. */
  readonly maxLength?: number;
  readonly format?: string;
}

export interface NumberSchema extends Described {
  readonly type: 'integer' | 'number';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

export interface BooleanSchema extends Described {
  readonly type: 'boolean';
  readonly default?: boolean;
}

export interface ArraySchema extends Described {
  readonly type: 'array';
  readonly items: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface ObjectSchema extends Described {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
  readonly additionalProperties: boolean;
}

/** Something, or null. */
export interface NullableSchema extends Described {
  readonly anyOf: readonly [Schema, { readonly type: 'null' }];
}

export type Schema =
  | StringSchema
  | NumberSchema
  | BooleanSchema
  | ArraySchema
  | ObjectSchema
  | NullableSchema
  | { readonly type: 'null' };

interface Words {
  readonly string: string;
  readonly integer: number;
  readonly number: number;
  readonly boolean: boolean;
  readonly null: null;
}

/** The type of the values that fit a schema. (No constraint: the compiler would follow it round and round.) */
export type Infer<S> = S extends { readonly anyOf: readonly [infer T, unknown] }
  ? Infer<T> | null
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly items: infer I }
      ? readonly Infer<I>[]
      : S extends { readonly properties: infer P; readonly required: readonly (infer R)[] }
        ? { readonly [K in keyof P as K extends R ? K : never]: Infer<P[K]> } & {
            readonly [K in keyof P as K extends R ? never : K]?: Infer<P[K]>;
          }
        : S extends { readonly type: infer T extends keyof Words }
          ? Words[T]
          : never;

/** Declares an object without other properties than these. */
export function object<
  const P extends Readonly<Record<string, Schema>>,
  const R extends readonly (keyof P & string)[],
>(properties: P, required: R, description?: string) {
  const more = description === undefined ? {} : { description };
  return { type: 'object', properties, required, additionalProperties: false, ...more } as const;
}

/** Declares that it may be null, too. */
export function nullable<const S extends Schema>(schema: S) {
  return { anyOf: [schema, { type: 'null' }] } as const;
}

function within(schema: { minimum?: number; maximum?: number }, value: number): boolean {
  return (
    value >= (schema.minimum ?? Number.NEGATIVE_INFINITY) &&
    value <= (schema.maximum ?? Number.POSITIVE_INFINITY)
  );
}

function numberMistake(schema: NumberSchema, value: unknown): string | null {
  const { type, minimum, maximum } = schema;
  const right = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (right && within(schema, value as number)) return null;
  const range =
    minimum === undefined && maximum === undefined ? '' : ` from ${minimum ?? '-∞'} to ${maximum ?? '∞'}`;
  return `expected ${type === 'integer' ? 'an integer' : 'a number'}${range}`;
}

function stringMistake(
  { enum: words, minLength = 0, maxLength }: StringSchema,
  value: unknown,
): string | null {
  if (typeof value !== 'string') return 'expected a string';
  if (words !== undefined && !words.includes(value)) return `expected one of ${words.join(', ')}`;
  const max = maxLength ?? Number.POSITIVE_INFINITY;
  if (value.length >= minLength && value.length <= max) return null;
  return `expected ${minLength} to ${max} characters`;
}

function arrayMistake(
  { items, minItems = 0, maxItems }: ArraySchema,
  value: unknown,
  path: string,
): string | null {
  if (!Array.isArray(value)) return `${path}: expected an array`;
  const max = maxItems ?? Number.POSITIVE_INFINITY;
  if (value.length < minItems || value.length > max) return `${path}: expected ${minItems} to ${max} items`;
  for (const [i, item] of value.entries()) {
    const mistake = findMistake(items, item, `${path}[${i}]`);
    if (mistake !== null) return mistake;
  }
  return null;
}

function objectMistake(schema: ObjectSchema, value: unknown, path: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `${path}: expected an object`;
  const missing = schema.required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${path}.${missing}: missing`;
  for (const [name, item] of Object.entries(value)) {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const mistake = known === undefined ? null : findMistake(known, item, `${path}.${name}`);
    if (mistake !== null) return mistake;
    if (known === undefined && !schema.additionalProperties) return `${path}.${name}: not known`;
  }
  return null;
}

/** What is wrong with the value, with the place in it; null when it fits the schema. */
export function findMistake(schema: Schema, value: unknown, path: string): string | null {
  if ('anyOf' in schema) return value === null ? null : findMistake(schema.anyOf[0], value, path);
  const at = (mistake: string | null): string | null => (mistake === null ? null : `${path}: ${mistake}`);
  switch (schema.type) {
    case 'string':
      return at(stringMistake(schema, value));
    case 'integer':
    case 'number':
      return at(numberMistake(schema, value));
    case 'boolean':
      return at(typeof value === 'boolean' ? null : 'expected true or false');
    case 'null':
      return at(value === null ? null : 'expected null');
    case 'array':
      return arrayMistake(schema, value, path);
    case 'object':
      return objectMistake(schema, value, path);
  }
}

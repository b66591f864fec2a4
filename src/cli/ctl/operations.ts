/**
 * The operations of `ctl`: one for each route of the control API, made of its declaration. What a route requires is an
 * argument, in the order of the declaration; what it does not is an option. The output is always an option, 0 by default.
 */
import { type Content, ROUTES, type Route, type RouteName } from '../../control/index.js';
import { findMistake, type Schema } from '../../schema/index.js';

/** Where a value goes in the request. */
export type Place = 'params' | 'query' | 'body';

export interface Field {
  /** As the API calls it; 'file' for a body that is a file. */
  readonly name: string;
  readonly place: Place;
  readonly schema: Schema;
  /** What it is when it isn't given: of an output that the route requires. */
  readonly fallback?: number;
}

export interface Operation {
  readonly word: string;
  readonly route: RouteName;
  readonly summary: string;
  readonly required: readonly Field[];
  readonly optional: readonly Field[];
  /** The body is a file: its bytes, or the JSON in it. */
  readonly file: 'bytes' | 'json' | null;
  readonly answer: Content;
  /** Of an answer that tells whether a wait was of use: its property. */
  readonly met: string | null;
  /** Of an answer with a file in it: its property. */
  readonly enclosed: string | null;
}

/** Shorter words than those that the names of the routes give. */
const WORDS: Partial<Readonly<Record<RouteName, string>>> = {
  patchOutput: 'set-output',
  waitForChange: 'changed',
  waitUntilSettled: 'settled',
  waitForMatch: 'match',
  waitForWindowChange: 'window-changed',
  waitUntilWindowSettled: 'window-settled',
  waitForWindowMatch: 'window-match',
  waitForInput: 'ready',
  sendKeys: 'press',
  sendText: 'type',
  sendPointer: 'pointer',
  sendTouch: 'touch',
};

/** timeoutMs: timeout-ms. */
export function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function wordOf(name: RouteName): string {
  return WORDS[name] ?? kebab(name.replace(/^get(?=[A-Z])/, '')).replace(/^-/, '');
}

/** The properties of a JSON value, if it is an object that has any. */
function propertiesOf(
  content: Content,
): readonly (readonly [name: string, schema: Schema, required: boolean])[] {
  if (content.kind !== 'json' || !('type' in content.schema) || content.schema.type !== 'object') return [];
  const { properties, required } = content.schema;
  return Object.entries(properties).map(([name, schema]) => [name, schema, required.includes(name)]);
}

function isEnclosed(schema: Schema): boolean {
  if ('anyOf' in schema) return isEnclosed(schema.anyOf[0]);
  return schema.type === 'string' && schema.format === 'byte';
}

function operationOf(name: RouteName): Operation {
  const route: Route = ROUTES[name];
  const fields = (place: Place, from: Readonly<Record<string, Schema>>): Field[] =>
    Object.entries(from).map(([name, schema]) => ({ name, place, schema }));
  const inBody = propertiesOf(route.body);
  const body = ([name, schema]: (typeof inBody)[number]): Field => ({ name, place: 'body', schema });
  const file =
    route.body.kind === 'bytes' ? 'bytes' : route.body.kind === 'json' && inBody.length === 0 ? 'json' : null;
  const needed = [
    ...fields('params', route.params),
    ...inBody.filter(([, , required]) => required).map(body),
  ];
  const others = [...fields('query', route.query), ...inBody.filter(([, , required]) => !required).map(body)];
  const isOutput = ({ name }: Field): boolean => name === 'output';
  const answer = propertiesOf(route.answer);
  const waits = Object.hasOwn(route.query, 'timeoutMs');
  return {
    word: wordOf(name),
    route: name,
    summary: route.summary,
    required: needed.filter((field) => !isOutput(field)),
    optional: [...needed.filter(isOutput).map((field) => ({ ...field, fallback: 0 })), ...others],
    file,
    answer: route.answer,
    met: waits
      ? (answer.find(([, schema]) => 'type' in schema && schema.type === 'boolean')?.[0] ?? null)
      : null,
    enclosed: answer.find(([, schema]) => isEnclosed(schema))?.[0] ?? null,
  };
}

export const OPERATIONS: readonly Operation[] = (Object.keys(ROUTES) as RouteName[]).map(operationOf);

/** A wait can be longer than one request: it is asked again. */
function withoutMaximum(schema: Schema): Schema {
  return 'type' in schema && schema.type === 'integer'
    ? { type: 'integer', minimum: schema.minimum ?? 0, maximum: Number.MAX_SAFE_INTEGER }
    : schema;
}

function read(schema: Schema, text: string): unknown {
  if (!('type' in schema) || schema.type === 'null') return JSON.parse(text);
  switch (schema.type) {
    case 'string':
      return text;
    case 'integer':
    case 'number':
      return /^-?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || (text === 'false' ? false : text);
    case 'array':
      return isList(schema) ? text.split(',') : JSON.parse(text);
    case 'object':
      return JSON.parse(text);
  }
}

/** An array of words, which is written with commas, or as several arguments. */
export function isList(schema: Schema): boolean {
  return (
    'type' in schema && schema.type === 'array' && 'type' in schema.items && schema.items.type === 'string'
  );
}

/** The value that a text stands for. Throws an Error that says what was expected. */
export function fieldValue({ name, schema }: Field, text: string): unknown {
  let value: unknown;
  try {
    value = read(schema, text);
  } catch {
    throw new Error('expected JSON');
  }
  const mistake = findMistake(name === 'timeoutMs' ? withoutMaximum(schema) : schema, value, name);
  if (mistake !== null) throw new Error(mistake);
  return value;
}

/** How a route of the API is declared: once, for the server, its client and the OpenAPI document. */
import type { Infer, ObjectSchema, Schema } from '../../schema/index.js';

/** What a request or an answer carries. */
export type Content =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly schema: Schema }
  | { readonly kind: 'bytes'; readonly mediaType: string; readonly bytesMax?: number };

/** Parameters in the path or the query: numbers, booleans, words. */
export type Parameters = Readonly<Record<string, Schema>>;

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** With {name} for parameters, which are whole segments. */
  readonly path: string;
  readonly summary: string;
  /** All are required. */
  readonly params: Parameters;
  /** None is required. */
  readonly query: Parameters;
  readonly body: Content;
  readonly answer: Content;
}

export const NONE = { kind: 'none' } as const;

export function json<const S extends Schema>(schema: S) {
  return { kind: 'json', schema } as const;
}

export function bytes<const M extends string>(mediaType: M, bytesMax?: number) {
  return { kind: 'bytes', mediaType, ...(bytesMax === undefined ? {} : { bytesMax }) } as const;
}

/** Bytes, or a value. */
export type Carried<C extends Content> = C extends { readonly kind: 'json'; readonly schema: infer S }
  ? Infer<S>
  : C extends { readonly kind: 'bytes' }
    ? Uint8Array
    : undefined;

/** A checked request of a route. */
export interface RequestOf<R extends Route> {
  readonly params: { readonly [K in keyof R['params']]: Infer<R['params'][K]> };
  readonly query: { readonly [K in keyof R['query']]?: Infer<R['query'][K]> };
  readonly body: Carried<R['body']>;
  /** Aborted when the client is gone or the server ends: whoever waits gives up. */
  readonly signal: AbortSignal;
}

export type AnswerOf<R extends Route> = Carried<R['answer']>;

/** Every error's body. */
export const ERROR_SCHEMA = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: { code: { type: 'string' }, message: { type: 'string' } },
      required: ['code', 'message'],
      additionalProperties: false,
    },
  },
  required: ['error'],
  additionalProperties: false,
} as const satisfies ObjectSchema;

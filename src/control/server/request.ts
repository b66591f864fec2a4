/** From an HTTP request to a checked request of a route. */
import type { IncomingMessage } from 'node:http';
import { findMistake, type Schema } from '../../schema/index.js';
import { ApiError } from '../api/errors.js';
import type { Content, Parameters, Route } from '../api/route.js';
import { JSON_BYTES_MAX, ROUTES, type RouteName } from '../api/routes.js';

export interface Match {
  readonly name: RouteName;
  readonly route: Route;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Routes with their paths as segments. */
const PATHS = (Object.keys(ROUTES) as RouteName[]).map((name) => ({
  name,
  route: ROUTES[name] as Route,
  segments: ROUTES[name].path.split('/'),
}));

/** A word of the path or the query as the value that the schema wants; as it is when it is none. */
function parameterValue(schema: Schema, text: string): unknown {
  const type = 'type' in schema ? schema.type : 'string';
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  // Numbers as JSON has them, so that there is one spelling: no spaces, no 0x10, no 1e3.
  if (type === 'integer' || type === 'number')
    return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
  return text;
}

function readParameters(
  list: Parameters,
  entries: readonly (readonly [string, string])[],
  place: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of entries) {
    const schema = Object.hasOwn(list, name) ? list[name] : undefined;
    if (schema === undefined) throw new ApiError('bad-request', `${place}.${name}: not known`);
    if (Object.hasOwn(values, name)) throw new ApiError('bad-request', `${place}.${name}: given twice`);
    const value = parameterValue(schema, text);
    const mistake = findMistake(schema, value, `${place}.${name}`);
    if (mistake !== null) throw new ApiError('bad-request', mistake);
    values[name] = value;
  }
  return values;
}

/** The parameters in a path of so many segments; null when it is another route's. */
function matchPath(segments: readonly string[], wanted: readonly string[]): [string, string][] | null {
  if (segments.length !== wanted.length) return null;
  const found: [string, string][] = [];
  for (const [i, word] of wanted.entries()) {
    const segment = segments[i] as string;
    const name = /^\{(\w+)\}$/.exec(word)?.[1];
    if (name !== undefined) found.push([name, segment]);
    else if (word !== segment) return null;
  }
  return found;
}

/** The route of a path, compared as it was sent: nothing is decoded and nothing is resolved. */
export function findRoute(method: string, path: string): Match {
  const segments = path.split('/');
  const allowed: string[] = [];
  for (const { name, route, segments: wanted } of PATHS) {
    const found = matchPath(segments, wanted);
    if (found === null) continue;
    if (route.method === method) return { name, route, params: readParameters(route.params, found, 'path') };
    allowed.push(route.method);
  }
  if (allowed.length === 0) throw new ApiError('not-found', 'there is nothing at this path');
  const allow = allowed.join(', ');
  throw new ApiError('method-not-allowed', `this path takes ${allow}`, { Allow: allow });
}

export function readQuery(route: Route, query: string): Readonly<Record<string, unknown>> {
  return readParameters(route.query, [...new URLSearchParams(query)], 'query');
}

/**
 * Reads at most that many bytes. What comes beyond is read and forgotten, so that the client gets its answer; the
 * server's time-out for a request ends it.
 */
function readBytes(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const take = (piece: Buffer): void => {
      bytes += piece.length;
      if (bytes > bytesMax) refuse();
      else pieces.push(piece);
    };
    const refuse = (): void => {
      message.off('data', take).resume();
      pieces.length = 0;
      reject(new ApiError('too-large', `a body of at most ${bytesMax} bytes is taken`));
    };
    message.on('end', () => resolve(Buffer.concat(pieces)));
    message.on('close', () => reject(new ApiError('bad-request', 'the body was cut off')));
    message.on('error', reject);
    if (Number(message.headers['content-length'] ?? 0) > bytesMax) refuse();
    else message.on('data', take);
  });
}

function parseJson(text: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    throw new ApiError('bad-request', `body: ${(error as Error).message}`);
  }
}

function checkMediaType(message: IncomingMessage, wanted: string): void {
  const type = (message.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== wanted) throw new ApiError('unsupported-media-type', `the body has to be ${wanted}`);
}

/** The checked body; undefined where none is taken. */
export async function readBody(message: IncomingMessage, content: Content): Promise<unknown> {
  switch (content.kind) {
    case 'none':
      await readBytes(message, 0);
      return undefined;
    case 'bytes':
      checkMediaType(message, content.mediaType);
      return readBytes(message, content.bytesMax ?? 0);
    case 'json': {
      checkMediaType(message, 'application/json');
      const value = parseJson(await readBytes(message, JSON_BYTES_MAX));
      const mistake = findMistake(content.schema, value, 'body');
      if (mistake !== null) throw new ApiError('bad-request', mistake);
      return value;
    }
  }
}

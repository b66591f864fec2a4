/**
 * The control API over HTTP on a unix socket. Whoever can connect to it may do everything, so the socket is its
 * owner's only (mode 0600). Requests are bounded in every way: header, body, time, how many at once.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { dupFd, listenUnix, type UnixListener } from 'vhost-user-native';
import type { Logger } from 'vhost-user-ts';
import { ApiError, type ErrorCode } from '../api/errors.js';
import type { Route } from '../api/route.js';
import { WAIT_MS_MAX } from '../api/routes.js';
import { Input } from '../input/input.js';
import { Recordings } from '../recording/recordings.js';
import type { Screen } from '../screen/screen.js';
import type { ControlTarget } from '../target.js';
import { createHandlers, type Handlers } from './handlers.js';
import { findRoute, readBody, readQuery } from './request.js';

/** Connections at a time; more are closed at once. */
export const CONNECTIONS_MAX = 32;
const HEADER_BYTES_MAX = 8192;
const HEADERS_TIMEOUT_MS = 5000;
/** For a whole request to come in. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5000;
/** A client that takes nothing of its answer for so long is gone. */
const STALL_MS = WAIT_MS_MAX + 30_000;

export interface ControlServerOptions {
  /** Of the socket that is made. A stale one is replaced. */
  readonly path: string;
  readonly target: ControlTarget;
  readonly screen: Screen;
  readonly log: Logger;
}

const COMMON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

type AnyHandler = (request: object) => unknown;

export class ControlServer {
  private readonly log: Logger;
  private readonly listener: UnixListener;
  private readonly server: Server;
  private readonly recordings: Recordings;
  private readonly handlers: Handlers;
  private readonly ending = new AbortController();

  /** Listens from now on. Throws the system's error (EADDRINUSE) when it can't. */
  constructor({ path, target, screen, log }: ControlServerOptions) {
    this.log = log;
    this.recordings = new Recordings();
    const input = new Input(target, screen);
    this.handlers = createHandlers({ target, screen, recordings: this.recordings, input });
    this.server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: 1000,
      },
      (message, response) => void this.serve(message, response),
    );
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.setTimeout(STALL_MS);
    this.server.on('error', (error) => log.error({ reason: error.message }, 'the control socket failed'));
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (!socket.writable) {
        socket.destroy();
        return;
      }
      socket.end(rawRefusal(refusalOf(error)));
    });
    // The mode is in force before anybody can connect, and the path goes with the listener.
    this.listener = listenUnix(path, { mode: 0o600 });
    this.server.listen({ fd: dupFd(this.listener.fd) });
  }

  /** Ends every wait and connection. Idempotent. */
  close(): void {
    this.ending.abort();
    this.recordings.close();
    this.listener.close();
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      const { route, answer } = await this.carryOut(
        message,
        AbortSignal.any([gone.signal, this.ending.signal]),
      );
      await send(response, route, answer);
    } catch (error) {
      this.refuse(response, error);
    }
  }

  private async carryOut(
    message: IncomingMessage,
    signal: AbortSignal,
  ): Promise<{ readonly route: Route; readonly answer: unknown }> {
    // A page in a browser never gets here by itself; a proxy that lets it is not what this is for.
    if (message.headers.origin !== undefined) {
      throw new ApiError('misdirected-request', 'pages of browsers are not served here');
    }
    const [path = '', query = ''] = (message.url ?? '').split('?', 2);
    const { name, route, params } = findRoute(message.method ?? '', path);
    const checked = {
      params,
      query: readQuery(route, query),
      body: await readBody(message, route.body),
      signal,
    };
    // The handler's own route said what its request looks like.
    const handler = this.handlers[name] as AnyHandler;
    return { route, answer: await handler(checked) };
  }

  private refuse(response: ServerResponse, error: unknown): void {
    if (!(error instanceof ApiError)) {
      if (response.destroyed) return;
      this.log.error({ err: error }, 'a control request failed');
    }
    const refusal = error instanceof ApiError ? error : new ApiError('internal-error', 'see the log');
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const body = errorBody(refusal.code, refusal.message);
    response.writeHead(refusal.status, {
      ...COMMON_HEADERS,
      ...refusal.headers,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  }
}

/** Of bytes that are no request. */
function refusalOf({ code }: NodeJS.ErrnoException): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError('header-too-large', `a header of at most ${HEADER_BYTES_MAX} bytes is taken`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError('request-timeout', 'the request did not come in time');
    default:
      return new ApiError('bad-request', 'this is no HTTP request');
  }
}

/** An answer where there is no request to answer. */
function rawRefusal({ status, code, message }: ApiError): string {
  const body = errorBody(code, message);
  const head = ['Connection: close', 'Content-Type: application/json', `Content-Length: ${body.length}`];
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}

function errorBody(code: ErrorCode, message: string): string {
  return JSON.stringify({ error: { code, message } });
}

/** Sends what the handler returned; resolves when the client has taken it, or is gone. */
async function send(response: ServerResponse, { answer: content }: Route, answer: unknown): Promise<void> {
  if (content.kind === 'none') {
    response.writeHead(204, COMMON_HEADERS).end();
    return;
  }
  const type = content.kind === 'json' ? 'application/json' : content.mediaType;
  const bytes =
    content.kind === 'json' ? Buffer.from(JSON.stringify(answer)) : (answer as Uint8Array | Uint8Array[]);
  const pieces = Array.isArray(bytes) ? bytes : [bytes];
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(200, { ...COMMON_HEADERS, 'Content-Type': type, 'Content-Length': length });
  for (const piece of pieces) {
    if (!response.write(piece)) await drained(response);
    if (response.destroyed) return;
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

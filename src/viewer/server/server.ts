/**
 * The viewer's server: a page, and a WebSocket for each viewer, on loopback or on a unix socket. Everybody on this machine
 * can connect to a port of it, and every page in its browsers can try to: what counts is the token. Everything is open and
 * loaded before the process gives up its rights.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { dupFd, listenUnix, type UnixListener } from 'vhost-user-native';
import type { Logger } from 'vhost-user-ts';
import { WebSocketServer } from 'ws';
import { type ControlTarget, Input, type Screen } from '../../control/index.js';
import { CLOSE_CODES, TEXT_MESSAGE_LENGTH_MAX } from '../protocol/index.js';
import { GuestInput } from './guest-input.js';
import { fromOwnPage, loopbackHost } from './origin.js';
import { OutputViews } from './output-views.js';
import { loadPage } from './page.js';
import { Session, type SessionHost, type ViewerCounts } from './session.js';
import { rightOf, type Tokens } from './tokens.js';
import type { ViewProvider } from './view-source.js';
import { ViewTable } from './view-table.js';

/** WebSockets that have not shown a token yet. */
const STRANGERS_MAX = 16;
/** Connections besides viewers and strangers: those that load the page. */
const PAGE_CONNECTIONS_MAX = 32;
const HEADER_BYTES_MAX = 8192;
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
/** UTF-8 of that many UTF-16 units. */
const MESSAGE_BYTES_MAX = 3 * TEXT_MESSAGE_LENGTH_MAX;
const CLOCK = { now: () => performance.now(), tickMs: 1000 } as const;
/** For the last messages to get away. */
const ENDING_MS = 500;

/** Where viewers connect. */
export type ViewerAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface ViewerOptions {
  readonly address: ViewerAddress;
  readonly tokens: Tokens;
  readonly viewersMax: number;
  /** How the machine is called. */
  readonly name: string;
  readonly log: Logger;
  /** Another one than the usual, for tests: milliseconds, and how often they are looked at. */
  readonly clock?: { now(): number; readonly tickMs: number };
}

/** What is shown. */
export interface ViewedParts {
  readonly target: ControlTarget;
  readonly screen: Screen;
  /** Views besides the outputs. */
  readonly views: readonly ViewProvider[];
}

export interface ViewerStatus extends Readonly<ViewerCounts> {
  readonly viewers: number;
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** (Not every browser takes 'self' for WebSockets, too.) */
function contentSecurityPolicy(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src 'self' ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export class ViewerServer {
  /** Resolves when it listens; rejects with the system's error when it can't. Connections are served after `serve`. */
  static async listen(options: ViewerOptions): Promise<ViewerServer> {
    const server = new ViewerServer(options);
    try {
      await server.bind(options.address);
    } catch (error) {
      server.close();
      throw error;
    }
    return server;
  }

  private readonly options: ViewerOptions;
  private readonly clock: NonNullable<ViewerOptions['clock']>;
  private readonly page = loadPage();
  private readonly server: Server;
  private readonly sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  private readonly sessions = new Set<Session>();
  private readonly counts: ViewerCounts = { frames: 0, tiles: 0, bytes: 0, merged: 0, refused: 0 };
  private unixListener: UnixListener | null = null;
  private host: SessionHost | null = null;
  private ticker: NodeJS.Timeout | null = null;
  private refreshing = false;
  private stopWatching: () => void = () => undefined;

  private constructor(options: ViewerOptions) {
    this.options = options;
    this.clock = options.clock ?? CLOCK;
    this.server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
      },
      (message, response) => this.answer(message, response),
    );
    this.server.maxConnections = options.viewersMax + STRANGERS_MAX + PAGE_CONNECTIONS_MAX;
    this.server.on('upgrade', (message, socket, head) => this.upgrade(message, socket, head));
    this.server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** What a browser is told to load, without a token; the path of a unix socket. */
  get address(): string {
    const { address } = this.options;
    if (address.kind === 'unix') return address.path;
    const { family, address: host, port } = this.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}/`;
  }

  get status(): ViewerStatus {
    return { viewers: this.viewers, ...this.counts };
  }

  /** From now on viewers see something. */
  serve({ target, screen, views }: ViewedParts): void {
    const { name, tokens, viewersMax, log } = this.options;
    const providers = [new OutputViews(screen, target.outputCount), ...views];
    const table = new ViewTable(target, providers, (error) =>
      log.warn({ reason: error.message }, 'a frame could not be made for the viewers'),
    );
    const typist = new Input(target, screen);
    this.stopWatching = table.onChange(() => this.refresh());
    const server = this;
    this.host = {
      name,
      now: this.clock.now,
      views: table,
      counts: this.counts,
      get viewers() {
        return server.viewers;
      },
      get machine() {
        return target.machine;
      },
      rightOf: (token) => rightOf(token, tokens),
      admit: () => server.viewers < viewersMax,
      inputFor: (output) => new GuestInput(target, typist, output),
      resize: (output, width, height) => {
        if (!table.resizable(output)) return false;
        void target.setOutput(output, { width, height });
        return true;
      },
    };
  }

  /** Something about the machine is different. What viewers see changes in a later turn of the event loop. */
  refresh(): void {
    if (this.refreshing || this.sessions.size === 0) return;
    this.refreshing = true;
    setImmediate(() => {
      this.refreshing = false;
      this.tellViews();
    });
  }

  /** Ends every connection. Idempotent. */
  close(): void {
    if (this.ticker !== null) clearInterval(this.ticker);
    this.ticker = null;
    this.stopWatching();
    this.host = null;
    this.unixListener?.close();
    this.server.close();
    this.server.closeAllConnections();
    const sessions = [...this.sessions];
    this.sessions.clear();
    for (const session of sessions) session.end(CLOSE_CODES.ending, 'the program ends');
    if (sessions.length === 0) return;
    setTimeout(() => {
      for (const session of sessions) session.terminate();
    }, ENDING_MS).unref();
  }

  private get viewers(): number {
    return [...this.sessions].filter(({ open }) => open).length;
  }

  private bind(address: ViewerAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.once('listening', () => {
        this.server.off('error', reject);
        this.server.on('error', (error) =>
          this.options.log.error({ reason: error.message }, "the viewer's socket failed"),
        );
        resolve();
      });
      if (address.kind === 'tcp') {
        this.server.listen({ host: address.host, port: address.port });
        return;
      }
      // The mode is in force before anybody can connect, and the path goes with the listener.
      this.unixListener = listenUnix(address.path, { mode: 0o600 });
      this.server.listen({ fd: dupFd(this.unixListener.fd) });
    });
  }

  private answer(message: IncomingMessage, response: ServerResponse): void {
    const host = loopbackHost(message.headers);
    if (host === null) {
      refuse(response, 421, 'ask for this by the name localhost or by its own address');
      return;
    }
    if (message.method !== 'GET' && message.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      refuse(response, 405, 'there is only something to read here');
      return;
    }
    const file = this.page.get(message.url ?? '');
    if (file === undefined) {
      refuse(response, 404, 'there is nothing of that name');
      return;
    }
    response.writeHead(200, {
      ...HEADERS,
      'Content-Security-Policy': contentSecurityPolicy(host),
      'Content-Type': file.type,
      'Content-Length': file.body.length,
    });
    response.end(message.method === 'HEAD' ? undefined : file.body);
  }

  private upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { host } = this;
    const status = this.upgradeRefusal(message);
    if (status !== null || host === null) {
      this.counts.refused++;
      const line = `${status ?? 503} ${STATUS_CODES[status ?? 503]}`;
      socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
      return;
    }
    this.sockets.handleUpgrade(message, socket, head, (webSocket) => {
      const session = new Session(webSocket, host);
      this.sessions.add(session);
      webSocket.on('close', () => this.sessions.delete(session));
      this.ticker ??= setInterval(() => this.tick(), this.clock.tickMs);
    });
  }

  private upgradeRefusal({ headers, url, method }: IncomingMessage): number | null {
    const host = loopbackHost(headers);
    if (host === null) return 421;
    if (url !== '/ws' || method !== 'GET') return 404;
    if (!fromOwnPage(headers, host)) return 403;
    return this.sessions.size - this.viewers >= STRANGERS_MAX ? 503 : null;
  }

  private tick(): void {
    const now = this.clock.now();
    for (const session of this.sessions) session.tick(now);
    this.tellViews();
    if (this.sessions.size > 0 || this.ticker === null) return;
    clearInterval(this.ticker);
    this.ticker = null;
  }

  private tellViews(): void {
    const { host } = this;
    if (host === null || this.sessions.size === 0) return;
    const { list } = host.views;
    for (const session of this.sessions) session.tellViews(host.machine, list);
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  const body = `${reason}\n`;
  response.writeHead(status, {
    ...HEADERS,
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

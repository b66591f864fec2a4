/** A viewer as the page is one: draws the tiles it gets, and says what it has shown. */
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { decodePng, type Picture } from '../../src/capture/index.js';
import {
  type ClientMessage,
  decodeTile,
  PROTOCOL_VERSION,
  type ServerMessage,
  type ServerMessageOf,
  type ServerMessageType,
  type Tile,
} from '../../src/viewer/protocol/index.js';

const PIXELS_MAX = 1 << 26;

/** A frame with its tiles, as it came. */
export interface ReceivedFrame extends ServerMessageOf<'frame'> {
  readonly rects: readonly Pick<Tile, 'x' | 'y' | 'width' | 'height'>[];
}

export interface ViewerClientOptions {
  /** An http:// address, or the path of a unix socket. */
  readonly address: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly origin?: string;
}

function place(address: string): { readonly url: string; readonly origin: string } {
  if (address.startsWith('/')) return { url: `ws+unix://${address}:/ws`, origin: 'http://localhost' };
  return { url: `${address.replace('http', 'ws')}ws`, origin: address.replace(/\/$/, '') };
}

export class ViewerClient {
  readonly messages: ServerMessage[] = [];
  readonly frames: ReceivedFrame[] = [];
  /** What the canvas shows. */
  canvas: Picture = { width: 0, height: 0, rgba: new Uint8Array() };
  /** Frames are acknowledged when they are drawn. */
  shows = true;
  readonly socket: WebSocket;
  /** Code and reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  private readonly waiting = new Set<() => void>();
  /** Messages are handled one after the other. */
  private turn: Promise<void> = Promise.resolve();
  private frame: { readonly head: ServerMessageOf<'frame'>; readonly tiles: Tile[] } | null = null;
  private over = false;
  private failure: Error | null = null;

  /** Connects; `opened` says whether it was let in so far. */
  constructor({ address, headers, origin }: ViewerClientOptions) {
    const { url, origin: own } = place(address);
    this.socket = new WebSocket(url, { headers: { origin: origin ?? own, ...headers } });
    this.socket.on('message', (data: Buffer, binary: boolean) => {
      const bytes = new Uint8Array(data).slice();
      this.turn = this.turn
        .then(() => (binary ? this.takeTile(bytes) : this.takeText(data.toString())))
        .catch((error: Error) => {
          this.failure = error;
        })
        .finally(() => this.wake());
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.over = true;
        this.wake();
        resolve({ code, reason: reason.toString() });
      });
    });
    this.socket.on('error', () => undefined);
  }

  /** Resolves with null when it was let in, with the status of the refusal otherwise. */
  async opened(): Promise<number | null> {
    if (this.socket.readyState === WebSocket.OPEN) return null;
    return new Promise((resolve) => {
      this.socket.once('open', () => resolve(null));
      this.socket.once('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        this.socket.terminate();
      });
    });
  }

  /** Connects and is welcome. */
  static async enter(options: ViewerClientOptions, token: string, view?: string): Promise<ViewerClient> {
    const client = new ViewerClient(options);
    await client.opened();
    client.hello(token);
    await client.message('welcome');
    if (view !== undefined) client.say({ type: 'watch', view });
    return client;
  }

  hello(token: string): void {
    this.say({ type: 'hello', protocol: PROTOCOL_VERSION, token });
  }

  say(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message of a type for which `holds`, of those that came or will come. */
  async message<K extends ServerMessageType>(
    type: K,
    holds: (message: ServerMessageOf<K>) => boolean = () => true,
  ): Promise<ServerMessageOf<K>> {
    const find = (): ServerMessageOf<K> | undefined =>
      (this.messages.filter((each) => each.type === type) as unknown as ServerMessageOf<K>[]).find(holds);
    await this.until(() => find() !== undefined);
    return find() as ServerMessageOf<K>;
  }

  /** Resolves when it holds, which is looked at after each message. Rejects when the connection ends before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.failure !== null) throw this.failure;
      if (this.over) throw new Error('the connection ended');
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Resolves when the server has handled all that was said so far. */
  async answered(): Promise<void> {
    const id = this.messages.length + 1000;
    this.say({ type: 'ping', id });
    await this.message('pong', (pong) => pong.id === id);
  }

  /** Resolves when the canvas shows these pixels. */
  async untilShows({ width, height, rgba }: Picture): Promise<void> {
    await this.until(
      () =>
        this.canvas.width === width &&
        this.canvas.height === height &&
        Buffer.compare(this.canvas.rgba, rgba) === 0,
    );
  }

  close(): void {
    this.socket.terminate();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private takeText(text: string): void {
    const message = JSON.parse(text) as ServerMessage;
    this.messages.push(message);
    if (message.type !== 'frame') return;
    if (this.frame !== null) throw new Error('a frame within a frame');
    this.frame = { head: message, tiles: [] };
    if (message.tiles === 0) this.draw();
  }

  private async takeTile(message: Uint8Array<ArrayBuffer>): Promise<void> {
    const tile = decodeTile(message.buffer);
    if (tile === null || this.frame === null) throw new Error('a tile that belongs nowhere');
    if (tile.frame !== this.frame.head.frame) throw new Error('a tile of another frame');
    this.frame.tiles.push(tile);
    if (this.frame.tiles.length === this.frame.head.tiles) await this.drawTiles();
  }

  private async drawTiles(): Promise<void> {
    const { head, tiles } = this.frame as NonNullable<ViewerClient['frame']>;
    this.fit(head);
    const { width, rgba } = this.canvas;
    for (const tile of tiles) {
      const picture = await decodePng(tile.png, PIXELS_MAX);
      if (picture.width !== tile.width || picture.height !== tile.height) throw new Error('another size');
      for (let y = 0; y < tile.height; y++) {
        const row = picture.rgba.subarray(y * tile.width * 4, (y + 1) * tile.width * 4);
        rgba.set(row, ((tile.y + y) * width + tile.x) * 4);
      }
    }
    this.draw();
  }

  private fit({ width, height }: ServerMessageOf<'frame'>): void {
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas = { width, height, rgba: new Uint8Array(width * height * 4) };
  }

  private draw(): void {
    const { head, tiles } = this.frame as NonNullable<ViewerClient['frame']>;
    this.fit(head);
    this.frame = null;
    const rects = tiles.map(({ x, y, width, height }) => ({ x, y, width, height }));
    this.frames.push({ ...head, rects });
    if (this.shows) this.say({ type: 'shown', frame: head.frame });
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** One HTTP request, with headers and a path as they are given. */
export function ask(
  address: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<HttpAnswer> {
  const where = address.startsWith('/')
    ? { socketPath: address, headers: { Host: 'localhost', ...headers } }
    : { host: new URL(address).hostname.replace(/^\[|\]$/g, ''), port: new URL(address).port, headers };
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, path, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

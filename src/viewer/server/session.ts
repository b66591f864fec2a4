/** One viewer: what it says is checked and carried out, what it is sent is bounded by what it has shown. */
import type { WebSocket } from 'ws';
import {
  CLOSE_CODES,
  type ClientMessage,
  type ClientMessageOf,
  type ClientMessageType,
  FRAMES_AHEAD_MAX,
  HELLO_TIMEOUT_MS,
  PING_MS,
  PROTOCOL_VERSION,
  parseClientMessage,
  parseViewId,
  type ServerMessage,
  SHOWN_TIMEOUT_MS,
  type View,
} from '../protocol/index.js';
import type { Audience, Feed, WatchedCursor, WatchedFrame } from './feed.js';
import type { GuestInput } from './guest-input.js';
import { MessageRate } from './message-rate.js';
import { tileMessage } from './tiles.js';
import type { ViewTable } from './view-table.js';

/** Bytes that a viewer may have waiting before it is told of cursors and the like. */
const ROOM_BYTES = 256 * 1024;
/** A peer that does not answer the closing handshake is cut off. */
const CLOSING_MS = 2000;
/** How long a wrong token takes to be told. */
const REFUSAL_MS = 1000;

/** What a session needs of the server. */
export interface SessionHost {
  readonly name: string;
  /** Milliseconds that never go back. */
  now(): number;
  readonly views: ViewTable;
  readonly counts: ViewerCounts;
  readonly viewers: number;
  readonly machine: boolean;
  /** What the token allows; null for a wrong one. */
  rightOf(token: string): 'control' | 'view' | null;
  /** There is room for another viewer, this one. */
  admit(): boolean;
  inputFor(output: number): GuestInput;
  /** Whether sizes of outputs are decided here. The guest may take it, or not. */
  resize(output: number, width: number, height: number): boolean;
}

/** What all viewers together had, for metrics. */
export interface ViewerCounts {
  frames: number;
  tiles: number;
  bytes: number;
  merged: number;
  /** Viewers that were not let in, or were sent away. */
  refused: number;
}

type Handlers = { readonly [K in ClientMessageType]: (message: ClientMessageOf<K>) => void };

/** They are input: only a viewer with control is heard. */
const CONTROL: ReadonlySet<ClientMessageType> = new Set([
  'key',
  'pointer',
  'button',
  'wheel',
  'touch',
  'touchUp',
  'text',
  'resize',
]);

export class Session implements Audience {
  private readonly socket: WebSocket;
  private readonly host: SessionHost;
  private readonly rate = new MessageRate();
  private readonly startMs: number;
  private state: 'new' | 'refused' | 'open' | 'closed' = 'new';
  private control = false;
  private feed: Feed | null = null;
  private input: GuestInput | null = null;
  private output: number | null = null;
  /** The last frame that was sent; and those that were not shown. */
  private frame = 0;
  private readonly unshown: number[] = [];
  private shownMs = 0;
  private closedMs = 0;
  private pingMs: number;
  private answered = true;
  private toldViews = '';
  private shownCursor: WatchedCursor['picture'] = null;
  private statsWanted = false;
  private statsChanges = 0;
  private readonly told = new Set<string>();
  private readonly own = { frames: 0, tiles: 0, bytes: 0, merged: 0 };

  constructor(socket: WebSocket, host: SessionHost) {
    this.socket = socket;
    this.host = host;
    this.startMs = host.now();
    this.pingMs = this.startMs;
    socket.on('message', (data: Buffer, binary: boolean) => this.receive(data, binary));
    socket.on('pong', () => {
      this.answered = true;
    });
    // What is wrong with the bytes ends the connection: `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.leave());
  }

  get open(): boolean {
    return this.state === 'open';
  }

  get ready(): boolean {
    return this.unshown.length < FRAMES_AHEAD_MAX;
  }

  get roomy(): boolean {
    return this.socket.bufferedAmount < ROOM_BYTES;
  }

  showFrame({ size, tiles }: WatchedFrame): void {
    const { feed, host, own } = this;
    if (feed === null) return;
    this.frame++;
    if (this.unshown.length === 0) this.shownMs = this.host.now();
    this.unshown.push(this.frame);
    const { width, height } = size ?? { width: 0, height: 0 };
    this.send({ type: 'frame', frame: this.frame, view: feed.id, width, height, tiles: tiles.length });
    let bytes = 0;
    for (const tile of tiles) {
      const message = tileMessage(tile, this.frame);
      bytes += message.length;
      this.socket.send(message);
    }
    for (const counts of [host.counts, own]) {
      counts.frames++;
      counts.tiles += tiles.length;
      counts.bytes += bytes;
    }
  }

  showCursor({ state: { x, y }, picture }: WatchedCursor): void {
    if (this.feed === null) return;
    const view = this.feed.id;
    if (picture !== null && picture !== this.shownCursor) {
      this.shownCursor = picture;
      this.send({ type: 'cursorImage', view, png: picture.png });
    }
    const { hotX, hotY } = picture ?? { hotX: 0, hotY: 0 };
    this.send({ type: 'cursor', view, x, y, hotX, hotY, visible: picture !== null });
  }

  merged(): void {
    this.own.merged++;
    this.host.counts.merged++;
  }

  /** Tells what there is to watch, if that is not what it was told last. */
  tellViews(machine: boolean, views: readonly View[]): void {
    if (!this.open || !this.roomy) return;
    const text = JSON.stringify({ type: 'views', machine, views } satisfies ServerMessage);
    if (text === this.toldViews) return;
    this.toldViews = text;
    this.socket.send(text);
    if (this.feed !== null && !views.some(({ id }) => id === this.feed?.id)) this.watch(null);
  }

  /** Once in a while: what time has run out. */
  tick(nowMs: number): void {
    if (this.state === 'closed') {
      if (nowMs - this.closedMs >= CLOSING_MS) this.socket.terminate();
    } else if (this.state === 'refused') {
      if (nowMs - this.closedMs >= REFUSAL_MS) this.end(CLOSE_CODES.token, 'this token is not valid here');
    } else if (this.state === 'new') {
      if (nowMs - this.startMs >= HELLO_TIMEOUT_MS) this.refuse(CLOSE_CODES.token, 'no hello came in time');
    } else if (this.unshown.length > 0 && nowMs - this.shownMs >= SHOWN_TIMEOUT_MS) {
      this.refuse(CLOSE_CODES.idle, 'nothing was shown for long');
    } else this.keepUp(nowMs);
  }

  /** Ends the connection; what it holds pressed is released. */
  end(code: number, reason: string): void {
    this.leave();
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.leave();
    this.socket.terminate();
  }

  private keepUp(nowMs: number): void {
    this.feed?.renew();
    if (this.statsWanted) this.tellStats();
    if (nowMs - this.pingMs < PING_MS) return;
    if (!this.answered) {
      this.terminate();
      return;
    }
    this.pingMs = nowMs;
    this.answered = false;
    this.socket.ping();
  }

  private leave(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.closedMs = this.host.now();
    this.watch(null);
  }

  private refuse(code: number, reason: string): void {
    this.host.counts.refused++;
    this.end(code, reason);
  }

  private receive(data: Buffer, binary: boolean): void {
    if (this.state !== 'new' && this.state !== 'open') return;
    if (!this.rate.take(this.host.now())) {
      this.refuse(CLOSE_CODES.tooMany, 'too many messages');
      return;
    }
    const message = binary ? { mistake: 'a binary message' } : parseClientMessage(data.toString());
    if ('mistake' in message) this.refuse(CLOSE_CODES.badMessage, message.mistake.slice(0, 100));
    else if ((this.state === 'new') !== (message.type === 'hello')) {
      this.refuse(CLOSE_CODES.badMessage, 'hello is the first message, and comes once');
    } else this.handle(message);
  }

  private handle(message: ClientMessage): void {
    if (CONTROL.has(message.type) && !this.control) {
      this.tellOnce('warning', 'this address only looks on: input is not taken');
      return;
    }
    const handler = this.handlers[message.type] as (message: ClientMessage) => void;
    handler(message);
  }

  private readonly handlers: Handlers = {
    hello: ({ protocol, token }) => this.greet(protocol, token),
    watch: ({ view }) => this.watch(view),
    shown: ({ frame }) => this.shown(frame),
    key: ({ code, pressed }) => this.tellOutcome(this.input?.key(code, pressed)),
    pointer: ({ x, y }) => this.tellOutcome(this.input?.pointer(x, y)),
    button: ({ button, pressed }) => this.tellOutcome(this.input?.button(button, pressed)),
    wheel: ({ dx, dy }) => this.tellOutcome(this.input?.wheel(dx, dy)),
    touch: ({ slot, x, y }) => this.tellOutcome(this.input?.touch(slot, x, y)),
    touchUp: ({ slot }) => this.tellOutcome(this.input?.touchUp(slot)),
    text: ({ text }) => void this.input?.text(text).then((outcome) => this.tell(outcome)),
    release: () => this.input?.release(),
    resize: ({ width, height }) => this.resize(width, height),
    stats: ({ on }) => {
      this.statsWanted = on;
      this.statsChanges = this.feed?.changes ?? 0;
    },
    ping: ({ id }) => this.sendIfRoomy({ type: 'pong', id }),
  };

  private greet(protocol: number, token: string): void {
    const { host } = this;
    if (protocol !== PROTOCOL_VERSION) {
      this.refuse(CLOSE_CODES.version, 'the page is of another version: load it again');
      return;
    }
    const right = host.rightOf(token);
    if (right === null) {
      // Told later, so that there is no guessing at full speed.
      host.counts.refused++;
      this.state = 'refused';
      this.closedMs = this.host.now();
      return;
    }
    if (!host.admit()) {
      this.refuse(CLOSE_CODES.tooMany, 'there are as many viewers as there may be');
      return;
    }
    this.state = 'open';
    this.control = right === 'control';
    this.send({ type: 'welcome', protocol: PROTOCOL_VERSION, control: this.control, name: host.name });
    this.tellViews(host.machine, host.views.list);
  }

  private watch(view: string | null): void {
    this.input?.release();
    this.feed?.leave(this);
    this.input = null;
    this.output = null;
    this.shownCursor = null;
    this.feed = view === null ? null : this.host.views.feed(view);
    this.statsChanges = this.feed?.changes ?? 0;
    if (view === null) return;
    const { kind, number } = parseViewId(view) ?? {};
    if (this.feed === null || number === undefined) {
      this.tell('there is nothing of that name to watch');
      return;
    }
    if (this.control && kind === 'output') {
      this.output = number;
      this.input = this.host.inputFor(number);
    }
    this.feed.join(this);
  }

  private shown(frame: number): void {
    if (frame > this.frame) {
      this.refuse(CLOSE_CODES.badMessage, 'shown: a frame that was not sent');
      return;
    }
    const waiting = this.unshown.findIndex((each) => each > frame);
    this.unshown.splice(0, waiting < 0 ? this.unshown.length : waiting);
    this.shownMs = this.host.now();
    this.feed?.renew();
  }

  private resize(width: number, height: number): void {
    if (this.output === null || this.host.resize(this.output, width, height)) return;
    this.tellOnce('info', 'the size of this screen is not decided here');
  }

  private tellStats(): void {
    const { feed, own, host, unshown } = this;
    const changes = feed?.changes ?? 0;
    this.sendIfRoomy({
      type: 'stats',
      view: feed?.id ?? null,
      guestFramesPerSecond: changes - this.statsChanges,
      ...own,
      waiting: unshown.length,
      viewers: host.viewers,
    });
    this.statsChanges = changes;
  }

  /** Of input that comes in a stream: once. */
  private tellOutcome(outcome: string | null | undefined): void {
    if (outcome) this.tellOnce('warning', outcome);
  }

  private tellOnce(level: 'info' | 'warning', text: string): void {
    if (this.told.has(text)) return;
    this.told.add(text);
    this.sendIfRoomy({ type: 'notice', level, text });
  }

  private tell(text: string | null): void {
    if (text !== null) this.sendIfRoomy({ type: 'notice', level: 'warning', text });
  }

  private sendIfRoomy(message: ServerMessage): void {
    if (this.open && this.roomy) this.send(message);
  }

  private send(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }
}

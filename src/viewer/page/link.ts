/**
 * The connection to the server: says hello, tries again when it ends, and notices when nobody answers any more (a tunnel
 * whose other end has gone says nothing).
 */
import {
  type ClientMessage,
  PROTOCOL_VERSION,
  type ServerMessage,
  type ServerMessageOf,
} from '../protocol/index.js';
import { nextStep, type Trouble } from './reconnect.js';

/** What a WebSocket tells. */
export interface SocketEvents {
  opened(): void;
  received(data: unknown): void;
  closed(code: number): void;
}

/** What is used of a WebSocket. */
export interface Socket {
  send(text: string): void;
  /** It may tell something even then. */
  close(): void;
}

export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live'; readonly control: boolean; readonly name: string }
  /** It is tried again by itself. */
  | { readonly kind: 'waiting'; readonly trouble: Trouble }
  | { readonly kind: 'stopped'; readonly trouble: Trouble };

export interface LinkOptions {
  /** Connects; binary messages come as ArrayBuffers. */
  readonly open: (events: SocketEvents) => Socket;
  readonly token: () => string | null;
  /** Starts a timer; returns what stops it. */
  readonly timer: (ms: number, done: () => void) => () => void;
  /** Milliseconds of a clock that does not jump. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly chance: () => number;
  readonly onState: (state: LinkState) => void;
  /** What is thrown ends the connection, and it is tried again. */
  readonly onMessage: (message: ServerMessage) => void;
  readonly onTile: (data: ArrayBuffer) => void;
  readonly onRoundTrip: (ms: number) => void;
}

/** Time for `welcome`, and for `pong`. */
const PATIENCE_MS = 10_000;
const PING_MS = 5000;
/** What browsers say of a connection that just ended. */
const ABNORMAL = 1006;

export class Link {
  state: LinkState = { kind: 'connecting' };
  private readonly options: LinkOptions;
  private socket: Socket | null = null;
  private failures = 0;
  private pings = 0;
  private pingedMs = 0;
  private stopTimer: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  /** Connects at once, whatever there was before. */
  connect(): void {
    this.drop();
    if (this.options.token() === null) {
      this.become({ kind: 'stopped', trouble: 'token' });
      return;
    }
    this.become({ kind: 'connecting' });
    // Only the newest one counts.
    const current = (): boolean => this.socket === socket;
    const socket = this.options.open({
      opened: () => current() && this.opened(),
      received: (data) => current() && this.received(data),
      closed: (code) => current() && this.ended(code),
    });
    this.socket = socket;
    this.startTimer(PATIENCE_MS, () => this.ended(ABNORMAL));
  }

  /** Connects at once if that is being waited for: there is a network again, or a person is impatient. */
  hurry(): void {
    if (this.state.kind !== 'waiting') return;
    this.failures = 0;
    this.connect();
  }

  /** Is not kept for later: what is said while there is no connection is void. */
  send(message: ClientMessage): void {
    if (this.state.kind === 'live') this.socket?.send(JSON.stringify(message));
  }

  /** What came makes no sense: starts over. */
  fail(): void {
    this.ended(ABNORMAL);
  }

  private opened(): void {
    const token = this.options.token() ?? '';
    this.socket?.send(JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, token }));
  }

  private received(data: unknown): void {
    try {
      if (data instanceof ArrayBuffer) this.options.onTile(data);
      else this.message(JSON.parse(String(data)) as ServerMessage);
    } catch (error) {
      console.error(error);
      this.ended(ABNORMAL);
    }
  }

  private message(message: ServerMessage): void {
    if (message.type === 'welcome') this.welcomed(message);
    else if (message.type === 'pong') this.answered(message.id);
    else this.options.onMessage(message);
  }

  private welcomed({ control, name }: ServerMessageOf<'welcome'>): void {
    this.failures = 0;
    this.become({ kind: 'live', control, name });
    this.ping();
  }

  private ping(): void {
    this.pings += 1;
    this.pingedMs = this.options.now();
    this.send({ type: 'ping', id: this.pings });
    this.startTimer(PATIENCE_MS, () => this.ended(ABNORMAL));
  }

  private answered(id: number): void {
    if (id !== this.pings) return;
    this.options.onRoundTrip(this.options.now() - this.pingedMs);
    this.startTimer(PING_MS, () => this.ping());
  }

  private ended(code: number): void {
    this.drop();
    const step = nextStep(code, this.failures, this.options.chance());
    this.failures += 1;
    if (!step.retry) {
      this.become({ kind: 'stopped', trouble: step.trouble });
      return;
    }
    this.become({ kind: 'waiting', trouble: step.trouble });
    this.startTimer(step.delayMs, () => this.connect());
  }

  private become(state: LinkState): void {
    this.state = state;
    this.options.onState(state);
  }

  private startTimer(ms: number, done: () => void): void {
    this.stopTimer();
    this.stopTimer = this.options.timer(ms, done);
  }

  private drop(): void {
    this.stopTimer();
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }
}

/**
 * What viewer and server say to each other on the WebSocket: text messages are JSON objects with a `type`, binary ones are
 * tiles (tile.ts). A viewer says `hello` first and then what it wants to watch; docs/viewer.md describes a session.
 */
import { findMistake, type Infer, type ObjectSchema, object } from '../../schema/index.js';

/** Of both sides: a page that another version of the server gave out has to be loaded again. */
export const PROTOCOL_VERSION = 1;

/** UTF-16 units of a message from a viewer; `text` may be longer. A longer one ends the connection. */
export const MESSAGE_LENGTH_MAX = 4096;
export const TEXT_MESSAGE_LENGTH_MAX = 16384;
/** Characters of one `text`, which is typed key by key. */
export const TEXT_LENGTH_MAX = 4096;
/** Frames that a viewer is sent ahead of its `shown`. */
export const FRAMES_AHEAD_MAX = 2;
/** A viewer that has frames and says nothing about them for so long is taken to be gone. */
export const SHOWN_TIMEOUT_MS = 60_000;
/** Between the server's pings (RFC 6455, 5.5.2): a peer that has not answered the one before is cut off. */
export const PING_MS = 30_000;
/** Time for `hello`. */
export const HELLO_TIMEOUT_MS = 5000;
/** Fingers, and buttons of KeyboardEvent's and MouseEvent's counting. */
export const TOUCH_SLOT_MAX = 15;
export const BUTTON_MAX = 4;

/** Why the server closes a WebSocket (4000 to 4999 are the application's, RFC 6455, 7.4.2). */
export const CLOSE_CODES = {
  /** The program ends. */
  ending: 1001,
  /** A message that is none of these. */
  badMessage: 4400,
  /** The token is not one of this server's, or there was none in time. */
  token: 4401,
  /** Nothing of what was sent has been shown for SHOWN_TIMEOUT_MS. */
  idle: 4408,
  /** The page is one of another version: load it again. */
  version: 4426,
  /** There are as many viewers as there may be, or too many wrong tokens or messages came. */
  tooMany: 4429,
} as const;

const OUTPUT = /^output-(0|[1-9]\d{0,3})$/;
const WINDOW = /^window-(0|[1-9]\d{0,14})$/;

export type ViewKind = 'output' | 'window';

/** The name of an output or a window in messages. */
export function viewId(kind: ViewKind, number: number): string {
  return `${kind}-${number}`;
}

/** What a name is of; null when it is none. */
export function parseViewId(id: string): { readonly kind: ViewKind; readonly number: number } | null {
  const output = OUTPUT.exec(id)?.[1];
  if (output !== undefined) return { kind: 'output', number: Number(output) };
  const window = WINDOW.exec(id)?.[1];
  return window === undefined ? null : { kind: 'window', number: Number(window) };
}

const name = { type: 'string', minLength: 1, maxLength: 32 } as const;
const fraction = { type: 'number', minimum: 0, maximum: 1 } as const;
const notches = { type: 'number', minimum: -12_000, maximum: 12_000 } as const;
const u32 = { type: 'integer', minimum: 0, maximum: 0xffff_ffff } as const;
const slot = { type: 'integer', minimum: 0, maximum: TOUCH_SLOT_MAX } as const;
const pressed = { type: 'boolean' } as const;
const dimension = { type: 'integer', minimum: 64, maximum: 16384 } as const;

/** Messages of viewers by type, without the `type`. Input goes to the view that is watched, if it is an output. */
const CLIENT_MESSAGES = {
  /** The first message. */
  hello: object({ protocol: u32, token: { type: 'string', minLength: 1, maxLength: 256 } }, [
    'protocol',
    'token',
  ]),
  /** From now on frames of this view, the whole picture first; null = of none. */
  watch: object({ view: { anyOf: [name, { type: 'null' }] } }, ['view']),
  /** The frame, and those before it, are on the screen; or will never be, as another view is watched now. */
  shown: object({ frame: u32 }, ['frame']),
  /** A KeyboardEvent.code, such as `KeyA`. */
  key: object({ code: name, pressed }, ['code', 'pressed']),
  /** A place in the view, from its left and its top. */
  pointer: object({ x: fraction, y: fraction }, ['x', 'y']),
  /** A MouseEvent.button: 0 left, 1 middle, 2 right, 3 back, 4 forward. */
  button: object({ button: { type: 'integer', minimum: 0, maximum: BUTTON_MAX }, pressed }, [
    'button',
    'pressed',
  ]),
  /** In 1/120 of a notch; right and down are positive. */
  wheel: object({ dx: notches, dy: notches }, ['dx', 'dy']),
  /** A finger goes down, or moves. */
  touch: object({ slot, x: fraction, y: fraction }, ['slot', 'x', 'y']),
  touchUp: object({ slot }, ['slot']),
  /** Typed on the guest's keyboard, as a US one has it. */
  text: object({ text: { type: 'string', minLength: 1, maxLength: TEXT_LENGTH_MAX } }, ['text']),
  /** Whatever this viewer holds pressed is released. */
  release: object({}, []),
  /** The output should have this mode, in pixels. */
  resize: object({ width: dimension, height: dimension }, ['width', 'height']),
  /** `stats` once a second, or not. */
  stats: object({ on: { type: 'boolean' } }, ['on']),
  /** Answered by `pong`. */
  ping: object({ id: u32 }, ['id']),
} as const satisfies Record<string, ObjectSchema>;

type ClientMessages = typeof CLIENT_MESSAGES;
export type ClientMessageType = keyof ClientMessages;

/** A message of a viewer, by its type. */
export type ClientMessageOf<K extends ClientMessageType> = { readonly type: K } & Infer<ClientMessages[K]>;
export type ClientMessage = { [K in ClientMessageType]: ClientMessageOf<K> }[ClientMessageType];

/** What the viewer's input reaches. */
export interface ViewInput {
  readonly keyboard: boolean;
  /** A tablet: places, buttons and wheel. */
  readonly pointer: boolean;
  readonly touch: boolean;
}

/** Something that can be watched. */
export interface View {
  /** `output-N` or `window-N`. */
  readonly id: string;
  readonly kind: ViewKind;
  readonly title: string;
  /** Pixels; 0 while it shows nothing. */
  readonly width: number;
  readonly height: number;
  readonly input: ViewInput;
  /** `resize` may be asked for. */
  readonly resizable: boolean;
}

/** What the server has sent and the guest has drawn, for the view that is watched. */
export interface Stats {
  readonly view: string | null;
  /** Changes of the picture within the last second. */
  readonly guestFramesPerSecond: number;
  /** Sent to this viewer since it came. */
  readonly frames: number;
  readonly tiles: number;
  readonly bytes: number;
  /** Changes that went into a later frame, because this viewer was not ready. */
  readonly merged: number;
  /** Frames that it has not shown yet. */
  readonly waiting: number;
  /** How many look on, this one among them. */
  readonly viewers: number;
}

/** Messages of the server by type, without the `type`. */
interface ServerMessages {
  /** The answer to `hello`: whether input is taken, and how the machine is called. */
  welcome: { readonly protocol: number; readonly control: boolean; readonly name: string };
  /** All there is to watch, after `welcome` and after each change; `machine`: one is connected. */
  views: { readonly machine: boolean; readonly views: readonly View[] };
  /**
   * `tiles` binary messages follow: together they bring the picture of the view, of this size in pixels, up to date. Each
   * takes the place of what was there. A frame with another size than the one before has all of the picture. Without a
   * picture width, height and tiles are 0.
   */
  frame: {
    readonly frame: number;
    readonly view: string;
    readonly width: number;
    readonly height: number;
    readonly tiles: number;
  };
  /** The image's top left corner is at x, y in the view; its tip is at hotX, hotY in the image. */
  cursor: {
    readonly view: string;
    readonly x: number;
    readonly y: number;
    readonly hotX: number;
    readonly hotY: number;
    readonly visible: boolean;
  };
  /** From now on the cursor looks like that: a PNG in base64, with straight alpha. */
  cursorImage: { readonly view: string; readonly png: string };
  stats: Stats;
  /** For the person. */
  notice: { readonly level: 'info' | 'warning'; readonly text: string };
  pong: { readonly id: number };
}

export type ServerMessageType = keyof ServerMessages;
export type ServerMessageOf<K extends ServerMessageType> = { readonly type: K } & ServerMessages[K];
export type ServerMessage = { [K in ServerMessageType]: ServerMessageOf<K> }[ServerMessageType];

function isClientType(type: unknown): type is ClientMessageType {
  return typeof type === 'string' && Object.hasOwn(CLIENT_MESSAGES, type);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a text message of a viewer; what is wrong with it when it is none. */
export function parseClientMessage(text: string): ClientMessage | { readonly mistake: string } {
  if (text.length > TEXT_MESSAGE_LENGTH_MAX) return { mistake: 'too long' };
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return { mistake: 'not a JSON object' };
  const { type, ...fields } = value as Record<string, unknown>;
  if (!isClientType(type)) return { mistake: 'not a known type' };
  if (type !== 'text' && text.length > MESSAGE_LENGTH_MAX) return { mistake: `${type}: too long` };
  const mistake = findMistake(CLIENT_MESSAGES[type], fields, type);
  // The schema of `type` has been met, which is what its type is inferred from.
  return mistake === null ? ({ ...fields, type } as ClientMessage) : { mistake };
}

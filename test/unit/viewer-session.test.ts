/** One viewer that says anything, at any time, and reads when it likes: nothing is thrown, nothing piles up or stays pressed. */
import { EventEmitter } from 'node:events';
import * as fc from 'fast-check';
import t from 'tap';
import type { WebSocket } from 'ws';
import { type ControlledInput, type ControlTarget, Input, Screen } from '../../src/control/index.js';
import { FRAMES_AHEAD_MAX, type ServerMessage } from '../../src/viewer/protocol/index.js';
import { GuestInput } from '../../src/viewer/server/guest-input.js';
import type { ViewProvider, ViewSource } from '../../src/viewer/server/index.js';
import { Session, type SessionHost } from '../../src/viewer/server/session.js';
import { ViewTable } from '../../src/viewer/server/view-table.js';
import { NO_MACHINE } from '../protocol/no-machine.js';

const TOKEN = 'token';
const SIZE = { width: 20, height: 10 };

/** What keeps account of what is pressed. */
class Keys implements ControlledInput {
  readonly held = new Set<string>();

  key(code: number, pressed: boolean): void {
    this.set(`key ${code}`, pressed);
  }

  button(code: number, pressed: boolean): void {
    this.set(`button ${code}`, pressed);
  }

  touch(slot: number): void {
    this.held.add(`finger ${slot}`);
  }

  touchUp(slot: number): void {
    this.held.delete(`finger ${slot}`);
  }

  moveTo(): void {}
  moveBy(): void {}
  scroll(): void {}
  frame(): void {}
  releaseAll(): void {}

  private set(name: string, pressed: boolean): void {
    if (pressed) this.held.add(name);
    else this.held.delete(name);
  }
}

/** A screen of one color, that can be off. */
class Flat implements ViewSource, ViewProvider {
  readonly kind = 'output';
  readonly number = 0;
  readonly title = '';
  shown = true;
  listeners = 0;
  private changed: (rect: null) => void = () => undefined;

  views(): readonly ViewSource[] {
    return [this];
  }

  onChange(): () => void {
    return () => undefined;
  }

  size(): typeof SIZE | null {
    return this.shown ? SIZE : null;
  }

  picture(part = { x: 0, y: 0, ...SIZE }) {
    const { width, height } = part;
    return { width, height, rgba: new Uint8Array(width * height * 4) };
  }

  cursor(): null {
    return null;
  }

  follow(): () => void {
    return () => undefined;
  }

  listen(changed: (rect: null) => void): () => void {
    this.listeners++;
    this.changed = changed;
    return () => {
      this.listeners--;
    };
  }

  paint(): void {
    this.changed(null);
  }
}

/** The server's end of a connection, without one. */
class FakeSocket extends EventEmitter {
  readonly sent: (ServerMessage | Uint8Array)[] = [];
  bufferedAmount = 0;
  closed = false;

  send(data: string | Uint8Array): void {
    this.sent.push(typeof data === 'string' ? (JSON.parse(data) as ServerMessage) : data);
  }

  ping(): void {}

  close(): void {
    this.closed = true;
  }

  terminate(): void {
    this.closed = true;
  }

  /** Of the frames that were sent: the last one's number. */
  get frames(): number {
    return this.sent.reduce((last, each) => ('type' in each && each.type === 'frame' ? each.frame : last), 0);
  }
}

/** A session with all that it needs. */
class World {
  readonly keys = new Keys();
  readonly screen = new Flat();
  readonly socket = new FakeSocket();
  readonly session: Session;
  nowMs = 0;
  private acknowledged = 0;

  constructor(right: 'control' | 'view') {
    const target: ControlTarget = {
      ...NO_MACHINE,
      input: () => this.keys,
      readiness: () => ({ live: true, waitingTransitions: 0 }),
    };
    const typist = new Input(target, new Screen());
    const views = new ViewTable(target, [this.screen], (error) => {
      throw error;
    });
    const host: SessionHost = {
      name: '',
      views,
      counts: { frames: 0, tiles: 0, bytes: 0, merged: 0, refused: 0 },
      viewers: 1,
      machine: true,
      now: () => this.nowMs,
      rightOf: (token) => (token === TOKEN ? right : null),
      admit: () => true,
      inputFor: (output) => new GuestInput(target, typist, output),
      resize: () => true,
    };
    this.session = new Session(this.socket as unknown as WebSocket, host);
  }

  say(text: string): void {
    if (!this.socket.closed) this.socket.emit('message', Buffer.from(text), false);
  }

  show(frame: number): void {
    this.acknowledged = Math.max(this.acknowledged, frame);
    this.say(JSON.stringify({ type: 'shown', frame }));
  }

  /** Frames that were sent and not shown. */
  get ahead(): number {
    return this.socket.frames - this.acknowledged;
  }
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const pressed = fc.boolean();
const slot = fc.nat(15);
const message = fc.oneof(
  fc.record({
    type: fc.constant('watch'),
    view: fc.constantFrom('output-0', 'output-0', 'output-1', 'x', null),
  }),
  fc.record({
    type: fc.constant('key'),
    code: fc.constantFrom('KeyA', 'KeyB', 'ShiftLeft', 'Nothing'),
    pressed,
  }),
  fc.record({ type: fc.constant('button'), button: fc.nat(4), pressed }),
  fc.record({ type: fc.constant('touch'), slot, x: fraction, y: fraction }),
  fc.record({ type: fc.constant('touchUp'), slot }),
  fc.record({ type: fc.constant('pointer'), x: fraction, y: fraction }),
  fc.record({ type: fc.constant('wheel'), dx: fraction, dy: fraction }),
  fc.record({ type: fc.constant('text'), text: fc.string({ minLength: 1, maxLength: 5 }) }),
  fc.record({ type: fc.constant('release') }),
  fc.record({ type: fc.constant('stats'), on: fc.boolean() }),
  fc.record({ type: fc.constant('ping'), id: fc.nat() }),
);
/** They end the session. */
const mistake = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constant('{"type":"hello","protocol":1,"token":"token"}'),
  fc.constant('{"type":"shown","frame":4294967295}'),
);
const step = fc.oneof(
  { weight: 200, arbitrary: message.map((value) => ({ say: JSON.stringify(value) })) },
  { weight: 1, arbitrary: mistake.map((say) => ({ say })) },
  {
    weight: 90,
    arbitrary: fc.constantFrom('paint', 'show', 'later', 'later', 'tick', 'off', 'on', 'full', 'empty'),
  },
);

/** Whatever happens besides messages. */
async function happen(world: World, what: string): Promise<void> {
  const { screen, session, socket } = world;
  if (what === 'paint') screen.paint();
  else if (what === 'show') world.show(socket.frames);
  else if (what === 'later') await new Promise((resolve) => setTimeout(resolve, 5));
  else if (what === 'full' || what === 'empty') socket.bufferedAmount = what === 'full' ? 1 << 24 : 0;
  else if (what === 'tick') {
    world.nowMs += 1000;
    session.tick(world.nowMs);
  } else {
    screen.shown = what === 'on';
    screen.paint();
  }
}

for (const right of ['control', 'view'] as const) {
  t.test(`with a token for ${right}`, async (t) => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(9), fc.array(step, { maxLength: 80, size: 'max' }), async (greets, steps) => {
        const world = new World(right);
        const { socket, keys, screen } = world;
        if (greets > 0) world.say(JSON.stringify({ type: 'hello', protocol: 1, token: TOKEN }));
        for (const each of steps) {
          if (typeof each === 'string') await happen(world, each);
          else world.say(each.say);
          if (world.ahead > FRAMES_AHEAD_MAX) throw new Error(`${world.ahead} frames ahead`);
          if (right === 'view' && keys.held.size > 0) throw new Error('it only looks on');
        }
        for (const each of socket.sent) seen.add('type' in each ? each.type : 'tile');
        socket.emit('close');
        // (A text is typed to its end.)
        await new Promise((resolve) => setImmediate(resolve));
        if (keys.held.size > 0) throw new Error(`still pressed: ${[...keys.held].join()}`);
        if (screen.listeners > 0) throw new Error('it still watches');
      }),
      { numRuns: 60 },
    );
    for (const type of ['welcome', 'frame', 'tile', 'stats', 'pong', 'notice']) t.ok(seen.has(type), type);
  });
}

/** The viewer's page: its connection, what the server tells, and what it says to persons. */
import t from 'tap';
import { FrameAssembly } from '../../src/viewer/page/frame-assembly.js';
import { Link, type LinkState, type SocketEvents } from '../../src/viewer/page/link.js';
import { Meter } from '../../src/viewer/page/meter.js';
import { nextStep } from '../../src/viewer/page/reconnect.js';
import { fileName } from '../../src/viewer/page/screenshot.js';
import { Session } from '../../src/viewer/page/session.js';
import { parseSettings, SettingsStore } from '../../src/viewer/page/settings.js';
import { statusOf } from '../../src/viewer/page/status-text.js';
import { keptBy } from '../../src/viewer/page/storage.js';
import { takeToken, tokenIn } from '../../src/viewer/page/token.js';
import {
  CLOSE_CODES,
  type ClientMessage,
  encodeTileHeader,
  type ServerMessage,
  type View,
} from '../../src/viewer/protocol/index.js';

const GONE = 1006;

function tile(frame: number, x: number, y: number, width: number, height: number): ArrayBuffer {
  const message = new Uint8Array(20);
  message.set(encodeTileHeader({ x, y, width, height, frame }));
  return message.buffer;
}

const frame = (number: number, tiles: number, view = 'output-0') =>
  ({ type: 'frame', frame: number, view, width: 100, height: 50, tiles }) as const;

t.test('frames are whole or not at all', async (t) => {
  const frames = new FrameAssembly();
  t.equal(frames.begin(frame(1, 2)), null);
  t.equal(frames.tile(tile(1, 0, 0, 10, 10)), null);
  const whole = frames.tile(tile(1, 90, 40, 10, 10));
  t.match(whole, { frame: 1, bytes: 40 });
  t.strictSame(
    whole?.parts.map(({ x, y }) => [x, y]),
    [
      [0, 0],
      [90, 40],
    ],
  );
  t.match(
    frames.begin({ ...frame(2, 0), width: 0, height: 0 }),
    { frame: 2, parts: [] },
    'a screen that is off',
  );
  t.throws(() => frames.tile(tile(2, 0, 0, 1, 1)), /of no frame/, 'more than announced');
  frames.begin(frame(3, 1));
  t.throws(() => frames.begin(frame(4, 1)), /before the end/, 'before its end');
  t.throws(() => frames.tile(tile(2, 0, 0, 1, 1)), /of no frame/, 'of another frame');
  t.throws(() => frames.tile(tile(3, 91, 0, 10, 10)), /outside of/, 'outside');
  t.throws(() => frames.tile(new ArrayBuffer(16)), /of no frame/, 'no picture');
  frames.clear();
  t.match(frames.begin(frame(1, 0)), { frame: 1 }, 'a new connection');
});

t.test('after an end', async (t) => {
  t.strictSame(nextStep(GONE, 0, 0.5), { retry: true, trouble: 'gone', delayMs: 250 });
  t.strictSame(nextStep(CLOSE_CODES.ending, 3, 0.5), { retry: true, trouble: 'gone', delayMs: 2000 });
  t.strictSame(nextStep(GONE, 100, 1), { retry: true, trouble: 'gone', delayMs: 10_000 });
  t.strictSame(nextStep(GONE, 100, 0), { retry: true, trouble: 'gone', delayMs: 6000 });
  t.match(nextStep(CLOSE_CODES.tooMany, 0, 0.5), { retry: true, trouble: 'busy' });
  t.strictSame(nextStep(CLOSE_CODES.token, 0, 0.5), { retry: false, trouble: 'token' });
  t.strictSame(nextStep(CLOSE_CODES.version, 0, 0.5), { retry: false, trouble: 'version' });
});

/** A Link whose sockets and clock are the test's. */
class World {
  token: string | null = 'secret';
  readonly states: LinkState[] = [];
  readonly sent: ClientMessage[] = [];
  readonly roundTrips: number[] = [];
  readonly messages: ServerMessage[] = [];
  events: SocketEvents[] = [];
  closed = 0;
  nowMs = 0;
  timer: { atMs: number; done: () => void } | null = null;
  readonly link = new Link({
    open: (events) => {
      this.events.push(events);
      return {
        send: (text) => this.sent.push(JSON.parse(text) as ClientMessage),
        close: () => {
          this.closed++;
        },
      };
    },
    token: () => this.token,
    timer: (ms, done) => {
      const timer = { atMs: this.nowMs + ms, done };
      this.timer = timer;
      return () => {
        if (this.timer === timer) this.timer = null;
      };
    },
    now: () => this.nowMs,
    chance: () => 0.5,
    onState: (state) => this.states.push(state),
    onMessage: (message) => {
      if (message.type === 'notice') throw new Error(message.text);
      this.messages.push(message);
    },
    onTile: () => undefined,
    onRoundTrip: (ms) => this.roundTrips.push(ms),
  });

  /** What the newest socket tells. */
  get socket(): SocketEvents {
    return this.events.at(-1) as SocketEvents;
  }

  receive(message: ServerMessage): void {
    this.socket.received(JSON.stringify(message));
  }

  /** Lets the timer run out. */
  elapse(): number {
    const timer = this.timer;
    if (timer === null) return Number.NaN;
    const ms = timer.atMs - this.nowMs;
    this.nowMs = timer.atMs;
    this.timer = null;
    timer.done();
    return ms;
  }

  welcome(): void {
    this.socket.opened();
    this.receive({ type: 'welcome', protocol: 1, control: true, name: 'debian' });
  }
}

t.test('a connection', async (t) => {
  const world = new World();
  world.link.send({ type: 'release' });
  world.link.connect();
  t.strictSame(world.sent, []);
  world.welcome();
  t.strictSame(world.sent, [
    { type: 'hello', protocol: 1, token: 'secret' },
    { type: 'ping', id: 1 },
  ]);
  t.strictSame(world.states, [{ kind: 'connecting' }, { kind: 'live', control: true, name: 'debian' }]);
  world.nowMs = 30;
  world.receive({ type: 'pong', id: 1 });
  t.strictSame(world.roundTrips, [30]);
  world.elapse();
  world.receive({ type: 'pong', id: 1 });
  t.strictSame(world.roundTrips, [30], 'that was the one before');
  t.strictSame(world.sent.at(-1), { type: 'ping', id: 2 });
  t.equal(world.elapse(), 10_000, 'a tunnel without an end');
  t.strictSame(world.states.at(-1), { kind: 'waiting', trouble: 'gone' });
  t.equal(world.closed, 1);
});

t.test('it is tried again, each time later', async (t) => {
  const world = new World();
  world.link.connect();
  const delays = [0, 1, 2].map(() => {
    world.socket.closed(GONE);
    return world.elapse();
  });
  t.strictSame(delays, [250, 500, 1000]);
  world.events[0]?.closed(GONE);
  t.equal(world.events.length, 4, 'the end of an old socket means nothing');
  t.equal(world.elapse(), 10_000, 'nobody answers');
  t.strictSame(world.states.at(-1), { kind: 'waiting', trouble: 'gone' });
  world.link.hurry();
  world.welcome();
  world.link.hurry();
  world.socket.closed(CLOSE_CODES.ending);
  t.equal(world.elapse(), 250, 'from the beginning');
  world.welcome();
  world.receive({ type: 'notice', level: 'info', text: 'makes no sense' });
  t.strictSame(world.states.at(-1), { kind: 'waiting', trouble: 'gone' });
  world.elapse();
  world.welcome();
  world.socket.received('{');
  t.strictSame(world.states.at(-1), { kind: 'waiting', trouble: 'gone' }, 'not JSON');
});

t.test('a wrong token is not tried again', async (t) => {
  const world = new World();
  world.link.connect();
  world.socket.opened();
  world.socket.closed(CLOSE_CODES.token);
  t.strictSame(world.states.at(-1), { kind: 'stopped', trouble: 'token' });
  t.equal(world.timer, null);
  world.link.hurry();
  t.equal(world.events.length, 1);
  world.token = null;
  world.link.connect();
  t.equal(world.events.length, 1, 'without a token there is nothing to try');
  world.token = 'right';
  world.link.connect();
  world.welcome();
  t.match(world.sent[1], { type: 'hello', token: 'right' });
});

const INPUT = { keyboard: true, pointer: true, touch: false };
const view = (id: string, width = 100): View => ({
  id,
  kind: id.startsWith('output') ? 'output' : 'window',
  title: id,
  width,
  height: 50,
  input: INPUT,
  resizable: false,
});
const LIVE = { kind: 'live', control: true, name: 'debian' } as const;

function session(): { session: Session; sent: ClientMessage[]; drawn: number[] } {
  const [sent, drawn]: [ClientMessage[], number[]] = [[], []];
  const nothing = (): void => undefined;
  const session = new Session({
    send: (message) => sent.push(message),
    changed: nothing,
    frame: (frame) => drawn.push(frame.frame),
    cursor: nothing,
    cursorImage: nothing,
    stats: nothing,
    notice: nothing,
  });
  session.linkChanged(LIVE);
  return { session, sent, drawn };
}

t.test('what is watched', async (t) => {
  const { session: page, sent, drawn } = session();
  const list = (...ids: string[]): void =>
    page.message({ type: 'views', machine: true, views: ids.map((id) => view(id)) });
  const watched = (): (string | null)[] =>
    sent.splice(0).map((message) => (message.type === 'watch' ? message.view : 'no watch'));
  list('output-0', 'window-7');
  t.strictSame(watched(), ['output-0'], 'the first one');
  list('output-0', 'window-7', 'window-8');
  t.strictSame(watched(), []);
  page.choose('window-7');
  t.strictSame(watched(), ['window-7']);
  page.message(frame(1, 0));
  t.strictSame([drawn, sent.splice(0)], [[], [{ type: 'shown', frame: 1 }]], 'was under way: not drawn');
  page.message(frame(2, 0, 'window-7'));
  t.strictSame(drawn, [2]);
  list('output-0');
  t.strictSame(watched(), ['output-0'], 'the window was closed');
  list();
  t.equal(page.current, null);
  list('output-0');
  t.strictSame(watched(), ['output-0'], 'the server has forgotten it meanwhile');
  page.setHidden(true);
  page.setHidden(true);
  t.strictSame(watched(), [null], 'nobody looks');
  page.setHidden(false);
  t.strictSame(watched(), ['output-0']);
});

t.test('another connection starts over', async (t) => {
  const { session: page, sent } = session();
  page.setStats(true);
  page.message({ type: 'views', machine: true, views: [view('output-0'), view('output-1')] });
  page.choose('output-1');
  page.message(frame(1, 1, 'output-1'));
  page.linkChanged({ kind: 'waiting', trouble: 'gone' });
  t.strictSame([page.control, page.input.keyboard], [false, false]);
  t.equal(page.current?.id, 'output-1', 'the picture stays');
  sent.length = 0;
  page.linkChanged({ ...LIVE, control: false });
  page.message({ type: 'views', machine: true, views: [view('output-0'), view('output-1')] });
  t.strictSame(sent, [
    { type: 'stats', on: true },
    { type: 'watch', view: 'output-1' },
  ]);
  t.strictSame([page.control, page.input.pointer], [false, false], 'only looks on now');
  page.message(frame(1, 0, 'output-1'));
});

t.test('states, in words', async (t) => {
  const situation = { state: LIVE, machine: true, current: view('output-0'), hadToken: true, wasLive: true };
  t.strictSame(statusOf(situation), { tone: 'good', label: 'Live', card: null });
  t.match(statusOf({ ...situation, machine: false }).card, { title: 'No machine' });
  t.match(statusOf({ ...situation, current: null }).card, { title: 'No screen' });
  t.match(statusOf({ ...situation, current: view('output-0', 0) }).card, { title: 'Screen off' });
  const stopped = { kind: 'stopped', trouble: 'token' } as const;
  t.match(statusOf({ ...situation, state: stopped }).card, { title: 'Wrong token', action: 'token' });
  t.match(statusOf({ ...situation, state: stopped, hadToken: false }).card, { title: 'Token needed' });
  const outdated = statusOf({ ...situation, state: { kind: 'stopped', trouble: 'version' } });
  t.match(outdated, { tone: 'bad', card: { action: 'reload' } });
  const lost = statusOf({ ...situation, state: { kind: 'waiting', trouble: 'gone' } });
  t.match(lost, { tone: 'busy', card: { title: 'Connection lost', action: 'retry' } });
  t.strictSame(statusOf({ ...situation, state: { kind: 'connecting' } }), lost, 'the card does not flicker');
  t.match(statusOf({ ...situation, state: { kind: 'waiting', trouble: 'busy' } }).card, {
    title: 'Server busy',
  });
  const first = { ...situation, wasLive: false };
  t.match(statusOf({ ...first, state: { kind: 'connecting' } }).card, { title: 'Connecting', action: null });
});

t.test('the token leaves the address, and is found again', async (t) => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  let cleared = 0;
  const take = (hash: string): string | null =>
    takeToken({
      hash,
      clearHash: () => {
        cleared++;
      },
      storage,
    });
  t.equal(take(''), null);
  t.equal(take('#token='), null);
  t.equal(cleared, 0);
  t.equal(take('#token=a-b_c'), 'a-b_c');
  t.equal(cleared, 1);
  t.equal(take(''), 'a-b_c', 'loaded again');
  t.equal(take('#token=new'), 'new');
  t.equal(take(''), 'new');
  t.equal(tokenIn('  abc '), 'abc');
  t.equal(tokenIn('http://127.0.0.1:8000/#token=abc\n'), 'abc');
  t.equal(tokenIn(' '), null);
});

t.test('settings that make no sense are the usual ones', async (t) => {
  const usual = { scale: 'fit', statistics: false, follow: false, pinch: false, keys: null };
  for (const text of [null, '', '{', '[]', '7', 'null', '{"scale":"huge","keys":"yes","pinch":1}']) {
    t.strictSame(parseSettings(text), usual, String(text));
  }
  const kept = new Map([['viewer', '{"scale":"whole","keys":false}']]);
  const full = keptBy(() => ({
    getItem: (key) => kept.get(key) ?? null,
    setItem: () => {
      throw new Error('quota');
    },
  }));
  const settings = new SettingsStore(full);
  t.strictSame(settings.value, { ...usual, scale: 'whole', keys: false });
  settings.change({ pinch: true });
  t.equal(new SettingsStore(full).value.pinch, true, 'for this time');
  const forbidden = keptBy(() => {
    throw new Error('SecurityError');
  });
  t.strictSame(new SettingsStore(forbidden).value, usual);
});

t.test('rates are of the last seconds', async (t) => {
  const meter = new Meter();
  t.strictSame(meter.rates(0), { framesPerSecond: 0, tilesPerSecond: 0, bytesPerSecond: 0, drawMs: null });
  for (let i = 0; i < 100; i++) meter.add({ atMs: i * 100, tiles: 3, bytes: 1000, drawMs: 5 });
  t.strictSame(meter.rates(9900), {
    framesPerSecond: 10,
    tilesPerSecond: 30,
    bytesPerSecond: 10_000,
    drawMs: 5,
  });
  t.equal(meter.rates(20_000).framesPerSecond, 0);
});

t.test('names of screenshots', async (t) => {
  const time = new Date(Date.UTC(2026, 10, 21, 9, 8, 7));
  t.equal(fileName('Screen 1 – debian', time), 'Screen 1 debian 2026-11-21 09.08.07.png');
  t.equal(fileName('../../etc/passwd', time), '.. .. etc passwd 2026-11-21 09.08.07.png');
  t.equal(fileName('/', time), 'screen 2026-11-21 09.08.07.png');
});

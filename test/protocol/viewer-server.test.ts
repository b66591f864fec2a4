/**
 * The viewer's server with others than the page in front of it: strangers, pages of other sites, names that lead here,
 * messages that are none; and with views that are no outputs.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from 'vhost-user-ts';
import { decodePng } from '../../src/capture/index.js';
import { ControlClient, Screen } from '../../src/control/index.js';
import {
  CLOSE_CODES,
  HELLO_TIMEOUT_MS,
  MESSAGE_LENGTH_MAX,
  PING_MS,
  SHOWN_TIMEOUT_MS,
  TEXT_MESSAGE_LENGTH_MAX,
} from '../../src/viewer/protocol/index.js';
import {
  type Tokens,
  tokensOf,
  type ViewerOptions,
  ViewerServer,
  type ViewProvider,
  type ViewSource,
} from '../../src/viewer/server/index.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { COMMAND } from './command.js';
import { ControlGuest } from './control-guest.js';
import { NO_MACHINE } from './no-machine.js';
import { ask, ViewerClient } from './viewer-client.js';

const TOKENS: Tokens = { control: 'c'.repeat(32), view: 'v'.repeat(32) };
const [WIDTH, HEIGHT] = [100, 50];

/** A window of a forwarded application, one color all over. */
class FakeWindow implements ViewSource {
  readonly kind = 'window';
  readonly number: number;
  readonly title = 'Calculator';
  color = 1;
  /** What makes a picture fail, once. */
  failure: Error | null = null;
  followers = 0;
  /** How many pictures were asked for. */
  pictures = 0;
  private readonly listeners = new Set<(rect: null) => void>();

  constructor(number: number) {
    this.number = number;
  }

  size(): { width: number; height: number } {
    return { width: WIDTH, height: HEIGHT };
  }

  picture(part = { x: 0, y: 0, ...this.size() }) {
    this.pictures++;
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    const { width, height } = part;
    return { width, height, rgba: new Uint8Array(width * height * 4).fill(this.color) };
  }

  cursor(): null {
    return null;
  }

  follow(): () => void {
    this.followers++;
    return () => {
      this.followers--;
    };
  }

  listen(changed: (rect: null) => void): () => void {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  }

  paint(color: number): void {
    this.color = color;
    for (const listener of this.listeners) listener(null);
  }

  get shown() {
    return this.picture();
  }
}

class FakeWindows implements ViewProvider {
  private all: readonly FakeWindow[] = [];
  private readonly listeners = new Set<() => void>();

  views(): readonly FakeWindow[] {
    return this.all;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(...windows: readonly FakeWindow[]): void {
    this.all = windows;
    for (const listener of this.listeners) listener();
  }
}

interface World {
  readonly server: ViewerServer;
  readonly address: string;
  readonly windows: FakeWindows;
  viewer(token?: string): Promise<ViewerClient>;
  stranger(headers?: Record<string, string>, origin?: string): Promise<ViewerClient>;
}

function scenario(
  name: string,
  run: (t: Test, world: World) => Promise<void>,
  options: Partial<ViewerOptions> = {},
): void {
  t.test(name, async (t) => {
    const server = await ViewerServer.listen({
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      tokens: TOKENS,
      viewersMax: 8,
      name: 'vm',
      log: silentLogger,
      ...options,
    });
    const windows = new FakeWindows();
    server.serve({ target: NO_MACHINE, screen: new Screen(), views: [windows] });
    const { address } = server;
    const clients: ViewerClient[] = [];
    const keep = (client: ViewerClient): ViewerClient => {
      clients.push(client);
      return client;
    };
    const world = {
      server,
      address,
      windows,
      viewer: async (token = TOKENS.control) => keep(await ViewerClient.enter({ address }, token)),
      stranger: async (headers = {}, origin?: string) => {
        const client = keep(
          new ViewerClient({ address, headers, ...(origin === undefined ? {} : { origin }) }),
        );
        return client;
      },
    };
    try {
      await run(t, world);
    } finally {
      for (const client of clients) client.close();
      server.close();
    }
  });
}

scenario('the page, and what browsers are told about it', async (t, { address }) => {
  const host = new URL(address).host;
  for (const [path, type] of [
    ['/', /^text\/html/],
    ['/viewer.js', /^text\/javascript/],
    ['/viewer.css', /^text\/css/],
    ['/favicon.svg', /^image\/svg/],
  ] as const) {
    const { status, headers, body } = await ask(address, path);
    t.equal(status, 200, path);
    t.match(headers['content-type'], type);
    t.equal(headers['content-length'], String(Buffer.byteLength(body)));
    const policy = String(headers['content-security-policy']).split('; ');
    t.same(policy, [
      ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:"],
      ...[
        `connect-src 'self' ws://${host}`,
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ],
    ]);
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  }
  const head = await ask(address, '/', { method: 'HEAD' });
  t.same([head.status, head.body], [200, '']);
});

scenario('paths that are none, methods that are none', async (t, { address }) => {
  for (const path of [
    ...['/index.html', '//', '/../package.json', '/%2e%2e/package.json', '/viewer.js/', '/viewer.js?x', '/?'],
    ...['/viewer.js%00', '/./', 'http://example.org/', '*', '/ws', '/__proto__', '/constructor'],
  ]) {
    const { status, body } = await ask(address, path);
    t.equal(status, 404, path);
    t.notMatch(body, /html|import/);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const { status, headers } = await ask(address, '/', { method, body: 'x'.repeat(1000) });
    t.match({ status, allow: headers.allow }, { status: 405, allow: 'GET, HEAD' }, method);
  }
});

scenario('names that lead here but are not ours (DNS rebinding)', async (t, { address, stranger }) => {
  const { port } = new URL(address);
  for (const host of [
    'example.org',
    `example.org:${port}`,
    '127.0.0.1.example.org',
    'localhost.',
    '0.0.0.0',
    'a@localhost',
    '10.0.0.1',
  ]) {
    t.equal((await ask(address, '/', { headers: { Host: host } })).status, 421, host);
    const client = await stranger({ Host: host }, `http://${host}`);
    t.equal(await client.opened(), 421, host);
  }
  // As it is through ssh -L.
  for (const host of ['localhost:9000', 'LOCALHOST', '127.0.0.1:1', '[::1]:80']) {
    t.equal((await ask(address, '/', { headers: { Host: host } })).status, 200, host);
    const client = await stranger({ Host: host }, `http://${host}`);
    t.equal(await client.opened(), null, host);
  }
});

scenario('pages of other sites', async (t, { address, stranger }) => {
  const { host, port } = new URL(address);
  for (const origin of [
    ...['http://example.org', `http://localhost:${Number(port) + 1}`, 'null', `https://${host}`],
    ...[`http://${host}/`, `http://${host}.example.org`, 'http://localhost', ''],
  ]) {
    t.equal(await (await stranger({}, origin)).opened(), 403, origin);
  }
  const { status } = await ask(address, '/ws', {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    },
  });
  t.equal(status, 403, 'no origin at all');
});

scenario(
  'tokens',
  async (t, { stranger, viewer, server }) => {
    t.match((await viewer()).messages[0], { type: 'welcome', control: true, name: 'vm' });
    t.match((await viewer(TOKENS.view ?? '')).messages[0], { type: 'welcome', control: false });
    const wrong = ['x', `${TOKENS.control}c`, TOKENS.control.slice(1), 'x'.repeat(256)];
    const refused = wrong.map(async (token) => {
      const client = await stranger();
      await client.opened();
      client.hello(token);
      // What comes after it is not looked at.
      client.say({ type: 'watch', view: 'output-0' });
      t.match(await client.closed, { code: CLOSE_CODES.token, reason: /not valid/ });
      t.same(client.messages, [], 'nothing was told');
    });
    await Promise.all(refused);
    t.equal(server.status.viewers, 2);
    t.equal(server.status.refused, 4);
  },
  { clock: { now: () => performance.now(), tickMs: 20 } },
);

/** A clock that is set. */
const clock = { ms: 0, now: () => clock.ms, tickMs: 5 };

scenario(
  'who does not say hello',
  async (t, { stranger }) => {
    const silent = await stranger();
    await silent.opened();
    clock.ms += HELLO_TIMEOUT_MS;
    t.match(await silent.closed, { code: CLOSE_CODES.token, reason: /in time/ });
  },
  { clock },
);

scenario('messages that are none', async (t, { stranger, viewer }) => {
  const early = await stranger();
  await early.opened();
  early.say({ type: 'watch', view: 'output-0' });
  t.match(await early.closed, { code: CLOSE_CODES.badMessage, reason: /hello/ });
  const old = await stranger();
  await old.opened();
  old.say({ type: 'hello', protocol: 0, token: TOKENS.control });
  t.match(await old.closed, { code: CLOSE_CODES.version });
  const hello = JSON.stringify({ type: 'hello', protocol: 1, token: TOKENS.control });
  for (const bytes of [
    ...[
      '',
      '{',
      'null',
      '[]',
      '"hello"',
      '{}',
      '{"type":"__proto__"}',
      '{"type":"toString"}',
      '{"type":["ping"]}',
    ],
    ...[
      '{"type":"ping"}',
      '{"type":"ping","id":-1}',
      '{"type":"ping","id":1e99}',
      '{"type":"ping","id":1,"more":1}',
    ],
    ...['{"type":"pointer","x":2,"y":0}', '{"type":"touch","slot":16,"x":0,"y":0}', '{"type":"watch"}'],
    ...['{"type":"shown","frame":1}', `{"type":"watch","view":"${'x'.repeat(33)}"}`, hello],
    `{"type":"ping","id":1${' '.repeat(MESSAGE_LENGTH_MAX)}}`,
    `{"type":"text","text":"a"${' '.repeat(TEXT_MESSAGE_LENGTH_MAX)}}`,
    '['.repeat(TEXT_MESSAGE_LENGTH_MAX),
  ]) {
    const client = await viewer();
    client.socket.send(bytes);
    t.match(await client.closed, { code: CLOSE_CODES.badMessage }, bytes.slice(0, 40));
  }
  const binary = await viewer();
  binary.socket.send(Buffer.from(hello));
  t.match(await binary.closed, { code: CLOSE_CODES.badMessage, reason: /binary/ });
  const huge = await viewer();
  huge.socket.send('x'.repeat(1 << 20));
  t.match(await huge.closed, { code: 1009 });
  const broken = await viewer();
  broken.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
  t.match(await broken.closed, { code: 1007 }, 'no UTF-8');
});

scenario('too many messages', async (t, { viewer }) => {
  const client = await viewer();
  for (let id = 0; id < 100_000; id++) client.say({ type: 'ping', id });
  t.match(await client.closed, { code: CLOSE_CODES.tooMany });
});

scenario('too many strangers', async (t, { stranger, viewer }) => {
  const strangers = await Promise.all(Array.from({ length: 16 }, () => stranger()));
  for (const client of strangers) t.equal(await client.opened(), null);
  t.equal(await (await stranger()).opened(), 503);
  strangers[0]?.hello(TOKENS.control);
  await strangers[0]?.message('welcome');
  t.match((await viewer()).messages[0], { type: 'welcome' });
});

scenario('views that are none', async (t, { viewer }) => {
  const client = await viewer();
  for (const view of ['output-1', 'output-01', 'output--1', 'window-1', 'x', '../output-0', 'output-99999']) {
    client.say({ type: 'watch', view });
  }
  await client.answered();
  const notices = client.messages.filter(({ type }) => type === 'notice');
  t.equal(notices.length, 7);
  t.same(client.frames, []);
});

scenario('what can not be done here is told once', async (t, { viewer }) => {
  const client = await viewer();
  client.say({ type: 'watch', view: 'output-0' });
  t.match(await client.message('views'), { machine: false, views: [{ id: 'output-0', resizable: false }] });
  for (let i = 0; i < 3; i++) {
    client.say({ type: 'resize', width: 640, height: 480 });
    client.say({ type: 'key', code: 'KeyA', pressed: true });
    client.say({ type: 'button', button: 0, pressed: true });
    client.say({ type: 'touch', slot: 0, x: 0, y: 0 });
  }
  await client.answered();
  const notices = client.messages.flatMap((message) => (message.type === 'notice' ? [message.text] : []));
  t.same(notices, [
    'the size of this screen is not decided here',
    ...['keyboard', 'pointer', 'touchscreen'].map((device) => `the machine has no ${device} for viewers`),
  ]);
});

scenario('windows', async (t, { viewer, windows }) => {
  const client = await viewer();
  const [one, other] = [new FakeWindow(7), new FakeWindow(8)];
  windows.set(one, other);
  const { views } = await client.message('views', (message) => message.views.length === 3);
  t.match(views[1], { id: 'window-7', kind: 'window', title: 'Calculator', width: WIDTH, height: HEIGHT });
  t.match(views[1], { input: { keyboard: false, pointer: false, touch: false }, resizable: false });
  client.say({ type: 'watch', view: 'window-7' });
  await client.untilShows(one.shown);
  t.equal(one.followers, 1);
  one.paint(77);
  await client.untilShows(one.shown);
  client.say({ type: 'watch', view: 'window-8' });
  await client.untilShows(other.shown);
  t.equal(one.followers, 0);
  client.say({ type: 'key', code: 'KeyA', pressed: true });
  windows.set();
  await client.message('views', (message) => message !== client.messages[1] && message.views.length === 1);
  await client.answered();
  t.equal(other.followers, 0, 'a window that is gone is not watched any more');
});

scenario('a change is copied and encoded once for all who are as far', async (t, { viewer, windows }) => {
  const window = new FakeWindow(1);
  windows.set(window);
  const viewers = [await viewer(), await viewer(), await viewer()];
  for (const each of viewers) each.say({ type: 'watch', view: 'window-1' });
  for (const each of viewers) await each.until(() => each.frames.length === 1);
  for (const each of viewers) await each.answered();
  const before = window.pictures;
  window.paint(9);
  for (const each of viewers) await each.until(() => each.frames.length === 2);
  t.equal(window.pictures - before, 1);
});

scenario('a picture that can not be made is made later', async (t, { viewer, windows }) => {
  const window = new FakeWindow(1);
  window.failure = new Error('ENOMEM: no memory');
  windows.set(window);
  const client = await viewer();
  client.say({ type: 'watch', view: 'window-1' });
  await client.until(() => client.frames.length === 1);
  t.equal(window.pictures, 2);
});

scenario(
  'who shows nothing for long is sent away, the others stay',
  async (t, { viewer, windows }) => {
    const window = new FakeWindow(1);
    windows.set(window);
    const [gone, there] = [await viewer(), await viewer()];
    gone.shows = false;
    for (const each of [gone, there]) each.say({ type: 'watch', view: 'window-1' });
    for (const each of [gone, there]) await each.until(() => each.frames.length === 1);
    await there.answered();
    clock.ms += SHOWN_TIMEOUT_MS;
    t.match(await gone.closed, { code: CLOSE_CODES.idle, reason: /nothing was shown/ });
    window.paint(3);
    await there.untilShows(window.shown);
    t.equal(window.followers, 1);
  },
  { clock },
);

scenario(
  'who gives no sign of life is cut off',
  async (t, { viewer, server }) => {
    const [dead, alive] = [await viewer(), await viewer()];
    dead.socket.pause();
    const asked = new Promise((resolve) => alive.socket.once('ping', resolve));
    clock.ms += PING_MS;
    await asked;
    await alive.answered();
    clock.ms += PING_MS;
    alive.say({ type: 'stats', on: true });
    await alive.message('stats', ({ viewers }) => viewers === 1);
    t.equal(server.status.viewers, 1);
  },
  { clock },
);

scenario('the program ends while a frame is made', async (t, { viewer, windows, server }) => {
  const window = new FakeWindow(1);
  windows.set(window);
  const client = await viewer();
  client.say({ type: 'watch', view: 'window-1' });
  await client.until(() => client.frames.length === 1);
  window.paint(5);
  await new Promise((resolve) => setImmediate(resolve));
  server.close();
  t.match(await client.closed, { code: CLOSE_CODES.ending });
  t.equal(window.followers, 0);
});

scenario('bytes that are no HTTP', async (t, { address }) => {
  const { port } = new URL(address);
  for (const text of [
    '\0\0\0\0\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  ]) {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
  }
  t.equal((await ask(address, '/')).status, 200);
});

t.test('an address that is taken', async (t) => {
  const options = { tokens: TOKENS, viewersMax: 1, name: '', log: silentLogger };
  const first = await ViewerServer.listen({
    ...options,
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  });
  const port = Number(new URL(first.address).port);
  await t.rejects(ViewerServer.listen({ ...options, address: { kind: 'tcp', host: '127.0.0.1', port } }), {
    code: 'EADDRINUSE',
  });
  first.close();
});

t.test('files of tokens', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tokens-'));
  const path = join(folder, 'tokens');
  const made = tokensOf(path);
  t.match(made.control, /^[\w-]{32}$/);
  t.not(made.control, made.view);
  t.same(tokensOf(path), made, 'they stay');
  t.equal(readFileSync(path, 'utf8'), `${made.control}\n${made.view}\n`);
  const [long, other] = ['a'.repeat(22), 'b'.repeat(22)];
  const file = (text: string, mode = 0o600): string => {
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode });
    return path;
  };
  t.same(tokensOf(file(long)), { control: long, view: null });
  t.same(tokensOf(file(`${long}\n${other}`)), { control: long, view: other });
  for (const text of [
    '',
    'short\n',
    `${long}\n\n`,
    `${long}\n${long}\n`,
    `${long}\n${other}\n${long}\n`,
    `${long} \n`,
    '\n'.repeat(5000),
  ]) {
    t.throws(() => tokensOf(file(text)), /expected a line|too large/, JSON.stringify(text.slice(0, 60)));
  }
  t.throws(() => tokensOf(file(`${long}\n`, 0o644)), /open to others/);
  t.throws(() => tokensOf(join(folder, 'no', 'such')), { code: 'ENOENT' });
  rmSync(folder, { recursive: true });
});

t.test('the command, in its sandbox', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'viewer-'));
  const at = (name: string): string => join(folder, name);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const [socketPath, controlPath] = [at('gpu'), at('control')];
  const args = [COMMAND, `--socket-path=${socketPath}`, '--sandbox=on', `--control-socket=${controlPath}`];
  const tokens = `--viewer-token-file=${at('tokens')}`;
  for (const where of ['127.0.0.1:0', '[::1]:0', at('viewer')]) {
    const command = new TestProcess('viewer', process.execPath, [...args, tokens, `--viewer=${where}`], env);
    await command.waitForOutput(/listening/);
    t.match(command.output, /sandboxed/);
    const [, address = ''] = /viewer ready address=(\S+)/.exec(command.output) ?? [];
    const { control: token, view } = tokensOf(at('tokens'));
    t.notOk(
      command.output.includes(token) || command.output.includes(String(view)),
      'tokens are not in the log',
    );
    t.equal((await ask(address, '/')).status, 200);
    const control = new ControlClient(controlPath);
    const guest = await ControlGuest.on({
      ...{ socketPath, inputPaths: {}, control, viewerAddress: address },
      close: () => control.close(),
    });
    await guest.mode(1024, 768, 0x123456);
    const viewer = await ViewerClient.enter({ address }, token, 'output-0');
    await guest.fill(100, 200, 300, 400, 0xabcdef);
    await viewer.untilShows(await decodePng(Buffer.from(await control.screenshot()), 1 << 20));
    const { exited } = command;
    process.kill(command.pid, 'SIGTERM');
    t.match(await viewer.closed, { code: CLOSE_CODES.ending });
    guest.close();
    t.same(await exited, { code: 0, signal: null });
    t.same(readdirSync(folder), ['tokens']);
  }
  const blind = new TestProcess('viewer', process.execPath, [...args, '--viewer=127.0.0.1:0'], env);
  t.same(await blind.exited, { code: 1, signal: null });
  t.match(blind.output, /no terminal to tell the token to: give --viewer-token-file/);
  rmSync(folder, { recursive: true });
});

t.test('the addresses, told to a terminal', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'viewer-'));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const words = [process.execPath, COMMAND, `--socket-path=${join(folder, 'gpu')}`, '--viewer=127.0.0.1:0'];
  const command = `exec ${words.map((word) => `'${word}'`).join(' ')}`;
  // (A terminal of its own.)
  const terminal = new TestProcess('script', 'script', ['-qec', command, '/dev/null'], env);
  await terminal.waitForOutput(/listening/);
  const invitations = [...terminal.output.matchAll(/^viewer(.*): (http:\S+)#token=([\w-]+)\r?$/gm)];
  t.same(
    invitations.map(([, words]) => words),
    ['', ', to look on only'],
  );
  for (const [, words, address = '', token = ''] of invitations) {
    const viewer = await ViewerClient.enter({ address }, token);
    t.match(viewer.messages[0], { type: 'welcome', control: words === '' });
    viewer.close();
  }
  await terminal.stop('SIGTERM');
  rmSync(folder, { recursive: true });
});

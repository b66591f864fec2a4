/** The viewer with a guest that does what we say: pixels, input, several viewers, those that do not keep up. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePng, type Picture } from '../../src/capture/index.js';
import { CLOSE_CODES, type ClientMessage } from '../../src/viewer/protocol/index.js';
import { VIRTIO_GPU_CMD_MOVE_CURSOR, VIRTIO_GPU_CMD_UPDATE_CURSOR } from '../../src/virtio-gpu/index.js';
import * as c from '../unit/gpu-commands.js';
import { parseMetrics } from '../unit/prometheus.js';
import { ControlGuest } from './control-guest.js';
import { ViewerClient } from './viewer-client.js';

const [RED, GREEN, BLUE] = [0xff0000, 0x00ff00, 0x0000ff];
const [WIDTH, HEIGHT] = [320, 240];
const OUTPUT = 'output-0';

/** A guest, and viewers of it. */
class World {
  readonly guest: ControlGuest;
  readonly address: string;
  private readonly folder: string;
  private readonly viewers: ViewerClient[] = [];

  private constructor(guest: ControlGuest, folder: string) {
    this.guest = guest;
    this.folder = folder;
    this.address = guest.backEnd.viewerAddress ?? '';
  }

  static async make(...options: readonly string[]): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'viewer-'));
    const own = [`--viewer-token-file=${join(folder, 'tokens')}`];
    if (!options.some((option) => option.startsWith('--viewer='))) own.push('--viewer=127.0.0.1:0');
    const inputs = ['keyboard', 'tablet', 'touch'] as const;
    return new World(await ControlGuest.start({ options: [...own, ...options], inputs }), folder);
  }

  get tokens(): readonly [control: string, view: string] {
    const [control = '', view = ''] = readFileSync(join(this.folder, 'tokens'), 'utf8').split('\n');
    return [control, view];
  }

  get tokenFileMode(): number {
    return statSync(join(this.folder, 'tokens')).mode & 0o777;
  }

  /** A viewer that has not said hello. */
  async stranger(): Promise<ViewerClient> {
    const viewer = new ViewerClient({ address: this.address });
    this.viewers.push(viewer);
    await viewer.opened();
    return viewer;
  }

  async viewer(view: string | null = OUTPUT, token = this.tokens[0]): Promise<ViewerClient> {
    const viewer = await ViewerClient.enter({ address: this.address }, token, view ?? undefined);
    this.viewers.push(viewer);
    return viewer;
  }

  /** What the guest's screen shows. */
  async screen(): Promise<Picture> {
    return decodePng(Buffer.from(await this.guest.backEnd.control.screenshot()), 1 << 24);
  }

  async metric(name: string): Promise<number> {
    const families = parseMetrics(await this.guest.backEnd.control.metrics());
    const [value] = families.get(`vhost_user_gpu_${name}`)?.samples.values() ?? [];
    return value ?? Number.NaN;
  }

  close(): void {
    for (const viewer of this.viewers) viewer.close();
    this.guest.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function scenario(name: string, run: (t: Test, world: World) => Promise<void>, ...options: string[]): void {
  t.test(name, async (t) => {
    const world = await World.make(...options);
    try {
      await run(t, world);
    } finally {
      world.close();
    }
  });
}

/** The same numbers each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

scenario(
  'what is to be watched',
  async (t, world) => {
    t.equal(world.tokenFileMode, 0o600);
    const viewer = await world.viewer(null);
    t.match(viewer.messages[0], { type: 'welcome', protocol: 1, control: true, name: 'Virtual machine' });
    const none = await viewer.message('views');
    t.match(none, {
      machine: true,
      views: [{ id: OUTPUT, kind: 'output', title: 'Screen 1', width: 0 }, {}],
    });
    t.match(none.views[0], { resizable: true, input: { keyboard: false, pointer: false, touch: false } });
    await world.guest.mode(WIDTH, HEIGHT, RED);
    await viewer.message('views', ({ views }) => views[0]?.width === WIDTH && views[0].height === HEIGHT);
    await world.guest.plug('keyboard');
    await viewer.message('views', ({ views }) => views[0]?.input.keyboard === true);
    world.guest.leave();
    await viewer.message('views', ({ machine, views }) => !machine && views[0]?.width === 0);
  },
  '--outputs=2',
);

scenario('one damaged rectangle is one tile, at its place', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const viewer = await world.viewer();
  await viewer.untilShows(await world.screen());
  t.match(viewer.frames[0], { frame: 1, view: OUTPUT, width: WIDTH, height: HEIGHT });
  const random = randomNumbers(7);
  for (let i = 0; i < 40; i++) {
    const [x, y] = [random(WIDTH - 1), random(HEIGHT - 1)];
    const [width, height] = [1 + random(WIDTH - x), 1 + random(HEIGHT - y)];
    const before = viewer.frames.length;
    await world.guest.fill(x, y, width, height, random(1 << 24));
    await viewer.until(() => viewer.frames.length > before);
    const [frame] = viewer.frames.slice(before);
    t.equal(viewer.frames.length, before + 1);
    t.same(frame?.rects, [{ x, y, width, height }]);
    await viewer.untilShows(await world.screen());
  }
});

scenario('many changes at once: nothing is missing, for any of several viewers', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const viewers = [await world.viewer(), await world.viewer(OUTPUT, world.tokens[1]), await world.viewer()];
  const random = randomNumbers(11);
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 20; i++) {
      const [x, y] = [random(WIDTH - 1), random(HEIGHT - 1)];
      await world.guest.fill(x, y, 1 + random(WIDTH - x), 1 + random(HEIGHT - y), random(1 << 24));
    }
    const screen = await world.screen();
    await Promise.all(viewers.map((viewer) => viewer.untilShows(screen)));
  }
  for (const viewer of viewers) t.ok(viewer.frames.length <= 1 + 12 * 20, `${viewer.frames.length} frames`);
  t.equal(await world.metric('viewers'), 3);
});

scenario('a large picture comes in bands', async (t, world) => {
  await world.guest.mode(1024, 768, BLUE);
  const viewer = await world.viewer();
  await viewer.untilShows(await world.screen());
  const { rects } = viewer.frames[0] ?? { rects: [] };
  t.same(rects[0], { x: 0, y: 0, width: 1024, height: 64 });
  t.equal(rects.length, 12);
});

scenario('another mode, off, on, another machine', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const viewer = await world.viewer();
  await viewer.untilShows(await world.screen());
  await world.guest.mode(200, 100, GREEN);
  await viewer.untilShows(await world.screen());
  await world.guest.off();
  await viewer.until(() => viewer.canvas.width === 0);
  t.match(viewer.frames.at(-1), { width: 0, height: 0, tiles: 0 });
  await world.guest.mode(64, 64, BLUE);
  await viewer.untilShows(await world.screen());
  world.guest.leave();
  await viewer.until(() => viewer.canvas.width === 0);
  await viewer.message('views', ({ machine }) => !machine);
});

scenario('the cursor', async (t, world) => {
  await world.guest.mode(64, 48, 0x102030);
  const viewer = await world.viewer();
  await world.guest.cursor(
    c.cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 1, x: 5, y: 6, hotX: 1, hotY: 2 }),
  );
  const { png } = await viewer.message('cursorImage');
  const image = await decodePng(Buffer.from(png, 'base64'), 1 << 16);
  t.match(image, { width: 64, height: 48 });
  const cursor = await viewer.message('cursor', ({ visible }) => visible);
  t.match(cursor, { view: OUTPUT, x: 5, y: 6, hotX: 1, hotY: 2 });
  await world.guest.cursor(c.cursor(VIRTIO_GPU_CMD_MOVE_CURSOR, { resourceId: 1, x: 9, y: 8 }));
  await viewer.message('cursor', ({ x, y }) => x === 9 && y === 8);
  t.equal(viewer.messages.filter(({ type }) => type === 'cursorImage').length, 1, 'it did not change');
  await world.guest.cursor(c.cursor(VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 0 }));
  await viewer.message('cursor', ({ visible, x }) => !visible && x !== 5);
});

scenario('input reaches the guest', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const keyboard = await world.guest.plug('keyboard', 64);
  const tablet = await world.guest.plug('tablet', 64);
  const touch = await world.guest.plug('touch', 64);
  const viewer = await world.viewer();
  const say = (...messages: readonly ClientMessage[]): void => {
    for (const message of messages) viewer.say(message);
  };
  say({ type: 'key', code: 'KeyA', pressed: true }, { type: 'key', code: 'KeyA', pressed: true });
  say({ type: 'key', code: 'KeyA', pressed: false }, { type: 'key', code: 'ArrowUp', pressed: true });
  t.same(await keyboard.take(3), ['1 30 1', '1 30 0', '1 103 1']);
  say({ type: 'release' }, { type: 'text', text: 'aé!\r\n' });
  t.same(await keyboard.take(9), [
    ...['1 103 0', '1 30 1', '1 30 0'],
    ...['1 42 1', '1 2 1', '1 2 0', '1 42 0', '1 28 1', '1 28 0'],
  ]);
  t.match(await viewer.message('notice'), { level: 'warning', text: /left out: 1/ });
  say({ type: 'pointer', x: 0, y: 1 }, { type: 'button', button: 2, pressed: true });
  t.same(await tablet.take(3), ['3 0 0', '3 1 32767', '1 273 1']);
  say({ type: 'button', button: 2, pressed: false }, { type: 'wheel', dx: 120, dy: 240 });
  t.same(await tablet.take(5), ['1 273 0', '2 8 -2', '2 11 -240', '2 6 1', '2 12 120']);
  say({ type: 'touch', slot: 3, x: 0, y: 0 }, { type: 'touchUp', slot: 3 });
  t.same(
    (await touch.take(8)).filter((event) => event.startsWith('1 330')),
    ['1 330 1', '1 330 0'],
  );
  say({ type: 'key', code: 'Nonsense', pressed: true });
  t.match(await viewer.message('notice', ({ text }) => /no key Nonsense/.test(text)), { level: 'warning' });
});

scenario('what a viewer holds is released when it goes, and no more', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const keyboard = await world.guest.plug('keyboard', 64);
  const viewers = [await world.viewer(), await world.viewer()] as const;
  viewers[0].say({ type: 'key', code: 'ShiftLeft', pressed: true });
  t.same(await keyboard.take(1), ['1 42 1']);
  viewers[1].say({ type: 'key', code: 'KeyB', pressed: true });
  t.same(await keyboard.take(1), ['1 48 1']);
  viewers[0].close();
  t.same(await keyboard.take(1), ['1 42 0']);
  viewers[1].say({ type: 'watch', view: null });
  t.same(await keyboard.take(1), ['1 48 0']);
});

scenario('who only looks on', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const keyboard = await world.guest.plug('keyboard', 64);
  const viewer = await world.viewer(OUTPUT, world.tokens[1]);
  t.match(viewer.messages[0], { type: 'welcome', control: false });
  for (let i = 0; i < 3; i++) viewer.say({ type: 'key', code: 'KeyA', pressed: true });
  viewer.say({ type: 'text', text: 'a' });
  viewer.say({ type: 'resize', width: 640, height: 480 });
  await viewer.answered();
  const notices = viewer.messages.filter(({ type }) => type === 'notice');
  t.match(notices, [{ text: /only looks on/ }]);
  t.equal(notices.length, 1, 'it is told once');
  t.same(keyboard.events, []);
  await viewer.untilShows(await world.screen());
});

scenario('a guest that has no such device, or does not use it', async (t, world) => {
  const viewer = await world.viewer();
  viewer.say({ type: 'key', code: 'KeyA', pressed: true });
  await viewer.message('notice', ({ text }) => /does not use its keyboard/.test(text));
  viewer.say({ type: 'text', text: 'abc' });
  await viewer.answered();
  t.ok(viewer.messages.filter(({ type }) => type === 'notice').length >= 1);
});

scenario('a viewer asks for another size', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const viewer = await world.viewer();
  viewer.say({ type: 'resize', width: 1024, height: 768 });
  await viewer.answered();
  const { outputs } = await world.guest.backEnd.control.call('getOutputs');
  t.match(outputs[0], { width: 1024, height: 768 });
});

scenario('who shows nothing costs two frames, and holds nobody up', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const [slow, fast] = [await world.viewer(null), await world.viewer()];
  slow.shows = false;
  slow.say({ type: 'watch', view: OUTPUT });
  await slow.until(() => slow.frames.length === 1);
  const random = randomNumbers(3);
  for (let i = 0; i < 50; i++) {
    const before = fast.frames.length;
    await world.guest.fill(random(WIDTH - 8), random(HEIGHT - 8), 8, 8, random(1 << 24));
    await fast.until(() => fast.frames.length > before);
  }
  const screen = await world.screen();
  await fast.untilShows(screen);
  await slow.answered();
  t.equal(slow.frames.length, 2);
  t.ok((await world.metric('viewer_merged_changes_total')) >= 40);
  slow.shows = true;
  slow.say({ type: 'shown', frame: 2 });
  await slow.untilShows(screen);
  t.equal(slow.frames.length, 3, 'all that it missed is one frame');
});

scenario('who reads nothing is sent no more than that', async (t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const [stuck, fast] = [await world.viewer(null), await world.viewer()];
  await fast.untilShows(await world.screen());
  const sent = await world.metric('viewer_frames_total');
  stuck.socket.pause();
  stuck.say({ type: 'watch', view: OUTPUT });
  for (let i = 0; i < 100; i++) {
    const before = fast.frames.length;
    await world.guest.fill(0, 0, WIDTH, HEIGHT, i);
    await fast.until(() => fast.frames.length > before);
  }
  const both = (await world.metric('viewer_frames_total')) - sent;
  t.ok(both <= 100 + 2, `${both} frames`);
  stuck.socket.resume();
  await stuck.untilShows(await world.screen());
});

scenario('nine viewers', async (t, world) => {
  for (let i = 0; i < 8; i++) await world.viewer();
  const ninth = await world.stranger();
  ninth.hello(world.tokens[0]);
  t.match(await ninth.closed, { code: CLOSE_CODES.tooMany, reason: /as many viewers/ });
  t.equal(await world.metric('viewers'), 8);
});

scenario('statistics', async (_t, world) => {
  await world.guest.mode(WIDTH, HEIGHT, RED);
  const viewer = await world.viewer();
  viewer.say({ type: 'stats', on: true });
  await viewer.message(
    'stats',
    ({ view, frames, bytes, viewers }) => view === OUTPUT && frames > 0 && bytes > 0 && viewers === 1,
  );
});

scenario('viewers come and go while frames are made', async (t, world) => {
  await world.guest.mode(1024, 768, RED);
  const first = await world.viewer();
  for (let i = 0; i < 10; i++) {
    const passing = await world.viewer();
    await world.guest.fill(0, 0, 1024, 768, i);
    if (i % 2 === 0) passing.close();
    else passing.say({ type: 'watch', view: null });
  }
  await first.untilShows(await world.screen());
  t.pass('it goes on');
});

scenario(
  'on a unix socket',
  async (t, world) => {
    t.equal(statSync(world.address).mode & 0o777, 0o600);
    await world.guest.mode(WIDTH, HEIGHT, GREEN);
    const viewer = await world.viewer();
    await viewer.untilShows(await world.screen());
  },
  `--viewer=${join(tmpdir(), `viewer-${process.pid}.sock`)}`,
);

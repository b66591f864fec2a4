/** Sizes of the windows: what compositor, user and guest choose, at which scale, and who follows whom. */
import t from 'tap';
import { asObject } from '../stub/compositor.js';
import { DESKTOP_GLOBALS, type StubWindow } from '../stub/desktop.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';
import { later, type SceneOptions, WindowScene } from './windows-support.js';

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

const [MAXIMIZED, FULLSCREEN, RESIZING, ACTIVATED] = [1, 2, 3, 4];
const TILED = [5, 6, 7, 8];
const GUEST = { width: 400, height: 300 };

interface SizeScene {
  readonly scene: WindowScene;
  readonly window: StubWindow;
  configure(width: number, height: number, states?: readonly number[]): Promise<void>;
  /** The guest shows a frame of that size. */
  guest(width: number, height: number): Promise<void>;
  scale(of120: number): Promise<void>;
  /** Surface, window geometry. */
  sizes(): (number[] | null)[];
  /** What the guest was asked for since the last call. */
  asked(): string[];
}

async function open(options: SceneOptions = {}): Promise<SizeScene> {
  const scene = new WindowScene(options);
  const window = await scene.open(GUEST);
  return {
    scene,
    window,
    configure: async (width, height, states = []) => {
      const serial = window.configure(width, height, states);
      await until(() => window.acked.includes(serial), 'the acknowledgement');
      await scene.settle();
    },
    guest: async (width, height) => {
      window.surface.release();
      window.surface.done();
      await scene.show('guest', { width, height });
      await scene.settle();
    },
    scale: async (of120) => {
      scene.desktop.stub.send(
        asObject(scene.desktop.stub.living('wp_fractional_scale_v1')[0]),
        'preferred_scale',
        [of120],
      );
      await scene.settle();
    },
    sizes: () => [window.surface.destination, window.geometry?.slice(2) ?? null],
    asked: () => scene.sizes.splice(0),
  };
}

t.test('the user drags an edge: the guest is asked, and scaled until it follows', async (t) => {
  const it = await open();
  await it.configure(600, 600);
  t.same(it.asked(), ['600x600']);
  t.same(
    it.sizes(),
    [
      [600, 450],
      [600, 450],
    ],
    'in its own shape meanwhile',
  );
  await it.configure(600, 450, [ACTIVATED]);
  t.same(it.asked(), [], 'the compositor repeats what it got: nobody chose that');
  await it.guest(600, 600);
  t.same(it.sizes(), [
    [600, 600],
    [600, 600],
  ]);
  await it.configure(600, 600);
  t.same(it.asked(), []);
  await it.guest(320, 240);
  t.same(
    it.sizes(),
    [
      [320, 240],
      [320, 240],
    ],
    'a mode that the guest chose by itself',
  );
  t.same(it.asked(), []);
  it.scene.close();
});

t.test('while an edge is dragged, requests are thinned out; the last one always comes', async (t) => {
  const it = await open();
  const { commits } = it.window.surface;
  for (let width = 401; width < 500; width++) it.window.configure(width, 300, [RESIZING]);
  await it.scene.settle();
  t.equal(it.window.acked.at(-1), 100 + it.window.configures, 'the newest is acknowledged');
  t.ok(it.window.surface.commits - commits < 99, 'a storm is answered once for each turn');
  await later(() => it.scene.sizes.at(-1) === '499x300', 'the last size');
  t.ok(it.scene.sizes.length < 10, `${it.scene.sizes.length} requests`);
  it.asked();
  it.window.configure(510, 300, [RESIZING]);
  it.window.configure(511, 300, [RESIZING]);
  await it.configure(512, 300);
  t.equal(it.asked().at(-1), '512x300', 'at once when the user lets go');
  it.scene.close();
});

t.test('a guest that follows slowly, or rounds, does not fight with the user', async (t) => {
  const it = await open();
  await it.configure(500, 400);
  await it.configure(700, 500);
  t.same(it.asked(), ['500x400', '700x500']);
  await it.guest(500, 400);
  t.same(it.window.geometry, [0, 0, 625, 500], 'an answer to the older question is scaled');
  await it.guest(700, 500);
  t.same(it.window.geometry, [0, 0, 700, 500]);
  await it.configure(705, 500, [RESIZING]);
  t.same(it.asked(), ['705x500']);
  await it.guest(704, 500);
  t.same(
    it.sizes(),
    [
      [704, 500],
      [704, 500],
    ],
    'eight pixels are not worth scaling',
  );
  it.scene.close();
});

t.test('maximized, tiled, fullscreen, and back', async (t) => {
  const it = await open();
  await it.configure(1000, 500, [MAXIMIZED]);
  t.same(it.asked(), ['1000x500']);
  t.same(
    it.sizes(),
    [
      [1000, 500],
      [1000, 500],
    ],
    'exactly',
  );
  await it.guest(1000, 500);
  await it.configure(0, 0);
  t.same(it.asked(), ['400x300'], 'the size as a floating window');
  await it.guest(400, 300);
  t.same(it.sizes(), [
    [400, 300],
    [400, 300],
  ]);
  await it.configure(640, 900, TILED);
  t.same(it.asked(), ['640x900']);
  t.same(it.sizes()[0], [640, 900]);
  await it.configure(1200, 600, [FULLSCREEN]);
  t.same(
    it.sizes(),
    [
      [800, 600],
      [800, 600],
    ],
    'fullscreen leaves room at the sides rather than distort',
  );
  t.same(it.asked(), ['1200x600']);
  await it.guest(1200, 600);
  t.same(it.sizes()[0], [1200, 600]);
  it.scene.close();
});

t.test('fullscreen from the start, on request, and after a reconnection', async (t) => {
  const it = await open({
    window: { fullscreen: true },
    firstConfigure: { width: 800, height: 600, states: [FULLSCREEN] },
  });
  t.ok(it.window.fullscreenWanted);
  t.same(it.asked(), ['800x600']);
  it.scene.window.setFullscreen(false);
  await it.scene.settle();
  t.notOk(it.window.fullscreenWanted);
  it.scene.window.setFullscreen(true);
  it.scene.desktop.stub.close();
  await later(() => it.scene.desktops.length === 2 && it.scene.desktop.windows.length === 1, 'a new window');
  await it.scene.settle();
  t.ok(it.scene.shown.fullscreenWanted);
  it.scene.close();
});

t.test('scale: the guest keeps its pixels until a size is chosen, then it gets more', async (t) => {
  const it = await open();
  await it.scale(180);
  t.same(it.sizes(), [
    [267, 200],
    [267, 200],
  ]);
  t.same(it.asked(), []);
  await it.configure(501, 401);
  t.same(it.asked(), ['752x602'], 'rounded');
  await it.guest(752, 602);
  t.same(it.sizes(), [
    [501, 401],
    [501, 401],
  ]);
  await it.scale(120);
  t.same(it.asked(), ['501x401'], 'another output');
  t.same(it.sizes()[0], [501, 401]);
  t.same(it.window.min, [320, 200]);
  await it.scale(240);
  t.same(it.window.min, [160, 100], 'hints are logical');
  t.same(it.window.max, [4096, 4096]);
  it.scene.close();
});

t.test('scale of the outputs, and whole scales without a viewport', async (t) => {
  const globals = DESKTOP_GLOBALS.filter(([name]) => !name.startsWith('wp_')).map(
    ([name, version]) => [name, name === 'wl_compositor' ? 4 : version] as const,
  );
  const it = await open({ globals });
  const { stub } = it.scene.desktop;
  const output = asObject(stub.living('wl_output')[0]);
  stub.send(output, 'scale', [2]);
  stub.send(output, 'done');
  stub.send(it.window.surface.object, 'enter', [output]);
  await it.scene.settle();
  t.equal(it.window.surface.scale, 2);
  t.same(it.window.geometry, [0, 0, 200, 150]);
  await it.guest(401, 300);
  t.equal(it.window.surface.scale, 1, 'a buffer that can not be divided');
  await it.configure(300, 200, [MAXIMIZED]);
  t.same(it.asked(), ['600x400']);
  t.same(it.window.geometry, [0, 0, 300, 200], 'the size that the compositor insists on');
  stub.send(output, 'scale', [1]);
  stub.send(output, 'done');
  await it.scene.settle();
  t.same(it.asked(), ['320x200'], 'no less than the least');
  it.scene.close();

  const preferred = await open({ globals: DESKTOP_GLOBALS.filter(([name]) => !name.includes('fraction')) });
  preferred.scene.desktop.stub.send(preferred.window.surface.object, 'preferred_buffer_scale', [2]);
  await preferred.scene.settle();
  t.same(preferred.window.surface.destination, [200, 150]);
  t.equal(preferred.window.surface.scale, 1, 'the viewport does it');
  preferred.scene.close();
});

t.test('sizes that no compositor should send', async (t) => {
  const it = await open();
  for (const [width, height] of [
    [-5, -5],
    [0x7fffffff, 0x7fffffff],
    [1, 1],
    [0, 77],
  ]) {
    await it.configure(width ?? 0, height ?? 0);
    const [destination] = it.sizes();
    t.ok(
      destination?.every((size) => size >= 1 && size <= 32767),
      `${width}x${height}: ${destination}`,
    );
  }
  for (const asked of it.asked()) {
    const [width = 0, height = 0] = asked.split('x').map(Number);
    t.ok(width >= 320 && width <= 8192 && height >= 200 && height <= 8192, asked);
  }
  await it.scale(0);
  await it.scale(0xffffffff);
  t.equal(it.scene.desktop.stub.ended, null);
  it.scene.close();
});

t.test('closing is a wish', async (t) => {
  const it = await open();
  it.scene.desktop.stub.send(it.window.toplevel, 'close');
  await until(() => it.scene.closes === 1, 'onClose');
  t.equal(it.scene.desktop.windows.length, 1);
  it.scene.window.destroy();
  await it.scene.settle();
  t.equal(it.scene.desktop.windows.length, 0);
  t.same(it.scene.desktop.stub.living('wl_surface'), []);
  t.same(it.scene.desktop.stub.living('wp_viewport'), []);
  t.same(it.scene.desktop.stub.living('zxdg_toplevel_decoration_v1'), []);
  it.scene.close();
});

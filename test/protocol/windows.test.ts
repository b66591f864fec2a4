/** Windows on real compositors, headless: what they show, pixel by pixel, and what their input becomes. */
import t from 'tap';
import { closeFd, createMemfd, type Mapping, mapFile } from 'vhost-user-native';
import {
  type HostWindow,
  type WindowContent,
  type WindowFrame,
  type WindowOptions,
  WindowSystem,
  WlShmFormat,
} from '../../src/wayland/index.js';
import { type CompositorProgram, HostCompositor } from '../e2e/harness/compositor.js';
import { computed, type RgbPicture } from '../e2e/harness/picture.js';
import { sway } from '../e2e/harness/sway.js';
import { VirtualSeat } from '../e2e/harness/virtual-seat.js';
import { weston } from '../e2e/harness/weston.js';
import { later, SeenInput } from '../unit/windows-support.js';

const POOL_BYTES = 16 << 20;
const BUFFERS = 3;
/** Of xrgb8888. weston 10 puts it into its screenshots as alpha. */
const UNUSED_BYTE = 0xff000000;
const SCREEN = { width: 640, height: 480 };
const [CTRL, ALT, A, F, G] = [29, 56, 30, 33, 34];
const LEFT = 0x110;

/** A picture that changes everywhere with `seed`. */
function color(seed: number, x: number, y: number): number {
  return ((x * 7 + seed * 40) & 0xff) | (((y * 5 + seed * 90) & 0xff) << 8) | (((x ^ y) & 0xff) << 16);
}

function picture(seed: number, width: number, height: number): RgbPicture {
  return computed(width, height, (x, y) => color(seed, x, y));
}

/** A guest with three buffers that draws into one that nobody holds, in the size that it was asked for. */
class Guest implements WindowContent {
  width: number;
  height: number;
  seed = 0;
  shown = 0;
  released = 0;
  private readonly memory: Mapping;
  private readonly held = new Set<number>();

  constructor(memory: Mapping, width: number, height: number) {
    this.memory = memory;
    this.width = width;
    this.height = height;
  }

  takeFrame(): WindowFrame | null {
    const { width, height } = this;
    const slot = [0, 1, 2].find((index) => !this.held.has(index));
    if (slot === undefined) throw new Error('all buffers are held');
    const poolOffset = slot * Math.floor(POOL_BYTES / BUFFERS / 4096) * 4096;
    const pixels = new Uint32Array(this.memory.window(poolOffset, width * height * 4));
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++) pixels[at++] = UNUSED_BYTE | color(this.seed, x, y);
    }
    this.held.add(slot);
    return {
      width,
      height,
      damage: [],
      source: { kind: 'shm', poolOffset, strideBytes: width * 4, format: WlShmFormat.xrgb8888 },
      released: () => {
        this.released++;
        this.held.delete(slot);
      },
      shown: (info) => {
        if (info !== null) this.shown++;
      },
    };
  }
}

class Scene {
  readonly compositor: HostCompositor;
  readonly system: WindowSystem;
  readonly input = new SeenInput();
  readonly guest: Guest;
  readonly window: HostWindow;
  readonly logged: string[] = [];
  readonly sizes: string[] = [];
  private readonly fd = createMemfd('windows-test', { size: POOL_BYTES });
  private readonly memory = mapFile(this.fd, 0, POOL_BYTES, { writable: true });

  private constructor(compositor: HostCompositor, options: Partial<WindowOptions>) {
    this.compositor = compositor;
    const note = (message: string): void => void this.logged.push(message);
    this.system = new WindowSystem({
      connect: () => compositor.connect(),
      pool: { fd: this.fd, bytes: POOL_BYTES },
      appId: 'windows.test',
      log: { info: note, warn: note },
    });
    this.guest = new Guest(this.memory, 320, 240);
    this.window = this.system.createWindow({
      title: 'windows test',
      content: this.guest,
      input: this.input,
      onResize: (width, height) => {
        this.sizes.push(`${width}x${height}`);
        this.guest.width = width;
        this.guest.height = height;
        this.window.damaged();
      },
      onClose: () => undefined,
      ...options,
    });
  }

  static async open(program: CompositorProgram, options: Partial<WindowOptions> = {}): Promise<Scene> {
    return new Scene(await HostCompositor.start(program), options);
  }

  /** The output shows the guest's picture as it is now, everywhere. */
  async seesGuest(name: string): Promise<void> {
    const { width, height } = SCREEN;
    await this.compositor.waitForScreen(name, picture(this.guest.seed, width, height));
  }

  async close(): Promise<void> {
    this.system.close();
    await this.compositor.close();
    this.memory.close();
    closeFd(this.fd);
  }
}

// (Without a seat, weston 10's kiosk shell shows no window.)
const COMPOSITORS = {
  'weston 10': weston({ version: '10', ...SCREEN, shell: 'desktop' }),
  sway: sway(SCREEN),
};

for (const [name, program] of Object.entries(COMPOSITORS)) {
  t.test(
    `${name}: the guest fills the window that it was given, shows each frame, survives the compositor`,
    async (t) => {
      const scene = await Scene.open(program, { fullscreen: true });
      const { guest, window, system } = scene;
      await scene.seesGuest(`${name} first`);
      t.same(scene.sizes, ['640x480'], 'asked for the size of the output');
      t.ok(window.visible);
      // 60 frames, each of them shown before the next.
      for (let frame = 1; frame <= 60; frame++) {
        const { shown } = guest;
        guest.seed = frame;
        window.damaged();
        await later(() => guest.shown > shown, `frame ${frame}`);
      }
      await scene.seesGuest(`${name} animation`);
      t.ok(window.metrics.frames >= 60);
      t.ok(window.metrics.heldMax <= 2, `${window.metrics.heldMax} held`);
      t.equal(window.metrics.framesRefused, 0);
      await scene.compositor.kill();
      await later(() => system.display === null, 'the end');
      t.equal(window.metrics.held, 0);
      guest.seed = 99;
      await scene.compositor.start();
      await later(() => system.display !== null, 'the compositor again');
      await scene.seesGuest(`${name} again`);
      t.equal(system.connections, 2);
      await scene.close();
      t.equal(guest.released, window.metrics.frames, 'every frame was released');
    },
  );
}

t.test(
  'weston 10, desktop shell: a floating window in the size of the guest, fullscreen and back',
  async (t) => {
    const scene = await Scene.open(weston({ version: '10', ...SCREEN, shell: 'desktop' }));
    await later(() => scene.guest.shown > 0, 'a frame');
    t.same(scene.sizes, []);
    scene.window.setFullscreen(true);
    await scene.seesGuest('weston fullscreen');
    t.same(scene.sizes, ['640x480']);
    scene.window.setFullscreen(false);
    await later(() => scene.sizes.length === 2, 'the size before');
    t.equal(scene.sizes[1], '320x240');
    await scene.window.setTitle('another title');
    await scene.system.display?.sync();
    t.equal(scene.system.connections, 1, 'no protocol error on the way');
    t.same(
      scene.logged.filter((line) => line.includes('no compositor')),
      [],
    );
    await scene.close();
  },
);

t.test('scale: the guest gets all pixels that the compositor wants', async (t) => {
  const twice = weston({ version: '10', ...SCREEN, shell: 'desktop', scale: 2 });
  const scene = await Scene.open(twice, { fullscreen: true });
  await scene.compositor.waitForScreen('weston scale 2', picture(0, 2 * SCREEN.width, 2 * SCREEN.height));
  t.same(scene.sizes, ['1280x960'], 'at once');
  await scene.close();

  // sway 1.7 knows no fractional scale protocol: it wants twice the pixels and scales them down.
  const half = await Scene.open(sway({ ...SCREEN, scale: 1.5 }));
  await later(() => half.sizes.at(-1) === '852x640', 'the size');
  await later(() => half.window.metrics.frames >= 2, 'a frame in it');
  await half.system.display?.sync();
  t.equal(half.system.connections, 1);
  await half.close();
});

t.test('sway: keys, pointer, wheel, and the grab', async (t) => {
  const scene = await Scene.open(sway(SCREEN));
  const { input, compositor } = scene;
  await scene.seesGuest('sway input');
  const seat = await VirtualSeat.plugIn(compositor);
  const heard = async (event: string): Promise<void> => {
    await later(() => input.seen.includes(event), `${event} (there was: ${input.seen.join(', ')})`);
    input.take();
  };
  await seat.moveTo(160, 120, SCREEN.width, SCREEN.height);
  await heard('at 0.25 0.25');
  await seat.button(LEFT, true);
  await heard(`button ${LEFT} 1`);
  await seat.button(LEFT, false);
  await heard(`button ${LEFT} 0`);
  await seat.key(A, true);
  await heard(`key ${A} 1`);
  await seat.key(A, false);
  await heard(`key ${A} 0`);
  await seat.scroll('vertical', 1);
  await heard('scroll vertical -120');
  await seat.scroll('horizontal', -2);
  await heard('scroll horizontal -240');
  await seat.modifiers(0, 2);
  await heard('locked 1 0');
  for (const code of [CTRL, ALT, G]) await seat.key(code, true);
  for (const code of [G, ALT, CTRL]) await seat.key(code, false);
  await heard(`key ${ALT} 0`);
  await scene.system.display?.sync();
  await scene.system.display?.sync();
  await seat.moveBy(5, -3);
  await heard('by 5 -3');
  for (const code of [CTRL, ALT, G]) await seat.key(code, true);
  for (const code of [G, ALT, CTRL]) await seat.key(code, false);
  await scene.system.display?.sync();
  await scene.system.display?.sync();
  await seat.moveTo(320, 240, SCREEN.width, SCREEN.height);
  await heard('at 0.5 0.5');
  for (const code of [CTRL, ALT, F]) await seat.key(code, true);
  for (const code of [F, ALT, CTRL]) await seat.key(code, false);
  await seat.type(A);
  await heard(`key ${A} 0`);
  t.notOk(input.seen.some((event) => event.startsWith(`key ${F}`) || event.startsWith(`key ${G}`)));
  t.equal(scene.system.connections, 1, 'no protocol error on the way');
  seat.unplug();
  await scene.close();
});

t.test("sway: the guest's cursor is on the screen, where the pointer is", async (t) => {
  const scene = await Scene.open(sway({ ...SCREEN, pointer: true }));
  const { compositor, window, guest } = scene;
  await later(() => scene.sizes.length > 0, 'the window');
  const seat = await VirtualSeat.plugIn(compositor);
  const green = 0x00ff00;
  const pixels = new Uint8Array(new Uint32Array(16 * 16).fill(UNUSED_BYTE | green).buffer);
  window.setCursor({ width: 16, height: 16, pixels, hotX: 4, hotY: 6 });
  await seat.moveTo(100, 200, SCREEN.width, SCREEN.height);
  const isCursor = (x: number, y: number): boolean => x >= 96 && x < 112 && y >= 194 && y < 210;
  const expected = computed(SCREEN.width, SCREEN.height, (x, y) =>
    isCursor(x, y) ? green : color(guest.seed, x, y),
  );
  await compositor.waitForScreen('sway cursor', expected);
  window.setCursor(null);
  await scene.seesGuest('sway without a cursor');
  t.equal(scene.system.connections, 1);
  seat.unplug();
  await scene.close();
});

/** The pictures that we make of windows, next to what compositors show of them: both draw with pixman, we without. */
import t from 'tap';
import type { ForwardedWindow } from '../../src/wayland/index.js';
import { HostCompositor } from '../e2e/harness/compositor.js';
import { difference, fromRgba, type RgbPicture } from '../e2e/harness/picture.js';
import { sway } from '../e2e/harness/sway.js';
import { weston } from '../e2e/harness/weston.js';
import { pattern, SceneGuest, type Surface } from '../unit/scene-guest.js';

const [WIDTH, HEIGHT] = [160, 120];
const ARGB8888 = 0;

interface Scene {
  /** Shows something in a window that fills the screen. */
  show(desk: SceneGuest, window: Surface, scale: number): void;
  /** How far channels may be off. */
  readonly tolerance?: number;
}

/** Half transparent here and there. */
function glass(x: number, y: number): number {
  const alpha = (x * 5) & 255;
  const part = (share: number): number => Math.floor((alpha * share) / 255);
  return ((alpha << 24) | (part(255) << 16) | (part((y * 3) & 255) << 8) | part(40)) >>> 0;
}

function turned(transform: number): Scene {
  return {
    show: (desk, { surface }, scale) => {
      const [width, height] = [WIDTH * scale, HEIGHT * scale];
      const [w, h] = transform % 2 === 1 ? [height, width] : [width, height];
      desk.guest.request(surface, 'set_buffer_transform', [transform]);
      desk.show(surface, desk.buffer(w, h, pattern(transform)));
    },
  };
}

const SCENES: Readonly<Record<string, Scene>> = {
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((each) => [`transform ${each}`, turned(each)])),
  'a cut buffer': {
    show: (desk, { surface }, scale) => {
      const { guest } = desk;
      const viewport = guest.make(desk.viewporter, 'get_viewport', [surface]);
      guest.request(viewport, 'set_source', [7, 9, WIDTH, HEIGHT]);
      desk.show(surface, desk.buffer((WIDTH + 20) * scale, (HEIGHT + 20) * scale, pattern(9)));
    },
  },
  'subsurfaces that are turned, cut, transparent, below, outside': {
    tolerance: 1,
    show: (desk, { surface }, scale) => {
      const { guest } = desk;
      const add = (x: number, y: number, buffer: number, parent = surface) => {
        const child = desk.subsurface(parent);
        guest.request(child.role, 'set_position', [x, y]);
        guest.request(child.surface, 'set_buffer_scale', [scale]);
        guest.request(child.surface, 'damage', [0, 0, 1000, 1000]);
        desk.show(child.surface, buffer);
        return child;
      };
      const below = add(30, 20, desk.buffer(50, 40, pattern(10)));
      guest.request(below.role, 'place_below', [surface]);
      const tilted = add(20, 50, desk.buffer(30, 60, pattern(11)));
      guest.request(tilted.surface, 'set_buffer_transform', [5]);
      guest.request(tilted.surface, 'commit');
      const window = add(WIDTH - 30, -10, desk.buffer(60, 50, pattern(12)));
      add(-5, 40, desk.buffer(20, 20, glass, ARGB8888), window.surface);
      guest.request(window.surface, 'commit');
      add(10, 10, desk.buffer(60, 60, glass, ARGB8888));
      // A hole, behind which is the one below. (Behind both there would be the compositor's background.)
      const inHole = (x: number, y: number): boolean =>
        x >= 30 * scale && x < 32 * scale + 16 && y >= 20 * scale && y < 20 * scale + 30;
      const opaque = (x: number, y: number): number =>
        inHole(x, y) ? 0 : (pattern(13)(x, y) | 0xff000000) >>> 0;
      desk.show(surface, desk.buffer(WIDTH * scale, HEIGHT * scale, opaque, ARGB8888));
    },
  },
};

function differenceBeyond(actual: RgbPicture, expected: RgbPicture, tolerance: number): string | null {
  if (tolerance === 0 || actual.rgb.length !== expected.rgb.length) return difference(actual, expected);
  const near = actual.rgb.every((value, i) => Math.abs(value - (expected.rgb[i] as number)) <= tolerance);
  return near ? null : difference(actual, expected);
}

/** What the window shows, cut to the screen. */
function seen(window: ForwardedWindow | undefined, width: number, height: number): RgbPicture {
  const picture = window?.picture({ x: 0, y: 0, width, height }) ?? null;
  if (picture === null) throw new Error(`no picture: ${window?.obstacle}`);
  return fromRgba(picture);
}

for (const [program, scale] of [
  [sway({ version: 'current', width: WIDTH, height: HEIGHT }), 1],
  [sway({ version: 'current', width: 2 * WIDTH, height: 2 * HEIGHT, scale: 2 }), 2],
  [weston({ version: 'current', width: WIDTH, height: HEIGHT }), 1],
] as const) {
  t.test(`${program.name}, at scale ${scale}`, async (t) => {
    const compositor = await HostCompositor.start(program);
    t.teardown(() => compositor.close());
    for (const [name, scene] of Object.entries(SCENES)) {
      const desk = await SceneGuest.start({ socket: compositor.connect() });
      const { guest } = desk;
      const window = await desk.window();
      const [width, height] = [WIDTH * scale, HEIGHT * scale];
      guest.request(window.shell, 'set_window_geometry', [0, 0, WIDTH, HEIGHT]);
      guest.request(window.surface, 'set_buffer_scale', [scale]);
      guest.request(window.surface, 'damage', [0, 0, WIDTH, HEIGHT]);
      scene.show(desk, window, scale);
      await guest.sync();
      const { tolerance = 0 } = scene;
      const expected = seen(desk.windows[0], width, height);
      await compositor.waitForShot((shot) => differenceBeyond(shot, expected, tolerance));
      t.pass(name);
      guest.close();
      await compositor.waitForShot((shot) => (difference(shot, expected) === null ? 'still there' : null));
      desk.close();
    }
  });
}

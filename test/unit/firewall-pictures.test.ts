/** Pictures of forwarded windows: byte for byte what a compositor would show, of whatever a client says. */
import { openSync } from 'node:fs';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { ForwardedWindow } from '../../src/wayland/index.js';
import { TestBlob } from '../stub/guest-client.js';
import { type ModelSurface, SurfaceModel } from '../stub/surface-model.js';
import { type Picture, pattern, pictureOf, SceneGuest } from './scene-guest.js';

const ARGB8888 = 0;
const [RED, GREEN, BLUE] = [0xff0000, 0x00ff00, 0x0000ff];

function scene(name: string, run: (t: Test, guest: SceneGuest) => Promise<void>): void {
  t.test(name, async (t) => {
    const guest = await SceneGuest.start();
    try {
      await run(t, guest);
      t.strictSame(guest.guest.ended, false, guest.guest.log.join('; '));
    } finally {
      guest.close();
    }
    t.equal(guest.blob.holds, 0, 'everything is given back');
  });
}

function first(guest: SceneGuest): ForwardedWindow {
  const [window] = guest.windows;
  if (window === undefined) throw new Error('there is no window');
  return window;
}

/** Compares whole pictures, and says where they differ. */
function same(t: Test, actual: Picture | null, expected: Picture, what: string): void {
  if (actual === null) {
    t.fail(`${what}: no picture`);
    return;
  }
  t.strictSame([actual.width, actual.height], [expected.width, expected.height], `${what}: its size`);
  const at = actual.rgba.findIndex((byte, i) => byte !== expected.rgba[i]);
  const where = `byte ${at}: ${actual.rgba[at]} instead of ${expected.rgba[at]}`;
  t.equal(at, -1, at < 0 ? what : `${what}: ${where}`);
}

scene('a window: nothing, a picture, parts of it, nothing again', async (t, desk) => {
  const { guest } = desk;
  const { surface, toplevel } = await desk.window();
  const window = first(desk);
  t.match(window, { id: 1, kind: 'window', parent: null, client: 'work/test', title: '[work]' });
  t.strictSame([window.size, window.picture(), window.sequence], [null, null, 0]);
  t.strictSame(window.logicalSize, { width: 0, height: 0 });
  desk.show(surface, desk.buffer(20, 10, pattern(1)));
  await guest.sync();
  t.strictSame([window.size, window.obstacle, window.sequence], [{ width: 20, height: 10 }, null, 1]);
  same(t, window.picture(), pictureOf(20, 10, pattern(1)), 'all of it');
  const part = pictureOf(4, 3, (x, y) => pattern(1)(x + 16, y + 7));
  same(t, window.picture({ x: 16, y: 7, width: 4, height: 3 }), part, 'a part');
  t.equal(window.picture({ x: 17, y: 7, width: 4, height: 3 }), null, 'a part that is not inside');
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(window.sequence, 1, 'a commit without anything new');
  guest.request(surface, 'damage', [0, 0, 1, 1]);
  await guest.sync();
  t.equal(window.sequence, 1, 'not committed yet');
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(window.sequence, 2);
  desk.show(surface, 0);
  await guest.sync();
  t.strictSame([window.size, window.picture(), window.sequence], [null, null, 3], 'unmapped');
  guest.request(toplevel, 'destroy');
  await desk.window();
  t.strictSame(
    desk.windows.map(({ id }) => id),
    [2],
    'numbers are not used again',
  );
  t.equal(window.picture(), null);
  t.equal(guest.windows.find(1), null);
  t.equal(guest.windows.find(2), first(desk));
});

scene('the window geometry is the picture', async (t, desk) => {
  const { guest } = desk;
  const { surface, shell } = await desk.window();
  guest.request(shell, 'set_window_geometry', [3, 2, 10, 5]);
  await guest.sync();
  desk.show(surface, desk.buffer(20, 10, pattern(2)));
  await guest.sync();
  same(
    t,
    first(desk).picture(),
    pictureOf(10, 5, (x, y) => pattern(2)(x + 3, y + 2)),
    'without shadows',
  );
  t.strictSame(first(desk).logicalSize, { width: 10, height: 5 });
  guest.request(shell, 'set_window_geometry', [15, -5, 100, 100]);
  t.strictSame(first(desk).size, { width: 10, height: 5 }, 'not committed yet');
  guest.request(surface, 'commit');
  await guest.sync();
  same(
    t,
    first(desk).picture(),
    pictureOf(5, 10, (x, y) => pattern(2)(x + 15, y)),
    'what there is of it',
  );
  guest.request(shell, 'set_window_geometry', [1000, 1000, 5, 5]);
  guest.request(surface, 'commit');
  await guest.sync();
  same(t, first(desk).picture(), pictureOf(20, 10, pattern(2)), 'one that is elsewhere is none');
});

/** A quarter turn counter-clockwise, and a flip around the vertical axis. */
type Image = readonly (readonly number[])[];
const flip = (image: Image): Image => image.map((row) => row.toReversed());
const turn = (image: Image): Image =>
  Array.from({ length: image[0]?.length ?? 0 }, (_, x) => image.map((row) => row.at(-1 - x) ?? 0));

function transformed(image: Image, transform: number): Image {
  let result = transform >= 4 ? flip(image) : image;
  for (let i = 0; i < transform % 4; i++) result = turn(result);
  return result;
}

scene('buffers that are turned and flipped, at both scales', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  for (const [transform, scale] of [0, 1, 2, 3, 4, 5, 6, 7].flatMap((each) => [
    [each, 1] as const,
    [each, 2] as const,
  ])) {
    const color = pattern(transform + 1);
    const image = Array.from({ length: 6 }, (_, y) => Array.from({ length: 14 }, (_, x) => color(x, y)));
    const stored = transformed(image, transform);
    const buffer = desk.buffer(stored[0]?.length ?? 0, stored.length, (x, y) => stored[y]?.[x] ?? 0);
    guest.request(surface, 'set_buffer_transform', [transform]);
    guest.request(surface, 'set_buffer_scale', [scale]);
    desk.show(surface, buffer);
    await guest.sync();
    same(t, first(desk).picture(), pictureOf(14, 6, color), `transform ${transform}, scale ${scale}`);
    t.strictSame(first(desk).logicalSize, { width: 14 / scale, height: 6 / scale });
  }
});

scene('wp_viewport: cut, stretched, in parts of pixels', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  const viewport = guest.make(desk.viewporter, 'get_viewport', [surface]);
  const show = async (): Promise<void> => {
    desk.show(surface, desk.buffer(8, 6, pattern(3)));
    await guest.sync();
  };
  guest.request(viewport, 'set_source', [2, 1, 4, 3]);
  await show();
  same(
    t,
    first(desk).picture(),
    pictureOf(4, 3, (x, y) => pattern(3)(x + 2, y + 1)),
    'cut',
  );
  guest.request(viewport, 'set_destination', [8, 9]);
  await show();
  const stretched = pictureOf(8, 9, (x, y) => pattern(3)((x >> 1) + 2, Math.floor(y / 3) + 1));
  same(t, first(desk).picture(), stretched, 'stretched');
  guest.request(viewport, 'set_source', [-1, -1, -1, -1]);
  guest.request(viewport, 'set_destination', [4, 3]);
  await show();
  same(t, first(desk).picture(), pictureOf(8, 6, pattern(3)), 'every pixel of a dense buffer');
  t.strictSame(first(desk).logicalSize, { width: 4, height: 3 });
  // As with fractional scales: 1.5 pixels to a logical one.
  desk.show(surface, desk.buffer(6, 6, pattern(4)));
  guest.request(viewport, 'set_destination', [4, 4]);
  guest.request(surface, 'commit');
  await guest.sync();
  same(t, first(desk).picture(), pictureOf(6, 6, pattern(4)), 'a fractional scale');
  guest.request(surface, 'set_buffer_transform', [1]);
  guest.request(viewport, 'set_source', [0, 0, 2, 3]);
  guest.request(viewport, 'set_destination', [2, 3]);
  const turned = (x: number, y: number): number => pattern(5)(y, 5 - x);
  desk.show(surface, desk.buffer(6, 6, pattern(5)));
  await guest.sync();
  same(t, first(desk).picture(), pictureOf(2, 3, turned), 'cut from a turned buffer');
  guest.request(viewport, 'destroy');
  guest.request(surface, 'commit');
  await guest.sync();
  same(t, first(desk).picture(), pictureOf(6, 6, turned), 'all of it, once the viewport is gone');
});

/** What is seen of a premultiplied channel over another, as pixman rounds. */
function over(above: number, alpha: number, below: number): number {
  const share = below * (255 - alpha) + 128;
  return Math.min(255, above + ((share + (share >> 8)) >> 8));
}

scene('alpha: over black, over others, never more than white', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  // Half transparent; channels above alpha are a mistake of the guest's.
  const argb = (x: number, y: number): number =>
    ((((x * 16) << 24) >>> 0) | ((x * y) << 16) | (y * 13)) >>> 0;
  const channels = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
  desk.show(surface, desk.buffer(16, 16, argb, ARGB8888));
  await guest.sync();
  const black = pictureOf(16, 16, (x, y) => argb(x, y) & 0xffffff);
  same(t, first(desk).picture(), black, 'over black');
  const { surface: above } = desk.subsurface(surface);
  desk.show(surface, desk.buffer(16, 16, pattern(6)));
  desk.show(above, desk.buffer(16, 16, argb, ARGB8888));
  guest.request(surface, 'commit');
  await guest.sync();
  const blended = pictureOf(16, 16, (x, y) => {
    const [alpha = 0, ...colors] = channels(argb(x, y));
    const [, ...below] = channels(pattern(6)(x, y));
    const [r = 0, g = 0, b = 0] = colors.map((color, i) => over(color, alpha, below[i] ?? 0));
    return (r << 16) | (g << 8) | b;
  });
  same(t, first(desk).picture(), blended, 'over another surface');
});

scene('wp_single_pixel_buffer_v1 and wp_alpha_modifier_v1', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  const viewport = guest.make(desk.viewporter, 'get_viewport', [surface]);
  guest.request(viewport, 'set_destination', [30, 20]);
  const channels = [0x80000000, 0x40ffffff, 0xffffffff, 0xffffffff];
  desk.show(surface, guest.make(desk.pixels, 'create_u32_rgba_buffer', channels));
  await guest.sync();
  same(
    t,
    first(desk).picture(),
    pictureOf(30, 20, () => 0x8040ff),
    'one color, not 30 times as dense',
  );
  const [registry] = [...guest.objects].find(([, { interface: name }]) => name === 'wl_registry') ?? [0];
  const manager = guest.bind(registry, 'wp_alpha_modifier_v1');
  const modifier = guest.make(manager, 'get_surface', [surface]);
  guest.request(modifier, 'set_multiplier', [0x80000000]);
  guest.request(surface, 'commit');
  await guest.sync();
  same(
    t,
    first(desk).picture(),
    pictureOf(30, 20, () => 0x402080),
    'half of it',
  );
  guest.request(modifier, 'destroy');
  guest.request(surface, 'commit');
  await guest.sync();
  same(
    t,
    first(desk).picture(),
    pictureOf(30, 20, () => 0x8040ff),
    'without the modifier',
  );
});

scene('subsurfaces: above and below, with their parents, and gone', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  const plain = (color: number) => () => color;
  const [child, other] = [desk.subsurface(surface), desk.subsurface(surface)];
  guest.request(child.role, 'set_position', [2, 3]);
  desk.show(child.surface, desk.buffer(4, 4, plain(RED)));
  guest.request(other.role, 'set_position', [4, 5]);
  desk.show(other.surface, desk.buffer(4, 4, plain(BLUE)));
  desk.show(surface, desk.buffer(16, 16, plain(GREEN)));
  await guest.sync();
  const inside = (x: number, y: number, left: number, top: number): boolean =>
    x >= left && x < left + 4 && y >= top && y < top + 4;
  const lower = (x: number, y: number): number => (inside(x, y, 2, 3) ? RED : GREEN);
  const expected = pictureOf(16, 16, (x, y) => (inside(x, y, 4, 5) ? BLUE : lower(x, y)));
  same(t, first(desk).picture(), expected, 'the newer one above');
  guest.request(child.role, 'place_above', [other.surface]);
  await guest.sync();
  same(t, first(desk).picture(), expected, 'not committed yet');
  guest.request(surface, 'commit');
  await guest.sync();
  const raised = pictureOf(16, 16, (x, y) => (inside(x, y, 2, 3) ? RED : inside(x, y, 4, 5) ? BLUE : GREEN));
  same(t, first(desk).picture(), raised, 'the older one above');
  guest.request(child.role, 'place_below', [surface]);
  guest.request(surface, 'commit');
  await guest.sync();
  const hidden = pictureOf(16, 16, (x, y) => (inside(x, y, 4, 5) ? BLUE : GREEN));
  same(t, first(desk).picture(), hidden, 'behind the parent');
  desk.show(other.surface, desk.buffer(4, 4, plain(RED)));
  await guest.sync();
  same(t, first(desk).picture(), hidden, 'synchronized: it waits for its parent');
  guest.request(other.role, 'set_desync');
  await guest.sync();
  const shown = pictureOf(16, 16, (x, y) => (inside(x, y, 4, 5) ? RED : GREEN));
  same(t, first(desk).picture(), shown, 'until it is synchronized no more');
  guest.request(other.role, 'destroy');
  await guest.sync();
  same(t, first(desk).picture(), pictureOf(16, 16, plain(GREEN)), 'gone at once');
  guest.request(child.role, 'set_position', [-4, 14]);
  guest.request(surface, 'commit');
  await guest.sync();
  const wide = pictureOf(20, 18, (x, y) => {
    if (x >= 4 && y < 16) return GREEN;
    return x < 4 && y >= 14 ? RED : 0;
  });
  same(t, first(desk).picture(), wide, 'without a geometry all that there is');
});

/** One thing that a client does with a few surfaces. */
const action = fc.record({
  kind: fc.constantFrom(
    'show',
    'show',
    'commit',
    'hide',
    'move',
    'above',
    'below',
    'sync',
    'desync',
    'remove',
    'add',
  ),
  one: fc.nat(5),
  other: fc.nat(5),
  x: fc.integer({ min: -6, max: 12 }),
  y: fc.integer({ min: -6, max: 12 }),
});

t.test('subsurfaces: whatever is done, what a compositor shows that keeps to the rules', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const desk = await SceneGuest.start();
      try {
        await playActions(desk, actions);
      } finally {
        desk.close();
      }
      if (desk.blob.holds !== 0) throw new Error(`${desk.blob.holds} holds are left`);
    }),
    { numRuns: 150 },
  );
  t.pass();
});

type Action = (typeof action)['generate'] extends (...args: never) => { value: infer A } ? A : never;

async function playActions(desk: SceneGuest, actions: readonly Action[]): Promise<void> {
  const { guest } = desk;
  const model = new SurfaceModel();
  let handled = 0;
  const settle = async (): Promise<void> => {
    await guest.sync();
    const { requests } = guest.compositor;
    for (; handled < requests.length; handled++) {
      const request = requests[handled];
      if (request !== undefined) model.handle(request);
    }
  };
  const { surface: root } = await desk.window();
  const surfaces = [root, ...Array.from({ length: 5 }, () => desk.surface())];
  const parents = new Map<number, { role: number; parent: number }>();
  desk.show(
    root,
    desk.buffer(8, 8, () => RED),
  );
  await settle();
  const isAbove = (above: number, below: number): boolean => {
    for (let each: number | undefined = below; each !== undefined; each = parents.get(each)?.parent) {
      if (each === above) return true;
    }
    return false;
  };
  for (const { kind, one, other, x, y } of actions) {
    const [surface = 0, second = 0] = [surfaces[one], surfaces[other]];
    const own = parents.get(surface);
    if (kind === 'show') {
      const size = { width: 2 + ((x + 6) % 7), height: 2 + ((y + 6) % 7) };
      desk.show(
        surface,
        desk.buffer(size.width, size.height, () => colorOf(surfaces.indexOf(surface))),
      );
    } else if (kind === 'commit') guest.request(surface, 'commit');
    else if (kind === 'hide' && surface !== root) desk.show(surface, 0);
    else if (kind === 'add' && surface !== root && own === undefined && !isAbove(surface, second)) {
      parents.set(surface, {
        role: guest.make(desk.subcompositor, 'get_subsurface', [surface, second]),
        parent: second,
      });
    } else if (own === undefined) continue;
    else if (kind === 'move') guest.request(own.role, 'set_position', [x, y]);
    else if (kind === 'sync' || kind === 'desync') guest.request(own.role, `set_${kind}`);
    else if (kind === 'remove') {
      guest.request(own.role, 'destroy');
      parents.delete(surface);
    } else if (kind === 'above' || kind === 'below') {
      const related =
        second !== surface && (second === own.parent || parents.get(second)?.parent === own.parent);
      if (related) guest.request(own.role, `place_${kind}`, [second]);
    }
    await settle();
    compareToModel(desk, model, surfaces);
  }
}

function colorOf(index: number): number {
  return [0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0x00ffff, 0xff00ff][index] ?? 0;
}

function compareToModel(desk: SceneGuest, model: SurfaceModel, surfaces: readonly number[]): void {
  const made = desk.guest.compositor.requests.filter(({ name }) => name === 'create_surface');
  const all = made.map(({ values }) => model.of(values[0] as ModelSurface['object']));
  const root = all[0] as ModelSurface;
  const shown = model.shown(root);
  const left = Math.min(...shown.map(({ x }) => x));
  const top = Math.min(...shown.map(({ y }) => y));
  const right = Math.max(...shown.map(({ x, width }) => x + width));
  const bottom = Math.max(...shown.map(({ y, height }) => y + height));
  const expected = pictureOf(right - left, bottom - top, (column, row) => {
    const [x, y] = [column + left, row + top];
    const seen = shown.findLast(
      (each) => x >= each.x && x < each.x + each.width && y >= each.y && y < each.y + each.height,
    );
    return seen === undefined ? 0 : colorOf(all.indexOf(seen.surface) % surfaces.length);
  });
  const actual = first(desk).picture();
  const where = JSON.stringify(shown.map(({ x, y, width, height }) => [x, y, width, height]));
  if (actual?.width !== expected.width || actual.height !== expected.height) {
    throw new Error(`${actual?.width} x ${actual?.height} instead of ${where}`);
  }
  if (Buffer.compare(actual.rgba, expected.rgba) !== 0) throw new Error(`another picture than ${where}`);
}

scene('damage: where it was, in pixels of the picture', async (t, desk) => {
  const { guest } = desk;
  const { surface, shell } = await desk.window();
  guest.request(shell, 'set_window_geometry', [2, 2, 20, 20]);
  guest.request(surface, 'set_buffer_scale', [2]);
  desk.show(surface, desk.buffer(60, 60, pattern(1)));
  await guest.sync();
  const window = first(desk);
  const seen: unknown[] = [];
  const stop = window.listen((rect) => seen.push(rect === null ? null : Object.values(rect)));
  const told = async (what: string, expected: unknown[]): Promise<void> => {
    const { sequence } = window;
    guest.request(surface, 'commit');
    await guest.sync();
    t.strictSame(seen.splice(0), expected, what);
    t.equal(window.sequence, sequence + (expected.length > 0 ? 1 : 0), `${what}: one change`);
  };
  guest.request(surface, 'damage', [5, 6, 3, 4]);
  await told('logical', [[6, 8, 6, 8]]);
  guest.request(surface, 'damage_buffer', [5, 6, 3, 4]);
  await told('of the buffer', [[1, 2, 3, 4]]);
  guest.request(surface, 'damage', [0, 0, 1, 1]);
  guest.request(surface, 'damage', [20, 20, 0x7fffffff, 0x7fffffff]);
  await told('outside of the geometry, and beyond all', [[36, 36, 4, 4]]);
  await told('nothing', []);
  guest.request(surface, 'attach', [desk.buffer(60, 60, pattern(2)), 0, 0]);
  guest.request(surface, 'damage_buffer', [10, 10, 2, 2]);
  await told('another buffer', [[6, 6, 2, 2]]);
  guest.request(surface, 'attach', [desk.buffer(60, 60, pattern(2)), 0, 0]);
  await told('another buffer without damage', [[0, 0, 40, 40]]);
  guest.request(surface, 'attach', [desk.buffer(50, 50, pattern(2)), 0, 0]);
  guest.request(surface, 'damage_buffer', [10, 10, 2, 2]);
  await told('another size', [null]);
  guest.request(surface, 'set_buffer_transform', [1]);
  await told('turned', [null]);
  // By 90 counter-clockwise: the buffer's left edge is the surface's upper one.
  guest.request(surface, 'damage_buffer', [4, 10, 2, 6]);
  await told('of a turned buffer', [[30, 0, 6, 2]]);
  for (let i = 0; i < 20; i++) guest.request(surface, 'damage', [2 + i, 2, 1, 1]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(seen.length, 16, 'many are joined');
  stop();
  guest.request(surface, 'damage', [5, 6, 3, 4]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(seen.length, 16, 'nobody listens any more');
});

scene('damage of subsurfaces, and windows that close', async (t, desk) => {
  const { guest } = desk;
  const { surface, toplevel } = await desk.window();
  const child = desk.subsurface(surface);
  guest.request(child.role, 'set_position', [3, 4]);
  desk.show(child.surface, desk.buffer(8, 8, pattern(2)));
  desk.show(surface, desk.buffer(20, 20, pattern(1)));
  await guest.sync();
  const window = first(desk);
  const seen: unknown[] = [];
  window.listen((rect) => seen.push(rect === null ? null : Object.values(rect)));
  guest.request(child.surface, 'damage_buffer', [1, 1, 2, 2]);
  guest.request(child.surface, 'commit');
  await guest.sync();
  t.strictSame(seen, [], 'it waits for its parent');
  guest.request(surface, 'damage', [0, 0, 1, 1]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.strictSame(seen.splice(0), [
    [0, 0, 1, 1],
    [4, 5, 2, 2],
  ]);
  t.equal(window.sequence, 2);
  guest.request(child.role, 'set_position', [30, 4]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.strictSame(seen.splice(0), [null], 'moved');
  guest.request(toplevel, 'destroy');
  await guest.sync();
  t.strictSame(seen, [null], 'closed');
  t.strictSame(desk.windows, []);
  t.equal(guest.windows.find(1), null);
});

scene('popups: windows of their own, seen in their parents', async (t, desk) => {
  const { guest } = desk;
  const { surface, shell } = await desk.window();
  guest.request(shell, 'set_window_geometry', [1, 1, 20, 20]);
  desk.show(surface, desk.buffer(30, 30, pattern(1)));
  await guest.sync();
  const positioner = guest.make(desk.base, 'create_positioner');
  guest.request(positioner, 'set_size', [10, 10]);
  guest.request(positioner, 'set_anchor_rect', [0, 0, 1, 1]);
  const popupSurface = desk.surface();
  const popupShell = guest.make(desk.base, 'get_xdg_surface', [popupSurface]);
  const popup = guest.make(popupShell, 'get_popup', [shell, positioner]);
  guest.request(popupSurface, 'commit');
  await desk.placePopup(popupShell, popup, 15, 3);
  guest.request(popupShell, 'set_window_geometry', [2, 2, 6, 6]);
  const seen: unknown[] = [];
  first(desk).listen((rect) => seen.push(rect === null ? null : Object.values(rect)));
  desk.show(popupSurface, desk.buffer(10, 10, pattern(2)));
  await guest.sync();
  const [window, menu] = desk.windows;
  t.match(menu, { id: 2, kind: 'popup', parent: 1, title: '[work]' });
  same(
    t,
    menu?.picture() ?? null,
    pictureOf(6, 6, (x, y) => pattern(2)(x + 2, y + 2)),
    'the popup',
  );
  // Its surface begins at 13, 1 of the window's picture.
  const both = pictureOf(20, 20, (x, y) => {
    const inPopup = x >= 13 && x < 23 && y >= 1 && y < 11;
    return inPopup ? pattern(2)(x - 13, y - 1) : pattern(1)(x + 1, y + 1);
  });
  same(t, window?.picture() ?? null, both, 'the window, as far as the popup lies inside');
  t.strictSame(seen.splice(0), [null]);
  guest.request(popupSurface, 'damage_buffer', [0, 0, 2, 2]);
  guest.request(popupSurface, 'commit');
  await guest.sync();
  t.strictSame(seen.splice(0), [[13, 1, 2, 2]], 'what changes in it');
  const object = guest.compositor.living('xdg_popup')[0];
  if (object !== undefined) guest.compositor.send(object, 'popup_done');
  await guest.event(popup, 'popup_done');
  const alone = pictureOf(20, 20, (x, y) => pattern(1)(x + 1, y + 1));
  same(t, window?.picture() ?? null, alone, 'without it, once the compositor has closed it');
  t.equal(menu?.picture(), null);
  guest.request(popup, 'destroy');
  await guest.sync();
  t.strictSame(desk.windows, [window]);
});

scene('buffers that the guest destroys are seen as long as they are shown', async (t, desk) => {
  const { guest, blob } = desk;
  const { surface } = await desk.window();
  const buffer = desk.buffer(8, 8, pattern(1));
  desk.show(surface, buffer);
  guest.request(buffer, 'destroy');
  guest.request(desk.pool, 'destroy');
  await guest.sync();
  t.equal(blob.holds, 1);
  same(t, first(desk).picture(), pictureOf(8, 8, pattern(1)), 'destroyed');
  desk.draw(0, 40, 8, 8, pattern(2));
  same(t, first(desk).picture(), pictureOf(8, 8, pattern(2)), "its memory is still the guest's");
  guest.request(surface, 'destroy');
  t.match(await guest.error(), { text: /role/ });
  t.equal(blob.holds, 0, 'not longer');
  guest.ended = false;
});

scene('a buffer that is destroyed before its commit shows nothing', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  const pool = guest.make(guest.bind(2, 'wl_shm'), 'create_pool', [0, 4096], [new TestBlob(4096, 0).item]);
  const buffer = guest.make(pool, 'create_buffer', [0, 8, 8, 32, 1]);
  guest.request(pool, 'destroy');
  guest.request(surface, 'attach', [buffer, 0, 0]);
  guest.request(buffer, 'destroy');
  await guest.sync();
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(first(desk).picture(), null);
});

/** The value of a pixel in some format, and what it is in 8 bits. */
const FORMATS: readonly (readonly [name: string, pixel: number | readonly number[], color: number])[] = [
  ['AB24', 0xff3366cc, 0xcc6633],
  ['XB24', 0x003366cc, 0xcc6633],
  ['RA24', 0xcc6633ff, 0xcc6633],
  ['BX24', 0x3366cc00, 0xcc6633],
  ['XR30', (1023 << 20) | (512 << 10) | 0, 0xff8000],
  ['AB30', ((3 << 30) | (0 << 20) | (512 << 10) | 1023) >>> 0, 0xff8000],
  ['RG16', (31 << 11) | (32 << 5) | 1, 0xff8208],
  ['BG16', (1 << 11) | (32 << 5) | 31, 0xff8208],
  ['XR15', (31 << 10) | (16 << 5), 0xff8400],
  ['RA15', (31 << 11) | (16 << 6) | 1, 0xff8400],
  ['XR12', 0xf80, 0xff8800],
  ['RG24', [0x33, 0x66, 0xcc], 0xcc6633],
  ['BG24', [0xcc, 0x66, 0x33], 0xcc6633],
  ['AB48', [0xcc, 0xcc, 0x66, 0x66, 0x33, 0x33, 0xff, 0xff], 0xcc6633],
];

t.test('formats', async (t) => {
  const fourcc = (name: string): number => Buffer.from(name).readUInt32LE(0);
  const desk = await SceneGuest.start();
  const { guest } = desk;
  const shm = guest.compositor.living('wl_shm')[0];
  if (shm === undefined) throw new Error('there is no wl_shm');
  for (const name of [...FORMATS.map(([each]) => each), 'AB4H'])
    guest.compositor.send(shm, 'format', [fourcc(name)]);
  const { surface } = await desk.window();
  for (const [name, pixel, color] of FORMATS) {
    const bytes = typeof pixel === 'number' ? [0, 8, 16, 24].map((shift) => (pixel >>> shift) & 255) : pixel;
    const size = typeof pixel === 'number' && !/..(24|30)/.test(name) ? 2 : bytes.length;
    const offset = desk.allocate(64);
    for (const [i, byte] of bytes.slice(0, size).entries()) desk.bytes.setUint8(offset + size + i, byte);
    desk.show(surface, guest.make(desk.pool, 'create_buffer', [offset, 2, 1, 2 * size, fourcc(name)]));
    await guest.sync();
    t.notOk(guest.ended, guest.log.join());
    same(
      t,
      first(desk).picture(),
      pictureOf(2, 1, (x) => (x === 0 ? 0 : color)),
      name,
    );
  }
  desk.show(surface, guest.make(desk.pool, 'create_buffer', [0, 2, 1, 16, fourcc('AB4H')]));
  await guest.sync();
  t.match(first(desk).obstacle, /format 0x48344241/, 'half floats are not read');
  t.equal(first(desk).picture(), null);
  t.strictSame(first(desk).size, { width: 2, height: 1 });
  desk.close();
});

scene('what a guest makes too large or too many is no picture', async (t, desk) => {
  const { guest } = desk;
  const { surface } = await desk.window();
  const viewport = guest.make(desk.viewporter, 'get_viewport', [surface]);
  guest.request(viewport, 'set_destination', [0x7fffffff, 0x7fffffff]);
  desk.show(surface, desk.buffer(2, 2, pattern(1)));
  await guest.sync();
  t.match(first(desk).obstacle, /larger than pictures can be \(2147483647 x 2147483647/);
  t.equal(first(desk).picture(), null);
  t.equal(first(desk).picture({ x: 0, y: 0, width: 1, height: 1 }), null);
  guest.request(viewport, 'set_destination', [4000, 4000]);
  const buffer = desk.buffer(2, 2, pattern(2));
  for (let i = 0; i < 5; i++) {
    const child = desk.subsurface(surface);
    const crop = guest.make(desk.viewporter, 'get_viewport', [child.surface]);
    guest.request(crop, 'set_destination', [4000, 4000]);
    desk.show(child.surface, buffer);
  }
  guest.request(surface, 'commit');
  await guest.sync();
  t.strictSame(first(desk).size, { width: 4000, height: 4000 });
  t.match(first(desk).obstacle, /too many large surfaces/);
  t.equal(first(desk).picture(), null);
  guest.request(viewport, 'set_destination', [40, 40]);
  guest.request(surface, 'set_buffer_scale', [0x7fffffff]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.match(first(desk).obstacle, /./);
});

t.test('a chain of subsurfaces as long as the policy allows', async (t) => {
  const desk = await SceneGuest.start();
  const { guest } = desk;
  const { surface } = await desk.window();
  const buffer = desk.buffer(2, 2, () => RED);
  desk.show(surface, buffer);
  let last = surface;
  for (let i = 0; i < 1000; i++) {
    const child = desk.subsurface(last);
    guest.request(child.role, 'set_position', [1, 0]);
    guest.request(child.role, 'set_desync');
    desk.show(child.surface, buffer);
    guest.request(last, 'commit');
    last = child.surface;
  }
  await guest.sync();
  t.strictSame(first(desk).size, { width: 1002, height: 2 });
  same(
    t,
    first(desk).picture(),
    pictureOf(1002, 2, () => RED),
    'all of them',
  );
  desk.close();
  t.equal(desk.blob.holds, 0);
});

t.test('dma-bufs are not read', async (t) => {
  const desk = await SceneGuest.start({ dmabuf: true });
  const { guest } = desk;
  const { surface } = await desk.window();
  const dmabuf = guest.bind(2, 'zwp_linux_dmabuf_v1');
  await guest.sync();
  const object = guest.compositor.living('zwp_linux_dmabuf_v1')[0];
  const format = Buffer.from('XR24').readUInt32LE(0);
  if (object !== undefined) guest.compositor.send(object, 'modifier', [format, 0, 0]);
  await guest.sync();
  const params = guest.make(dmabuf, 'create_params');
  const blob = new TestBlob(4096, null, () => openSync('/dev/null', 'r'));
  const open = guest.encode(params, 'add', [0, 0, 0, 32, 0, 0]);
  guest.channel.send(open, [blob.item]);
  const buffer = guest.make(params, 'create_immed', [8, 8, format, 0]);
  desk.show(surface, buffer);
  await guest.sync();
  t.notOk(guest.ended, guest.log.join());
  t.match(first(desk).obstacle, /dma-buf/);
  t.strictSame(first(desk).size, { width: 8, height: 8 });
  t.equal(first(desk).picture(), null);
  desk.close();
});

t.test('windows end with their client; their numbers go on with the next', async (t) => {
  const desk = await SceneGuest.start();
  const { surface } = await desk.window();
  desk.show(surface, desk.buffer(4, 4, pattern(1)));
  await desk.guest.sync();
  const window = first(desk);
  let told = 0;
  window.listen(() => {
    told++;
    t.equal(window.picture(), null);
  });
  desk.guest.channel.close();
  t.equal(told, 1);
  t.strictSame([desk.windows, window.size, window.obstacle], [[], null, null]);
  t.equal(desk.blob.holds, 0);
  desk.close();
});

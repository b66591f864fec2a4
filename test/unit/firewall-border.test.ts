/** Borders: where they lie, that nothing of the guest's gets over or out of them, and that they leave nothing behind. */
import fc from 'fast-check';
import t from 'tap';
import { asObject, isObject } from '../stub/compositor.js';
import {
  descriptors,
  GLOBALS,
  GuestClient,
  type GuestOptions,
  TestBlob,
  until,
} from '../stub/guest-client.js';
import { type Shown, SurfaceModel } from '../stub/surface-model.js';

const WIDTH = 4;
const BORDER = { show: 'always', color: '#123456', width: WIDTH };
/** How far something may lie outside of the border. */
const MARGIN = 64;

/** The guest's objects, and the compositor's view of what they show. */
class Desk {
  readonly guest: GuestClient;
  readonly model = new SurfaceModel();
  registry = 0;
  compositor = 0;
  subcompositor = 0;
  base = 0;
  pool = 0;
  private handled = 0;
  private serial = 100;

  constructor(options: GuestOptions = {}) {
    this.guest = new GuestClient({ ...options, policy: { border: BORDER, ...options.policy } });
    // It reads at once what it is given, as GPU renderers do.
    this.guest.compositor.on('wl_surface', 'attach', ({ values: [buffer] }) => {
      if (isObject(buffer)) this.guest.compositor.send(buffer, 'release');
    });
  }

  static async open(options: GuestOptions = {}): Promise<Desk> {
    const desk = new Desk(options);
    const { guest } = desk;
    desk.registry = await guest.start();
    desk.compositor = guest.bind(desk.registry, 'wl_compositor');
    desk.subcompositor = guest.bind(desk.registry, 'wl_subcompositor');
    desk.base = guest.bind(desk.registry, 'xdg_wm_base');
    const blob = new TestBlob(1 << 20, 0);
    desk.pool = guest.make(guest.bind(desk.registry, 'wl_shm'), 'create_pool', [0, 1 << 20], [blob.item]);
    return desk;
  }

  surface(): number {
    return this.guest.make(this.compositor, 'create_surface');
  }

  /** Attaches a buffer of that size, and commits unless told not to. */
  show(surface: number, width: number, height: number): void {
    const buffer = this.guest.make(this.pool, 'create_buffer', [0, width, height, width * 4, 1]);
    this.guest.request(surface, 'attach', [buffer, 0, 0]);
    this.guest.request(surface, 'commit');
    this.guest.request(buffer, 'destroy');
  }

  subsurface(surface: number, parent: number): number {
    return this.guest.make(this.subcompositor, 'get_subsurface', [surface, parent]);
  }

  /** A window that was configured, not shown yet. */
  async window(): Promise<{ surface: number; shell: number; toplevel: number }> {
    const surface = this.surface();
    const shell = this.guest.make(this.base, 'get_xdg_surface', [surface]);
    const toplevel = this.guest.make(shell, 'get_toplevel');
    this.guest.request(surface, 'commit');
    await this.configure(shell);
    return { surface, shell, toplevel };
  }

  async configure(shell: number): Promise<void> {
    await this.settle();
    const { guest } = this;
    const serial = ++this.serial;
    guest.compositor.send(asObject(guest.compositor.living('xdg_surface').at(-1)), 'configure', [serial]);
    await until(() => guest.events.some(({ name, values }) => name === 'configure' && values[0] === serial));
    guest.request(shell, 'ack_configure', [serial]);
  }

  /** Everything so far has reached the compositor and the model. */
  async settle(): Promise<void> {
    await this.guest.sync();
    const { requests, ended } = this.guest.compositor;
    if (ended !== null) throw ended;
    for (; this.handled < requests.length; this.handled++) {
      const request = requests[this.handled];
      if (request !== undefined) this.model.handle(request);
    }
  }

  /** What is seen of the window (or popup) that was made last, from the bottom. */
  async shown(interfaceName = 'xdg_surface'): Promise<Shown[]> {
    await this.settle();
    const made = this.guest.compositor.requests.findLast(
      ({ name, values }) => name === 'get_xdg_surface' && asObject(values[0]).interface === interfaceName,
    );
    return this.model.shown(this.model.of(asObject(made?.values[1])));
  }

  close(): void {
    this.guest.close();
  }
}

/** Objects of ours are made in version 1. */
function isOurs({ surface }: Shown): boolean {
  return surface.object.version === 1;
}

function places(shown: readonly Shown[]): number[][] {
  return shown.filter(isOurs).map(({ x, y, width, height }) => [x, y, width, height]);
}

function around(x: number, y: number, width: number, height: number): number[][] {
  return [
    [x, y, width, WIDTH],
    [x, y + height - WIDTH, width, WIDTH],
    [x, y + WIDTH, WIDTH, height - 2 * WIDTH],
    [x + width - WIDTH, y + WIDTH, WIDTH, height - 2 * WIDTH],
  ];
}

t.test('around a window, at each of its sizes, with its commits', async (t) => {
  const desk = await Desk.open();
  const { guest } = desk;
  const window = await desk.window();
  desk.show(window.surface, 100, 50);
  t.strictSame(places(await desk.shown()), around(0, 0, 100, 50));
  t.ok(
    (await desk.shown()).filter(isOurs).every(({ surface }) => surface.deaf),
    'they take no input',
  );
  desk.show(window.surface, 30, 70);
  t.strictSame(places(await desk.shown()), around(0, 0, 30, 70));
  const before = guest.compositor.requests.length;
  desk.show(window.surface, 30, 70);
  await desk.settle();
  const more = guest.compositor.requests.slice(before).map(({ name }) => name);
  t.strictSame(
    more.filter((name) => name !== 'sync'),
    ['create_buffer', 'attach', 'commit', 'destroy'],
    'a frame of the same size costs nothing',
  );
  guest.request(window.surface, 'set_buffer_scale', [2]);
  desk.show(window.surface, 60, 40);
  t.strictSame(places(await desk.shown()), around(0, 0, 30, 20), 'in logical pixels');
  guest.request(window.surface, 'set_buffer_transform', [1]);
  guest.request(window.surface, 'commit');
  t.strictSame(places(await desk.shown()), around(0, 0, 20, 30), 'turned');
  const viewporter = guest.bind(desk.registry, 'wp_viewporter');
  const viewport = guest.make(viewporter, 'get_viewport', [window.surface]);
  guest.request(viewport, 'set_destination', [200, 100]);
  t.strictSame(places(await desk.shown()), around(0, 0, 20, 30), 'not before the commit');
  guest.request(window.surface, 'commit');
  t.strictSame(places(await desk.shown()), around(0, 0, 200, 100), 'scaled');
  desk.close();
});

t.test('at the edge of what the guest calls its window, when that is believable', async (t) => {
  const desk = await Desk.open();
  const window = await desk.window();
  desk.show(window.surface, 200, 200);
  const cases = [
    [20, 30, 160, 150, around(20, 30, 160, 150), 'shadows'],
    [0, -24, 200, 224, around(0, -24, 200, 224), 'a title bar that is a subsurface'],
    [90, 90, 10, 10, around(0, 0, 200, 200), 'a corner of it'],
    [-5000, -5000, 10_000, 10_000, around(-64, -64, 328, 328), 'far more than there is'],
    [300, 0, 10, 10, around(0, 0, 200, 200), 'elsewhere'],
    [0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, around(0, 0, 200, 200), 'the largest numbers'],
    [-0x80000000, 0, 0x7fffffff, 1, around(0, 0, 200, 200), 'the smallest numbers'],
  ] as const;
  for (const [x, y, width, height, expected, what] of cases) {
    desk.guest.request(window.shell, 'set_window_geometry', [x, y, width, height]);
    desk.guest.request(window.surface, 'commit');
    t.strictSame(places(await desk.shown()), expected, what);
  }
  desk.close();
});

t.test('small windows are all border', async (t) => {
  const desk = await Desk.open();
  const window = await desk.window();
  for (const [width, height] of [
    [1, 1],
    [4, 4],
    [5, 9],
    [1, 300],
    [300, 7],
  ] as const) {
    desk.show(window.surface, width, height);
    const covered = places(await desk.shown()).reduce((sum, [, , w = 0, h = 0]) => sum + w * h, 0);
    const inner = Math.max(0, width - 2 * WIDTH) * Math.max(0, height - 2 * WIDTH);
    t.equal(covered, width * height - inner, `${width}x${height}`);
  }
  desk.close();
});

t.test("the guest's subsurfaces stay below, wherever it puts them", async (t) => {
  const desk = await Desk.open();
  const { guest } = desk;
  const window = await desk.window();
  const early = desk.surface();
  const before = desk.subsurface(early, window.surface);
  desk.show(early, 90, 40);
  desk.show(window.surface, 100, 50);
  const late = desk.surface();
  const after = desk.subsurface(late, window.surface);
  desk.show(late, 80, 30);
  guest.request(window.surface, 'commit');
  const order = async (): Promise<string[]> =>
    (await desk.shown()).map((each) => (isOurs(each) ? 'border' : `${each.width}`));
  const borders = ['border', 'border', 'border', 'border'];
  t.strictSame(await order(), ['100', '90', '80', ...borders]);
  guest.request(before, 'place_above', [late]);
  guest.request(window.surface, 'commit');
  t.strictSame(await order(), ['100', '80', '90', ...borders]);
  guest.request(after, 'place_above', [early]);
  guest.request(before, 'place_below', [window.surface]);
  guest.request(window.surface, 'commit');
  t.strictSame(await order(), ['90', '100', '80', ...borders]);
  t.equal(guest.ended, false);
  desk.close();
});

t.test('a subsurface that leaves the window has a border of its own, or is not seen', async (t) => {
  const desk = await Desk.open();
  const { guest } = desk;
  const window = await desk.window();
  desk.show(window.surface, 100, 100);
  const surface = desk.surface();
  const subsurface = desk.subsurface(surface, window.surface);
  guest.request(subsurface, 'set_desync');
  desk.show(surface, 150, 150);
  guest.request(window.surface, 'commit');
  const mine = async (): Promise<number> => (await desk.shown()).filter((each) => !isOurs(each)).length;
  t.strictSame(places(await desk.shown()), around(0, 0, 100, 100), 'within the margin: none');
  desk.show(surface, 400, 300);
  t.strictSame(places(await desk.shown()), [...around(0, 0, 400, 300), ...around(0, 0, 100, 100)]);
  desk.show(surface, 100, 100);
  t.strictSame(places(await desk.shown()), around(0, 0, 100, 100), 'small again');
  guest.request(subsurface, 'set_position', [1000, 0]);
  t.equal(await mine(), 2);
  guest.request(window.surface, 'commit');
  t.equal(await mine(), 1, 'moved away: not seen');
  guest.request(subsurface, 'place_above', [window.surface]);
  const sibling = desk.surface();
  guest.request(desk.subsurface(sibling, window.surface), 'place_above', [surface]);
  guest.request(surface, 'commit');
  guest.request(window.surface, 'commit');
  t.strictSame(places(await desk.shown()), [...around(1000, 0, 100, 100), ...around(0, 0, 100, 100)]);
  guest.request(subsurface, 'set_position', [0, 0]);
  guest.request(window.surface, 'commit');
  guest.request(surface, 'commit');
  t.strictSame(places(await desk.shown()), around(0, 0, 100, 100), 'back again');
  desk.show(window.surface, 10, 10);
  t.equal(await mine(), 1, 'the window shrinks');
  desk.show(window.surface, 100, 100);
  t.equal(await mine(), 2, 'and grows');
  t.equal(guest.ended, false);
  desk.close();
});

t.test('a subsurface of a subsurface, which moves without the window', async (t) => {
  const desk = await Desk.open();
  const { guest } = desk;
  const window = await desk.window();
  desk.show(window.surface, 100, 100);
  const [middle, inner] = [desk.surface(), desk.surface()];
  guest.request(desk.subsurface(middle, window.surface), 'set_desync');
  const subsurface = desk.subsurface(inner, middle);
  guest.request(subsurface, 'set_desync');
  desk.show(inner, 20, 20);
  desk.show(middle, 50, 50);
  guest.request(window.surface, 'commit');
  const mine = async (): Promise<number> => (await desk.shown()).filter((each) => !isOurs(each)).length;
  t.equal(await mine(), 3);
  guest.request(subsurface, 'set_position', [1000, 0]);
  guest.request(middle, 'commit');
  t.equal(await mine(), 2, 'away with the commit of what it lies on: not seen');
  guest.request(inner, 'commit');
  guest.request(middle, 'commit');
  const all = [...around(1000, 0, 20, 20), ...around(0, 0, 100, 100)];
  t.strictSame(places(await desk.shown()), all, 'with a border again');
  guest.request(subsurface, 'set_position', [0, 0]);
  guest.request(inner, 'commit');
  t.strictSame(places(await desk.shown()), all, 'as long as it is away');
  guest.request(middle, 'commit');
  guest.request(inner, 'commit');
  t.strictSame(places(await desk.shown()), around(0, 0, 100, 100));
  desk.close();
});

t.test('popups have one; cursors, drag icons and surfaces without a role have none', async (t) => {
  const desk = await Desk.open();
  const { guest } = desk;
  const window = await desk.window();
  desk.show(window.surface, 100, 50);
  const positioner = guest.make(desk.base, 'create_positioner');
  guest.request(positioner, 'set_size', [10, 10]);
  guest.request(positioner, 'set_anchor_rect', [0, 0, 1, 1]);
  const surface = desk.surface();
  const shell = guest.make(desk.base, 'get_xdg_surface', [surface]);
  guest.make(shell, 'get_popup', [window.shell, positioner]);
  guest.request(surface, 'commit');
  await desk.configure(shell);
  desk.show(surface, 60, 40);
  t.strictSame(places(await desk.shown('xdg_surface')), around(0, 0, 60, 40));
  const own = (): number =>
    guest.compositor.living('wl_surface').filter(({ version }) => version === 1).length;
  t.equal(own(), 8);
  const pointer = guest.make(guest.bind(desk.registry, 'wl_seat'), 'get_pointer');
  const cursor = desk.surface();
  guest.request(pointer, 'set_cursor', [1, cursor, 0, 0]);
  desk.show(cursor, 32, 32);
  desk.show(desk.surface(), 32, 32);
  await desk.settle();
  t.equal(own(), 8);
  desk.close();
});

t.test('nothing stays behind: neither after a thousand sizes nor after the window', async (t) => {
  const fds = descriptors();
  const desk = await Desk.open();
  const { guest } = desk;
  const living = (): number => guest.compositor.living('wl_surface').length;
  const window = await desk.window();
  for (let size = 1; size <= 1000; size++) desk.show(window.surface, size, 1001 - size);
  t.strictSame(places(await desk.shown()), [[0, 0, 1000, 1]], 'one pixel high');
  t.equal(living(), 5);
  await until(() => guest.compositor.living('wl_buffer').length === 0, 'buffers to go');
  guest.request(window.surface, 'attach', [0, 0, 0]);
  guest.request(window.surface, 'commit');
  t.strictSame(await desk.shown(), [], 'hidden');
  await desk.configure(window.shell);
  desk.show(window.surface, 64, 64);
  t.strictSame(places(await desk.shown()), around(0, 0, 64, 64), 'shown again');
  guest.request(window.toplevel, 'destroy');
  guest.request(window.shell, 'destroy');
  guest.request(window.surface, 'destroy');
  await desk.settle();
  t.equal(living(), 0);
  t.equal(guest.compositor.living('wl_subsurface').length, 0);
  t.equal(guest.compositor.living('wl_region').length, 0);
  desk.close();
  t.equal(descriptors(), fds);
});

t.test('auto: none where the compositor knows whose window it is', async (t) => {
  const policy = { border: { show: 'auto' } };
  const restricted = await Desk.open({ policy, restricted: true });
  const window = await restricted.window();
  restricted.show(window.surface, 100, 50);
  t.strictSame(places(await restricted.shown()), []);
  t.equal(restricted.guest.compositor.all('create_pool').length, 1, "the guest's");
  restricted.close();
  const open = await Desk.open({ policy });
  const other = await open.window();
  open.show(other.surface, 100, 50);
  t.equal(places(await open.shown()).length, 4);
  open.close();
});

t.test(
  'what the policy keeps from the guest is still used for the border; what is not there ends it',
  async (t) => {
    const hidden = new GuestClient({ policy: { border: BORDER, globals: { wl_subcompositor: false } } });
    await hidden.start();
    t.notOk(hidden.globals.has('wl_subcompositor'));
    t.ok(
      hidden.compositor
        .all('bind')
        .some(({ values }) => asObject(values[1]).interface === 'wl_subcompositor'),
    );
    hidden.close();
    const globals = GLOBALS.filter(([name]) => name !== 'wl_subcompositor');
    const without = new GuestClient({ policy: { border: BORDER }, globals });
    await until(() => without.ended, 'the end');
    t.match(without.log, [/compositor: .*no wl_subcompositor, of which the policy's border is made/]);
    without.close();
  },
);

/** What a hostile guest does with four surfaces, of which the first is its window. */
type Step =
  | { readonly do: 'show'; readonly surface: number; readonly width: number; readonly height: number }
  | {
      readonly do: 'commit' | 'null' | 'join' | 'leave' | 'sync' | 'desync';
      readonly surface: number;
      readonly other: number;
    }
  | { readonly do: 'move'; readonly surface: number; readonly x: number; readonly y: number }
  | { readonly do: 'above' | 'below'; readonly surface: number; readonly other: number }
  | {
      readonly do: 'geometry';
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    };

const SURFACES = 4;
const surfaceIndex = fc.nat(SURFACES - 1);
const length = fc.constantFrom(1, 9, 60, 130, 300);
const place = fc.constantFrom(-1000, -70, 0, 30, 100, 2000);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('show' as const), surface: surfaceIndex, width: length, height: length }),
  fc.record({
    do: fc.constantFrom(
      ...(['commit', 'commit', 'commit', 'commit', 'join', 'leave', 'sync', 'desync'] as const),
    ),
    surface: surfaceIndex,
    other: surfaceIndex,
  }),
  fc.record({ do: fc.constant('move' as const), surface: surfaceIndex, x: place, y: place }),
  fc.record({
    do: fc.constantFrom('above' as const, 'below' as const),
    surface: surfaceIndex,
    other: surfaceIndex,
  }),
  fc.record({ do: fc.constant('geometry' as const), x: place, y: place, width: length, height: length }),
);

/** Makes the requests of a step that is allowed now. */
class Hostile {
  readonly surfaces: number[];
  private readonly desk: Desk;
  private readonly shell: number;
  private readonly parents: (number | null)[] = Array.from({ length: SURFACES }, () => null);
  private readonly subsurfaces: number[] = [];

  constructor(desk: Desk, window: { surface: number; shell: number }) {
    this.desk = desk;
    this.shell = window.shell;
    this.surfaces = [window.surface, ...Array.from({ length: SURFACES - 1 }, () => desk.surface())];
  }

  /** A pile of subsurfaces that move by themselves. */
  pile(): void {
    for (let surface = 1; surface < SURFACES - 1; surface++) {
      this.take({ do: 'join', surface, other: surface - 1 });
      this.take({ do: 'desync', surface, other: 0 });
      this.take({ do: 'show', surface, width: 60, height: 60 });
    }
    this.take({ do: 'commit', surface: 0, other: 0 });
  }

  take(step: Step): void {
    const { desk } = this;
    if (step.do === 'geometry') {
      desk.guest.request(this.shell, 'set_window_geometry', [step.x, step.y, step.width, step.height]);
      return;
    }
    const surface = this.surfaces[step.surface] ?? 0;
    const subsurface = this.subsurfaces[step.surface] ?? 0;
    const parent = this.parents[step.surface] ?? null;
    if (step.do === 'show') desk.show(surface, step.width, step.height);
    else if (step.do === 'commit') desk.guest.request(surface, 'commit');
    else if (step.do === 'join') this.join(step.surface, step.other);
    else if (parent === null) return;
    else if (step.do === 'move') desk.guest.request(subsurface, 'set_position', [step.x, step.y]);
    else if (step.do === 'leave') {
      desk.guest.request(subsurface, 'destroy');
      this.parents[step.surface] = null;
    } else if (step.do === 'sync' || step.do === 'desync') {
      desk.guest.request(subsurface, `set_${step.do}`);
    } else this.restack(step.do, step.surface, step.other);
  }

  private join(child: number, parent: number): void {
    if (child === 0 || this.parents[child] !== null) return;
    for (let above: number | null = parent; above !== null; above = this.parents[above] ?? null) {
      if (above === child) return;
    }
    const [surface = 0, target = 0] = [this.surfaces[child], this.surfaces[parent]];
    this.subsurfaces[child] = this.desk.subsurface(surface, target);
    this.parents[child] = parent;
  }

  private restack(how: string, child: number, other: number): void {
    const parent = this.parents[child];
    if (other === child || (other !== parent && this.parents[other] !== parent)) return;
    this.desk.guest.request(this.subsurfaces[child] ?? 0, `place_${how}`, [this.surfaces[other] ?? 0]);
  }
}

/** The window's own border is the uppermost; whatever reaches far beyond it has one of its own. */
function complaint(shown: readonly Shown[], root: Shown['surface']): string | null {
  const window = shown.find(({ surface }) => surface === root);
  if (window === undefined) return shown.length === 0 ? null : 'something is seen without its window';
  const edges = shown.slice(-4).filter((each) => isOurs(each) && each.surface.parent === root);
  const own = shown.filter(({ surface }) => isEdgeOf(surface, root));
  if (own.length === 0 || own.length > 4 || edges.length !== own.length) return 'the border is not on top';
  const [left, top] = [Math.min(...own.map(({ x }) => x)), Math.min(...own.map(({ y }) => y))];
  const right = Math.max(...own.map(({ x, width }) => x + width));
  const bottom = Math.max(...own.map(({ y, height }) => y + height));
  for (const each of shown.filter((candidate) => !isOurs(candidate))) {
    const beyond = Math.max(
      left - each.x,
      top - each.y,
      each.x + each.width - right,
      each.y + each.height - bottom,
    );
    if (beyond <= MARGIN) continue;
    const mine = shown.filter(({ surface }) => isEdgeOf(surface, each.surface));
    const covers = mine.some(({ x, y, width }) => x === each.x && y === each.y && width === each.width);
    if (!covers) return `${each.width}x${each.height} at ${each.x},${each.y} is ${beyond} pixels outside`;
  }
  return null;
}

function isEdgeOf(surface: Shown['surface'], of: Shown['surface']): boolean {
  return surface.object.version === 1 && surface.parent === of;
}

t.test('whatever a guest does: no error, nothing over or out of the border', async (t) => {
  const fds = descriptors();
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 1, maxLength: 60 }), async (steps) => {
      const desk = await Desk.open();
      try {
        const window = await desk.window();
        desk.show(window.surface, 130, 130);
        const [root] = await desk.shown();
        if (root === undefined) throw new Error('no window');
        const hostile = new Hostile(desk, window);
        hostile.pile();
        for (const step of steps) {
          hostile.take(step);
          const problem = complaint(await desk.shown(), root.surface);
          if (problem !== null) throw new Error(`after ${JSON.stringify(step)}: ${problem}`);
        }
        if (desk.guest.ended) throw new Error(desk.guest.log.join('; '));
      } finally {
        desk.close();
      }
    }),
    { numRuns: 150 },
  );
  t.equal(descriptors(), fds);
});

/** Input of the windows: what a compositor's seats say, and what the guest gets to know of it. */
import t from 'tap';
import { asObject, type StubObject, type StubValue } from '../stub/compositor.js';
import { arrayOf, DESKTOP_GLOBALS } from '../stub/desktop.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';
import { type SceneOptions, WindowScene } from './windows-support.js';

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

const [POINTER, KEYBOARD, TOUCH] = [1, 2, 4];
const [CTRL, ALT, TAB, A, F, G] = [29, 56, 15, 30, 33, 34];
const [LEFT, RIGHT, MIDDLE] = [0x110, 0x111, 0x112];

/** A window with a picture of 64x48, and a seat with everything. */
class InputScene {
  readonly scene: WindowScene;
  seat!: StubObject;
  pointer!: StubObject;
  keyboard!: StubObject;
  touch!: StubObject;
  surface!: StubObject;
  private serial = 1000;

  private constructor(options: SceneOptions) {
    this.scene = new WindowScene(options);
  }

  static async open(options: SceneOptions = {}): Promise<InputScene> {
    const made = new InputScene(options);
    const { surface } = await made.scene.open();
    made.surface = surface.object;
    const [seat] = made.stub.living('wl_seat');
    made.seat = asObject(seat);
    made.stub.send(made.seat, 'capabilities', [POINTER | KEYBOARD | TOUCH]);
    await until(() => made.stub.living('wl_touch').length === 1, 'devices');
    made.pointer = asObject(made.stub.living('wl_pointer')[0]);
    made.keyboard = asObject(made.stub.living('wl_keyboard')[0]);
    made.touch = asObject(made.stub.living('wl_touch')[0]);
    return made;
  }

  get stub() {
    return this.scene.desktop.stub;
  }

  /** What the guest heard of, once all that was sent is handled. */
  async heard(): Promise<string[]> {
    await this.scene.settle();
    return this.scene.input.take();
  }

  focus(keys: readonly number[] = []): void {
    this.stub.send(this.keyboard, 'enter', [this.serial++, this.surface, arrayOf(keys)]);
  }

  key(code: number, state: number): void {
    this.stub.send(this.keyboard, 'key', [this.serial++, 0, code, state]);
  }

  press(...codes: number[]): void {
    for (const code of codes) this.key(code, 1);
  }

  release(...codes: number[]): void {
    for (const code of codes) this.key(code, 0);
  }

  point(event: string, ...values: StubValue[]): void {
    this.stub.send(this.pointer, event, values);
  }

  enter(x = 0, y = 0): void {
    this.point('enter', this.serial++, this.surface, x, y);
    this.point('frame');
  }

  button(code: number, state: number): void {
    this.point('button', this.serial++, 0, code, state);
    this.point('frame');
  }

  /** The newest request of that name. */
  last(name: string): readonly StubValue[] {
    return this.stub.all(name).at(-1)?.values ?? [];
  }

  close(): void {
    this.scene.close();
  }
}

t.test('keys: codes as they come, no repeats, all up when the focus goes', async (t) => {
  const it = await InputScene.open();
  it.press(A);
  t.same(await it.heard(), [], 'nothing without the focus');
  it.focus();
  it.press(A);
  it.key(A, 2);
  it.press(1000);
  it.release(A, TAB);
  t.same(await it.heard(), ['key 30 1', 'frame', 'key 30 0', 'frame']);
  it.press(A);
  it.stub.send(it.keyboard, 'leave', [1, it.surface]);
  it.release(A);
  t.same(await it.heard(), ['key 30 1', 'frame', 'key 30 0', 'frame', 'release all']);
  it.close();
});

t.test(
  'keys that are held when the focus comes: modifiers count from the next key on, others never',
  async (t) => {
    const it = await InputScene.open();
    it.focus([ALT, TAB]);
    it.release(TAB, ALT);
    t.same(await it.heard(), [], 'Alt+Tab to the window is no business of the guest');
    it.focus([CTRL, TAB]);
    await it.heard();
    it.press(A);
    it.release(A, TAB, CTRL);
    t.same(
      (await it.heard()).filter((event) => event !== 'frame'),
      ['key 29 1', 'key 30 1', 'key 30 0', 'key 29 0'],
    );
    it.focus([CTRL]);
    it.enter();
    await it.heard();
    it.button(LEFT, 1);
    t.same(await it.heard(), ['key 29 1', 'button 272 1', 'frame'], 'or the next button');
    it.close();
  },
);

t.test('locks', async (t) => {
  const it = await InputScene.open();
  const modifiers = (locked: number): void => it.stub.send(it.keyboard, 'modifiers', [1, 5, 0, locked, 0]);
  modifiers(2);
  it.focus();
  modifiers(2);
  modifiers(2);
  modifiers(0x10);
  modifiers(0x81);
  t.same(await it.heard(), ['locked 1 0', 'locked 0 1', 'locked 0 0']);
  it.close();
});

t.test('the pointer: places in the picture, buttons, frames', async (t) => {
  const it = await InputScene.open();
  it.enter(16, 24);
  t.same(await it.heard(), ['at 0.25 0.5', 'frame']);
  it.point('motion', 0, 64, 48);
  it.point('motion', 0, -3, 1000);
  t.same(await it.heard(), ['at 1 1', 'at 0 1'], 'clipped to the picture');
  it.point('frame');
  it.button(LEFT, 1);
  it.button(LEFT, 0);
  it.button(RIGHT, 0);
  t.same(await it.heard(), ['frame', 'button 272 1', 'frame', 'button 272 0', 'frame']);
  it.button(MIDDLE, 1);
  it.point('leave', 1, it.surface);
  it.point('frame');
  it.point('motion', 0, 1, 1);
  t.same(await it.heard(), ['button 274 1', 'frame', 'button 274 0', 'frame'], 'nothing stays pressed');
  it.close();
});

t.test('wheels: fine steps, or whole ones, or distances, each in its direction', async (t) => {
  const it = await InputScene.open();
  it.enter();
  await it.heard();
  const [VERTICAL, HORIZONTAL] = [0, 1];
  it.point('axis_source', 0);
  it.point('axis_value120', VERTICAL, 30);
  it.point('axis', 0, VERTICAL, 3.75);
  it.point('axis_value120', HORIZONTAL, -120);
  it.point('axis', 0, HORIZONTAL, -15);
  it.point('frame');
  t.same(await it.heard(), ['scroll vertical -30', 'scroll horizontal -120', 'frame']);
  it.point('axis', 0, VERTICAL, -2.5);
  it.point('axis_stop', 0, VERTICAL);
  it.point('frame');
  it.point('axis_stop', 0, VERTICAL);
  it.point('frame');
  t.same(await it.heard(), ['scroll vertical 30', 'frame'], 'a finger');
  it.point('axis', 0, 7, 5);
  it.point('frame');
  t.same(await it.heard(), [], 'no such axis');
  it.close();

  const globals = DESKTOP_GLOBALS.map(([name, version]) => [name, name === 'wl_seat' ? 5 : version] as const);
  const old = await InputScene.open({ globals });
  old.enter();
  await old.heard();
  old.point('axis_discrete', VERTICAL, 2);
  old.point('axis', 0, VERTICAL, 20);
  old.point('frame');
  t.same(await old.heard(), ['scroll vertical -240', 'frame'], 'version 5');
  old.close();

  const oldest = DESKTOP_GLOBALS.map(([name, version]) => [name, name === 'wl_seat' ? 1 : version] as const);
  const ancient = await InputScene.open({ globals: oldest });
  ancient.point('enter', 1, ancient.surface, 0, 0);
  ancient.point('axis', 0, VERTICAL, 10);
  ancient.point('button', 2, 0, LEFT, 1);
  t.same(
    await ancient.heard(),
    ['at 0 0', 'frame', 'scroll vertical -120', 'frame', 'button 272 1', 'frame'],
    'version 1 has no frames',
  );
  ancient.close();
});

t.test('fingers', async (t) => {
  const it = await InputScene.open();
  const touch = (event: string, ...values: StubValue[]): void => it.stub.send(it.touch, event, values);
  touch('down', 1, 0, it.surface, 70, 32, 24);
  touch('down', 2, 0, it.surface, 5, 0, 0);
  touch('frame');
  t.same(await it.heard(), ['touch 0 0.5 0.5', 'touch 1 0 0', 'frame']);
  touch('motion', 0, 5, 64, 48);
  touch('motion', 0, 6, 1, 1);
  touch('up', 3, 0, 70);
  touch('frame');
  t.same(await it.heard(), ['touch 1 1 1', 'lift 0', 'frame']);
  touch('down', 4, 0, it.surface, 71, 0, 0);
  touch('frame');
  t.same(await it.heard(), ['touch 0 0 0', 'frame'], 'the slot is used again');
  touch('cancel');
  t.same((await it.heard()).sort(), ['frame', 'lift 0', 'lift 1']);
  for (let id = 0; id < 20; id++) touch('down', 1, 0, it.surface, id, 0, 0);
  touch('frame');
  t.equal((await it.heard()).length, 17, 'sixteen fingers');
  it.close();
});

t.test('chords: fullscreen, grab, move, resize, menu; the guest sees none of it', async (t) => {
  const it = await InputScene.open();
  it.focus();
  it.enter(60, 44);
  await it.heard();
  it.press(CTRL, ALT, F);
  t.same(await it.heard(), [
    ...['key 29 1', 'frame', 'key 56 1', 'frame'],
    ...['key 29 0', 'key 56 0', 'frame'],
  ]);
  t.ok(it.scene.shown.fullscreenWanted);
  it.release(F);
  const FULLSCREEN = 2;
  it.scene.shown.configure(800, 600, [FULLSCREEN]);
  await it.scene.settle();
  it.press(F);
  await it.heard();
  t.notOk(it.scene.shown.fullscreenWanted, 'and back');
  it.release(F);
  it.scene.shown.configure(0, 0);
  await it.scene.settle();
  it.point('motion', 0, 60, 44);
  it.point('frame');
  await it.heard();
  it.button(LEFT, 1);
  it.button(LEFT, 0);
  t.same(await it.heard(), []);
  t.equal(it.last('move')[0], it.seat);
  it.button(RIGHT, 1);
  await it.scene.settle();
  const BOTTOM_RIGHT = 10;
  t.equal(it.last('resize')[2], BOTTOM_RIGHT);
  it.button(MIDDLE, 1);
  await it.scene.settle();
  t.same(it.last('show_window_menu').slice(2), [60, 44]);
  t.same(await it.heard(), []);
  it.press(A);
  t.same(await it.heard(), ['key 29 1', 'key 56 1', 'key 30 1', 'frame'], 'Ctrl and Alt are still held');
  it.release(A, ALT, CTRL);
  await it.heard();
  it.press(F);
  t.same(await it.heard(), ['key 33 1', 'frame'], 'just a key');
  it.close();
});

t.test('grab: the pointer is locked, movement is not accelerated, shortcuts are inhibited', async (t) => {
  const it = await InputScene.open();
  it.focus();
  it.enter();
  it.press(CTRL, ALT, G);
  await it.heard();
  const lock = asObject(it.stub.living('zwp_locked_pointer_v1')[0]);
  const relative = asObject(it.stub.living('zwp_relative_pointer_v1')[0]);
  t.equal(it.last('inhibit_shortcuts')[2], it.seat);
  t.equal(it.stub.living('zwp_keyboard_shortcuts_inhibitor_v1').length, 1);
  it.release(G, ALT, CTRL);
  it.stub.send(relative, 'relative_motion', [0, 0, 9, 9, 1.5, -2]);
  t.same(await it.heard(), [], 'not locked yet');
  it.stub.send(lock, 'locked');
  it.stub.send(relative, 'relative_motion', [0, 0, 9, 9, 1.5, -2]);
  it.point('motion', 0, 5, 5);
  it.point('frame');
  t.same(await it.heard(), ['by 1.5 -2', 'frame']);
  it.press(CTRL, ALT, G);
  await it.heard();
  t.same(it.stub.living('zwp_locked_pointer_v1'), []);
  t.same(it.stub.living('zwp_relative_pointer_v1'), []);
  t.same(it.stub.living('zwp_keyboard_shortcuts_inhibitor_v1'), []);
  it.release(G);
  it.press(G);
  await it.heard();
  t.equal(it.stub.living('zwp_locked_pointer_v1').length, 1);
  it.stub.send(it.keyboard, 'leave', [1, it.surface]);
  await it.heard();
  t.same(it.stub.living('zwp_locked_pointer_v1'), [], 'it ends with the focus');
  it.close();
});

t.test('a relative guest: a click takes the pointer, and is not told', async (t) => {
  const it = await InputScene.open();
  it.scene.input.pointer = 'relative';
  it.focus();
  it.enter();
  it.point('motion', 0, 5, 5);
  it.point('axis', 0, 0, 10);
  it.point('frame');
  t.same(await it.heard(), []);
  it.button(LEFT, 1);
  it.button(LEFT, 0);
  t.same(await it.heard(), []);
  const lock = asObject(it.stub.living('zwp_locked_pointer_v1')[0]);
  it.stub.send(lock, 'locked');
  it.button(LEFT, 1);
  it.button(LEFT, 0);
  t.same(await it.heard(), ['button 272 1', 'frame', 'button 272 0', 'frame']);
  it.stub.send(lock, 'unlocked');
  await it.heard();
  t.notOk(lock.alive);
  it.button(RIGHT, 1);
  await it.heard();
  t.equal(it.stub.living('zwp_locked_pointer_v1').length, 1, 'the next click takes it again');
  it.close();

  const globals = DESKTOP_GLOBALS.filter(([name]) => !name.startsWith('zwp_'));
  const plain = await InputScene.open({ globals });
  plain.scene.input.pointer = 'relative';
  plain.enter(10, 10);
  plain.button(LEFT, 1);
  plain.button(LEFT, 0);
  plain.point('motion', 0, 13, 9);
  plain.point('frame');
  t.same(await plain.heard(), ['by 3 -1', 'frame'], 'without the protocols: the way over the window');
  plain.close();
});

t.test('seats and devices come and go', async (t) => {
  const it = await InputScene.open();
  it.focus();
  it.enter();
  it.press(A);
  await it.heard();
  it.stub.send(it.seat, 'capabilities', [POINTER]);
  t.same(await it.heard(), ['key 30 0', 'frame', 'release all'], 'the keyboard was unplugged');
  t.same(it.stub.living('wl_keyboard'), []);
  t.same(it.stub.living('wl_touch'), []);
  it.stub.send(it.seat, 'capabilities', [POINTER | KEYBOARD]);
  await until(() => it.stub.living('wl_keyboard').length === 1, 'a keyboard again');
  const [first] = it.stub.living('wl_keyboard');
  const global = it.stub.addGlobal('wl_seat', 7);
  await until(() => it.stub.living('wl_seat').length === 2, 'a second seat');
  const second = asObject(it.stub.living('wl_seat').find((seat) => seat !== it.seat));
  it.stub.send(second, 'capabilities', [KEYBOARD]);
  await until(() => it.stub.living('wl_keyboard').length === 2, 'its keyboard');
  const other = asObject(it.stub.living('wl_keyboard').find((keyboard) => keyboard !== first));
  it.keyboard = asObject(first);
  it.focus();
  it.stub.send(other, 'enter', [1, it.surface, arrayOf([])]);
  it.stub.send(other, 'key', [1, 0, A, 1]);
  await it.heard();
  it.stub.send(it.keyboard, 'leave', [1, it.surface]);
  t.same(await it.heard(), [], 'the other user goes on');
  it.stub.removeGlobal(global);
  t.same(await it.heard(), ['key 30 0', 'frame', 'release all']);
  t.notOk(second.alive, 'released');
  it.close();
});

t.test('a window or a compositor that goes takes its input with it', async (t) => {
  const it = await InputScene.open();
  it.focus();
  it.enter();
  it.press(A);
  it.button(LEFT, 1);
  it.stub.send(it.touch, 'down', [1, 0, it.surface, 1, 0, 0]);
  await it.heard();
  it.stub.close();
  await until(() => it.scene.states.at(-1) === null, 'the end');
  const events = it.scene.input.take();
  for (const event of ['key 30 0', 'button 272 0', 'lift 0', 'release all'])
    t.ok(events.includes(event), event);
  it.close();

  const other = await InputScene.open();
  other.focus();
  other.enter();
  other.press(A, CTRL, ALT, G);
  await other.heard();
  other.scene.window.destroy();
  t.ok((await other.heard()).includes('release all'));
  t.same(other.stub.living('zwp_locked_pointer_v1'), []);
  other.key(A, 0);
  other.point('motion', 0, 1, 1);
  other.point('frame');
  t.same(await other.heard(), []);
  t.equal(other.stub.ended, null);
  other.close();
});

const PIXELS = new Uint8Array(8 * 8 * 4).fill(0x80);

t.test("the guest's cursor is the pointer over the window", async (t) => {
  const it = await InputScene.open();
  it.enter();
  await it.scene.settle();
  t.equal(it.last('set_cursor')[1], null, 'hidden before the guest has one');
  const { window } = it.scene;
  window.setCursor({ width: 8, height: 8, pixels: PIXELS, hotX: 2, hotY: 3 });
  await it.scene.settle();
  const [, image, ...hot] = it.last('set_cursor');
  t.same(hot, [2, 3]);
  const surface = it.scene.desktop.surface(image);
  t.same(surface.buffer?.place, [0, 8, 8, 32, 0]);
  t.same(surface.destination, [8, 8]);
  t.equal(it.stub.all('create_pool').length, 2, 'a pool of its own');
  window.setCursor({ width: 4, height: 4, pixels: PIXELS, hotX: 0, hotY: 0 });
  await it.scene.settle();
  t.notSame(surface.buffer?.place[0], 0, 'the slot on the screen is not written');
  const { commits } = surface;
  window.setCursor({ width: 2, height: 2, pixels: PIXELS, hotX: 1, hotY: 1 });
  window.setCursor({ width: 1, height: 1, pixels: PIXELS, hotX: 1, hotY: 1 });
  await it.scene.settle();
  t.equal(surface.commits, commits, 'both slots are held');
  surface.release();
  await until(() => surface.commits === commits + 1, 'room');
  t.same(surface.buffer?.place, [0, 1, 1, 4, 0], 'the newest image');
  window.setCursor(null);
  await it.scene.settle();
  t.equal(it.last('set_cursor')[1], null);
  const count = it.stub.all('set_cursor').length;
  it.point('leave', 1, it.surface);
  it.point('frame');
  await it.scene.settle();
  window.setCursor({ width: 8, height: 8, pixels: PIXELS, hotX: 2, hotY: 3 });
  await it.scene.settle();
  t.equal(it.stub.all('set_cursor').length, count, 'only over the window');
  for (const bad of [{ width: 300 }, { height: 0 }, { width: 9 }]) {
    t.throws(
      () => window.setCursor({ width: 8, height: 8, pixels: PIXELS, hotX: 0, hotY: 0, ...bad }),
      RangeError,
    );
  }
  it.close();
});

t.test('while the pointer is locked, the cursor is where the guest has it', async (t) => {
  const it = await InputScene.open();
  const { window } = it.scene;
  const { surface } = it.scene.shown;
  it.focus();
  it.enter();
  window.setCursor({ width: 8, height: 8, pixels: PIXELS, hotX: 2, hotY: 3 });
  window.moveCursor(30, 20);
  await it.scene.settle();
  t.equal(it.stub.all('set_position').length, 0);
  it.press(CTRL, ALT, G);
  await it.scene.settle();
  it.stub.send(asObject(it.stub.living('zwp_locked_pointer_v1')[0]), 'locked');
  await it.scene.settle();
  t.equal(it.last('set_cursor')[1], null, 'not the pointer');
  t.same(it.last('set_position'), [30, 20]);
  const cursor = it.scene.desktop.surface(it.last('get_subsurface')[1]);
  t.same(cursor.buffer?.place, [0, 8, 8, 32, 0]);
  const { commits } = surface;
  for (let x = 0; x < 50; x++) window.moveCursor(x, 20);
  await it.scene.settle();
  window.moveCursor(50, 21);
  await it.scene.settle();
  t.equal(surface.commits, commits, 'it waits for the frame callback');
  surface.done();
  await until(() => surface.commits === commits + 1, 'the commit');
  await it.scene.settle();
  t.same(it.last('set_position'), [50, 21]);
  t.equal(cursor.commits, 1, 'the image is the same');
  surface.done();
  it.press(G);
  await it.scene.settle();
  t.equal(cursor.buffer, null, 'and gone with the lock');
  t.not(it.last('set_cursor')[1], null);
  it.close();
});

t.test('the cursor has the scale of the picture', async (t) => {
  const it = await InputScene.open();
  it.enter();
  it.scene.window.setCursor({ width: 8, height: 8, pixels: PIXELS, hotX: 4, hotY: 2 });
  await it.scene.settle();
  const fraction = asObject(it.stub.living('wp_fractional_scale_v1')[0]);
  it.stub.send(fraction, 'preferred_scale', [240]);
  await it.scene.settle();
  const [, image, ...hot] = it.last('set_cursor');
  t.same(hot, [2, 1]);
  t.same(it.scene.desktop.surface(image).destination, [4, 4]);
  t.same(it.scene.shown.surface.destination, [32, 24]);
  it.close();
});

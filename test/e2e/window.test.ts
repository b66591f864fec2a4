/**
 * The guest's screen as a window: one machine, whose window is shown by weston 10, a current weston and sway, one after
 * the other (each is killed, so the window also has to come back three times). What the compositor shows is compared
 * with what the guest drew, pixel for pixel.
 */
import t, { type Test } from 'tap';
import { checkAnimation } from './harness/animation.js';
import { BlobTest } from './harness/blob-test.js';
import { type CompositorProgram, HostCompositor } from './harness/compositor.js';
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { InputTest, inputPicture } from './harness/input-test.js';
import { picture, pictureColor } from './harness/pattern.js';
import { computed } from './harness/picture.js';
import { BACKGROUND, sway, swayCommand } from './harness/sway.js';
import { VirtualSeat } from './harness/virtual-seat.js';
import { weston } from './harness/weston.js';
import { type WindowMachine, withWindowMachine } from './harness/window-machine.js';

const SIZE = { width: 800, height: 600 };
const COMPOSITORS: readonly CompositorProgram[] = [
  // (Without a seat, kiosk-shell of weston 10 never brings a window to the front.)
  weston({ version: '10', ...SIZE, shell: 'desktop' }),
  weston({ version: 'current', ...SIZE }),
  sway(SIZE),
];
const ANIMATION_FRAMES = 60;

const CAPSET_CROSS_DOMAIN = 5;
/** Every way of copying that there is. */
const COPY_COUNTERS = [
  ['device', 'transferBytes'],
  ['device', 'shadowBytes'],
  ['device', 'swapBytes'],
  ['windows', 'stagedBytes'],
] as const;

const EV_KEY = 1;
const EV_ABS = 3;
const KEY_A = 30;
const KEY_S = 31;
const BTN_LEFT = 0x110;

async function checkConsole({ qemu, compositor }: WindowMachine): Promise<void> {
  await writeConsole(qemu.guest, 'a window\r\n\x1b[32mgreen \x1b[41mon red\x1b[0m');
  await compositor.waitForScreen(
    `window-${compositor.name}-console`,
    await consolePicture(qemu.guest, SIZE.width, SIZE.height),
  );
}

async function checkPictures(t: Test, { qemu, compositor }: WindowMachine): Promise<void> {
  const { width, height } = SIZE;
  const name = `window-${compositor.name}`;
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, width, height, 1);
  await compositor.waitForScreen(`${name}-picture`, picture(width, height, 1));
  await drm.dirty(0, 301, 203, 57, 91, 2);
  const inside = (x: number, y: number): boolean => x >= 301 && x < 358 && y >= 203 && y < 294;
  const partly = computed(width, height, (x, y) => pictureColor(x, y, inside(x, y) ? 2 : 1));
  await compositor.waitForScreen(`${name}-part`, partly);
  await drm.flip(0, 1, 3);
  await compositor.waitForScreen(`${name}-flip`, picture(width, height, 3));
  const animation = { name: `${name}-animation`, ...SIZE, frames: ANIMATION_FRAMES, seed: 3 };
  await checkAnimation(t, compositor, animation, drm.flip(0, ANIMATION_FRAMES, 3));
  await drm.quit();
}

/** Blobs in the shared memory: nobody copies a byte. */
async function checkBlobs(t: Test, { qemu, compositor, backEnd }: WindowMachine): Promise<void> {
  const { width, height } = SIZE;
  const blobs = await BlobTest.start(qemu.guest);
  await blobs.context(CAPSET_CROSS_DOMAIN, 2, 2);
  await blobs.init(0);
  const { blobId } = await blobs.image(width, height, 'XR24');
  for (const slot of [0, 1, 2]) {
    await blobs.create(slot, 'host', blobId, width * height * 4);
    await blobs.frame(slot, width, height);
  }
  await blobs.show(0, 10);
  await compositor.waitForScreen('window-blob', picture(width, height, 10));
  // Each is on the screen before the next is drawn. (Linux waits for no flush of such a buffer: a guest that is faster
  // than the compositor gets copies.)
  const before = await backEnd.status();
  for (const [i, slot] of [1, 2, 0, 1, 2, 0].entries()) {
    await blobs.show(slot, 11 + i);
    await compositor.waitForScreen('window-blob-next', picture(width, height, 11 + i));
  }
  const after = await backEnd.status();
  for (const [part, counter] of COPY_COUNTERS) {
    t.equal(after[part]?.[counter], before[part]?.[counter], `${part}: ${counter} did not move`);
  }
  t.ok((after.windows?.directFrames ?? 0) > (before.windows?.directFrames ?? 0));
  await blobs.animate([1, 2, 0], ANIMATION_FRAMES, 20);
  await compositor.waitForScreen('window-blob-last', picture(width, height, 19 + ANIMATION_FRAMES));
  for (const slot of [0, 1, 2]) await blobs.close(slot);
  await blobs.quit();
}

/** The compositor chooses the window's size, then the guest does. */
async function checkSizes(t: Test, { qemu, compositor }: WindowMachine): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, SIZE.width, SIZE.height, 5);
  await swayCommand(compositor, 'output HEADLESS-1 resolution 1000x700');
  await drm.untilPreferred(0, 1000, 700);
  await drm.mode(0, 1000, 700, 6);
  await compositor.waitForScreen('window-larger', picture(1000, 700, 6));
  await swayCommand(compositor, '[title=.*] fullscreen disable, floating enable, move absolute position 0 0');
  await drm.mode(0, 640, 480, 7);
  const background = Number.parseInt(BACKGROUND.slice(1), 16);
  const expected = computed(1000, 700, (x, y) => (x < 640 && y < 480 ? pictureColor(x, y, 7) : background));
  await compositor.waitForScreen('window-floating', expected);
  await swayCommand(compositor, '[title=.*] floating disable, fullscreen enable');
  await swayCommand(compositor, `output HEADLESS-1 resolution ${SIZE.width}x${SIZE.height}`);
  await drm.untilPreferred(0, SIZE.width, SIZE.height);
  t.pass('the guest followed');
  await drm.quit();
}

/** Keys and clicks arrive as they were made, and the guest draws where they happened. */
async function checkInput(t: Test, { qemu, compositor }: WindowMachine, seat: VirtualSeat): Promise<void> {
  const { width, height } = SIZE;
  const input = await InputTest.start(qemu.guest);
  t.match((await input.devices()).join(), /keyboard.*tablet/i);
  await input.canvas(width, height);
  await compositor.waitForScreen('window-canvas', inputPicture(width, height, {}));
  await seat.type(KEY_A, KEY_S);
  const keys = await input.wait(4);
  t.same(
    keys.map(({ type, code, value }) => [type, code, value]),
    [KEY_A, KEY_A, KEY_S, KEY_S].map((code, i) => [EV_KEY, code, 1 - (i % 2)]),
  );
  await seat.moveTo(200, 150, width, height);
  await seat.click(BTN_LEFT);
  const clicks = await input.wait(4);
  t.same(
    clicks.filter(({ type }) => type === EV_KEY).map(({ code, value }) => [code, value]),
    [
      [BTN_LEFT, 1],
      [BTN_LEFT, 0],
    ],
  );
  t.equal(clicks.filter(({ type }) => type === EV_ABS).length, 2, 'the pointer moved in x and y');
  const drawn = { keys: [KEY_A, KEY_S], clicks: [[200, 150]] as const };
  await compositor.waitForScreen('window-typed-and-clicked', inputPicture(width, height, drawn));
  await input.quit();
}

t.test('a window', async (t) => {
  const compositor = await HostCompositor.start(COMPOSITORS[0] as CompositorProgram);
  const options = {
    compositor,
    kernel: '6.12',
    ...SIZE,
    inputs: ['keyboard', 'tablet'],
    options: ['--fullscreen', '--contexts'],
  } as const;
  try {
    await withWindowMachine(t, options, async (machine) => {
      // Each builds on those before.
      const step = async (name: string, body: (t: Test) => Promise<void>): Promise<void> => {
        if (t.passing()) await t.test(name, body);
      };
      for (const [i, program] of COMPOSITORS.entries()) {
        if (i > 0) await compositor.become(program);
        await step(`${program.name}: text console`, async () => checkConsole(machine));
        await step(`${program.name}: pictures`, async (t) => checkPictures(t, machine));
      }
      await step('blobs of shared memory', async (t) => checkBlobs(t, machine));
      await step('sizes', async (t) => checkSizes(t, machine));
      const seat = await VirtualSeat.plugIn(compositor);
      await step('keyboard and pointer', async (t) => checkInput(t, machine, seat));
      seat.unplug();
    });
  } finally {
    await compositor.close();
  }
});

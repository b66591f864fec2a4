/**
 * Everything that a screen can do, on one combination: QEMU 10.0, kernel 6.12, vhost-user-gpu-pci with two
 * outputs. The other combinations are in machines.test.ts.
 */
import t, { type Test } from 'tap';
import { DrmTest } from './harness/drm-test.js';
import { bootMachine, type MachineOptions, withBackEnd, withMachine } from './harness/machine.js';
import { picture, pictureColor } from './harness/pattern.js';
import { computed, difference, type RgbPicture } from './harness/picture.js';
import type { Qemu } from './harness/qemu.js';
import { checkCore } from './harness/scenarios.js';

const MACHINE: MachineOptions = { qemu: '10.0', kernel: '6.12', driver: 'vhost-user-gpu-pci' };
const PROPERTIES = 'max_outputs=2,xres=1152,yres=864';
const MODETEST_MODES = ['640x480', '1024x768', '1920x1080'];

/** Runs modetest in the guest for each mode; `shown` is called while its picture is up (or about to be). */
async function forEachModetest(qemu: Qemu, shown: (mode: string) => Promise<void>): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  const connector = (await drm.info()).connectors[0]?.id;
  await drm.quit();
  await qemu.guest.run('mkfifo /tmp/keys');
  for (const mode of MODETEST_MODES) {
    // It shows its picture until a line comes on its standard input.
    await qemu.guest.run(`modetest -M virtio_gpu -s ${connector}:${mode} <>/tmp/keys >/tmp/modetest 2>&1 &`);
    await shown(mode);
    await qemu.guest.run('echo >/tmp/keys; while pidof modetest; do sleep 0.1; done');
    const output = await qemu.guest.run('cat /tmp/modetest');
    if (!output.includes(`setting mode ${mode}`)) throw new Error(`modetest said:\n${output}`);
  }
}

/** The picture of that size once it doesn't change any more and isn't black. */
async function settledScreen(qemu: Qemu, mode: string): Promise<RgbPicture> {
  for (let last = await qemu.screen(), tries = 0; tries < 300; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const screen = await qemu.screen();
    const settled = difference(screen, last) === null && `${screen.width}x${screen.height}` === mode;
    if (settled && screen.rgb.some((byte) => byte !== 0)) return screen;
    last = screen;
  }
  throw new Error(`the reference never showed a picture of ${mode}`);
}

/** modetest's pictures on QEMU's own virtio-gpu: an oracle that shares nothing with us. */
async function referencePictures(test: Test): Promise<Map<string, RgbPicture>> {
  const pictures = new Map<string, RgbPicture>();
  await withMachine(test, bootMachine(null, MACHINE), async (qemu) => {
    await forEachModetest(qemu, async (mode) => {
      pictures.set(mode, await settledScreen(qemu, mode));
    });
  });
  return pictures;
}

async function checkModetest(qemu: Qemu, references: Map<string, RgbPicture>): Promise<void> {
  await forEachModetest(qemu, (mode) =>
    qemu.waitForScreen(`modetest-${mode}`, references.get(mode) as RgbPicture),
  );
}

/** Only the part that was declared dirty is drawn anew, for parts at each edge and in the middle. */
async function checkPartialUpdates(qemu: Qemu, drm: DrmTest): Promise<void> {
  const [width, height] = [800, 600];
  const parts = [
    { x: 0, y: 0, width: 1, height: 1 },
    { x: 799, y: 599, width: 1, height: 1 },
    { x: 0, y: 100, width: 800, height: 64 },
    { x: 301, y: 203, width: 57, height: 91 },
    { x: 700, y: 0, width: 100, height: 600 },
  ];
  await drm.mode(0, width, height, 40);
  for (const [i, part] of parts.entries()) {
    await drm.dirty(0, part.x, part.y, part.width, part.height, 41 + i);
  }
  const covers = (part: (typeof parts)[number], x: number, y: number): boolean =>
    x >= part.x && x < part.x + part.width && y >= part.y && y < part.y + part.height;
  const expected = computed(width, height, (x, y) => {
    const last = parts.findLastIndex((part) => covers(part, x, y));
    return pictureColor(x, y, last < 0 ? 40 : 41 + last);
  });
  await qemu.waitForScreen('partial-updates', expected);
}

/**
 * Cursors of all kinds leave the picture as it is, and QEMU alive. (A headless QEMU tells nobody which cursor it
 * shows: no viewer that needs no GPU can be attached to a vhost-user-gpu. sinks.test.ts checks image and place.)
 */
async function checkCursor(qemu: Qemu, drm: DrmTest): Promise<void> {
  await drm.mode(0, 800, 600, 50);
  await drm.cursor(0, 64, 64, 3, 4, 51);
  await drm.move(0, 100, 200);
  await drm.move(0, -30, 590);
  await drm.cursor(0, 32, 48, 0, 0, 52);
  await drm.hide(0);
  await drm.flip(0, 1, 53);
  await qemu.waitForScreen('cursor-not-in-picture', picture(800, 600, 53));
}

/** Two outputs show two pictures of different sizes; what one does leaves the other alone. */
async function checkTwoOutputs(t: Test, qemu: Qemu, drm: DrmTest): Promise<void> {
  const [first, second] = (await drm.info()).connectors;
  t.match([first, second], [{ connected: true }, { connected: false }], 'one output at first');
  const preferred = first?.modes.find((mode) => mode.preferred);
  t.match(preferred, { width: 1152, height: 864 }, "the size that QEMU's command line asked for");
  // A headless QEMU has nobody who would open a window for the second output.
  await qemu.guest.run('echo on >/sys/class/drm/card0-Virtual-2/status');
  await drm.mode(0, 1152, 864, 70);
  await drm.mode(1, 640, 480, 71);
  await qemu.waitForScreen('two-outputs-first', picture(1152, 864, 70), 0);
  await qemu.waitForScreen('two-outputs-second', picture(640, 480, 71), 1);
  await drm.flip(1, 3, 72);
  await drm.dirty(0, 10, 20, 30, 40, 70);
  await qemu.waitForScreen('two-outputs-second-flipped', picture(640, 480, 74), 1);
  await qemu.waitForScreen('two-outputs-first-unchanged', picture(1152, 864, 70), 0);
  await drm.off(1);
  await drm.mode(0, 640, 480, 75);
  await qemu.waitForScreen('second-output-off', picture(640, 480, 75), 0);
}

async function checkReboot(qemu: Qemu): Promise<void> {
  qemu.guest.send('reboot -f');
  await qemu.guest.ready();
}

t.test('a screen', async (t) => {
  const references = await referencePictures(t);
  await withBackEnd(t, async (backEnd) => {
    const machine = bootMachine(backEnd, { ...MACHINE, properties: PROPERTIES });
    await withMachine(t, machine, async (qemu) => {
      await checkCore(t, 'screen', qemu);
      await t.test('modetest, as on the built-in device', async () => checkModetest(qemu, references));
      const drm = await DrmTest.start(qemu.guest);
      await t.test('partial updates', async () => checkPartialUpdates(qemu, drm));
      await t.test('many page flips', async () => {
        await drm.flip(0, 100, 100);
        await qemu.waitForScreen('many-flips', picture(800, 600, 199));
      });
      await t.test('cursor', async () => checkCursor(qemu, drm));
      await t.test('two outputs', async (t) => checkTwoOutputs(t, qemu, drm));
      await drm.quit();
      await t.test('guest reboot', async () => checkReboot(qemu));
      await checkCore(t, 'rebooted', qemu);
    });
  });
});

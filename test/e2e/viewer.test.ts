/**
 * The viewer in a real browser, on a real guest: the canvas has the guest's pixels, byte for byte; keyboard, pointer and
 * fingers reach the guest, unless the address only looks on; the page comes back when the back-end was killed; and it can
 * be used on a phone and without a mouse.
 */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { ControlClient } from '../../src/npm/index.js';
import type { BackEnd } from './harness/back-end.js';
import { ViewerBrowser, type ViewerPage } from './harness/browser.js';
import { DrmTest } from './harness/drm-test.js';
import { type GuestEvent, InputTest, inputPicture } from './harness/input-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture, pictureColor } from './harness/pattern.js';
import { computed, difference, pixelAt, type RgbPicture, savePicture } from './harness/picture.js';
import { decodePng } from './harness/png.js';
import { Qemu } from './harness/qemu.js';
import {
  killBackEnd,
  nameCard,
  startSupervised,
  supervisedDevices,
  untilInputs,
} from './harness/supervised.js';
import { until } from './harness/until.js';

const SIZE = { width: 800, height: 600 };
const INPUTS = ['keyboard', 'tablet', 'touch'] as const;
/** An address of this process's own, so that the back-end that is started anew finds its port free. */
const HOST = `127.93.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const ORIGIN = `http://${HOST}:8010/`;
const DESKTOP = { viewport: { width: 1000, height: 760 } };
const PHONE = { viewport: { width: 360, height: 640 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

const EV_KEY = 1;
const EV_REL = 2;
const EV_ABS = 3;
const REL_WHEEL = 8;
const ABS_MT_POSITION_X = 0x35;
const ABS_MT_POSITION_Y = 0x36;
const POSITION_MAX = 0x7fff;
const [KEY_ESC, KEY_TAB, KEY_H, KEY_I, KEY_A, KEY_B] = [1, 15, 35, 23, 30, 48];
const [KEY_LEFTCTRL, KEY_LEFTALT, BTN_LEFT, BTN_RIGHT, BTN_TOUCH] = [29, 56, 0x110, 0x111, 0x14a];

interface Viewed {
  readonly qemu: Qemu;
  readonly backEnd: BackEnd;
  readonly control: ControlClient;
  readonly browser: ViewerBrowser;
  readonly token: string;
  /** Two persons who may do everything, and one who looks on. */
  readonly desktop: ViewerPage;
  readonly phone: ViewerPage;
  readonly onlooker: ViewerPage;
}

const everybody = ({ desktop, phone, onlooker }: Viewed): ViewerPage[] => [desktop, phone, onlooker];

async function allShow(machine: Viewed, name: string, expected: RgbPicture): Promise<void> {
  const pages = everybody(machine);
  await Promise.all(pages.map((page, i) => page.shows(`viewer-${name}-${i}`, expected)));
}

function same(t: Test, name: string, actual: RgbPicture, expected: RgbPicture): void {
  const differs = difference(actual, expected);
  if (differs === null) t.pass(name);
  else t.fail(`${name}: ${differs}; see ${savePicture(name, actual)}`);
}

/** The whole picture, then parts of it, on all pages; and what the buttons save is what the control API has. */
async function checkPictures(t: Test, machine: Viewed): Promise<void> {
  const { qemu, control, desktop } = machine;
  const { width, height } = SIZE;
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, width, height, 5);
  await allShow(machine, 'whole', picture(width, height, 5));
  const parts = [
    { x: 3, y: 5, width: 130, height: 77, seed: 6 },
    { x: 700, y: 590, width: 100, height: 10, seed: 7 },
    { x: 399, y: 0, width: 1, height: 600, seed: 8 },
  ];
  for (const part of parts) await drm.dirty(0, part.x, part.y, part.width, part.height, part.seed);
  const expected = computed(width, height, (x, y) => {
    const inside = (part: (typeof parts)[number]): boolean =>
      x >= part.x && x < part.x + part.width && y >= part.y && y < part.y + part.height;
    return pictureColor(x, y, parts.findLast(inside)?.seed ?? 5);
  });
  await allShow(machine, 'damaged', expected);
  same(t, 'the control API has the same', decodePng(await control.screenshot()), expected);
  const download = desktop.page.waitForEvent('download');
  await desktop.page.getByRole('button', { name: 'Save a screenshot' }).click();
  const file = await download;
  t.match(file.suggestedFilename(), /^Screen 1 .*\.png$/);
  same(t, 'the saved screenshot', decodePng(readFileSync(await file.path())), expected);
  await checkCursor(machine, drm);
  await drm.mode(0, 640, 480, 9);
  await allShow(machine, 'mode', picture(640, 480, 9));
  await drm.quit();
}

/** The guest's cursor is where the guest has it, besides the picture. */
async function checkCursor(machine: Viewed, drm: DrmTest): Promise<void> {
  await drm.cursor(0, 64, 64, 0, 0, 3);
  await drm.move(0, 300, 200);
  for (const viewer of everybody(machine)) {
    await until(
      'the cursor is there',
      () => viewer.cursor(),
      (cursor) => cursor === '300 200 64',
    );
  }
  await drm.hide(0);
  await machine.desktop.page.locator('#cursor').waitFor({ state: 'hidden' });
}

/** Events of the guest's devices, up to that many changes of keys and buttons. */
async function heard(input: InputTest, transitions: number): Promise<GuestEvent[]> {
  const events: GuestEvent[] = [];
  while (events.filter(({ type }) => type === EV_KEY).length < transitions) {
    const more = await input.wait(1);
    if (more.length === 0) throw new Error(`the guest heard only ${JSON.stringify(events)}`);
    events.push(...more);
  }
  return events;
}

function keys(events: readonly GuestEvent[]): (readonly [number, number])[] {
  return events.filter(({ type }) => type === EV_KEY).map(({ code, value }) => [code, value]);
}

const tapped = (code: number) => [
  [code, 1],
  [code, 0],
];

/** What is typed and clicked on the page arrives, and is seen on the page. */
async function checkDesktop(t: Test, machine: Viewed, input: InputTest): Promise<void> {
  const { width, height } = SIZE;
  const { desktop } = machine;
  const { page } = desktop;
  await page.getByRole('button', { name: 'Settings and help' }).click();
  await page.getByRole('radio', { name: 'Pixel for pixel' }).check();
  await page.keyboard.press('Escape');
  t.equal((await desktop.place()).scale, 1);
  await desktop.click(200, 150);
  t.strictSame(keys(await heard(input, 2)), tapped(BTN_LEFT));
  await page.keyboard.press('a');
  await page.keyboard.press('Tab');
  t.strictSame(
    keys(await heard(input, 4)),
    [...tapped(KEY_A), ...tapped(KEY_TAB)],
    'Tab is the guest’s, too',
  );
  await desktop.click(420, 333, 'right');
  t.strictSame(keys(await heard(input, 2)), tapped(BTN_RIGHT));
  await page.mouse.wheel(0, 100);
  t.match(
    (await input.wait(1)).filter(({ type }) => type === EV_REL),
    [{ code: REL_WHEEL, value: -1 }],
  );
  const wheel = (512 + 8 - 1) * 8;
  const drawn = inputPicture(width, height, {
    keys: [KEY_A, KEY_TAB],
    clicks: [
      [200, 150],
      [420, 333],
    ],
  });
  const green = computed(width, height, (x, y) => {
    const inside = x >= wheel % 512 && x < (wheel % 512) + 8 && y >= 64 && y < 72;
    return inside ? 0x00ff00 : pixelAt(drawn, x, y);
  });
  await allShow(machine, 'input', green);
  await page.keyboard.down('b');
  await page.keyboard.press('Control+Alt+KeyG');
  t.strictSame(
    keys(await heard(input, 6)),
    [
      [KEY_B, 1],
      [KEY_LEFTCTRL, 1],
      [KEY_LEFTALT, 1],
      [KEY_B, 0],
      [KEY_LEFTCTRL, 0],
      [KEY_LEFTALT, 0],
    ],
    'whoever leaves holds nothing',
  );
  t.equal(await page.evaluate('document.activeElement.id'), 'screenshot');
}

/** Fingers, the key bar, and what an on-screen keyboard writes. */
async function checkPhone(t: Test, { phone }: Viewed, input: InputTest): Promise<void> {
  const { page } = phone;
  await phone.tap(600, 150);
  const touched = await heard(input, 2);
  t.strictSame(keys(touched), tapped(BTN_TOUCH));
  const [x, y] = [ABS_MT_POSITION_X, ABS_MT_POSITION_Y].map(
    (axis) => touched.find(({ type, code }) => type === EV_ABS && code === axis)?.value ?? -1,
  ) as [number, number];
  t.ok(Math.abs(x - 0.75 * POSITION_MAX) < 200 && Math.abs(y - 0.25 * POSITION_MAX) < 200, `at ${x}, ${y}`);
  const ctrl = page.getByRole('button', { name: 'Ctrl', exact: true });
  await ctrl.tap();
  t.equal(await ctrl.getAttribute('aria-pressed'), 'true');
  await page.getByRole('button', { name: 'Esc' }).tap();
  t.strictSame(keys(await heard(input, 4)), [[KEY_LEFTCTRL, 1], ...tapped(KEY_ESC), [KEY_LEFTCTRL, 0]]);
  t.equal(await ctrl.getAttribute('aria-pressed'), 'false');
  await page.getByRole('button', { name: 'On-screen keyboard' }).tap();
  await page.keyboard.insertText('hi');
  t.strictSame(keys(await heard(input, 4)), [...tapped(KEY_H), ...tapped(KEY_I)]);
}

/** Who looks on changes nothing: the next that the guest hears is of somebody else. */
async function checkOnlooker(t: Test, { desktop, onlooker }: Viewed, input: InputTest): Promise<void> {
  await onlooker.page.getByText('View only').waitFor();
  t.equal(await onlooker.page.getByRole('button', { name: 'Keys' }).count(), 0);
  await onlooker.click(100, 100);
  await onlooker.page.locator('#screen').focus();
  await onlooker.page.keyboard.press('a');
  await desktop.page.locator('#screen').focus();
  await desktop.page.keyboard.press('b');
  t.strictSame(keys(await heard(input, 2)), tapped(KEY_B));
}

async function checkInput(t: Test, machine: Viewed): Promise<void> {
  const { guest } = machine.qemu;
  await untilInputs(guest, INPUTS.length);
  const input = await InputTest.start(guest);
  await input.canvas(SIZE.width, SIZE.height);
  await allShow(machine, 'canvas', inputPicture(SIZE.width, SIZE.height, {}));
  await t.test('keyboard and mouse', async (t) => checkDesktop(t, machine, input));
  await t.test('a phone', async (t) => checkPhone(t, machine, input));
  await t.test('only to look on', async (t) => checkOnlooker(t, machine, input));
  await input.quit();
}

/** Without a mouse, on a small screen, with a screen reader. */
async function checkAccess(t: Test, { desktop, phone, onlooker }: Viewed): Promise<void> {
  for (const viewer of [desktop, phone, onlooker]) {
    await viewer.page.getByRole('button', { name: 'Settings and help' }).click();
    const controls = await viewer.controls();
    t.strictSame(
      controls.filter(({ name }) => name === ''),
      [],
      'all that can be used has a name',
    );
    const names = controls.map(({ role, name }) => `${role} ${name}`);
    t.ok(names.includes('radio Pixel for pixel'), names.join(', '));
    t.strictSame(await viewer.overflowing(), []);
    await viewer.page.keyboard.press('Escape');
    t.ok(await viewer.page.locator('#settings').isHidden(), 'Escape closes the panel');
  }
  const { page } = desktop;
  await page.locator('#screenshot').focus();
  const order: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    order.push(await page.evaluate('document.activeElement.id'));
    await page.keyboard.press('Tab');
  }
  t.strictSame(order, ['screenshot', 'show-keys', 'full-screen', 'show-settings']);
  t.equal(await page.evaluate('document.activeElement.id'), 'screen', 'the picture comes after the tools');
  await phone.save('phone');
}

/** Numbers; the whole screen; and a machine whose screen is as large as the page. */
async function checkSettings(t: Test, { qemu, desktop }: Viewed): Promise<void> {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Settings and help' }).click();
  const drm = await DrmTest.start(qemu.guest);
  const follow = page.getByRole('checkbox', { name: /gets the size of this page/ });
  await follow.check();
  const box = "document.querySelector('#stage')";
  const [width = 0, height = 0] = await page.evaluate<number[]>(`[${box}.clientWidth, ${box}.clientHeight]`);
  await drm.untilPreferred(0, width & ~1, height & ~1);
  await follow.uncheck();
  await drm.quit();
  await page.getByRole('checkbox', { name: 'Statistics' }).check();
  await page.getByText('Viewers').waitFor();
  await until(
    'the number of viewers',
    () => page.locator('#statistics dd').last().innerText(),
    (text) => text === '3',
  );
  await page.getByRole('checkbox', { name: 'Statistics' }).uncheck();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Full screen' }).click();
  const leave = page.getByRole('button', { name: 'Leave full screen' });
  await leave.waitFor();
  t.ok(await page.locator('#bar').isHidden());
  t.equal(await page.evaluate('document.activeElement.id'), 'screen', 'keys are the machine’s');
  await leave.click();
  await page.locator('#bar').waitFor();
}

/** A token that is none, and what a person can do then. */
async function checkTokens(t: Test, { browser, desktop, token }: Viewed): Promise<void> {
  const stranger = await browser.open(`${ORIGIN}#token=${'x'.repeat(32)}`, DESKTOP);
  await stranger.says('Wrong token');
  t.equal(stranger.page.url(), ORIGIN, 'the token is not in the address any more');
  await stranger.page.getByRole('textbox', { name: 'Address or token' }).fill(`${ORIGIN}#token=${token}`);
  await stranger.page.getByRole('button', { name: 'Connect' }).click();
  await stranger.live();
  await stranger.page.reload();
  await stranger.live();
  t.strictSame(stranger.complaints, []);
  await stranger.page.context().close();
  const nobody = await browser.open(ORIGIN, DESKTOP);
  await nobody.says('Token needed');
  await nobody.page.context().close();
  t.equal(desktop.page.url(), ORIGIN);
}

/** The back-end is killed: the last picture stays, and when there is another back-end the pages have its picture. */
async function checkRestart(t: Test, machine: Viewed): Promise<void> {
  const { qemu, backEnd, desktop } = machine;
  const { width, height } = SIZE;
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, width, height, 11);
  await allShow(machine, 'before', picture(width, height, 11));
  await drm.quit();
  const lost = desktop.says('Connection lost');
  await killBackEnd(t, backEnd, INPUTS);
  await lost;
  await nameCard(qemu.guest);
  const again = await DrmTest.start(qemu.guest);
  await again.mode(0, width, height, 12);
  for (const page of everybody(machine)) await page.live();
  await allShow(machine, 'after', picture(width, height, 12));
  await again.quit();
}

const CHECKS = {
  pictures: checkPictures,
  input: checkInput,
  access: checkAccess,
  settings: checkSettings,
  tokens: checkTokens,
  'another back-end': checkRestart,
};

t.test('the viewer', { skip: BUILTIN }, async (t) => {
  const backEnd = await startSupervised(INPUTS, process.env, (path) => [
    `--resolution=${SIZE.width}x${SIZE.height}`,
    `--control-socket=${path}-control`,
    `--viewer=${HOST}:8010`,
    `--viewer-token-file=${path}-tokens`,
  ]);
  const control = new ControlClient(`${backEnd.socketPath}-control`);
  const browser = await ViewerBrowser.start();
  const [token = '', look = ''] = readFileSync(`${backEnd.socketPath}-tokens`, 'utf8').split('\n');
  const device = supervisedDevices(backEnd.socketPath, INPUTS);
  try {
    await withMachine(t, Qemu.boot({ qemu: '11.1', kernel: '6.12', device }), async (qemu) => {
      const desktop = await browser.open(`${ORIGIN}#token=${token}`, DESKTOP);
      const phone = await browser.open(`${ORIGIN}#token=${token}`, PHONE);
      const onlooker = await browser.open(`${ORIGIN}#token=${look}`, DESKTOP);
      const machine = { qemu, backEnd, control, browser, token, desktop, phone, onlooker };
      for (const page of everybody(machine)) await page.live();
      for (const [name, check] of Object.entries(CHECKS)) {
        // (What one that failed leaves behind is in the way of the others.)
        if (t.passing()) await t.test(name, async (t) => check(t, machine));
      }
      for (const page of everybody(machine)) t.strictSame(page.complaints, [], 'no complaint of the browser');
    });
  } finally {
    await browser.close();
    control.close();
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
    if (!t.passing()) t.comment(backEnd.process.output);
  }
});

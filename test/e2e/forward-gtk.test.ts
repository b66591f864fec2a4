/**
 * An unmodified program of GTK 4 in the guest: it is used next to a twin of it that runs on the host, and both must look
 * the same at every step. What it says to others (clipboard, windows) is checked, too.
 */
import t, { type Test } from 'tap';
import { copyToClipboard } from './harness/clipboard.js';
import {
  atDesks,
  click,
  closeLast,
  control,
  copied,
  type Desk,
  expectWindows,
  open,
  point,
  RESIZE,
  SCREEN,
  turnWheel,
} from './harness/desk.js';
import { GTK } from './harness/desk-programs.js';
import type { ForwardMachine } from './harness/forward-machine.js';
import { BTN_LEFT, BTN_RIGHT, keysOf } from './harness/keys.js';
import { type Place, pixelAt, type RgbPicture } from './harness/picture.js';
import { BACKGROUND, swayCommand } from './harness/sway.js';
import type { Twins } from './harness/twins.js';

const KEY_HOME = 102;
const KEY_END = 107;
const KEY_DELETE = 111;
const BACKGROUND_RGB = Number.parseInt(BACKGROUND.slice(1), 16);
const FROM_HOST = 'from the host: ä€Ω';
const MANY_LINES = `${FROM_HOST}\n`.repeat(60);

/** The lower of the two views of the text, and what covers it. */
const GTK_TEXT: Place = { x: 0, y: 100, width: 780, height: 500 };
const GTK_LAST_WORD: Place = { x: 90, y: 80, width: 30, height: 14 };
const GTK_MENU: Place = { x: 320, y: 280, width: 130, height: 240 };
/** Left of an entry's text, and its color there when it is marked. */
const GTK_MENU_EDGE = 312;
const GTK_MARKED = 0xe8e6e3;

/** GTK 4: a text that is edited. */
async function useGtk(t: Test, machine: ForwardMachine, twins: Twins<Desk>, twin: Desk): Promise<void> {
  const pair = await open(machine, twin.compositor, GTK);
  // An image in the text turns without end: what is seen of it is never the same.
  await twins.bothChanged('gtk-opened', GTK_TEXT);
  await expectWindows(machine, 'gtk4-demo', 'Multiple Views');
  // One line says that it can't be deleted.
  await twins.step('gtk-typed', GTK_LAST_WORD, async (desk) => {
    await click(desk, 400, 300);
    await control(desk, ...keysOf('a'));
    await desk.seat.type(KEY_DELETE);
    await control(desk, KEY_END);
    await desk.seat.type(...keysOf(' typed at the guest'));
  });
  // GTK opens a menu, finds that it has another size, and opens it again. A pointer that comes in meanwhile marks nothing
  // until it moves. (How large the shadow is, and so where the menu is, depends on the order of all that: a pixel.)
  const openMenu = async (name: string, y: number): Promise<void> => {
    await twins.both((desk) => click(desk, 300, 260, BTN_RIGHT));
    await twins.bothChanged(name, GTK_MENU);
    const isMarked = (shot: RgbPicture): boolean => pixelAt(shot, GTK_MENU_EDGE, y) === GTK_MARKED;
    await twins.insist(`${name}-marked`, isMarked, (desk, round) => point(desk, 400, y + (round % 2)));
  };
  const press = ({ seat }: Desk): Promise<void> => seat.click(BTN_LEFT);
  await openMenu('gtk-menu', 486);
  await twins.step('gtk-select-all', GTK_MENU, press);
  await openMenu('gtk-menu-again', 311);
  await twins.step('gtk-copy', GTK_MENU, press);
  await copied(machine, /^This line .* typed at the guest$/s);
  t.pass('what was typed and copied by the menu is on the clipboard of the host');

  await openMenu('gtk-menu-left', 371);
  await twins.step('gtk-dismissed', GTK_MENU, (desk) => click(desk, 780, 550));
  await twins.both(({ compositor }) => copyToClipboard(compositor, MANY_LINES));
  const end = await twins.step('gtk-pasted', GTK_TEXT, async (desk) => {
    await control(desk, KEY_END);
    await control(desk, ...keysOf('v'));
  });
  // How far a notch of the wheel is depends on how much of the text GTK has measured by then.
  await twins.both((desk) => turnWheel(desk, -2));
  await twins.bothChanged('gtk-scrolled', GTK_TEXT);
  await twins.both((desk) => turnWheel(desk, 9));
  await twins.show('gtk-scrolled-back', end);
  await twins.step('gtk-all', GTK_TEXT, (desk) => control(desk, ...keysOf('a')));
  await twins.both((desk) => control(desk, ...keysOf('c')));
  await copied(machine, new RegExp(` typed at the guest${MANY_LINES}$`));
  t.pass('the clipboard of the host was pasted');
  // How wide the selection is beside a line is GTK's affair, too, and not always the same after a resize.
  await twins.step('gtk-first-line', GTK_TEXT, (desk) => control(desk, KEY_HOME));
  await checkResize(t, twins);
  await closeLast(t, twins, pair);
}

/** A window is as large as the compositor wants it. */
async function checkResize(t: Test, twins: Twins<Desk>): Promise<void> {
  const resized = await twins.step('gtk-resized', SCREEN, ({ compositor }) =>
    swayCommand(compositor, `floating enable, ${RESIZE}`),
  );
  const corners = [49, 50, 549, 550].map((x) => pixelAt(resized, x, 60) === BACKGROUND_RGB);
  t.strictSame(corners, [true, false, false, true], 'it is as wide as the compositor wants it');
}

t.test('Linux 6.12, sway', (t) => atDesks(t, useGtk));

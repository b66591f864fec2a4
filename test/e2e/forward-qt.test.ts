/**
 * An unmodified program of Qt 6 in the guest: it is used next to a twin of it that runs on the host, and both must look
 * the same at every step. What it says to others (clipboard, files, windows) is checked, too.
 */
import t, { type Test } from 'tap';
import { copyToClipboard } from './harness/clipboard.js';
import {
  atDesks,
  click,
  copied,
  type Desk,
  expectWindows,
  open,
  point,
  RESIZE,
  SCREEN,
  turnWheel,
} from './harness/desk.js';
import { QT } from './harness/desk-programs.js';
import type { ForwardMachine } from './harness/forward-machine.js';
import { BTN_RIGHT, KEY_ENTER, keysOf } from './harness/keys.js';
import type { Place } from './harness/picture.js';
import { swayCommand } from './harness/sway.js';
import type { Twins } from './harness/twins.js';
import { until } from './harness/until.js';

const FROM_HOST = 'from the host: ä€Ω';
const MANY_LINES = `${FROM_HOST}\n`.repeat(60);
const NOTES = '/root/.config/qt6ct/qss/notes.qss';

const QT_CHOICES: Place = { x: 64, y: 24, width: 80, height: 14 };
const QT_TABS: Place = { x: 180, y: 10, width: 70, height: 20 };
const QT_LIST: Place = { x: 30, y: 40, width: 700, height: 80 };
const QT_NOTES: Place = { x: 300, y: 122, width: 400, height: 12 };
const QT_DIALOG: Place = { x: 304, y: 254, width: 190, height: 90 };
const QT_EDITOR: Place = { x: 86, y: 64, width: 620, height: 440 };
const QT_MENU: Place = { x: 320, y: 220, width: 80, height: 120 };

/** Qt 6: settings, files, and an editor for them. */
async function useQt(t: Test, machine: ForwardMachine, twins: Twins<Desk>, twin: Desk): Promise<void> {
  const window = 'Qt6 Configuration Tool';
  const pair = await open(machine, twin.compositor, QT);
  await expectWindows(machine, 'qt6ct', window);
  await twins.step('qt-opened', SCREEN, (desk) => point(desk, 600, 400));

  await twins.step('qt-combo-box', QT_CHOICES, (desk) => click(desk, 100, 54));
  await twins.step('qt-chosen', QT_CHOICES, (desk) => click(desk, 98, 31));
  await twins.step('qt-apply', QT_TABS, (desk) => click(desk, 754, 582));
  await machine.qemu.guest.run(
    'until grep -q ^style=Windows /clients/root/.config/qt6ct/qt6ct.conf; do usleep 50000; done',
  );
  t.pass('what was chosen from a popup is in the configuration');

  await twins.step('qt-tab', QT_LIST, (desk) => click(desk, 400, 20));
  await twins.step('qt-create', QT_DIALOG, (desk) => click(desk, 57, 541));
  await expectWindows(machine, 'qt6ct', window, 'Enter Style Sheet Name');
  await twins.step('qt-created', QT_DIALOG, (desk) => desk.seat.type(...keysOf('notes'), KEY_ENTER));
  await twins.step('qt-selected', QT_NOTES, (desk) => click(desk, 100, 130));
  await twins.step('qt-editor', QT_EDITOR, (desk) => click(desk, 142, 541));
  await expectWindows(machine, 'qt6ct', window, `${NOTES} - Style Sheet Editor`);

  await twins.step('qt-typed', QT_EDITOR, (desk) => desk.seat.type(...keysOf('typed at the guest\n')));
  await twins.step('qt-menu', QT_MENU, (desk) => click(desk, 300, 200, BTN_RIGHT));
  await twins.step('qt-select-all', QT_MENU, (desk) => click(desk, 358, 353));
  await twins.step('qt-menu-again', QT_MENU, (desk) => click(desk, 300, 200, BTN_RIGHT));
  await twins.step('qt-copy', QT_MENU, (desk) => click(desk, 344, 283));
  await copied(machine, /^typed at the guest\n$/);
  t.pass('what was typed and copied by the menu is on the clipboard of the host');

  await twins.both(({ compositor }) => copyToClipboard(compositor, MANY_LINES));
  await twins.step('qt-menu-left', QT_MENU, (desk) => click(desk, 300, 200, BTN_RIGHT));
  await twins.step('qt-dismissed', QT_MENU, (desk) => click(desk, 700, 100));
  await twins.step('qt-menu-to-paste', QT_MENU, (desk) => click(desk, 300, 200, BTN_RIGHT));
  await twins.step('qt-paste', QT_MENU, (desk) => click(desk, 344, 306));
  await twins.step('qt-scrolled', QT_EDITOR, async (desk) => {
    await point(desk, 300, 300);
    await turnWheel(desk, -3);
  });
  await twins.step('qt-resized', QT_EDITOR, ({ compositor }) => swayCommand(compositor, RESIZE));
  await twins.both((desk) => click(desk, 418, 432));
  const saved = (): Promise<string> => machine.qemu.guest.run(`cat /clients${NOTES}`);
  await until('the file in the guest', saved, (text) => text.trimEnd() === MANY_LINES.trimEnd());
  t.pass('the clipboard of the host was pasted, and saved');
  await twins.step('qt-editor-closed', QT_EDITOR, ({ compositor }) => swayCommand(compositor, 'kill'));
  await twins.step('qt-closed', SCREEN, ({ compositor }) => swayCommand(compositor, 'kill'));
  // Qt 6.4 may wait for ever for a thread of its own when it ends, anywhere (~QWaylandDisplay).
  await pair.inGuest.kill('KILL');
  await pair.onHost.stop('SIGKILL');
}

t.test('Linux 6.12, sway', (t) => atDesks(t, useQt));

/**
 * Using windows of the guest's applications on the host: pointer, keys, sizes, menus, terminals, selections, drags.
 * The applications are Debian's, unmodified; what they do is read from their output, or from the screen.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { copyToClipboard, untilClipboard } from './harness/clipboard.js';
import { HostCompositor } from './harness/compositor.js';
import {
  type ForwardMachine,
  GUEST_DISPLAY,
  type GuestProgram,
  runChecks,
  withForwardMachine,
} from './harness/forward-machine.js';
import { BTN_LEFT, BTN_MIDDLE, BTN_RIGHT, keysOf } from './harness/keys.js';
import { picture } from './harness/pattern.js';
import {
  cut,
  difference,
  distance,
  type Place,
  pixelAt,
  placeOf,
  type RgbPicture,
} from './harness/picture.js';
import { TestProcess } from './harness/processes.js';
import { BACKGROUND, sway, swayCommand, swayPlaces, untilSwayWindows } from './harness/sway.js';
import { until } from './harness/until.js';
import { VirtualSeat } from './harness/virtual-seat.js';
import { WaylandTest } from './harness/wayland-test.js';
import { weston } from './harness/weston.js';
import { isEmpty, simpleShm } from './harness/weston-programs.js';

const SCREEN = { width: 800, height: 600 };
const LABEL = 'demo';
const SWAY_BACKGROUND = Number.parseInt(BACKGROUND.slice(1), 16);
/** These don't fill their part of the screen. */
const FLOATING =
  'for_window [title="EventDemo|Wayland Terminal"] floating enable, resize set 500 400, move absolute position 100 100';
const SHIFT = 1;
const CONTROL = 4;

type Point = readonly [x: number, y: number];

interface Desk extends ForwardMachine {
  readonly seat: VirtualSeat;
}

/** Resolves when sway has windows of the guest with these titles, and no others. */
function untilWindows({ compositor }: ForwardMachine, ...titles: readonly string[]): Promise<void> {
  return untilSwayWindows(
    compositor,
    titles.map((title) => `[${LABEL}] ${title}`),
  );
}

async function end(desk: Desk, ...programs: readonly GuestProgram[]): Promise<void> {
  for (const program of programs) await program.kill();
  await untilWindows(desk);
}

function point(seat: VirtualSeat, [x, y]: Point): Promise<void> {
  return seat.moveTo(x, y, SCREEN.width, SCREEN.height);
}

/** Resolves when the window of 500x400 pixels is drawn in its place, and nowhere else. */
async function untilPlaced({ compositor }: Desk): Promise<void> {
  await compositor.waitForShot((shot) => {
    const inside = [102, 350, 597].map((x) => pixelAt(shot, x, 300) !== SWAY_BACKGROUND);
    const outside = [50, 750].map((x) => pixelAt(shot, x, 300) === SWAY_BACKGROUND);
    return [...inside, ...outside].every((right) => right) ? null : `window: ${inside}, ${outside}`;
  });
}

/** All that a pointer and a keyboard can do, as weston's program for that prints it. */
async function checkEvents(t: Test, desk: Desk): Promise<void> {
  const { compositor, programs, seat } = desk;
  const demo = await programs.start('stdbuf -oL weston-eventdemo');
  await untilWindows(desk, 'EventDemo');
  await demo.line('resize width: 488, height: 367');
  await untilPlaced(desk);
  await point(seat, [300, 200]);
  await point(seat, [368, 268]);
  // Its own coordinates begin with its shadow, of 32 pixels.
  await demo.line('motion time: [0-9]+, x: 300.000000, y: 200.000000');
  await demo.line('pointer frame');
  for (const button of [BTN_LEFT, BTN_RIGHT, BTN_MIDDLE]) {
    await seat.click(button);
    for (const state of ['pressed', 'released']) {
      await demo.line(`button time: [0-9]+, button: ${button}, state: ${state}, x: 300, y: 200`);
    }
  }
  await seat.scroll('vertical', 2);
  await demo.line('axis source: wheel');
  await demo.line('axis discrete axis: 0 value: 2');
  await demo.line('axis time: [0-9]+, axis: vertical, value: 30.000000');
  await seat.scroll('horizontal', -1);
  await demo.line('axis discrete axis: 1 value: -1');
  await demo.line('axis time: [0-9]+, axis: horizontal, value: -15.000000');
  await seat.type(...keysOf('a'));
  await demo.line('key key: 30, unicode: 97, state: pressed, modifiers: 0x0');
  await demo.line('key key: 30, unicode: 97, state: released, modifiers: 0x0');
  await seat.modifiers(SHIFT, 0);
  await seat.type(...keysOf('a'));
  await demo.line('key key: 30, unicode: 65, state: pressed, modifiers: 0x1');
  await seat.modifiers(0, 0);
  t.pass('pointer, wheel and keys arrived');
  const other = await programs.start('weston-simple-shm');
  await demo.line('focus lost');
  await other.kill();
  await demo.line('focus x: .*');
  await swayCommand(compositor, 'resize set 600 450');
  await demo.line('resize width: 588, height: 417');
  t.pass('focus and sizes arrived');
  await end(desk, demo);
}

/** Windows are moved and made larger by their own frames. (One of weston's knows only one such drag.) */
async function checkFrames(t: Test, desk: Desk): Promise<void> {
  const { compositor, programs } = desk;
  const placed = async (): Promise<Point> => {
    const [place] = await swayPlaces(compositor);
    return [place?.x ?? 0, place?.y ?? 0];
  };
  const sized = async (demo: GuestProgram): Promise<Point> => {
    const sizes = [...(await demo.output()).matchAll(/resize width: (\d+), height: (\d+)/g)];
    return [Number(sizes.at(-1)?.[1]), Number(sizes.at(-1)?.[2])];
  };
  for (const [what, grip] of [
    ['moved', [200, 112]],
    ['resized', [598, 498]],
  ] as const) {
    const demo = await programs.start('stdbuf -oL weston-eventdemo');
    await untilWindows(desk, 'EventDemo');
    await demo.line('resize width: 488, height: 367');
    await untilPlaced(desk);
    await dragFrame(desk, grip, what === 'moved' ? placed : () => sized(demo));
    t.pass(what);
    await end(desk, demo);
  }
}

/**
 * Drags a window's frame 60 pixels to the right and 40 down, until that is what `ask` says of it. sway follows the
 * pointer from when the window has asked it to, of which a pointer gets to know nothing: it is shaken until then. And
 * sway forgets where it went while the window is still drawing itself.
 */
async function dragFrame({ seat }: Desk, [x, y]: Point, ask: () => Promise<Point>): Promise<void> {
  await point(seat, [x - 1, y]);
  await point(seat, [x, y]);
  const before = await ask();
  await seat.button(BTN_LEFT, true);
  let shakes = 0;
  const shake = async (at: Point): Promise<Point> => {
    await point(seat, [at[0] + SHAKE * (shakes++ % 2), at[1]]);
    return ask();
  };
  await until(
    'a window that follows',
    () => shake([x, y]),
    (now) => now[0] !== before[0],
  );
  await until(
    `what was at ${before}`,
    () => shake([x + 60, y + 40]),
    (now) => Math.abs(now[0] - before[0] - 60) <= SHAKE + 1 && Math.abs(now[1] - before[1] - 40) <= 1,
  );
  await seat.button(BTN_LEFT, false);
}

/** In pixels: less can get lost in sway's rounding. */
const SHAKE = 4;

/** Null when that one of the menu's first two entries (and no other) is marked, which the pointer does. */
function marked(shot: RgbPicture, entry: 0 | 1 | null): string | null {
  const found = [300, 320].map((y) => pixelAt(shot, 400, y) === 0xffffff);
  return found.every((white, index) => white === (index === entry)) ? null : `marked: ${found}`;
}

/** A menu takes the pointer for itself, closes when something else is clicked at, and does what is picked. */
async function checkMenu(t: Test, desk: Desk): Promise<void> {
  const { compositor, programs, qemu, seat } = desk;
  const terminal = await programs.start('weston-terminal');
  await untilWindows(desk, 'Wayland Terminal');
  const typed = async (name: string): Promise<void> => {
    await seat.type(...keysOf(`touch tmp/${name}\n`));
    await qemu.guest.run(`until [ -e /clients/tmp/${name} ]; do usleep 50000; done`);
  };
  await typed('first');
  await untilPlaced(desk);
  const open = async (): Promise<void> => {
    await point(seat, [299, 300]);
    await point(seat, [300, 300]);
    await seat.click(BTN_RIGHT);
    // It has the pointer's place once it is on the screen: until then a move says nothing to it.
    await compositor.waitForShot((shot) => (pixelAt(shot, 400, 340) === 0 ? 'no menu' : null));
    await point(seat, [301, 321]);
    await compositor.waitForShot((shot) => marked(shot, 1));
    await point(seat, [301, 301]);
    await compositor.waitForShot((shot) => marked(shot, 0));
  };
  await open();
  await point(seat, [700, 50]);
  // The click ends the menu. (sway 1.7 ends whoever then draws, even if it could not know yet.)
  await compositor.waitForShot((shot) => marked(shot, null));
  await seat.click(BTN_LEFT);
  await compositor.waitForShot((shot) => (pixelAt(shot, 400, 340) === 0 ? null : 'the menu is still there'));
  t.pass('a click beside the menu closes it');
  await open();
  await seat.click(BTN_LEFT);
  await terminal.line('picked entry 0');
  await untilWindows(desk, 'Wayland Terminal', 'Wayland Terminal');
  await typed('second');
  t.pass('an entry opens a window, which has the keyboard');
  await swayCommand(compositor, 'kill');
  await untilWindows(desk, 'Wayland Terminal');
  await typed('third');
  t.pass('the first is still there when the second was closed');
  await end(desk, terminal);
}

/** foot, in two windows: what is selected can be pasted by the middle button, what is copied by the keyboard. */
async function checkSelections(t: Test, desk: Desk): Promise<void> {
  const { compositor, programs, qemu, seat } = desk;
  const source = await programs.start("foot --title=source sh -c 'echo selected-words; exec sleep 100000'");
  await untilWindows(desk, 'source');
  const reader = 'for name in one two; do read -r line; echo "$line" >/tmp/$name; done; exec sleep 100000';
  const target = await programs.start(`foot --title=target sh -c '${reader}'`);
  await untilWindows(desk, 'source', 'target');
  const read = (name: string): Promise<string> =>
    qemu.guest.run(`until [ -s /clients/tmp/${name} ]; do usleep 50000; done; cat /clients/tmp/${name}`);
  // Both, each in its half: until then a click may go to the wrong one.
  await compositor.waitForShot((shot) =>
    [FIRST_LINE, TARGET_LINE].some((place) => isEmpty(cut(shot, place))) ? 'nothing is written' : null,
  );
  // Along the line, past its end: whether two clicks are a double click, foot decides by its own clock.
  await point(seat, [3, 8]);
  await seat.button(BTN_LEFT, true);
  await point(seat, [200, 8]);
  await seat.button(BTN_LEFT, false);
  await untilClipboard(compositor, 'selected-words', 'primary');
  t.pass('the host has the primary selection');
  await point(seat, [600, 300]);
  await seat.click(BTN_MIDDLE);
  await seat.type(...keysOf(' and typed\n'));
  t.equal(await read('one'), 'selected-words and typed');
  await swayCommand(compositor, 'focus left');
  await seat.modifiers(SHIFT | CONTROL, 0);
  await seat.type(...keysOf('c'));
  await untilClipboard(compositor, 'selected-words');
  t.pass('the host has the clipboard');
  const host = await copyToClipboard(compositor, 'words of the host: ä€𝄞');
  await swayCommand(compositor, 'focus right');
  await seat.type(...keysOf('v'));
  await seat.modifiers(0, 0);
  await seat.type(...keysOf('\n'));
  t.equal(await read('two'), 'words of the host: ä€𝄞');
  await host.stop();
  await end(desk, source, target);
}

const FIRST_LINE = { x: 2, y: 2, width: 100, height: 12 };
/** Of the other, with the cursor and some of what is beside it. */
const TARGET_LINE = { ...FIRST_LINE, x: SCREEN.width / 2 + 2 };

/** Of weston-dnd, in the left or right half of the screen: one of 16 places, half of which have a flower at first. */
function flowerPlace(half: 'left' | 'right', column: number, row: number): Place {
  const x = (half === 'left' ? 0 : SCREEN.width / 2) + 22;
  return { x: x + column * 80, y: 43 + row * 80, width: 64, height: 64 };
}

/** The middle of a flower, where it has one color. */
function heart({ x, y }: Place): Place {
  return { x: x + 28, y: y + 28, width: 8, height: 8 };
}

/** Drags a flower to an empty place: it is seen at the pointer, and then where it was dropped, and no more where it was. */
async function carry({ compositor, seat }: Desk, from: Place, to: Place): Promise<void> {
  // The pointer's own image is on the screen, too.
  await point(seat, CORNER);
  const start = await compositor.waitForShot((shot) => (isEmpty(cut(shot, from)) ? 'no flower' : null));
  const [x, y] = [from.x + 32, from.y + 32];
  await point(seat, [x - 1, y]);
  await point(seat, [x, y]);
  await seat.button(BTN_LEFT, true);
  // It is there in its full colors when source and target have agreed on what a drop would do.
  const pointer = { ...to, x: to.x + 32, y: to.y + 32 };
  let moves = 0;
  await until(
    'flower at the pointer',
    async () => {
      await point(seat, [pointer.x, pointer.y - (moves++ % 2)]);
      return distance(cut(await compositor.screenshot(), heart(pointer)), cut(start, heart(from)));
    },
    (found) => found <= ROUNDING,
  );
  await point(seat, [pointer.x, pointer.y]);
  await seat.button(BTN_LEFT, false);
  await point(seat, CORNER);
  await compositor.waitForShot((shot) => {
    if (!isEmpty(cut(shot, from))) return 'it is still where it was';
    return distance(cut(shot, to), cut(start, from)) <= ROUNDING ? null : 'it is not where it was dropped';
  });
}

const CORNER = [SCREEN.width - 20, SCREEN.height - 20] as const;

/** Of colors that are blended by the client, or by the compositor. */
const ROUNDING = 3;

/** Flowers are dragged within a window, to another client of the guest, to one of the host, and back. */
async function checkDrags(t: Test, desk: Desk): Promise<void> {
  const { compositor, programs } = desk;
  const title = 'Wayland Drag and Drop Demo';
  const one = await programs.start('weston-dnd');
  await untilWindows(desk, title);
  const two = await programs.start('weston-dnd');
  await untilWindows(desk, title, title);
  await carry(desk, flowerPlace('left', 1, 0), flowerPlace('left', 0, 0));
  t.pass('within a window');
  await carry(desk, flowerPlace('left', 0, 0), flowerPlace('right', 0, 0));
  t.pass('from guest to guest');
  await two.kill();
  await untilWindows(desk, title);
  const host = new TestProcess('weston-dnd', 'weston-dnd', [], compositor.env);
  await untilSwayWindows(compositor, [title, `[${LABEL}] ${title}`]);
  await carry(desk, flowerPlace('left', 3, 0), flowerPlace('right', 0, 0));
  t.pass('from guest to host');
  await carry(desk, flowerPlace('right', 0, 0), flowerPlace('left', 0, 0));
  t.pass('from host to guest');
  await host.stop();
  await end(desk, one);
}

/** Debian 12's weston as it is: windows where it puts them, in the size that they want. */
async function checkWeston(t: Test, { compositor, programs, qemu }: ForwardMachine): Promise<void> {
  const simple = await programs.start('weston-simple-shm');
  const first = await compositor.waitForShot(simpleShm);
  await compositor.waitForShot((shot) =>
    difference(shot, first) === null ? 'it does not move' : simpleShm(shot),
  );
  t.pass('weston-simple-shm');
  await simple.kill();
  await simple.ended();
  for (const [seed, memory] of [
    [1, 'shm'],
    [2, 'shared'],
  ] as const) {
    const client = await WaylandTest.start(qemu.guest);
    await client.connect(GUEST_DISPLAY);
    t.strictSame(await client.window(WINDOW, seed, memory), WINDOW);
    const wanted = picture(WINDOW.width, WINDOW.height, seed);
    await compositor.waitForShot((shot) => (placeOf(wanted, shot) === null ? 'not there' : null));
    t.pass(memory);
    await client.quit();
  }
}

const WINDOW = { width: 320, height: 200 };

t.test('Linux 6.1, sway, then weston 10', async (t) => {
  const compositor = await HostCompositor.start(sway({ ...SCREEN, rules: [FLOATING] }));
  const policy = join(compositor.runtimeFolder, 'policy.json');
  writeFileSync(policy, JSON.stringify({ primary: { direction: 'both' } }));
  try {
    const options = {
      compositor,
      kernel: '6.1',
      options: [`--label=${LABEL}`, `--policy=${policy}`],
    } as const;
    await withForwardMachine(t, options, async (machine) => {
      const seat = await VirtualSeat.plugIn(compositor);
      const desk = { ...machine, seat };
      await runChecks(t, machine, {
        'what a pointer and a keyboard can do': (t) => checkEvents(t, desk),
        'frames of windows': (t) => checkFrames(t, desk),
        'a menu': (t) => checkMenu(t, desk),
        'foot, selections': (t) => checkSelections(t, desk),
        'drag and drop': (t) => checkDrags(t, desk),
      });
      seat.unplug();
      await compositor.become(weston({ version: '10', ...SCREEN, shell: 'desktop' }));
      await runChecks(t, machine, { 'pictures on weston 10': checkWeston });
    });
  } finally {
    await compositor.close();
  }
});

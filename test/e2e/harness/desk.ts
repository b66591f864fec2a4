/**
 * A desk to use a forwarded program at, and one for its twin: sway with a keyboard and a pointer, and what a user does
 * there.
 */
import type { Test } from 'tap';
import { pasteFromClipboard } from './clipboard.js';
import { HostCompositor } from './compositor.js';
import { type DesktopProgram, startInGuest, startOnHost } from './desktop-program.js';
import { type ForwardMachine, type GuestProgram, withForwardMachine } from './forward-machine.js';
import { BTN_LEFT } from './keys.js';
import type { Place } from './picture.js';
import type { TestProcess } from './processes.js';
import { sway, swayCommand, swayWindows, untilSwayWindows } from './sway.js';
import { type Side, Twins } from './twins.js';
import { until } from './until.js';
import { VirtualSeat } from './virtual-seat.js';
import { weston } from './weston.js';

export const SIZE = { width: 800, height: 600 };
export const SCREEN: Place = { x: 0, y: 0, ...SIZE };
export const RESIZE = 'resize set 500 400, move position 50 50';
const LABEL = 'demo';
const CONTROL = 4;

/** A compositor with a keyboard and a pointer. */
export interface Desk extends Side {
  readonly seat: VirtualSeat;
}

export async function point({ seat }: Desk, x: number, y: number): Promise<void> {
  await seat.moveTo(x, y, SIZE.width, SIZE.height);
}

export async function click(desk: Desk, x: number, y: number, button = BTN_LEFT): Promise<void> {
  await point(desk, x, y);
  await desk.seat.click(button);
}

export async function control({ seat }: Desk, ...keys: readonly number[]): Promise<void> {
  await seat.modifiers(CONTROL, 0);
  await seat.type(...keys);
  await seat.modifiers(0, 0);
}

export async function turnWheel({ seat }: Desk, notches: number): Promise<void> {
  for (let i = 0; i < Math.abs(notches); i++) await seat.scroll('vertical', Math.sign(notches));
}

/** A program in the guest and its twin, both on the screen. */
export interface Pair {
  readonly inGuest: GuestProgram;
  readonly onHost: TestProcess;
}

export async function open(
  machine: ForwardMachine,
  twin: HostCompositor,
  program: DesktopProgram,
): Promise<Pair> {
  return { inGuest: await startInGuest(machine, program), onHost: startOnHost(twin, program) };
}

export async function expectWindows(
  { compositor }: ForwardMachine,
  appId: string,
  ...titles: readonly string[]
): Promise<void> {
  await untilSwayWindows(
    compositor,
    titles.map((title) => `[${LABEL}] ${title}`),
  );
  for (const window of await swayWindows(compositor)) {
    if (window.appId !== `${LABEL}.${appId}`) throw new Error(`a window of ${window.appId}`);
  }
}

/** Closes both windows as their users would; both programs end in peace. */
export async function closeLast(t: Test, twins: Twins<Desk>, { inGuest, onHost }: Pair): Promise<void> {
  await twins.step('closed', SCREEN, ({ compositor }) => swayCommand(compositor, 'kill'));
  t.equal((await inGuest.ended()).status, 0, 'the program has ended');
  await onHost.exited;
}

/** What the program in the guest gives to the host when it is asked to copy everything. */
export async function copied({ compositor }: ForwardMachine, pattern: RegExp): Promise<string> {
  return until(
    'clipboard of the host',
    () => pasteFromClipboard(compositor),
    (text) => pattern.test(text),
  );
}

async function plugInDesk(): Promise<Desk> {
  // A program that is slow must not take a key for one that is held.
  const rules = ['input * repeat_rate 0'];
  const compositor = await HostCompositor.start(sway({ ...SIZE, pointer: true, rules }));
  return { compositor, seat: await VirtualSeat.plugIn(compositor) };
}

export type Use = (t: Test, machine: ForwardMachine, twins: Twins<Desk>, twin: Desk) => Promise<void>;

/** Uses a program of a guest (Linux 6.12) and its twin, on a desk each. */
export async function atDesks(t: Test, use: Use): Promise<void> {
  const [host, twin] = [await plugInDesk(), await plugInDesk()];
  try {
    const options = { compositor: host.compositor, kernel: '6.12', options: [`--label=${LABEL}`] } as const;
    await withForwardMachine(t, options, async (machine) => {
      await use(t, machine, await Twins.prepare(host, twin), twin);
    });
  } finally {
    for (const { compositor, seat } of [host, twin]) {
      seat.unplug();
      await compositor.close();
    }
  }
}

/** Resolves when each program looked as if it ran here, on a current weston, with a guest of Linux 6.1. */
export async function appearsOnWeston(t: Test, programs: readonly DesktopProgram[]): Promise<void> {
  // (Its kiosk shell crashes now and then.)
  const start = (): Promise<HostCompositor> =>
    HostCompositor.start(weston({ version: 'current', shell: 'desktop', ...SIZE }));
  const [compositor, twin] = [await start(), await start()];
  try {
    await withForwardMachine(t, { compositor, kernel: '6.1' }, async (machine) => {
      const twins = await Twins.prepare({ compositor }, { compositor: twin });
      for (const program of programs) {
        const { inGuest, onHost } = await open(machine, twin, program);
        await twins.changed(`weston-${program.command[0]}`, SCREEN);
        t.pass(`${program.command[0]} looks as if it ran here`);
        await inGuest.kill();
        await onHost.stop();
        await twins.changed(`weston-${program.command[0]}-gone`, SCREEN);
      }
    });
  } finally {
    await compositor.close();
    await twin.close();
  }
}

/**
 * A desktop of the guest in a window of the host: what weston in the guest says that it shows is what the host's
 * compositor shows, pixel for pixel; typing into the window changes both.
 */
import t, { type Test } from 'tap';
import { HostCompositor } from './harness/compositor.js';
import { GuestDesktop } from './harness/guest-desktop.js';
import { BUILTIN } from './harness/machine.js';
import { computed, difference, type RgbPicture, savePicture } from './harness/picture.js';
import { sway } from './harness/sway.js';
import { VirtualSeat } from './harness/virtual-seat.js';
import { weston } from './harness/weston.js';
import { withWindowMachine } from './harness/window-machine.js';

const SIZE = { width: 800, height: 600 };
const TRIES_MAX = 40;
const KEY_A = 30;
const CORNER = 40;

/** Without the corner where the pointer is put: the guest draws it into its own screenshots. */
function withoutPointer({ width, height, rgb }: RgbPicture): RgbPicture {
  return computed(width, height, (x, y) => {
    const at = (y * width + x) * 3;
    if (x >= width - CORNER && y >= height - CORNER) return 0;
    return ((rgb[at] as number) << 16) | ((rgb[at + 1] as number) << 8) | (rgb[at + 2] as number);
  });
}

/** Takes pictures of both until they are the same: nothing says when a client of the guest's has drawn. */
async function untilSame(name: string, desktop: GuestDesktop, host: HostCompositor): Promise<RgbPicture> {
  let differs = '';
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const guest = withoutPointer(await desktop.screenshot());
    const shown = withoutPointer(await host.screenshot());
    const found = difference(shown, guest);
    if (found === null) return shown;
    differs = `${found}; see ${savePicture(`${name}-host`, shown)} and ${savePicture(`${name}-guest`, guest)}`;
  }
  throw new Error(`${name}: ${differs}`);
}

async function checkTyping(
  t: Test,
  desktop: GuestDesktop,
  compositor: HostCompositor,
  seat: VirtualSeat,
): Promise<void> {
  const before = await untilSame('desktop-before', desktop, compositor);
  await seat.type(KEY_A);
  await compositor.waitForShot((shot) =>
    difference(withoutPointer(shot), before) === null ? 'typing changed nothing' : null,
  );
  const after = await untilSame('desktop-typed', desktop, compositor);
  t.not(difference(after, before), null, 'the terminal shows what was typed');
}

t.test('a desktop in a window', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(sway(SIZE));
  const options = {
    compositor,
    kernel: '6.12',
    ...SIZE,
    inputs: ['keyboard', 'tablet'],
    desktop: true,
  } as const;
  try {
    await withWindowMachine(t, { ...options, options: ['--fullscreen'] }, async ({ qemu }) => {
      const desktop = await GuestDesktop.start(qemu.guest);
      const seat = await VirtualSeat.plugIn(compositor);
      await seat.moveTo(400, 300, SIZE.width, SIZE.height);
      await seat.moveTo(SIZE.width - 1, SIZE.height - 1, SIZE.width, SIZE.height);
      await t.test('sway', async (t) => {
        await checkTyping(t, desktop, compositor, seat);
      });
      seat.unplug();
      for (const version of ['10', 'current'] as const) {
        // (Without a seat, kiosk-shell of weston 10 never brings a window to the front.)
        const program = weston({ version, ...SIZE, shell: version === '10' ? 'desktop' : 'kiosk' });
        await compositor.become(program);
        await t.test(program.name, async (t) => {
          await untilSame(`desktop-${program.name}`, desktop, compositor);
          t.pass('the same pixels');
        });
      }
    });
  } finally {
    await compositor.close();
  }
});

/**
 * The back-end is killed while the guest animates: the supervisor starts another one and plugs the devices in again, and
 * the guest has its screen, keyboard and tablet back.
 */
import t, { type Test } from 'tap';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { InputTest, inputPicture } from './harness/input-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { difference } from './harness/picture.js';
import { Qemu } from './harness/qemu.js';
import {
  killBackEnd,
  nameCard,
  startSupervised,
  supervisedDevices,
  untilInputs,
} from './harness/supervised.js';
import { sway } from './harness/sway.js';
import { until } from './harness/until.js';
import { VirtualSeat } from './harness/virtual-seat.js';

const SIZE = { width: 800, height: 600 };
const FLIPS = 100_000;
const INPUTS = ['keyboard', 'tablet'] as const;

const EV_KEY = 1;
const KEY_A = 30;
const BTN_LEFT = 0x110;

async function checkPicture(compositor: HostCompositor, qemu: Qemu, seed: number): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, SIZE.width, SIZE.height, seed);
  await compositor.waitForScreen(`recovery-${seed}`, picture(SIZE.width, SIZE.height, seed));
  await drm.quit();
}

/** What is typed and clicked in the window arrives in the guest. The pointer has to come from elsewhere to (x, y). */
async function checkInput(
  t: Test,
  compositor: HostCompositor,
  seat: VirtualSeat,
  { guest }: Qemu,
  [x, y]: readonly [number, number],
): Promise<void> {
  const { width, height } = SIZE;
  await untilInputs(guest, INPUTS.length);
  const input = await InputTest.start(guest);
  await input.canvas(width, height);
  await compositor.waitForScreen('recovery-canvas', inputPicture(width, height, {}));
  await seat.type(KEY_A);
  await seat.moveTo(x, y, width, height);
  await seat.click(BTN_LEFT);
  const events = await input.wait(6);
  t.same(
    events.filter(({ type }) => type === EV_KEY).map(({ code, value }) => [code, value]),
    [KEY_A, BTN_LEFT].flatMap((code) => [
      [code, 1],
      [code, 0],
    ]),
  );
  const drawn = { keys: [KEY_A], clicks: [[x, y]] as const };
  await compositor.waitForScreen('recovery-drawn', inputPicture(width, height, drawn));
  await input.quit();
}

/** Flips pages between pictures `seed` and `seed + 1` until the card is gone. */
async function animate(compositor: HostCompositor, { guest }: Qemu, seed: number): Promise<void> {
  const drm = await DrmTest.start(guest);
  const first = picture(SIZE.width, SIZE.height, seed);
  await drm.mode(0, SIZE.width, SIZE.height, seed);
  await compositor.waitForScreen('recovery-before', first);
  await guest.run(`rm -f /tmp/flips; talk drm-test flip 0 ${FLIPS} 2 >/tmp/flips 2>&1 &`);
  await compositor.waitForShot((shot) => (difference(shot, first) === null ? 'no frame came' : null));
}

/** The program that animates is told that its display has gone, instead of waiting for ever. */
async function checkAnimationEnded(t: Test, { guest }: Qemu): Promise<void> {
  const flips = await until(
    'the animation ends',
    () => guest.run('cat /tmp/flips'),
    (text) => text !== '',
  );
  t.match(flips, /error/);
  await guest.run('kill $(pidof drm-test)');
}

t.test('the back-end is killed, twice', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(sway(SIZE));
  const seat = await VirtualSeat.plugIn(compositor);
  const backEnd = await startSupervised(INPUTS, compositor.env, () => [
    ...['--window', '--fullscreen', `--resolution=${SIZE.width}x${SIZE.height}`],
  ]);
  const machine = Qemu.boot({
    qemu: '11.1',
    kernel: '6.12',
    device: supervisedDevices(backEnd.socketPath, INPUTS),
  });
  try {
    await withMachine(t, machine, async (qemu) => {
      for (const [seed, place] of [
        [1, [200, 150]],
        [1000, [400, 300]],
      ] as const) {
        await animate(compositor, qemu, seed);
        // The kernel may want to have the name.
        await qemu.guest.run('[ ! -L /dev/dri/card0 ] || rm /dev/dri/card0');
        await killBackEnd(t, backEnd, INPUTS);
        await checkAnimationEnded(t, qemu);
        await nameCard(qemu.guest);
        await checkPicture(compositor, qemu, seed + 500);
        await checkInput(t, compositor, seat, qemu, place);
      }
    });
  } finally {
    t.equal(await backEnd.stop(), 0);
    if (!t.passing()) t.comment(backEnd.process.output);
    seat.unplug();
    await compositor.close();
  }
});

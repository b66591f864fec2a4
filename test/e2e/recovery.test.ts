/**
 * The back-end is killed while the guest animates: the supervisor starts another one and plugs the devices in again, and
 * the guest has its screen, keyboard and tablet back.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { BackEnd } from './harness/back-end.js';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { InputTest, inputPicture } from './harness/input-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { difference } from './harness/picture.js';
import { Qemu } from './harness/qemu.js';
import { SANDBOX_OPTIONS } from './harness/sandbox.js';
import { sway } from './harness/sway.js';
import { until } from './harness/until.js';
import { VirtualSeat } from './harness/virtual-seat.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const SIZE = { width: 800, height: 600 };
const FLIPS = 100_000;
const INPUTS = ['keyboard', 'tablet'] as const;
const PLUGGED = /"msg":"the device (was|could not be) plugged in again"/g;

const EV_KEY = 1;
const KEY_A = 30;
const BTN_LEFT = 0x110;

/** A back-end under supervision; QEMU's monitor lies beside its socket. */
function startSupervised(compositor: HostCompositor): Promise<BackEnd> {
  const options = (path: string): string[] => [
    ...['supervise', `--qmp=${path}-monitor`, '--device=gpu', ...INPUTS.map((kind) => `--device=${kind}`)],
    ...['--', `--socket-path=${path}`, '--log-format=json', ...SANDBOX_OPTIONS],
    ...['--window', '--fullscreen', `--resolution=${SIZE.width}x${SIZE.height}`],
    ...INPUTS.map((kind) => `--${kind}-socket=${path}-${kind}`),
  ];
  return BackEnd.startScript(COMMAND, options, compositor.env);
}

/** Devices on ports where they can be unplugged, and a monitor for the supervisor. */
function devices(path: string): string[] {
  const port = (name: string, slot: number, more = ''): string[] => [
    '-device',
    `pcie-root-port,id=${name}-port,slot=${slot},chassis=${slot}${more}`,
  ];
  return [
    ...['-qmp', `unix:${path}-monitor,server=on,wait=off`],
    ...port('gpu', 1, ',pref64-reserve=512M'),
    ...['-chardev', `socket,id=gpu-socket,path=${path}`],
    ...['-device', `${GENERIC_DEVICE},id=gpu,bus=gpu-port,chardev=gpu-socket,${GENERIC_PROPERTIES}`],
    ...INPUTS.flatMap((kind, i) => [
      ...port(kind, i + 2),
      ...['-chardev', `socket,id=${kind}-socket,path=${path}-${kind}`],
      ...['-device', `vhost-user-input-pci,id=${kind},bus=${kind}-port,chardev=${kind}-socket`],
    ]),
  ];
}

/** Kills the back-end, and waits until its devices were plugged in again. */
async function killBackEnd(t: Test, { process: supervisor }: BackEnd): Promise<void> {
  const plugged = (): string[] => supervisor.output.match(PLUGGED) ?? [];
  const before = plugged().length;
  const children = readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8');
  process.kill(Number(children.trim()), 'SIGKILL');
  while (plugged().length < before + 1 + INPUTS.length) await supervisor.nextOutput();
  t.notMatch(supervisor.output, /could not be plugged in/);
}

/**
 * Gives the guest's new card the name that test programs open: it is card1 while a program still has the old card0, and the
 * one after it is card0 again.
 */
async function nameCard({ guest }: Qemu): Promise<void> {
  await until(
    'the guest has a card',
    () => guest.try('ls /dev/dri/card*'),
    ({ status }) => status === 0,
  );
  await guest.run('cd /dev/dri; [ -e card0 ] || ln -s card[1-9] card0');
}

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
  // (A PC has a keyboard of its own.)
  await until(
    'the guest has its input devices',
    () => guest.run('grep -l vhost-user /sys/class/input/event*/device/name || true'),
    (found) => found.trim().split('\n').length === INPUTS.length,
  );
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
  const backEnd = await startSupervised(compositor);
  const machine = Qemu.boot({ qemu: '11.1', kernel: '6.12', device: devices(backEnd.socketPath) });
  try {
    await withMachine(t, machine, async (qemu) => {
      for (const [seed, place] of [
        [1, [200, 150]],
        [1000, [400, 300]],
      ] as const) {
        await animate(compositor, qemu, seed);
        // The kernel may want to have the name.
        await qemu.guest.run('[ ! -L /dev/dri/card0 ] || rm /dev/dri/card0');
        await killBackEnd(t, backEnd);
        await checkAnimationEnded(t, qemu);
        await nameCard(qemu);
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

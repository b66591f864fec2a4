/**
 * The control API of the sandboxed command, on real guests: what it shows is what the guest drew, what it types the
 * guest's shell runs, what it records is what was seen. And the worked example, as a program of its own.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { ControlClient } from '../../src/npm/index.js';
import { playAnimation } from '../unit/apng-player.js';
import { parseMetrics } from '../unit/prometheus.js';
import { BackEnd, displayDevice } from './harness/back-end.js';
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { InputTest, inputPicture } from './harness/input-test.js';
import { BUILTIN, bootMachine, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { difference, fromRgba, type RgbPicture, savePicture } from './harness/picture.js';
import { decodePng } from './harness/png.js';
import { Qemu } from './harness/qemu.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES, inputDevice } from './harness/window-machine.js';

const SIZE = { width: 800, height: 600 };
const EXAMPLE = fileURLToPath(new URL('../../examples/guest-test.js', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const KEY_A = 30;
/** Emulated guests take their time. */
const PATIENCE = { timeoutMs: 60_000 };

interface Controlled {
  readonly qemu: Qemu;
  readonly control: ControlClient;
}

function same(t: Test, name: string, actual: RgbPicture, expected: RgbPicture): void {
  const differs = difference(actual, expected);
  if (differs === null) t.pass(name);
  else t.fail(`${name}: ${differs}; see ${savePicture(name, actual)}`);
}

/** Resolves when the output shows the picture: the guest's commands return before it does. */
async function shows({ control }: Controlled, name: string, expected: RgbPicture): Promise<void> {
  const { width, height, rgb } = expected;
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);
  const path = savePicture(name, expected);
  await control.looksLike(readFileSync(path), PATIENCE);
}

async function screenshot({ control }: Controlled): Promise<RgbPicture> {
  return decodePng(await control.screenshot());
}

/** A shell waits on the guest's console; what is typed there is on the screen, and so is what comes of it. */
async function checkTyping(t: Test, machine: Controlled): Promise<void> {
  const { qemu, control } = machine;
  await writeConsole(qemu.guest, 'ready\r\n');
  await control.inputReady('keyboard', PATIENCE);
  await control.settled(0, PATIENCE);
  const before = await control.hash();
  const film = await control.record(async () => {
    await control.type('echo "$((6 * 7)) pixels, {A} ~ tilde"\n');
    await control.changed(0, PATIENCE);
    await shows(machine, 'control-typed', await typed(qemu));
  });
  t.not(await control.hash(), before);
  const shot = await screenshot(machine);
  same(t, 'control-console', shot, await consolePicture(qemu.guest, SIZE.width, SIZE.height));
  const { frames, width, height } = playAnimation(film);
  t.ok(frames.length > 1, `${frames.length} frames`);
  const last = frames.at(-1)?.canvas ?? new Uint8Array();
  same(t, 'control-film', fromRgba({ width, height, rgba: last }), shot);
}

/** The console as it is when the shell has answered. */
async function typed(qemu: Qemu): Promise<RgbPicture> {
  for (;;) {
    const text = await qemu.guest.run('cat /dev/vcs1');
    if (/^42 pixels, \{A\} ~ tilde/m.test(text.replace(/(.{100})/g, '$1\n'))) break;
  }
  return consolePicture(qemu.guest, SIZE.width, SIZE.height);
}

/** Where the pointer clicks the guest draws. */
async function checkPointer(t: Test, machine: Controlled): Promise<void> {
  const { qemu, control } = machine;
  const { width, height } = SIZE;
  const input = await InputTest.start(qemu.guest);
  await input.canvas(width, height);
  await shows(machine, 'control-canvas', inputPicture(width, height, {}));
  await control.press('KEY_A');
  await control.click(200, 150);
  t.equal((await input.wait(6)).length, 6, 'two of the key, two places, two of the button');
  const drawn = inputPicture(width, height, { keys: [KEY_A], clicks: [[200, 150]] });
  await shows(machine, 'control-clicked', drawn);
  same(t, 'control-click', await screenshot(machine), drawn);
  await input.quit();
}

/** Another monitor; a picture that is another one. */
async function checkModes(t: Test, machine: Controlled): Promise<void> {
  const { qemu, control } = machine;
  const drm = await DrmTest.start(qemu.guest);
  await control.call('patchOutput', { params: { output: 0 }, body: { width: 1000, height: 700 } });
  await drm.untilPreferred(0, 1000, 700);
  await drm.mode(0, 1000, 700, 3);
  await shows(machine, 'control-mode', picture(1000, 700, 3));
  const wrong = readFileSync(savePicture('control-wrong', picture(1000, 700, 4)));
  await t.rejects(control.looksLike(wrong, { timeoutMs: 1 }), { code: 'timeout', diff: Uint8Array });
  await drm.quit();
}

/** What was traced so far ends in the picture that is on the screen. */
async function checkTrace(t: Test, { control }: Controlled, path: string): Promise<void> {
  await control.settled(0, PATIENCE);
  const sha256 = await control.hash();
  const played = execFileSync(process.execPath, [COMMAND, 'replay', path], { encoding: 'utf8' });
  t.match(played, new RegExp(`^output 0 \\d+x\\d+ ${sha256}$`, 'm'));
}

t.test('outputs of our own', { skip: BUILTIN }, async (t) => {
  const backEnd = await BackEnd.startIn(process.env, (path) => [
    `--resolution=${SIZE.width}x${SIZE.height}`,
    `--control-socket=${path}-control`,
    `--trace-file=${path}-trace`,
    `--keyboard-socket=${path}-keyboard`,
    `--tablet-socket=${path}-tablet`,
  ]);
  const control = new ControlClient(`${backEnd.socketPath}-control`);
  const device = [
    ...inputDevice('keyboard', `${backEnd.socketPath}-keyboard`),
    ...inputDevice('tablet', `${backEnd.socketPath}-tablet`),
    ...displayDevice(backEnd.socketPath, GENERIC_DEVICE, GENERIC_PROPERTIES),
  ];
  const append = 'quiet loglevel=4 guest.shell';
  try {
    await withMachine(t, Qemu.boot({ qemu: '11.1', kernel: '6.12', device, append }), async (qemu) => {
      const machine = { qemu, control };
      await t.test('typing', async (t) => checkTyping(t, machine));
      await t.test('keys and pointer', async (t) => checkPointer(t, machine));
      await t.test('modes', async (t) => checkModes(t, machine));
      await t.test('the trace, played', async (t) => checkTrace(t, machine, `${backEnd.socketPath}-trace`));
      const families = parseMetrics(await control.metrics());
      t.ok((families.get('vhost_user_gpu_commands_total')?.samples.get('') ?? 0) > 10);
    });
  } finally {
    control.close();
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
    if (!t.passing()) t.comment(backEnd.process.output);
  }
});

t.test("outputs of QEMU's", { skip: BUILTIN }, async (t) => {
  const backEnd = await BackEnd.startIn(process.env, (path) => [`--control-socket=${path}-control`]);
  const control = new ControlClient(`${backEnd.socketPath}-control`);
  try {
    const boot = bootMachine(backEnd, { qemu: '10.0', kernel: '6.1', driver: 'vhost-user-gpu-pci' });
    await withMachine(t, boot, async (qemu) => {
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, 640, 480, 9);
      await shows({ qemu, control }, 'control-screen', picture(640, 480, 9));
      await qemu.waitForScreen('control-screendump', picture(640, 480, 9));
      const patch = control.call('patchOutput', { params: { output: 0 }, body: { width: 800, height: 600 } });
      await t.rejects(patch, { code: 'conflict', message: /QEMU/ });
      await drm.quit();
    });
  } finally {
    control.close();
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
  }
});

t.test('the example', { skip: BUILTIN }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'example-'));
  const film = join(folder, 'guest.apng');
  const output = (script: string, ...args: string[]): string =>
    execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  const [image, qemu] = [output('guest/build', '6.12'), output('scripts/qemu-tree', '11.1')];
  const boot = ['-M', 'q35', '-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initramfs')];
  const append = 'console=tty0 vt.cur_default=1 quiet loglevel=4 guest.shell';
  try {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const args = [EXAMPLE, film, qemu, '-nodefaults', '-smp', '2', '-m', '512', ...boot, '-append', append];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 300_000 });
    t.equal(status, 0, stderr);
    const { frames, width } = playAnimation(readFileSync(film));
    t.ok(frames.length > 1);
    const at = (200 * width + 300) * 4;
    t.same([...(frames.at(-1)?.canvas.subarray(at, at + 4) ?? [])], [0, 0, 0xaa, 255], 'it ends in blue');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

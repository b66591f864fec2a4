/** `run` adds our GPU to a QEMU command: the guest's picture is there, and QEMU's exit status comes through. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Picture } from '../../src/capture/index.js';
import { ViewerClient } from '../protocol/viewer-client.js';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import type { RgbPicture } from './harness/picture.js';
import { Qemu, type QemuVersion } from './harness/qemu.js';
import { weston } from './harness/weston.js';

const SCRIPT = 'test/e2e/harness/run-vm';
const SIZE = { width: 800, height: 600 };
const RESOLUTION = `--resolution=${SIZE.width}x${SIZE.height}`;

function boot(
  qemu: QemuVersion,
  env: NodeJS.ProcessEnv,
  device: readonly string[],
  ...options: readonly string[]
): Promise<Qemu> {
  return Qemu.boot({ qemu, kernel: '6.12', device, launcher: [SCRIPT, ...options], launcherEnv: env });
}

/** With a runtime folder, which must be empty at the end. */
function scenario(name: string, body: (t: Test, runtime: string) => Promise<void>): void {
  t.test(name, { skip: BUILTIN }, async (t) => {
    const runtime = mkdtempSync(join(tmpdir(), 'run-'));
    try {
      await body(t, runtime);
      t.same(readdirSync(runtime), [], 'nothing is left');
    } finally {
      rmSync(runtime, { recursive: true, force: true });
    }
  });
}

/** As a canvas has it. */
function opaque({ width, height, rgb }: RgbPicture): Picture {
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);
  return { width, height, rgba };
}

scenario("a screen, in QEMU's display and in a viewer", async (t, runtime) => {
  // The guest can end QEMU with a status of its choice.
  const exit = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
  const env = { XDG_RUNTIME_DIR: runtime };
  const folder = mkdtempSync(join(tmpdir(), 'run-viewer-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [address, tokens] = [join(runtime, 'viewer'), join(folder, 'tokens')];
  const viewing = ['--display=viewer', `--viewer=${address}`, `--viewer-token-file=${tokens}`];
  await withMachine(t, boot('10.0', env, exit, '--screen', RESOLUTION, ...viewing), async (qemu) => {
    const [token = ''] = readFileSync(tokens, 'utf8').split('\n');
    const viewer = await ViewerClient.enter({ address }, token, 'output-0');
    const drm = await DrmTest.start(qemu.guest);
    await drm.untilPreferred(0, SIZE.width, SIZE.height);
    await drm.mode(0, SIZE.width, SIZE.height, 1);
    const expected = picture(SIZE.width, SIZE.height, 1);
    await Promise.all([qemu.waitForScreen('run-screen', expected), viewer.untilShows(opaque(expected))]);
    const inputs = { keyboard: true, pointer: true, touch: true };
    await viewer.message('views', ({ views }) => JSON.stringify(views[0]?.input) === JSON.stringify(inputs));
    viewer.close();
    await drm.quit();
    qemu.guest.send("printf '\\005' | dd of=/dev/port bs=1 seek=244 conv=notrunc");
    t.same(await qemu.process.exited, { code: 11, signal: null }, "QEMU's exit status: 2 * 5 + 1");
  });
});

/** What `doctor` finds here with QEMU 11.1, by the names of the checks. */
function doctor(env: NodeJS.ProcessEnv): Record<string, { state: string; found: string }> {
  const qemu = execFileSync('scripts/qemu-tree', ['11.1'], { encoding: 'utf8' }).trim();
  const args = ['dist/vhost-user-gpu-ts.js', 'doctor', '--json', `--qemu=${qemu}`];
  const { findings } = JSON.parse(
    execFileSync('node', args, { encoding: 'utf8', env: { ...process.env, ...env } }),
  );
  return Object.fromEntries(findings.map((finding: { check: string }) => [finding.check, finding]));
}

scenario('windows', async (t, runtime) => {
  const compositor = await HostCompositor.start(weston({ version: 'current', ...SIZE }));
  const { WAYLAND_DISPLAY: name = '', XDG_RUNTIME_DIR: folder = '' } = compositor.env;
  try {
    const env = { XDG_RUNTIME_DIR: runtime, WAYLAND_DISPLAY: join(folder, name) };
    const found = doctor(env);
    t.match(found.qemu, { state: 'ok', found: /^11\./ });
    t.match(found.compositor, { found: /^(it has no|\d+ globals)/ });
    t.notMatch(found.compositor, { found: /wl_compositor|wl_shm|xdg_wm_base/ });
    await withMachine(t, boot('11.1', env, [], '--window', '--label=work'), async (qemu) => {
      const inputs = await qemu.guest.run("sed -n 's/^N: Name=//p' /proc/bus/input/devices");
      for (const device of ['keyboard', 'tablet', 'mouse', 'touch']) t.match(inputs, new RegExp(device, 'i'));
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, SIZE.width, SIZE.height, 2);
      await compositor.waitForScreen('run-window', picture(SIZE.width, SIZE.height, 2));
      await drm.quit();
      t.same(
        await qemu.process.stop('SIGTERM'),
        { code: 0, signal: null },
        'QEMU ends, as it does on SIGTERM',
      );
    });
  } finally {
    await compositor.close();
  }
});

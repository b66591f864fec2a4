/** The README's commands, pasted: the guest's picture is there. */
import t, { type Test } from 'tap';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { Qemu } from './harness/qemu.js';
import { weston } from './harness/weston.js';

const SCRIPT = 'test/e2e/harness/run-readme';
const SIZE = { width: 800, height: 600 };

/** Boots a guest by the block under a heading. */
function boot(heading: string, qemu: '10.0' | '11.1', env: NodeJS.ProcessEnv): Promise<Qemu> {
  return Qemu.boot({ qemu, kernel: '6.12', device: [], launcher: [SCRIPT, heading], launcherEnv: env });
}

/** Runs `body` on a machine, and ends QEMU: its block's other processes end with it. */
async function withBlock(
  t: Test,
  machine: Promise<Qemu>,
  body: (qemu: Qemu) => Promise<void>,
): Promise<void> {
  await withMachine(t, machine, async (qemu) => {
    try {
      await body(qemu);
    } finally {
      await qemu.qmp.command('quit').catch(() => undefined);
      t.same(await qemu.process.exited, { code: 0, signal: null });
    }
  });
}

t.test('screen mode', { skip: BUILTIN }, async (t) => {
  const machine = boot("Screen mode: the guest's screen in QEMU's display", '10.0', {});
  await withBlock(t, machine, async (qemu) => {
    const drm = await DrmTest.start(qemu.guest);
    await drm.mode(0, SIZE.width, SIZE.height, 1);
    await qemu.waitForScreen('readme-screen', picture(SIZE.width, SIZE.height, 1));
    await drm.quit();
  });
});

t.test('window mode', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(weston({ version: 'current', ...SIZE }));
  try {
    const heading = "Window mode: the guest's screens as windows on your Wayland desktop";
    await withBlock(t, boot(heading, '11.1', compositor.env), async (qemu) => {
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, SIZE.width, SIZE.height, 2);
      await compositor.waitForScreen('readme-window', picture(SIZE.width, SIZE.height, 2));
      await drm.quit();
    });
  } finally {
    await compositor.close();
  }
});

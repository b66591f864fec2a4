/**
 * The other combinations of QEMU, kernel and device, one VM after the other on the same back-end process: each
 * finds a clean device, however the one before it ended. Then the launch scripts of qemu-configs/.
 */
import t from 'tap';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { BUILTIN, bootMachine, type MachineOptions, withBackEnd, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { Qemu } from './harness/qemu.js';
import { checkCore } from './harness/scenarios.js';
import { weston } from './harness/weston.js';

const MACHINES: readonly MachineOptions[] = [
  { qemu: '10.0', kernel: '6.1', driver: 'vhost-user-gpu-pci' },
  { qemu: '11.1', kernel: '6.1', driver: 'vhost-user-vga' },
  { qemu: '11.1', kernel: '6.12', driver: 'vhost-user-gpu-pci' },
];

t.test('one VM after the other', async (t) => {
  await withBackEnd(t, async (backEnd) => {
    for (const [i, options] of MACHINES.entries()) {
      const name = `QEMU ${options.qemu}, kernel ${options.kernel}, ${options.driver}`;
      await t.test(name, async (t) => {
        await withMachine(t, bootMachine(backEnd, options), async (qemu) => {
          await checkCore(t, name, qemu);
          // The first is asked to end, the others are killed: neither may matter to the next.
          if (i === 0) await qemu.quit();
        });
      });
    }
  });
});

t.test('launch script', { skip: BUILTIN }, async (t) => {
  const launcher = ['qemu-configs/screen.sh', '--vga', '--memory', '512M'];
  const machine = Qemu.boot({ qemu: '10.0', kernel: '6.1', device: [], launcher });
  await withMachine(t, machine, async (qemu) => {
    await checkCore(t, 'launch-script', qemu);
    await qemu.qmp.command('quit').catch(() => undefined);
    t.same(await qemu.process.exited, { code: 0, signal: null }, 'it ends with its QEMU');
  });
});

t.test('launch script of window mode', { skip: BUILTIN }, async (t) => {
  const [width, height] = [640, 480];
  const compositor = await HostCompositor.start(weston({ version: 'current', width, height }));
  try {
    const launcher = ['qemu-configs/window.sh', '--fullscreen', '--memory', '512M'];
    const launcherEnv = compositor.env;
    const machine = Qemu.boot({ qemu: '11.1', kernel: '6.12', device: [], launcher, launcherEnv });
    await withMachine(t, machine, async (qemu) => {
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, width, height, 1);
      await compositor.waitForScreen('launch-script-window', picture(width, height, 1));
      await drm.quit();
      await qemu.qmp.command('quit').catch(() => undefined);
      t.same(await qemu.process.exited, { code: 0, signal: null }, 'it ends with its QEMU');
    });
  } finally {
    await compositor.close();
  }
});

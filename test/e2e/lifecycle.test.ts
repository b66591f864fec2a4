/**
 * What happens to a machine while it runs: paused, driver exchanged, reset, killed, followed by the next one on the
 * same back-end; and the back-end's end while a guest draws.
 */
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { BackEnd } from './harness/back-end.js';
import { DrmTest } from './harness/drm-test.js';
import { bootMachine, withBackEnd, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import type { Qemu } from './harness/qemu.js';
import { checkConsole, checkPictures, EXCHANGE_DRIVER } from './harness/scenarios.js';

const VIRTIO_F_RING_PACKED = 34;

function openFds(backEnd: BackEnd): number {
  return readdirSync(`/proc/${backEnd.process.pid}/fd`).length;
}

/** The picture stays while the machine is paused and afterwards, and goes on changing. */
async function checkPause(name: string, qemu: Qemu): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, 800, 600, 1);
  await qemu.waitForScreen(`${name}-before`, picture(800, 600, 1));
  for (let seed = 2; seed <= 4; seed++) {
    await qemu.qmp.command('stop');
    await qemu.waitForScreen(`${name}-paused`, picture(800, 600, seed - 1));
    await qemu.qmp.command('cont');
    await qemu.waitForScreen(`${name}-goes-on`, picture(800, 600, seed - 1));
    await drm.flip(0, 1, seed);
    await qemu.waitForScreen(`${name}-flipped`, picture(800, 600, seed));
  }
  await drm.quit();
}

/** A machine is paused between any two steps of a guest that draws as fast as it can. */
async function checkPauseWhileDrawing(name: string, qemu: Qemu): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, 640, 480, 1);
  const drawing = drm.flip(0, 100, 10);
  for (let i = 0; i < 10; i++) {
    await qemu.qmp.command('stop');
    await qemu.qmp.command('cont');
  }
  await drawing;
  await qemu.waitForScreen(name, picture(640, 480, 109));
  await drm.quit();
}

async function checkDriverExchange(name: string, qemu: Qemu): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await qemu.guest.run(EXCHANGE_DRIVER);
    await checkPictures(name, qemu);
    await checkConsole(name, qemu);
  }
}

/** The machine is reset while a program draws. */
async function checkReset(name: string, qemu: Qemu): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, 640, 480, 5);
  await qemu.qmp.command('system_reset');
  await qemu.guest.ready();
  await checkConsole(name, qemu);
  await checkPictures(name, qemu);
}

async function checkKill(test: Test, qemu: Qemu, backEnd: BackEnd | null, idleFds: number): Promise<void> {
  await qemu.process.stop('SIGKILL');
  if (backEnd === null) return;
  await backEnd.process.waitForOutput(/front-end disconnected/);
  test.equal(openFds(backEnd), idleFds, 'no descriptor is left open');
}

/** SIGTERM is obeyed at once, whatever the guest does. */
async function checkEnd(test: Test, qemu: Qemu, backEnd: BackEnd): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, 640, 480, 6);
  const { code, signal } = await backEnd.process.stop('SIGTERM');
  test.same({ code, signal }, { code: 0, signal: null });
  test.equal(await qemu.guest.run('echo alive'), 'alive', 'the guest survives it');
}

t.test('the life of a machine', async (t) => {
  await withBackEnd(t, async (backEnd) => {
    const idleFds = backEnd === null ? 0 : openFds(backEnd);
    const first = bootMachine(backEnd, { qemu: '10.0', kernel: '6.12', driver: 'vhost-user-gpu-pci' });
    await withMachine(t, first, async (qemu) => {
      await t.test('pause', async () => checkPause('split-pause', qemu));
      await t.test('pause while drawing', async () => checkPauseWhileDrawing('split-drawing', qemu));
      await t.test('driver unbound and bound', async () => checkDriverExchange('split-driver', qemu));
      await t.test('system_reset', async () => checkReset('split-reset', qemu));
      await t.test('QEMU killed', async (t) => checkKill(t, qemu, backEnd, idleFds));
    });
    const packed = { qemu: '11.1', kernel: '6.12', driver: 'vhost-user-gpu-pci' } as const;
    const second = bootMachine(backEnd, { ...packed, properties: 'packed=on,max_outputs=16' });
    await withMachine(t, second, async (qemu) => {
      const features = await qemu.guest.run('cat /sys/bus/virtio/drivers/virtio_gpu/virtio*/features');
      t.equal(features[VIRTIO_F_RING_PACKED], '1', 'the rings are packed');
      await t.test('packed: pause', async () => checkPause('packed-pause', qemu));
      await t.test('packed: pause while drawing', async () => checkPauseWhileDrawing('packed-drawing', qemu));
      await t.test('packed: driver unbound and bound', async () =>
        checkDriverExchange('packed-driver', qemu),
      );
      await t.test('packed: system_reset', async () => checkReset('packed-reset', qemu));
      if (backEnd !== null) await t.test('SIGTERM', async (t) => checkEnd(t, qemu, backEnd));
    });
  });
});

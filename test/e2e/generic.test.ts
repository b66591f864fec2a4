/**
 * The 2D device behind QEMU's generic vhost-user device (QEMU 11.1). QEMU has no display for it: the device is
 * put together here, in this process, with a frame capture as its display. That also shows what QEMU's display
 * can't tell: where the guest's cursor is. Outputs are ours there: modes change and monitors come and go.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { serve } from 'vhost-user-ts';
import type { CursorState } from '../../src/capture/index.js';
import { GpuDevice } from '../../src/virtio-gpu/index.js';
import { displayDevice } from './harness/back-end.js';
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { withMachine } from './harness/machine.js';
import { cursorRgba, picture } from './harness/pattern.js';
import { type KernelVersion, Qemu } from './harness/qemu.js';
import { Watched } from './harness/watched.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';

async function checkCursor(drm: DrmTest, watched: Watched): Promise<void> {
  const expected = Buffer.from(cursorRgba(64, 64, 7));
  const isShown = ({ image }: CursorState): boolean =>
    image !== null && expected.equals(Buffer.from(image.rgba));
  await drm.cursor(0, 64, 64, 5, 9, 7);
  await watched.untilCursor(
    (cursor) => isShown(cursor) && cursor.image?.hotX === 5 && cursor.image.hotY === 9,
  );
  for (const [x, y] of [
    [100, 50],
    [639, 479],
    [0, 0],
  ] as const) {
    await drm.move(0, x, y);
    await watched.untilCursor((cursor) => cursor.x === x && cursor.y === y && isShown(cursor));
  }
  await drm.hide(0);
  await watched.untilCursor(({ image }) => image === null);
}

/** Our own outputs: the guest is told by an interrupt, and finds another preferred mode, or no monitor. */
async function checkOutputs(t: Test, device: GpuDevice, qemu: Qemu, drm: DrmTest): Promise<void> {
  const preferred = async (): Promise<(string | null)[]> =>
    (await drm.info()).connectors.map(({ connected, modes }) => {
      const mode = modes.find((each) => each.preferred);
      return connected && mode !== undefined ? `${mode.width}x${mode.height}` : null;
    });
  const untilPreferred = async (wanted: readonly (string | null)[]): Promise<void> => {
    let found = await preferred();
    for (let tries = 0; tries < 100 && JSON.stringify(found) !== JSON.stringify(wanted); tries++) {
      await qemu.guest.run('usleep 100000');
      found = await preferred();
    }
    t.same(found, wanted);
  };
  await untilPreferred(['1280x720', '800x600']);
  t.ok(await device.setOutput(0, { width: 1600, height: 900 }), 'the guest was told of a new size');
  await untilPreferred(['1600x900', '800x600']);
  t.ok(await device.setOutput(1, { enabled: false }), 'the guest was told that a monitor is gone');
  await untilPreferred(['1600x900', null]);
}

for (const kernel of ['6.12', '6.1'] satisfies KernelVersion[]) {
  t.test(`kernel ${kernel}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-generic-'));
    const path = join(folder, 'gpu.sock');
    const watched = new Watched();
    const outputs = [
      { width: 1280, height: 720 },
      { width: 800, height: 600 },
    ];
    const device = new GpuDevice({ outputs, sinks: [watched.capture] });
    const server = serve(device, { path });
    const boot = Qemu.boot({
      qemu: '11.1',
      kernel,
      device: displayDevice(path, GENERIC_DEVICE, GENERIC_PROPERTIES),
    });
    await withMachine(t, boot, async (qemu) => {
      await t.test('text console', async () => {
        await writeConsole(qemu.guest, 'generic device\r\n\x1b[32mgreen \x1b[41mon red\x1b[0m');
        const { width, height } = watched.capture.snapshot(0) ?? { width: 0, height: 0 };
        await watched.untilPicture(
          `generic-${kernel}-console`,
          await consolePicture(qemu.guest, width, height),
        );
      });
      const drm = await DrmTest.start(qemu.guest);
      await t.test('two outputs with pictures of their own, page flips', async () => {
        await drm.mode(0, 1280, 720, 1);
        await drm.mode(1, 800, 600, 2);
        await watched.untilPicture(`generic-${kernel}-first`, picture(1280, 720, 1), 0);
        await watched.untilPicture(`generic-${kernel}-second`, picture(800, 600, 2), 1);
        await drm.flip(0, 20, 30);
        await watched.untilPicture(`generic-${kernel}-flips`, picture(1280, 720, 49), 0);
        await watched.untilPicture(`generic-${kernel}-unchanged`, picture(800, 600, 2), 1);
      });
      await t.test('cursor: shown, moved, hidden', async () => checkCursor(drm, watched));
      await t.test('outputs change', async (t) => checkOutputs(t, device, qemu, drm));
      await drm.quit();
    });
    server.close();
    device.close();
    t.equal(device.status.hostBytes, 0, 'the guest’s memory was given back');
    rmSync(folder, { recursive: true });
  });
}

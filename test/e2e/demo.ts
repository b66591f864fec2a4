/**
 * The demo: a stock Linux guest in QEMU draws through our device, and what QEMU's display shows is left in out/
 * as pictures. The checks of the end-to-end tests apply: a picture that is not what the guest drew is an error.
 *
 *   node dist/test/e2e/demo.js          the guest's screen
 *   node dist/test/e2e/demo.js window   the window of an application of the guest, on a compositor of the host: the
 *                                       user's own (WAYLAND_DISPLAY) until it is closed, else a headless one, which
 *                                       leaves a picture
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BackEnd, displayDevice } from './harness/back-end.js';
import { HostCompositor } from './harness/compositor.js';
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { clientsTree, GUEST_DISPLAY, GuestPrograms } from './harness/forward-machine.js';
import { picture } from './harness/pattern.js';
import { savePicture } from './harness/picture.js';
import { kvmWorks, Qemu } from './harness/qemu.js';
import { sharedFolder, stageApp } from './harness/staged-app.js';
import { sway } from './harness/sway.js';
import { WaylandTest } from './harness/wayland-test.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';

const SIZE = { width: 800, height: 600 };

const WELCOME = [
  'This text was drawn by Linux on a virtio-gpu that runs outside of QEMU,',
  'in TypeScript: vhost-user-gpu-ts.',
  '',
  '  guest pages -> vring -> the back-end -> QEMU\u0027s display -> this picture',
].join('\r\n');

const say = (text: string): void => console.log(text);

/** A program of Debian on the user's desktop. */
async function showWindow(programs: GuestPrograms): Promise<void> {
  const terminal = await programs.start('weston-terminal');
  say('a terminal of the guest is on your desktop; the demo ends with it');
  await terminal.ended();
}

/** A program whose pictures are known, on a compositor that nobody sees. */
async function pictureWindow(compositor: HostCompositor, qemu: Qemu): Promise<void> {
  const client = await WaylandTest.start(qemu.guest);
  await client.connect(GUEST_DISPLAY);
  const { width } = await client.window({ width: 320, height: 200 }, 1, 'shared');
  if (width !== SIZE.width) await client.resized();
  await compositor.waitForScreen('demo-window', picture(SIZE.width, SIZE.height, 1));
  say(`its window:  ${resolve(savePicture('demo-window', await compositor.screenshot()))}`);
  await client.quit();
}

async function windowDemo(): Promise<void> {
  const compositor = process.env.WAYLAND_DISPLAY ? null : await HostCompositor.start(sway(SIZE));
  const app = mkdtempSync(join(tmpdir(), 'demo-'));
  stageApp(app);
  const backEnd = await BackEnd.startIn(compositor?.env ?? process.env, () => ['--wayland', '--label=demo']);
  say(`booting Linux 6.12 on QEMU 11.1 (${kvmWorks() ? 'KVM' : 'TCG'})`);
  const device = [
    ...sharedFolder(app, 'app'),
    ...sharedFolder(clientsTree(), 'clients'),
    ...displayDevice(backEnd.socketPath, GENERIC_DEVICE, GENERIC_PROPERTIES),
  ];
  const qemu = await Qemu.boot({ qemu: '11.1', kernel: '6.12', device });
  try {
    const programs = new GuestPrograms(qemu.guest);
    await programs.prepare();
    await programs.startProxy();
    if (compositor === null) await showWindow(programs);
    else await pictureWindow(compositor, qemu);
  } finally {
    await qemu.quit();
    await backEnd.stop();
    await compositor?.close();
    rmSync(app, { recursive: true, force: true });
  }
}

async function screenDemo(): Promise<void> {
  const backEnd = await BackEnd.start();
  say(
    `back-end listens on ${backEnd.socketPath}; booting Linux 6.12 on QEMU 10.0 (${kvmWorks() ? 'KVM' : 'TCG'})`,
  );
  const device = displayDevice(backEnd.socketPath, 'vhost-user-gpu-pci');
  const qemu = await Qemu.boot({ qemu: '10.0', kernel: '6.12', device });
  try {
    say((await qemu.guest.run('dmesg | grep -F "[drm]"')).trim());
    await writeConsole(qemu.guest, `${await qemu.guest.run('uname -a')}\r\n\r\n${WELCOME}`);
    const { width, height } = await qemu.screen();
    await qemu.waitForScreen('demo-console', await consolePicture(qemu.guest, width, height));
    say(`the guest's console:  ${resolve(savePicture('demo-console', await qemu.screen()))}`);
    const drm = await DrmTest.start(qemu.guest);
    await drm.mode(0, 1024, 768, 1);
    await qemu.waitForScreen('demo-picture', picture(1024, 768, 1));
    say(`its test picture:     ${resolve(savePicture('demo-picture', await qemu.screen()))}`);
    await drm.quit();
  } finally {
    await qemu.quit();
    await backEnd.stop();
  }
}

if (process.argv[2] === 'window') await windowDemo();
else await screenDemo();

/**
 * The demo: a stock Linux guest in QEMU draws through our device, and what QEMU's display shows is left in out/
 * as pictures. The checks of the end-to-end tests apply: a picture that is not what the guest drew is an error.
 *
 *   node dist/test/e2e/demo.js
 */
import { resolve } from 'node:path';
import { BackEnd, displayDevice } from './harness/back-end.js';
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { picture } from './harness/pattern.js';
import { savePicture } from './harness/picture.js';
import { kvmWorks, Qemu } from './harness/qemu.js';

const WELCOME = [
  'This text was drawn by Linux on a virtio-gpu that runs outside of QEMU,',
  'in TypeScript: vhost-user-gpu-ts.',
  '',
  '  guest pages -> vring -> the back-end -> QEMU\u0027s display -> this picture',
].join('\r\n');

async function main(): Promise<void> {
  const say = (text: string): void => console.log(text);
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

await main();

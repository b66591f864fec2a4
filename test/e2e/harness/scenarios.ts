/** The checks that every combination of QEMU, kernel and device goes through. */
import type { Test } from 'tap';
import { consolePicture, writeConsole } from './console-text.js';
import { DrmTest } from './drm-test.js';
import { picture } from './pattern.js';
import type { Qemu } from './qemu.js';

/** Shell: takes the driver from the device and gives it back; the text console has to let go of it first. */
export const EXCHANGE_DRIVER = `
set -e
console() {
  for console in /sys/class/vtconsole/vtcon*; do
    if grep -q 'frame buffer' $console/name; then echo $1 >$console/bind; fi
  done
}
cd /sys/bus/virtio/drivers/virtio_gpu
device=$(basename virtio[0-9]*)
console 0
echo $device >unbind
echo $device >bind
console 1
`;

/** A screen of text in all sixteen colors on all backgrounds, a line that wraps, and punctuation. */
function colorfulText(): string {
  const lines = ['The quick brown fox jumps over the lazy dog. 0123456789'];
  for (let foreground = 30; foreground < 38; foreground++) {
    const words = Array.from(
      { length: 8 },
      (_, i) => `\x1b[${foreground};${40 + i}m plain \x1b[1mbold\x1b[22m`,
    );
    lines.push(`${words.join('')}\x1b[0m`);
  }
  lines.push('#'.repeat(200), '\x1b[7mreverse\x1b[0m', '+-*/<>[]{}()!"$%&=?@~^|_.:,;');
  return lines.join('\r\n');
}

/** The text console is on the screen, pixel for pixel. */
export async function checkConsole(name: string, qemu: Qemu): Promise<void> {
  await writeConsole(qemu.guest, colorfulText());
  const { width, height } = await qemu.screen();
  await qemu.waitForScreen(`${name}-console`, await consolePicture(qemu.guest, width, height));
}

/** Mode setting, page flips and partial updates give exactly the pictures that the guest drew. */
export async function checkPictures(name: string, qemu: Qemu): Promise<void> {
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, 1024, 768, 1);
  await qemu.waitForScreen(`${name}-1024x768`, picture(1024, 768, 1));
  await drm.mode(0, 640, 480, 2);
  await qemu.waitForScreen(`${name}-640x480`, picture(640, 480, 2));
  await drm.flip(0, 10, 20);
  await qemu.waitForScreen(`${name}-flips`, picture(640, 480, 29));
  await drm.quit();
}

/** Both, as subtests, and the console again once the program that drew has ended. */
export async function checkCore(t: Test, name: string, qemu: Qemu): Promise<void> {
  await t.test('text console', async () => checkConsole(name, qemu));
  await t.test('pictures', async () => checkPictures(name, qemu));
  await t.test('text console after a program drew', async () => checkConsole(`${name}-again`, qemu));
}

/** The example device behind QEMU's vhost-user-rng-pci: the guest reads /dev/hwrng. */
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BackEnd } from './harness/back-end.js';
import { withMachine } from './harness/machine.js';
import { Qemu, type QemuVersion } from './harness/qemu.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/entropy.js', import.meta.url));
const BYTES = 4096;

for (const qemu of ['10.0', '11.1'] satisfies QemuVersion[]) {
  t.test(`QEMU ${qemu}`, async (t) => {
    const backEnd = await BackEnd.startScript(EXAMPLE, (path) => [path]);
    const chardev = `socket,id=rng,path=${backEnd.socketPath}`;
    const device = ['-chardev', chardev, '-device', 'vhost-user-rng-pci,chardev=rng'];
    await withMachine(t, Qemu.boot({ qemu, kernel: '6.12', device }), async ({ guest }) => {
      t.match(await guest.run('cat /sys/class/misc/hw_random/rng_current'), /^virtio_rng/);
      const read = async (): Promise<Buffer> =>
        Buffer.from(
          await guest.run(`dd if=/dev/hwrng bs=${BYTES} count=1 iflag=fullblock 2>/dev/null | base64`),
          'base64',
        );
      const [first, second] = [await read(), await read()];
      t.equal(first.length, BYTES);
      t.notSame(first, second, 'each read gives something else');
      // Each of 256 values some 16 times: with real randomness none stays away or comes 60 times.
      const counts = new Array<number>(256).fill(0);
      for (const byte of first) counts[byte] = (counts[byte] as number) + 1;
      t.ok(
        counts.every((count) => count > 0 && count < 60),
        'bytes are spread evenly',
      );
    });
    t.equal(await backEnd.stop(), 0);
  });
}

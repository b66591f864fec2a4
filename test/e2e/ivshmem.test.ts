/**
 * Memory that a guest and the back-end share where the front-end has no window for it: the memory of an ivshmem device,
 * which QEMU opens by path and tells the GPU's back-end of.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { serve } from 'vhost-user-ts';
import { RegionLink, type RegionRange, SharedRegion } from '../../src/region/index.js';
import { GpuDevice } from '../../src/virtio-gpu/index.js';
import { displayDevice } from './harness/back-end.js';
import { withMachine } from './harness/machine.js';
import { bytePattern } from './harness/pattern.js';
import { Qemu, type QemuVersion } from './harness/qemu.js';

const MIB = 1024 * 1024;
const REGION_BYTES = 64 * MIB;
const RANGE_BYTES = 100_000;

for (const qemu of ['10.0', '11.1'] satisfies QemuVersion[]) {
  t.test(`QEMU ${qemu}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-ivshmem-'));
    const path = join(folder, 'gpu.sock');
    using region = SharedRegion.create({ windowBytes: 0, hostBytes: REGION_BYTES });
    const link = new RegionLink(region, join(folder, 'memory'));
    const addresses: (number | null)[] = [];
    const device = new GpuDevice({
      outputs: [{ width: 640, height: 480 }],
      ivshmem: region,
      onIvshmem: (address) => addresses.push(address),
    });
    const server = serve(device, { path });
    const memory = `memory-backend-file,id=shared,mem-path=${link.path},size=64M,share=on`;
    const boot = Qemu.boot({
      qemu,
      kernel: '6.12',
      device: [
        ...['-object', memory, '-device', 'ivshmem-plain,memdev=shared'],
        ...displayDevice(path, 'vhost-user-gpu-pci'),
      ],
    });
    await withMachine(t, boot, async ({ guest }) => {
      t.type(device.status.ivshmemAddress, 'number', 'the back-end knows where the guest has it');
      t.equal(await guest.run('ivshmem-test size'), String(REGION_BYTES));
      const range = region.allocate(RANGE_BYTES) as RegionRange;
      const bytes = new Uint8Array(region.mapping.window(range.offset, RANGE_BYTES));
      bytes.set(bytePattern(1, RANGE_BYTES, 3));
      const seen = await guest.run(`ivshmem-test crc ${range.offset} ${RANGE_BYTES}`);
      t.equal(Number.parseInt(seen, 16), crc32(bytes), 'the guest sees what the back-end writes');
      await guest.run(`ivshmem-test write ${range.offset} ${RANGE_BYTES} 5`);
      t.strictSame(
        Buffer.from(bytes),
        Buffer.from(bytePattern(range.offset, RANGE_BYTES, 5)),
        'and the other way round',
      );
    });
    server.close();
    device.close();
    link.close();
    t.equal(addresses.at(-1), null, 'forgotten with the machine');
    rmSync(folder, { recursive: true });
  });
}

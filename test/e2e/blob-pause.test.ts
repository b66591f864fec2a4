/**
 * Machines with blobs and contexts that are paused, reset, and given another driver (QEMU 11.1): while nothing happens,
 * and at any step of a guest that makes and maps blobs.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t, { type Test } from 'tap';
import { serve } from 'vhost-user-ts';
import { SharedRegion } from '../../src/region/index.js';
import {
  CAPSET_CROSS_DOMAIN,
  CHANNEL_WAYLAND,
  type Channel,
  type ChannelFactory,
  type ChannelOwner,
  GpuDevice,
} from '../../src/virtio-gpu/index.js';
import { displayDevice } from './harness/back-end.js';
import { BlobTest } from './harness/blob-test.js';
import { withMachine } from './harness/machine.js';
import { bytePattern } from './harness/pattern.js';
import { type KernelVersion, Qemu } from './harness/qemu.js';
import { EXCHANGE_DRIVER } from './harness/scenarios.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';

const MIB = 1024 * 1024;
const PAUSES = 10;
const BLOBS = 300;
const BLOB_BYTES = 65536;
const EVENT_TIMEOUT_MS = 60_000;
const MESSAGE = Buffer.from('what the host has to say');

/** A channel that says something when the test wants it to. */
class Speaker implements ChannelFactory {
  readonly types = [CHANNEL_WAYLAND];
  openChannels = 0;
  private owner: ChannelOwner | null = null;
  private said = 0;

  open(_type: number, owner: ChannelOwner): Channel {
    this.owner = owner;
    this.openChannels += 1;
    return {
      send: () => undefined,
      receive: () => {
        if (this.said === 0) return null;
        this.said -= 1;
        return { data: MESSAGE, items: [] };
      },
      close: () => {
        this.openChannels -= 1;
      },
    };
  }

  say(): void {
    this.said += 1;
    this.owner?.ready();
  }
}

interface Parts {
  readonly qemu: Qemu;
  readonly device: GpuDevice;
  readonly region: SharedRegion;
  readonly speaker: Speaker;
}

async function pause({ qemu }: Parts): Promise<void> {
  await qemu.qmp.command('stop');
  await qemu.qmp.command('cont');
}

async function start(qemu: Qemu): Promise<BlobTest> {
  const blobs = await BlobTest.start(qemu.guest);
  await blobs.context(CAPSET_CROSS_DOMAIN, 2, 2);
  await blobs.init(CHANNEL_WAYLAND);
  return blobs;
}

/** A blob keeps its bytes and the guest its mapping, over each pause; and a POLL is answered after the pauses. */
async function checkPauses(t: Test, parts: Parts, blobs: BlobTest): Promise<void> {
  const { blobId } = await blobs.image(MIB, 1, 'R8');
  await blobs.create(0, 'host', blobId, MIB);
  await blobs.poll();
  for (let seed = 1; seed <= PAUSES; seed++) {
    await blobs.write(0, 0, MIB, seed);
    await pause(parts);
    t.equal(await blobs.crc(0, 0, MIB), crc32(bytePattern(0, MIB, seed)));
    await blobs.create(1, 'host', blobId, MIB);
    t.equal(await blobs.crc(1, 0, MIB), crc32(Buffer.alloc(MIB)), 'a new blob is zeroes');
    await blobs.close(1);
  }
  await parts.qemu.qmp.command('stop');
  parts.speaker.say();
  await parts.qemu.qmp.command('cont');
  const header = Buffer.from(await blobs.event(EVENT_TIMEOUT_MS), 'hex');
  t.same([header.readUInt32LE(0), header.readUInt32LE(12)], [5, MESSAGE.length]);
  await blobs.close(0);
}

/** The machine is paused again and again while the guest makes blobs and writes to them. */
async function checkBusyPauses(t: Test, parts: Parts, blobs: BlobTest): Promise<void> {
  const { blobId } = await blobs.image(BLOB_BYTES, 1, 'R8');
  const pauses = async (): Promise<void> => {
    for (let i = 0; i < PAUSES; i++) await pause(parts);
  };
  await Promise.all([blobs.many(BLOBS, blobId, BLOB_BYTES), pauses()]);
  t.equal(await blobs.manyWrong(BLOBS), 0);
  await pause(parts);
  t.equal(await blobs.manyWrong(BLOBS), 0);
}

async function checkFresh(t: Test, { qemu, device, region, speaker }: Parts): Promise<void> {
  t.equal(device.status.blobBytes, 0, 'the blobs went with their driver');
  t.match(region.metrics, { windowUsedBytes: 0, lingeringRanges: 0 });
  t.equal(speaker.openChannels, 0, 'and so did the channels');
  const blobs = await start(qemu);
  const { blobId } = await blobs.image(MIB, 1, 'R8');
  await blobs.create(0, 'host', blobId, MIB);
  t.equal(await blobs.crc(0, 0, MIB), crc32(Buffer.alloc(MIB)));
  await blobs.poll();
  speaker.say();
  await blobs.event(EVENT_TIMEOUT_MS);
  await blobs.quit();
}

for (const kernel of ['6.12', '6.1'] satisfies KernelVersion[]) {
  t.test(`kernel ${kernel}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-blob-pause-'));
    const path = join(folder, 'gpu.sock');
    const region = SharedRegion.create({ windowBytes: 256 * MIB, hostBytes: 64 * MIB });
    const speaker = new Speaker();
    const device = new GpuDevice({
      outputs: [{ width: 640, height: 480 }],
      region,
      contexts: { channels: speaker },
    });
    const server = serve(device, { path });
    const fds = readdirSync('/proc/self/fd').length;
    const boot = Qemu.boot({
      qemu: '11.1',
      kernel,
      device: displayDevice(path, GENERIC_DEVICE, GENERIC_PROPERTIES),
    });
    await withMachine(t, boot, async (qemu) => {
      const parts = { qemu, device, region, speaker };
      const blobs = await start(qemu);
      await t.test('pauses', async (t) => checkPauses(t, parts, blobs));
      await t.test('pauses while blobs are made', async (t) => checkBusyPauses(t, parts, blobs));
      await t.test('system_reset', async (t) => {
        await blobs.poll();
        await qemu.qmp.command('system_reset');
        await qemu.guest.ready();
        await checkFresh(t, parts);
      });
      await t.test('driver unbound and bound', async (t) => {
        for (let i = 0; i < 3; i++) {
          await qemu.guest.run(EXCHANGE_DRIVER);
          await checkFresh(t, parts);
        }
      });
      t.same(device.status.faults['context-ended'], 0);
    });
    server.close();
    device.close();
    region.close();
    rmSync(folder, { recursive: true });
    t.match(device.status, { hostBytes: 0, blobBytes: 0, backingEntries: 0, heldFences: 0 });
    t.ok(readdirSync('/proc/self/fd').length <= fds);
  });
}

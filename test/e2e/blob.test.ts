/**
 * Blobs and contexts behind QEMU's generic device (QEMU 11.1), in stock guests: what the driver finds, memory that guest
 * and host share without copies, pictures in blobs. The device lives in this process, so that its memory and its
 * counters can be looked at.
 */
import { fstatSync, mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
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
import { consolePicture, writeConsole } from './harness/console-text.js';
import { DrmTest } from './harness/drm-test.js';
import { withMachine } from './harness/machine.js';
import { bytePattern, picture, pictureColor } from './harness/pattern.js';
import { computed } from './harness/picture.js';
import { type KernelVersion, Qemu } from './harness/qemu.js';
import { EXCHANGE_DRIVER } from './harness/scenarios.js';
import { Watched } from './harness/watched.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';

const MIB = 1024 * 1024;
const WINDOW_BYTES = 256 * MIB;
const [WIDTH, HEIGHT] = [640, 480];
const FRAME_BYTES = WIDTH * HEIGHT * 4;
const LIVE_BLOBS = 600;
const EVENT_TIMEOUT_MS = 60_000;
const GREETING = Buffer.from('a message of the host');

/** Sends one message to each guest context that connects. */
class Greeter implements ChannelFactory {
  readonly types = [CHANNEL_WAYLAND];

  open(_type: number, owner: ChannelOwner): Channel {
    let told = false;
    setImmediate(() => owner.ready());
    return {
      send: () => undefined,
      receive: () => {
        if (told) return null;
        told = true;
        return { data: GREETING, items: [] };
      },
      close: () => undefined,
    };
  }
}

interface Parts {
  readonly kernel: KernelVersion;
  readonly qemu: Qemu;
  readonly device: GpuDevice;
  readonly region: SharedRegion;
  readonly watched: Watched;
}

async function withDevice(
  t: Test,
  kernel: KernelVersion,
  contexts: boolean,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-blob-'));
  const path = join(folder, 'gpu.sock');
  const watched = new Watched();
  const region = SharedRegion.create({ windowBytes: WINDOW_BYTES, hostBytes: 64 * MIB });
  const device = new GpuDevice({
    outputs: [{ width: WIDTH, height: HEIGHT }],
    sinks: [watched.capture],
    region,
    contexts: contexts ? { channels: new Greeter() } : null,
  });
  const server = serve(device, { path });
  const arguments_ = displayDevice(path, GENERIC_DEVICE, GENERIC_PROPERTIES);
  try {
    await withMachine(t, Qemu.boot({ qemu: '11.1', kernel, device: arguments_ }), (qemu) =>
      body({ kernel, qemu, device, region, watched }),
    );
  } finally {
    server.close();
    device.close();
    region.close();
    rmSync(folder, { recursive: true });
  }
  t.match(device.status, { hostBytes: 0, blobBytes: 0, backingEntries: 0 }, 'everything was given back');
}

/** What the driver says when it starts, and that it complains about nothing. */
async function checkDriver(t: Test, { qemu }: Parts, contexts: boolean): Promise<void> {
  const log = await qemu.guest.run('dmesg | grep -F "[drm"');
  const features = [...log.matchAll(/[+-][a-z_]+/g)].map(([word]) => word);
  for (const feature of ['edid', 'resource_blob', 'host_visible']) {
    t.ok(features.includes(`+${feature}`), `+${feature}`);
  }
  for (const feature of ['virgl', 'context_init']) {
    t.ok(features.includes(`${contexts ? '+' : '-'}${feature}`), `${feature}: ${contexts}`);
  }
  t.notMatch(log, /error|fail|timed out/i);
  t.equal(/cap set 0: id 5,/.test(log), contexts, 'the capability set of cross-domain contexts');
}

/** Where in the region's window those bytes are. */
function findInWindow(region: SharedRegion, bytes: Uint8Array): number {
  const chunk = Buffer.alloc(MIB);
  for (let offset = 0; offset < region.windowBytes; offset += MIB) {
    readSync(region.fd, chunk, 0, MIB, offset);
    const at = chunk.indexOf(bytes);
    if (at >= 0) return offset + at;
  }
  throw new Error('the bytes are not in the window');
}

/** The text console shows a text and changes by itself no more: nothing but the test moves the counters. */
async function quietConsole({ qemu, watched, kernel }: Parts): Promise<void> {
  await writeConsole(qemu.guest, 'blobs\r\n\x1b[32mgreen \x1b[41mon red\x1b[0m');
  await watched.untilPicture(`blob-${kernel}-console`, await consolePicture(qemu.guest, WIDTH, HEIGHT));
}

async function startContext(qemu: Qemu): Promise<BlobTest> {
  const blobs = await BlobTest.start(qemu.guest);
  await blobs.context(CAPSET_CROSS_DOMAIN, 2, 2);
  await blobs.init(CHANNEL_WAYLAND);
  return blobs;
}

/** What the guest writes is in our file, and the other way round; QEMU has the same file. */
async function checkSharedBytes(t: Test, { qemu, region, device }: Parts, blobs: BlobTest): Promise<void> {
  const bytes = MIB;
  const before = device.status;
  const image = await blobs.image(bytes, 1, 'R8');
  t.match(image, { stride: bytes, size: bytes, modifier: 0, mapInfo: 1 });
  await blobs.create(0, 'host', image.blobId, bytes);
  t.equal(await blobs.crc(0, 0, bytes), crc32(Buffer.alloc(bytes)), 'a new blob is zeroes');
  await blobs.write(0, 0, bytes, 77);
  const theirs = bytePattern(0, bytes, 77);
  const offset = findInWindow(region, theirs.subarray(0, 4096));
  const read = Buffer.alloc(bytes);
  readSync(region.fd, read, 0, bytes, offset);
  t.ok(read.equals(theirs), 'the host sees what the guest wrote');
  const ours = bytePattern(0, bytes, 78);
  writeSync(region.fd, ours, 0, bytes, offset);
  t.equal(await blobs.crc(0, 0, bytes), crc32(ours), 'the guest sees what the host wrote');
  const { ino } = fstatSync(region.fd);
  const maps = readFileSync(`/proc/${qemu.process.pid}/maps`, 'utf8');
  const mapped = maps.split('\n').filter((line) => line.includes('vhost-user-gpu-region'));
  t.ok(mapped.length > 0, 'QEMU maps the region');
  for (const line of mapped) t.equal(Number(line.split(/ +/)[4]), ino, 'the very file that we have');
  await blobs.close(0);
  const { transferBytes, shadowBytes, swapBytes } = device.status;
  t.same(
    { transferBytes, shadowBytes, swapBytes },
    { transferBytes: before.transferBytes, shadowBytes: before.shadowBytes, swapBytes: before.swapBytes },
    'nothing was copied',
  );
}

async function checkContext(t: Test, blobs: BlobTest): Promise<void> {
  t.match(await blobs.params(), {
    features3d: 1,
    resourceBlob: 1,
    hostVisible: 1,
    contextInit: 1,
    capsets: 32,
  });
  const channels = Buffer.from([0, 0, 0, 0]);
  channels.writeUInt32LE(1 << CHANNEL_WAYLAND);
  t.equal(await blobs.capset(CAPSET_CROSS_DOMAIN, 0), `01000000${channels.toString('hex')}0000000000000000`);
  await blobs.poll();
  const header = Buffer.from(await blobs.event(EVENT_TIMEOUT_MS), 'hex');
  const RECEIVE = 5;
  t.same(
    [0, 4, 8, 12].map((at) => header.readUInt32LE(at)),
    [RECEIVE, 0, 0, GREETING.length],
    "the fence of the polled ring told of the channel's message",
  );
}

/** Pictures in three host blobs: page flips, drawing into what is shown, odd strides and offsets. */
async function checkHostFrames(t: Test, parts: Parts, blobs: BlobTest): Promise<void> {
  const { watched, kernel, device } = parts;
  const { blobId } = await blobs.image(WIDTH, HEIGHT, 'XR24');
  for (const slot of [0, 1, 2]) {
    await blobs.create(slot, 'host', blobId, FRAME_BYTES);
    await blobs.frame(slot, WIDTH, HEIGHT);
  }
  await blobs.show(0, 10);
  await watched.untilPicture(`blob-${kernel}-host`, picture(WIDTH, HEIGHT, 10));
  const before = device.status;
  await blobs.animate([1, 2, 0], 60, 11);
  await watched.untilPicture(`blob-${kernel}-host-animated`, picture(WIDTH, HEIGHT, 70));
  await blobs.paint(0, 100, 50, 301, 203, 200);
  const inside = (x: number, y: number): boolean => x >= 100 && x < 401 && y >= 50 && y < 253;
  const painted = computed(WIDTH, HEIGHT, (x, y) => pictureColor(x, y, inside(x, y) ? 200 : 70));
  await watched.untilPicture(`blob-${kernel}-host-painted`, painted);
  const odd = await blobs.image(WIDTH * 2, HEIGHT, 'XR24');
  await blobs.create(3, 'host', odd.blobId, odd.size);
  await blobs.frame(3, WIDTH, HEIGHT - 8, WIDTH * 8 - 256, 4096);
  await blobs.show(3, 90);
  await watched.untilPicture(`blob-${kernel}-host-odd`, picture(WIDTH, HEIGHT - 8, 90));
  const { transferBytes, shadowBytes, swapBytes } = device.status;
  t.same(
    { transferBytes, shadowBytes, swapBytes },
    { transferBytes: before.transferBytes, shadowBytes: before.shadowBytes, swapBytes: before.swapBytes },
    'nothing was copied',
  );
  for (const slot of [0, 1, 2, 3]) await blobs.close(slot);
}

/** Pictures in the guest's own pages: copied, and no more of them than what was damaged. */
async function checkGuestFrames(t: Test, { watched, kernel, device }: Parts, blobs: BlobTest): Promise<void> {
  for (const slot of [0, 1]) {
    await blobs.create(slot, 'guest', 0, FRAME_BYTES);
    await blobs.frame(slot, WIDTH, HEIGHT);
  }
  await blobs.show(0, 20);
  await watched.untilPicture(`blob-${kernel}-guest`, picture(WIDTH, HEIGHT, 20));
  const before = device.status;
  const flips = 10;
  await blobs.animate([1, 0], flips, 21);
  await watched.untilPicture(`blob-${kernel}-guest-animated`, picture(WIDTH, HEIGHT, 20 + flips));
  const { transferBytes, shadowBytes } = device.status;
  t.equal(transferBytes, before.transferBytes);
  const copied = shadowBytes - before.shadowBytes;
  // (The first time that a buffer is shown it is copied whole, before its damage is known.)
  t.ok(copied > 0 && copied <= (flips + 1) * FRAME_BYTES, `${copied} bytes were copied`);
  for (const slot of [0, 1]) await blobs.close(slot);
}

async function checkMany(t: Test, { device, region }: Parts, blobs: BlobTest): Promise<void> {
  const bytes = 65536;
  const { resources } = device.status;
  const { blobId } = await blobs.image(bytes, 1, 'R8');
  await blobs.many(LIVE_BLOBS, blobId, bytes);
  t.equal(await blobs.manyWrong(LIVE_BLOBS), 0, 'each has its own bytes');
  t.equal(device.status.resources, resources + LIVE_BLOBS);
  t.ok(region.metrics.windowUsedBytes >= LIVE_BLOBS * bytes);
}

/** With six hundred blobs mapped: the machine is reset, and everything works again. */
async function checkReboot(t: Test, parts: Parts): Promise<void> {
  const { qemu, device, region } = parts;
  qemu.guest.send('reboot -f');
  await qemu.guest.ready();
  t.equal(device.status.blobBytes, 0, 'the blobs went with their guest');
  t.equal(region.metrics.windowUsedBytes, 0);
  await quietConsole(parts);
  const blobs = await startContext(qemu);
  await checkSharedBytes(t, parts, blobs);
  await blobs.quit();
}

async function checkDriverExchange(t: Test, parts: Parts): Promise<void> {
  await parts.qemu.guest.run(EXCHANGE_DRIVER);
  await quietConsole(parts);
  const blobs = await startContext(parts.qemu);
  await checkSharedBytes(t, parts, blobs);
  await blobs.quit();
}

/** Without contexts, what Linux shows lies in guest blobs. */
async function checkDumbBuffers(t: Test, parts: Parts): Promise<void> {
  const { qemu, watched, kernel, device } = parts;
  await quietConsole(parts);
  const drm = await DrmTest.start(qemu.guest);
  await drm.mode(0, WIDTH, HEIGHT, 1);
  await drm.dirty(0, 10, 20, 301, 203, 2);
  await drm.flip(0, 20, 3);
  await watched.untilPicture(`blob-${kernel}-dumb`, picture(WIDTH, HEIGHT, 22));
  t.equal(device.status.transferBytes, 0, 'nothing is transferred: the guest has no 2D resources');
  await drm.quit();
}

for (const kernel of ['6.12', '6.1'] satisfies KernelVersion[]) {
  t.test(`kernel ${kernel}, contexts`, async (t) => {
    await withDevice(t, kernel, true, async (parts) => {
      await t.test('driver', async (t) => checkDriver(t, parts, true));
      const blobs = await startContext(parts.qemu);
      await t.test('context', async (t) => checkContext(t, blobs));
      await t.test('pictures in host blobs', async (t) => checkHostFrames(t, parts, blobs));
      await t.test('shared bytes', async (t) => checkSharedBytes(t, parts, blobs));
      await t.test('pictures in guest blobs', async (t) => checkGuestFrames(t, parts, blobs));
      await t.test(`${LIVE_BLOBS} blobs`, async (t) => checkMany(t, parts, blobs));
      await t.test('guest reboot', async (t) => checkReboot(t, parts));
      await t.test('driver unbound and bound', async (t) => checkDriverExchange(t, parts));
    });
  });
  t.test(`kernel ${kernel}, no contexts`, async (t) => {
    await withDevice(t, kernel, false, async (parts) => {
      await t.test('driver', async (t) => checkDriver(t, parts, false));
      await t.test('pictures', async (t) => checkDumbBuffers(t, parts));
    });
  });
}

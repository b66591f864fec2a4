/** Blobs behind a real front-end: the guest's window is a mapping of its own, and both sides see the same bytes. */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { pageSize } from 'vhost-user-native';
import { FRONT_END_FEATURES, FRONT_END_PROTOCOL_FEATURES, ProtocolFeature } from 'vhost-user-ts';
import { FrameCapture } from '../../src/capture/index.js';
import { SharedRegion } from '../../src/region/index.js';
import type { GpuDeviceOptions } from '../../src/virtio-gpu/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as c from '../unit/gpu-commands.js';
import { until } from '../unit/gpu-socket-fixture.js';
import { Framebuffer } from './framebuffer.js';
import { type Machine, scenario } from './gpu-machine.js';

const PAGE = pageSize;
const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const MAP_INFO = gpu.VIRTIO_GPU_RESP_OK_MAP_INFO;
const UNSPEC = gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
const NO_SHMEM = FRONT_END_PROTOCOL_FEATURES & ~(1n << BigInt(ProtocolFeature.SHMEM));
const KEYMAP = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
const WINDOW_BYTES = 1024 * PAGE;

/** The region and the picture of one scenario. */
function options(): { region: SharedRegion; capture: FrameCapture; device: Partial<GpuDeviceOptions> } {
  const region = SharedRegion.create({ windowBytes: WINDOW_BYTES, hostBytes: 1024 * PAGE });
  const capture = new FrameCapture();
  const hostBlobs = { take: (_context: number, id: bigint) => ({ content: id === 1n ? KEYMAP : null }) };
  return { region, capture, device: { region, hostBlobs, sinks: [capture] } };
}

async function type(machine: Machine, request: Uint8Array): Promise<number> {
  return c.typeOf(await machine.send(request));
}

function guestBytes({ window }: Machine): Uint8Array {
  if (window === null) throw new Error('the guest has no window');
  return new Uint8Array(window.window(0, window.length));
}

// All before the first scenario, which looks for descriptors that were left open.
const same = options();
const many = options();
const slow = options();
const without = options();
const hostile = options();

scenario(
  'guest and device share the bytes of a blob, and nothing is copied',
  async (t, machine) => {
    const { region, capture } = same;
    await machine.connect();
    t.equal((await machine.vm.getSharedMemory())[1], WINDOW_BYTES);
    t.notOk(machine.vm.hasProtocolFeature(ProtocolFeature.CONFIGURE_MEM_SLOTS), 'QEMU crashes with both');
    await machine.start();
    t.equal(machine.window, null);
    t.equal(await type(machine, c.createBlob(1, { blobId: 1n, size: 2 * PAGE })), OK);
    t.equal(await type(machine, c.createBlob(2, { size: 4 * PAGE })), OK);
    const answers = await Promise.all([
      machine.send(c.mapBlob(1, PAGE)),
      machine.send(c.mapBlob(2, 8 * PAGE)),
    ]);
    t.strictSame(answers.map(c.typeOf), [MAP_INFO, MAP_INFO]);
    const seen = guestBytes(machine);
    t.equal(seen.length, WINDOW_BYTES);
    t.strictSame(seen.slice(PAGE, PAGE + KEYMAP.length), KEYMAP);
    t.ok(seen.subarray(PAGE + KEYMAP.length).every((byte) => byte === 0));

    for (let i = 0; i < 64 * 64; i++) seen.set([i, i >> 4, i >> 8, 0], 8 * PAGE + 4 * i);
    t.equal(await type(machine, c.setScanoutBlob(0, 2, { width: 64, height: 64 })), OK);
    t.equal(await type(machine, c.flush(2, c.rect(64, 64))), OK);
    const shown = capture.snapshot(0);
    t.equal(shown?.width, 64);
    t.strictSame(
      shown?.rgba.slice(4 * 1000, 4 * 1000 + 4),
      Uint8Array.of(1000 >> 8, (1000 >> 4) & 0xff, 1000 & 0xff, 255),
    );
    t.match(machine.device.status, { transferBytes: 0, shadowBytes: 0, swapBytes: 0 });
    new Uint8Array(region.mapping.window(8 * PAGE, 1))[0] = 0x5a;
    t.equal(seen[8 * PAGE], 0x5a, 'the other way round');
    t.equal(await type(machine, c.unref(2)), OK);
    t.ok(seen.subarray(8 * PAGE).every((byte) => byte === 0));
  },
  same.device,
);

scenario(
  'six hundred blobs, a machine that pauses, and one that starts anew',
  async (t, machine) => {
    const { region } = many;
    await machine.connect();
    await machine.start();
    for (let id = 1; id <= 600; id++) {
      await machine.send(c.createBlob(id));
      t.equal(await type(machine, c.mapBlob(id, (id - 1) * PAGE)), MAP_INFO);
    }
    let seen = guestBytes(machine);
    for (let id = 1; id <= 600; id++) seen[(id - 1) * PAGE] = id;

    const queues = [machine.control, machine.cursor] as const;
    const bases: number[] = [];
    for (const queue of queues) bases.push(await machine.vm.stopQueue(queue));
    for (const [i, queue] of queues.entries()) await machine.vm.resumeQueue(queue, bases[i] ?? 0);
    t.equal(await type(machine, c.unmapBlob(600)), OK);
    t.equal(await type(machine, c.mapBlob(600, 700 * PAGE)), MAP_INFO, 'the window is still there');
    t.equal(seen[598 * PAGE], 599 & 0xff);

    for (const queue of queues) await machine.vm.stopQueue(queue);
    machine.dropWindow();
    for (const queue of queues) queue.close();
    await machine.vm.startQueue(0);
    await machine.vm.startQueue(1, { size: 16 });
    await until(() => machine.device.status.resources === 0);
    t.equal(fstatSync(region.fd).blocks, 0, 'no byte of the last driver is left');
    t.equal(await type(machine, c.createBlob(1, { blobId: 1n, size: 2 * PAGE })), OK);
    t.equal(await type(machine, c.mapBlob(1, 0)), MAP_INFO);
    seen = guestBytes(machine);
    t.strictSame(seen.slice(0, KEYMAP.length), KEYMAP, 'mapped again');
  },
  many.device,
);

scenario(
  'a machine that is paused before the window is mapped, and goes on',
  async (t, machine) => {
    await machine.connect();
    await machine.start();
    let mapNow: () => void = () => undefined;
    machine.mapsNow = new Promise((resolve) => {
      mapNow = resolve;
    });
    t.equal(await type(machine, c.createBlob(1, { blobId: 1n, size: 2 * PAGE })), OK);
    const order: string[] = [];
    const mapping = type(machine, c.mapBlob(1, PAGE)).finally(() => order.push('map'));
    const next = type(machine, c.create2d(2, 8, 8)).finally(() => order.push('next'));
    const queues = [machine.control, machine.cursor] as const;
    for (let pause = 0; pause < 2; pause++) {
      await until(() => machine.device.status.commands === 2);
      const bases: number[] = [];
      for (const queue of queues) bases.push(await machine.vm.stopQueue(queue));
      for (const [i, queue] of queues.entries()) await machine.vm.resumeQueue(queue, bases[i] ?? 0);
    }
    t.strictSame(order, []);
    mapNow();
    t.equal(await mapping, MAP_INFO);
    t.equal(await next, OK);
    t.strictSame(order, ['map', 'next']);
    t.strictSame(guestBytes(machine).slice(PAGE, PAGE + KEYMAP.length), KEYMAP);
  },
  slow.device,
);

scenario(
  'without SHMEM, blobs of guest memory only',
  async (t, machine) => {
    const { capture } = without;
    await machine.connect(FRONT_END_FEATURES, NO_SHMEM);
    await machine.start();
    t.equal(await type(machine, c.createBlob(1)), UNSPEC);
    const framebuffer = new Framebuffer(machine.vm, 100, 80);
    const painted = framebuffer.paint(1);
    t.equal(await type(machine, c.guestBlob(1, framebuffer.pages)), OK);
    t.equal(await type(machine, c.setScanoutBlob(0, 1, { width: 100, height: 80 })), OK);
    t.equal(await type(machine, c.flush(1, framebuffer.all)), OK);
    const shown = capture.snapshot(0)?.rgba;
    const expected = painted.slice();
    for (let i = 0; i < expected.length; i += 4) {
      expected.set([painted[i + 2] ?? 0, painted[i + 1] ?? 0, painted[i] ?? 0, 255], i);
    }
    t.strictSame(Buffer.from(shown ?? []), Buffer.from(expected));
    t.equal(machine.device.status.shadowBytes, 100 * 80 * 4);
  },
  without.device,
);

scenario(
  'a guest that writes all over its window while it is used',
  async (t, machine) => {
    await machine.connect();
    await machine.start();
    t.equal(await type(machine, c.createBlob(1, { size: 16 * PAGE })), OK);
    t.equal(await type(machine, c.mapBlob(1, 0)), MAP_INFO);
    t.equal(await type(machine, c.create2d(2, 64, 64)), OK);
    const pixels = hostile.region.mapping;
    guestBytes(machine).fill(0xff);
    const ours = new Uint8Array(pixels.window(WINDOW_BYTES, 64 * 64 * 4));
    t.ok(
      ours.every((byte) => byte === 0),
      'what is ours is not in the window',
    );
    t.equal(await type(machine, c.setScanoutBlob(0, 1, { width: 128, height: 128 })), OK);
    t.equal(await type(machine, c.flush(1, c.rect(128, 128))), OK);
    t.equal(await type(machine, c.unref(1)), OK);
    t.ok(
      guestBytes(machine)
        .subarray(0, 16 * PAGE)
        .every((byte) => byte === 0),
    );
  },
  hostile.device,
);

t.teardown(() => {
  for (const { region } of [same, many, slow, without, hostile]) region.close();
});

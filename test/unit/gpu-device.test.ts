/** The device around its commands: config space, outputs, questions to QEMU's display, the cursor queue. */
import t from 'tap';
import { socketPair } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import { edidFor } from '../../src/virtio-gpu/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';

const DISPLAY_INFO = c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO);

function config(h: GpuHarness, offset = 0, length = 20): Uint8Array {
  const bytes = new Uint8Array(length).fill(0xee);
  h.device.readConfig(bytes, offset);
  return bytes;
}

function pmodes(response: Uint8Array): wire.DisplayOne[] {
  return wire.DisplayInfoBody.read(viewOf(response.slice()), c.HEADER_BYTES).pmodes;
}

function edidOf(response: Uint8Array): Uint8Array {
  const { size, edid } = wire.EdidBody.read(viewOf(response.slice()), c.HEADER_BYTES);
  return edid.slice(0, size);
}

function modesOf(width: number, height: number) {
  const none = { x: 0, y: 0, width: 0, height: 0, enabled: false, flags: 0 };
  return Array.from({ length: 16 }, (_, i) => (i === 0 ? { ...none, width, height, enabled: true } : none));
}

t.test('what the device says of itself', async (t) => {
  const h = new GpuHarness({ outputs: [1, 2, 3].map(() => ({ width: 64, height: 64 })) });
  t.equal(h.device.queueCount, 2);
  t.equal(h.device.features, 0b110n);
  t.equal(h.device.configLength, 20);
  t.strictSame(
    config(h),
    wire.Config.encode({ eventsRead: 0, eventsClear: 0, numScanouts: 3, numCapsets: 0, blobAlignment: 0 }),
  );
  t.strictSame(config(h, 8, 4), Uint8Array.of(3, 0, 0, 0));
  t.strictSame(config(h, 16, 8), new Uint8Array(8), 'zeros past the end');
  t.strictSame(config(h, 100, 4), new Uint8Array(4));
});

t.test('outputs and limits that can not be', async (t) => {
  t.throws(() => new GpuHarness({ outputs: [] }), RangeError);
  t.throws(() => new GpuHarness({ outputs: Array(17).fill({ width: 64, height: 64 }) }), RangeError);
  for (const bad of [{ width: 0 }, { height: 16385 }, { width: 1.5 }, { refreshHz: 0 }, { refreshHz: 481 }]) {
    t.throws(() => new GpuHarness({ outputs: [{ width: 64, height: 64, ...bad }] }), RangeError);
  }
});

t.test('GET_DISPLAY_INFO: outputs side by side', async (t) => {
  const outputs = [
    { width: 1920, height: 1080 },
    { width: 800, height: 600, enabled: false },
    { width: 1280, height: 1024 },
  ];
  const h = new GpuHarness({ outputs });
  const response = h.send(DISPLAY_INFO);
  t.equal(c.typeOf(response), gpu.VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
  t.equal(response.length, 408);
  const modes = pmodes(response);
  t.strictSame(modes[0], { r: c.rect(1920, 1080), enabled: 1, flags: 0 });
  t.strictSame(modes[1], { r: c.rect(0, 0), enabled: 0, flags: 0 });
  t.strictSame(modes[2], { r: c.rect(1920, 0, 1280, 1024), enabled: 1, flags: 0 });
  t.ok(modes.slice(3).every((mode) => mode.enabled === 0));
});

t.test('GET_EDID', async (t) => {
  const h = new GpuHarness({ outputs: [{ width: 1920, height: 1080, refreshHz: 75 }] });
  const response = h.send(c.getEdid(0));
  t.equal(c.typeOf(response), gpu.VIRTIO_GPU_RESP_OK_EDID);
  t.equal(response.length, 1056);
  t.strictSame(edidOf(response), edidFor({ width: 1920, height: 1080, refreshHz: 75, scanoutId: 0 }));
  t.equal(c.typeOf(h.send(c.getEdid(1))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
  t.equal(c.typeOf(h.send(c.getEdid(0xffff_ffff))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
  h.accepted = 0n;
  t.equal(c.typeOf(h.send(c.getEdid(0))), gpu.VIRTIO_GPU_RESP_ERR_UNSPEC, 'not negotiated');
});

t.test('setOutput raises the display event; the driver clears it by writing 1', async (t) => {
  const h = new GpuHarness();
  t.equal(await h.device.setOutput(0, { width: 1600, height: 900 }), true);
  t.equal(h.configChanges, 1);
  t.equal(config(h)[0], 1);
  t.match(pmodes(h.send(DISPLAY_INFO))[0], { r: { width: 1600, height: 900 }, enabled: 1 });
  t.equal(await h.device.setOutput(0, { width: 1600, height: 900 }), false, 'nothing is different');
  t.equal(h.configChanges, 1);
  h.device.writeConfig(new Uint8Array(20).fill(0xff, 0, 4), 0);
  t.equal(config(h)[0], 1, 'events_read itself is read-only');
  h.device.writeConfig(Uint8Array.of(2), 4);
  t.equal(config(h)[0], 1, 'another bit');
  h.device.writeConfig(new Uint8Array(20).fill(0xff), 0);
  t.strictSame(config(h).subarray(0, 12), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0));
  await h.device.setOutput(0, { enabled: false });
  h.device.writeConfig(Uint8Array.of(1, 0, 0, 0), 4);
  t.equal(config(h)[0], 0);
  t.equal(pmodes(h.send(DISPLAY_INFO))[0]?.enabled, 0);
  await t.rejects(h.device.setOutput(1, { width: 64 }), RangeError);
  await t.rejects(h.device.setOutput(0, { width: 0 }), RangeError);
  await h.device.setOutput(0, { enabled: true });
  h.device.reset();
  t.equal(config(h)[0], 0, 'a reset clears events');
  h.device.detach();
  t.equal(await h.device.setOutput(0, { width: 100 }), false, 'there is nobody to tell');
});

t.test('QEMU is asked once both queues run, and again after config space was read', async (t) => {
  const h = new GpuHarness();
  t.equal(h.qemu.ready, true);
  h.device.queueStopped(h.cursorQueue);
  t.equal(h.qemu.ready, false);
  h.device.queueStarted(h.cursorQueue);
  t.equal(h.qemu.ready, true);
  const before = h.qemu.invalidations;
  config(h);
  t.equal(h.qemu.invalidations, before + 1);
  h.device.detach();
  t.equal(h.qemu.ready, false);
  t.equal(h.qemu.detached, 1);
});

t.test("QEMU's outputs win; it may have more than we", async (t) => {
  const h = new GpuHarness();
  t.equal(c.typeOf(h.send(c.getEdid(15))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
  const [ours, theirs] = socketPair();
  t.teardown(() => {
    ours.close();
    theirs.close();
  });
  h.device.setGpuSocket(ours);
  t.equal(h.qemu.sockets[0], ours);
  h.qemu.modes = modesOf(1440, 900);
  h.qemu.edids = new Uint8Array(128).fill(7);
  t.match(pmodes(h.send(DISPLAY_INFO))[0], { r: { width: 1440, height: 900 }, enabled: 1 });
  t.strictSame(edidOf(h.send(c.getEdid(15))), new Uint8Array(128).fill(7));
  t.equal(c.typeOf(h.send(c.getEdid(16))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
  t.equal(await h.device.setOutput(0, { width: 640 }), false, 'its interrupt is not ours');
  h.qemu.edids = null;
  t.strictSame(
    edidOf(h.send(c.getEdid(0))),
    edidFor({ width: 1440, height: 900, refreshHz: 60, scanoutId: 0 }),
    'without EDID, one for the mode that QEMU prefers',
  );
  h.device.detach();
  h.device.attach(h.frontEnd);
  t.equal(c.typeOf(h.send(c.getEdid(15))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, 'the next VM');
});

t.test('a question that takes its time holds up the control queue, and keeps its fence', async (t) => {
  const h = new GpuHarness();
  let answer: (modes: ReturnType<typeof modesOf> | null) => void = () => undefined;
  h.qemu.modes = new Promise((resolve) => {
    answer = resolve;
  });
  const resumed = new Promise<void>((resolve) => {
    h.control.resumed = resolve;
  });
  const fenced = c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, { flags: 1, fenceId: 5n });
  const chain = h.submit(fenced);
  t.equal(chain.used, null);
  t.equal(h.control.paused, true);
  t.equal(h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, {})), 0, 'the cursor still moves');
  answer(modesOf(1024, 768));
  await resumed;
  t.equal(chain.used, 408);
  t.match(wire.CtrlHdr.read(viewOf(chain.response)), { flags: 1, fenceId: 5n });
  t.match(pmodes(chain.response)[0], { r: { width: 1024, height: 768 } });
});

t.test('no answer: our own outputs', async (t) => {
  const h = new GpuHarness();
  h.qemu.modes = Promise.resolve(null);
  h.qemu.edids = Promise.resolve(null);
  const resumed = (): Promise<void> =>
    new Promise((resolve) => {
      h.control.resumed = resolve;
    });
  const info = h.submit(DISPLAY_INFO);
  await resumed();
  t.match(pmodes(info.response)[0], { r: { width: 1280, height: 800 } });
  const edid = h.submit(c.getEdid(0));
  await resumed();
  t.strictSame(edidOf(edid.response), edidFor({ width: 1280, height: 800, refreshHz: 60, scanoutId: 0 }));
});

t.test('a queue that is stopped gets its answer first, and none later', async (t) => {
  for (const running of [true, false]) {
    const h = new GpuHarness();
    let answer: (modes: null) => void = () => undefined;
    const modes = new Promise<null>((resolve) => {
      answer = resolve;
    });
    h.qemu.modes = modes;
    h.qemu.edids = modes;
    const chain = h.submit(DISPLAY_INFO);
    t.equal(chain.used, null);
    h.control.running = running;
    h.device.queueStopped(h.control);
    t.equal(chain.used, running ? 408 : null);
    if (running) t.match(pmodes(chain.response)[0], { r: { width: 1280, height: 800 } });
    t.equal(h.control.paused, false);
    chain.used = null;
    h.control.running = true;
    answer(null);
    await modes;
    t.equal(chain.used, null);
  }
});

t.test('the cursor queue: pictures, places, and nothing in return', async (t) => {
  const h = new GpuHarness();
  const UPDATE = gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR;
  const MOVE = gpu.VIRTIO_GPU_CMD_MOVE_CURSOR;
  h.send(c.create2d(1, 64, 64, 1));
  t.equal(h.cursor(c.cursor(UPDATE, { resourceId: 1, x: 10, y: -3, hotX: 4, hotY: 5 })), 0);
  t.equal(h.cursor(c.cursor(MOVE, { x: -20, y: 30 }), 100), 0, 'even with room for a response');
  t.equal(h.cursor(c.cursor(UPDATE, { resourceId: 0, x: 1, y: 2 })), 0);
  t.strictSame(h.sink.take(), [
    ['cursor', 0, 10, -3, [4, 5]],
    ['move', 0, -20, 30],
    ['cursor', 0, 1, 2, null],
  ]);
  for (const [width, height] of [
    [1, 1],
    [100, 7],
    [512, 512],
  ] as const) {
    h.send(c.create2d(2, width, height, 134));
    t.equal(h.cursor(c.cursor(UPDATE, { resourceId: 2 })), 0);
    h.send(c.unref(2));
  }
  t.equal(h.sink.take().length, 3, 'any size is a cursor');
});

t.test('the cursor queue: mistakes are counted and do nothing', async (t) => {
  const h = new GpuHarness();
  const UPDATE = gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR;
  t.equal(h.cursor(c.cursor(UPDATE, { resourceId: 9 })), 0);
  t.equal(h.cursor(c.cursor(UPDATE, { scanoutId: 1 })), 0);
  t.equal(h.cursor(c.cursor(UPDATE, { scanoutId: 0xffff_ffff })), 0);
  t.equal(h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, {})), 0);
  for (let length = 0; length < 56; length++) {
    t.equal(h.cursor(c.cursor(UPDATE, {}).subarray(0, length)), 0);
  }
  t.strictSame(h.sink.take(), []);
  t.match(h.device.status.faults, { 'invalid-cursor': 3, 'unknown-command': 1, 'short-command': 56 });
});

t.test('a cursor of a resource that is gone stays on the screen', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64, 1));
  h.cursor(c.cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 1 }));
  h.sink.take();
  t.equal(c.typeOf(h.send(c.unref(1))), gpu.VIRTIO_GPU_RESP_OK_NODATA);
  t.strictSame(h.sink.take(), []);
  t.equal(h.device.status.hostBytes, 0);
});

t.test('a reset takes scanouts and cursors off the displays', async (t) => {
  const h = new GpuHarness();
  h.send(c.create2d(1, 64, 64));
  h.send(c.setScanout(0, 1, c.rect(64, 64)));
  h.sink.take();
  h.device.reset();
  const calls = h.sink.take();
  t.strictSame(calls[0], ['scanout', 0, null]);
  t.strictSame(calls[1], ['cursor', 0, 0, 0, null]);
  t.equal(c.typeOf(h.send(c.unref(1))), gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
});

t.test('a front-end that is not attached is not served', async (t) => {
  const h = new GpuHarness();
  h.device.detach();
  t.equal(h.submit(DISPLAY_INFO).used, null);
  h.device.close();
});

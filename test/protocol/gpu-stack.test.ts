/**
 * The GPU behind a real front-end: real sockets, real rings in shared memory, and QEMU's end of the display
 * socket, which compares pixels.
 */
import {
  Feature,
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  ProtocolFeature,
  viewOf,
} from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as wire from '../../src/virtio-gpu/wire/structs.js';
import * as c from '../unit/gpu-commands.js';
import { RecordingSink } from '../unit/gpu-harness.js';
import { settle, u32s, until } from '../unit/gpu-socket-fixture.js';
import { Framebuffer, picture } from './framebuffer.js';
import { scenario, seen, show } from './gpu-machine.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const PACKED = FRONT_END_FEATURES | (1n << BigInt(Feature.RING_PACKED));
const NO_SLOTS = FRONT_END_PROTOCOL_FEATURES & ~(1n << BigInt(ProtocolFeature.CONFIGURE_MEM_SLOTS));
const DISPLAY_INFO = c.header(gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO);

/** Messages of QEMU's display protocol. */
const GET_DISPLAY_INFO = 3;
const CURSOR_POS = 4;
const CURSOR_POS_HIDE = 5;
const CURSOR_UPDATE = 6;
const SCANOUT = 7;
const UPDATE = 8;
const GET_EDID = 11;

for (const [rings, features] of [
  ['split', FRONT_END_FEATURES],
  ['packed', PACKED],
] as const) {
  for (const options of [{}, { pieces: 5 }, { indirect: true, pieces: 8 }]) {
    scenario(`pictures arrive: ${rings} rings, ${JSON.stringify(options)}`, async (t, machine) => {
      await machine.connect(features);
      const display = machine.display();
      await machine.start();
      const framebuffer = new Framebuffer(machine.vm, 200, 100);
      let expected = framebuffer.paint(1);
      for (const request of [
        c.create2d(1, 200, 100),
        c.attach(1, framebuffer.pages),
        c.setScanout(0, 1, framebuffer.all),
        c.transfer(1, framebuffer.all),
        c.flush(1, framebuffer.all),
      ]) {
        t.equal(c.typeOf(await machine.send(request, options)), OK);
      }
      await seen(display, expected);
      expected = framebuffer.paint(2);
      for (let round = 0; round < 300; round++) {
        await machine.all(c.transfer(1, framebuffer.all), c.flush(1, framebuffer.all));
      }
      await seen(display, expected);
      t.equal(machine.device.status.display.bytesStaged, 0, 'no copy in between');
    });
  }
}

scenario('nothing is asked before both queues run', async (t, machine) => {
  await machine.connect();
  const display = machine.display();
  await machine.vm.shareMemory();
  await machine.vm.startQueue(0);
  await settle();
  t.strictSame(display.requests(), []);
  await machine.vm.startQueue(1);
  await until(() => display.requests().length >= 2);
  t.strictSame(display.requests(), [1, 2]);
});

scenario(
  "QEMU's outputs are passed on, and asked for again after config space was read",
  async (t, machine) => {
    await machine.connect();
    const display = machine.display();
    let width = 1440;
    const edid = new Uint8Array(128);
    edid.set([0, 255, 255, 255, 255, 255, 255, 0]);
    edid[127] = -edid.reduce((sum, byte) => sum + byte, 0) & 0xff;
    display.answers.set(GET_DISPLAY_INFO, () => {
      const off = { r: c.rect(0, 0), enabled: 0, flags: 0 };
      const pmodes = Array.from({ length: 16 }, (_, i) =>
        i === 0 ? { ...off, r: c.rect(width, 900), enabled: 1 } : off,
      );
      return c.concat(c.header(gpu.VIRTIO_GPU_RESP_OK_DISPLAY_INFO), wire.DisplayInfoBody.encode({ pmodes }));
    });
    display.answers.set(GET_EDID, () =>
      c.concat(c.header(gpu.VIRTIO_GPU_RESP_OK_EDID), wire.EdidBody.encode({ size: 128, padding: 0, edid })),
    );
    await machine.start();
    const ask = async (): Promise<number> => {
      const response = await machine.send(DISPLAY_INFO);
      return wire.DisplayInfoBody.read(viewOf(response), c.HEADER_BYTES).pmodes[0]?.r.width ?? 0;
    };
    t.equal(await ask(), 1440);
    t.equal(await ask(), 1440);
    t.equal(display.requests().filter((request) => request === GET_DISPLAY_INFO).length, 1, 'asked once');
    const response = wire.EdidBody.read(viewOf(await machine.send(c.getEdid(0))), c.HEADER_BYTES);
    t.strictSame(response.edid.slice(0, response.size), edid);
    width = 1600;
    t.equal(await ask(), 1440);
    await machine.vm.getConfig(0, 16);
    t.equal(await ask(), 1600);
  },
);

scenario('answers keep the order of the requests while QEMU thinks', async (t, machine) => {
  await machine.connect();
  const display = machine.display();
  await machine.start();
  const order: string[] = [];
  const done = [
    machine.send(DISPLAY_INFO).then((data) => order.push(`info ${data.length}`)),
    machine.send(c.create2d(1, 8, 8)).then((data) => order.push(`create ${data.length}`)),
  ];
  await until(() => display.requests().includes(GET_DISPLAY_INFO));
  await settle();
  t.strictSame(order, []);
  // It hangs up instead of answering.
  display.socket.close();
  await Promise.all(done);
  t.strictSame(order, ['info 408', 'create 24']);
  const { pmodes } = wire.DisplayInfoBody.read(viewOf(await machine.send(DISPLAY_INFO)), c.HEADER_BYTES);
  t.match(pmodes[0], { r: { width: 1280, height: 800 }, enabled: 1 }, 'our own outputs');
});

scenario('a pause: the new display socket gets the whole state, without the guest', async (t, machine) => {
  await machine.connect();
  const first = machine.display();
  await machine.start();
  const framebuffer = new Framebuffer(machine.vm, 300, 200);
  const expected = framebuffer.paint(3);
  await machine.all(
    c.create2d(1, 300, 200),
    c.attach(1, framebuffer.pages),
    c.transfer(1, framebuffer.all),
    c.setScanout(0, 1, framebuffer.all),
    c.create2d(2, 64, 64, 1),
  );
  await machine.cursor.request(c.cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 2, x: 7, y: 9 }), 0);
  await seen(first, expected);
  await until(() => first.last(CURSOR_UPDATE) !== undefined);
  for (let round = 0; round < 3; round++) {
    // QEMU closes the display first, then stops the rings; a request is waiting meanwhile.
    const { control, cursor } = machine;
    first.close();
    for (const queue of [control, cursor]) await machine.vm.enableQueue(queue, false);
    const bases = [await machine.vm.stopQueue(control), await machine.vm.stopQueue(cursor)];
    const again = machine.display();
    await machine.vm.resumeQueue(control, bases[0] as number);
    await machine.vm.resumeQueue(cursor, bases[1] as number);
    await seen(again, expected);
    await until(() => again.last(CURSOR_UPDATE) !== undefined);
    t.strictSame(again.last(CURSOR_UPDATE)?.payload.subarray(0, 12), u32s(0, 7, 9));
    t.equal(machine.device.status.resources, 2);
    again.socket.close();
  }
});

scenario('a reset takes everything away, and the next driver starts from nothing', async (t, machine) => {
  await machine.connect();
  let display = machine.display();
  await machine.start();
  await show(machine, 64, 64);
  await until(() => picture(display, 0) !== null);
  for (let round = 0; round < 3; round++) {
    await machine.vm.resetDevice();
    t.match(machine.device.status, { resources: 0, backingEntries: 0 });
    await until(() => picture(display, 0) === null);
    display.socket.close();
    display = machine.display();
    await machine.vm.startQueue(0);
    await machine.vm.startQueue(1);
    const framebuffer = await show(machine, 64 + round, 64);
    t.equal(framebuffer.width, 64 + round);
    await until(() => picture(display, 0)?.length === (64 + round) * 64 * 4);
  }
});

scenario('a display that stands still: the guest goes on, and the display catches up', async (t, machine) => {
  await machine.connect();
  const display = machine.display({ reading: false });
  await machine.start();
  const framebuffer = await show(machine, 640, 480);
  let expected: Uint8Array = new Uint8Array(0);
  for (let round = 0; round < 200; round++) {
    expected = framebuffer.paint(round);
    await machine.all(c.transfer(1, framebuffer.all), c.flush(1, framebuffer.all));
    const x = round;
    await machine.cursor.request(c.cursor(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, { x }), 0);
  }
  t.ok(machine.device.status.display.updatesSent <= 2, 'nothing queues up');
  display.startReading();
  await seen(display, expected);
  t.ok(machine.device.status.display.updatesSent <= 6);
});

scenario('the display goes away in the middle of a message', async (t, machine) => {
  await machine.connect();
  const display = machine.display({ reading: false });
  await machine.start();
  const framebuffer = await show(machine, 640, 480);
  await until(() => display.readSome(1000) > 0);
  display.socket.close();
  await machine.all(c.flush(1, framebuffer.all), c.unref(1));
  t.match(machine.device.status, { resources: 0, hostBytes: 0 });
  t.strictSame(machine.disconnects, [], 'the front-end stays');
});

scenario('a display that talks nonsense is dropped, and the device goes on', async (t, machine) => {
  await machine.connect();
  const display = machine.display();
  display.answers.clear();
  await machine.start();
  display.send(GET_EDID, new Uint8Array(1056));
  await until(() => display.ended);
  await show(machine, 64, 64);
  const next = machine.display();
  await until(() => picture(next, 0) !== null);
  t.strictSame(machine.disconnects, []);
});

scenario('two scanouts of one buffer: each gets its own part, in its own coordinates', async (t, machine) => {
  await machine.connect();
  const display = machine.display();
  await machine.start();
  const framebuffer = new Framebuffer(machine.vm, 96, 32);
  const expected = framebuffer.paint(5);
  await machine.all(
    c.create2d(1, 96, 32),
    c.attach(1, framebuffer.pages),
    c.transfer(1, framebuffer.all),
    c.setScanout(0, 1, c.rect(0, 0, 32, 32)),
    c.setScanout(1, 1, c.rect(32, 0, 64, 32)),
    c.flush(1, framebuffer.all),
  );
  const part = (x: number, width: number): Uint8Array =>
    c.concat(
      ...Array.from({ length: 32 }, (_, y) => expected.subarray((y * 96 + x) * 4, (y * 96 + x + width) * 4)),
    );
  await seen(display, part(0, 32));
  await seen(display, part(32, 64), 1);
  display.messages.length = 0;
  await machine.all(c.flush(1, c.rect(40, 3, 5, 6)));
  await until(() => display.last(UPDATE) !== undefined);
  t.strictSame(display.last(UPDATE)?.payload.subarray(0, 20), u32s(1, 8, 3, 5, 6));
  await machine.all(c.setScanout(1, 0, c.rect(0, 0)));
  await until(() => display.last(SCANOUT) !== undefined);
  t.strictSame(display.last(SCANOUT)?.payload, u32s(1, 0, 0));
  t.equal(picture(display, 1), null);
});

scenario('the cursor: shown, moved, hidden', async (t, machine) => {
  await machine.connect();
  const display = machine.display();
  await machine.start();
  const page = machine.vm.memory.alloc(64 * 64 * 4, 4096);
  const image = Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => (i * 11) & 0xff);
  machine.vm.memory.write(page, image);
  await machine.all(
    c.create2d(5, 64, 64, 1),
    c.attach(5, [[page, image.length]]),
    c.transfer(5, c.rect(64, 64)),
  );
  const cursor = async (type: number, args: c.CursorArguments): Promise<void> => {
    t.equal((await machine.cursor.request(c.cursor(type, args), 0)).used, 0);
  };
  await cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 5, x: 100, y: -2, hotX: 3, hotY: 4 });
  await until(() => display.last(CURSOR_UPDATE) !== undefined);
  t.strictSame(display.last(CURSOR_UPDATE)?.payload, Buffer.concat([u32s(0, 100, -2, 3, 4), image]));
  await cursor(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, { x: 101, y: 5 });
  await until(() => display.last(CURSOR_POS) !== undefined);
  t.strictSame(display.last(CURSOR_POS)?.payload, u32s(0, 101, 5));
  await cursor(gpu.VIRTIO_GPU_CMD_UPDATE_CURSOR, { resourceId: 0 });
  await until(() => display.last(CURSOR_POS_HIDE) !== undefined);
});

/** Notes what a cursor's move found done. */
class MoveWatcher extends RecordingSink {
  found: number | null = null;
  done: () => number = () => 0;

  override moveCursor(): void {
    this.found = this.done();
  }
}

const watcher = new MoveWatcher();
scenario(
  'a cursor does not wait for a second picture',
  async (t, machine) => {
    await machine.connect();
    await machine.start();
    const framebuffer = new Framebuffer(machine.vm, 1024, 256);
    await machine.all(c.create2d(1, 1024, 256), c.attach(1, framebuffer.pages));
    watcher.done = () => machine.device.status.transferBytes;
    const transfers = Array.from({ length: 8 }, () => machine.send(c.transfer(1, framebuffer.all)));
    const move = c.cursor(gpu.VIRTIO_GPU_CMD_MOVE_CURSOR, {});
    await Promise.all([...transfers, machine.cursor.request(move, 0)]);
    const frame = 1024 * 256 * 4;
    t.equal(machine.device.status.transferBytes, 8 * frame);
    t.ok(watcher.found !== null && watcher.found <= frame, `it came after ${watcher.found} bytes`);
  },
  { sinks: [watcher] },
);

scenario('the memory table changes under a resource', async (t, machine) => {
  await machine.connect(FRONT_END_FEATURES, NO_SLOTS);
  const display = machine.display();
  await machine.start();
  const framebuffer = await show(machine, 100, 100);
  for (let round = 0; round < 5; round++) {
    await machine.vm.shareMemory();
    const expected = framebuffer.paint(round);
    await machine.all(c.transfer(1, framebuffer.all), c.flush(1, framebuffer.all));
    await seen(display, expected);
  }
  t.equal(machine.device.status.backingEntries, framebuffer.pages.length);
});

scenario('config space in any size, and the next front-end', async (t, machine) => {
  for (let round = 0; round < 3; round++) {
    await machine.connect();
    t.equal(machine.vm.offeredFeatures & 0x1fn, 0b110n);
    const whole = wire.Config.encode({
      eventsRead: 0,
      eventsClear: 0,
      numScanouts: 1,
      numCapsets: 0,
      blobAlignment: 0,
    });
    for (const size of [1, 4, 16, 20])
      t.strictSame(await machine.vm.getConfig(0, size), whole.slice(0, size));
    await machine.start();
    await show(machine, 64, 64);
    t.equal(await machine.device.setOutput(0, { width: 800 + round }), true);
    t.equal(machine.configChanges, round + 1);
    t.strictSame((await machine.vm.getConfig(0, 4))[0], 1);
    await machine.vm.setConfig(
      0,
      Uint8Array.from({ length: 20 }, (_, i) => (i === 4 ? 1 : 0)),
    );
    t.strictSame((await machine.vm.getConfig(0, 4))[0], 0);
    machine.disconnect();
    await until(() => machine.disconnects.length === round + 1);
    t.equal(machine.device.status.hostBytes, 0);
  }
});

scenario('a ring full of hostile requests', async (t, machine) => {
  await machine.connect();
  await machine.start();
  const { guestAddress, length } = machine.vm.memory;
  const huge = 0xffff_ffff;
  await show(machine, 64, 64);
  const requests = [
    new Uint8Array(0),
    new Uint8Array(23),
    c.create2d(0, 1, 1),
    c.create2d(1, 1, 1),
    c.create2d(2, 2 ** 31, 2 ** 31),
    c.create2d(3, 0, 0),
    c.create2d(4, 32768, 32769),
    c.attach(1, [[guestAddress, 16]], huge),
    c.attach(1, [[guestAddress + length, 16]]),
    c.transfer(1, c.rect(huge, huge, huge, huge), 0),
    c.transfer(1, c.rect(1, 1), 2 ** 63),
    c.setScanout(0, 1, c.rect(1, 1, huge, huge)),
    c.setScanout(16, 1, c.rect(1, 1)),
    c.flush(1, c.rect(huge, 1, 1, 1)),
    c.unref(huge),
    c.getEdid(huge),
    c.header(huge),
  ];
  for (let round = 0; round < 20; round++) {
    const pieces = round % 3 === 0 ? { pieces: 7 } : {};
    const types = await Promise.all(
      requests
        .filter((request) => request.length > 0)
        .map(async (request) => c.typeOf((await machine.control.request(request, 1056, pieces)).data)),
    );
    t.ok(types.every((type) => type >= gpu.VIRTIO_GPU_RESP_ERR_UNSPEC && type <= 0x1205));
  }
  await machine.all(c.flush(1, c.rect(64, 64)));
  t.equal(machine.device.status.resources, 1);
  t.strictSame(machine.disconnects, []);
});

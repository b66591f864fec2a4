/** The display socket's messages, byte by byte, and how it behaves when QEMU is slow, or gone. */

import t from 'tap';
import { type Logger, silentLogger } from 'vhost-user-ts';
import { BAND_BYTES_MIN, GpuSocketSink } from '../../src/virtio-gpu/display/gpu-socket-sink.js';
import type { Rect } from '../../src/virtio-gpu/display-sink.js';
import { BGR_AT, bgrOf, FakeQemu, settle, TestBuffer, u32s, until } from './gpu-socket-fixture.js';

const rect = (x: number, y: number, width: number, height: number): Rect => ({ x, y, width, height });
const whole = (buffer: TestBuffer): Rect => rect(0, 0, buffer.width, buffer.height);

function shows(qemu: FakeQemu, scanoutId: number, buffer: TestBuffer, part = whole(buffer)): boolean {
  return qemu.shows(scanoutId, buffer, part);
}

/** Counts the lines that people get to see. */
function countingLogger(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  return { log: { ...silentLogger, info: note, warn: note, error: note }, lines };
}

t.test('the bytes of the messages', async (t) => {
  const qemu = new FakeQemu();
  const sink = new GpuSocketSink({ log: silentLogger });
  const buffer = new TestBuffer(5, 4);
  sink.attachSocket(qemu.far);
  sink.setScanout(2, { buffer, rect: rect(1, 1, 3, 2) });
  sink.setCursor(2, -1, 700, { buffer, hotX: 2, hotY: 3 });
  await until(() => qemu.messages.length === 3);
  t.same(qemu.requests(), [6, 7, 8], 'cursor first');
  t.same(qemu.messages[0]?.payload.subarray(0, 20), u32s(2, -1, 700, 2, 3));
  t.equal(qemu.messages[0]?.payload.length, 20 + 16384);
  t.same(qemu.messages[0]?.payload.subarray(20, 24), Buffer.from(buffer.pixel(0, 0)));
  t.same(qemu.messages[1]?.payload, u32s(2, 3, 2));
  const rows = [1, 2].flatMap((y) => [1, 2, 3].map((x) => buffer.pixel(x, y)));
  t.same(qemu.messages[2]?.payload, Buffer.concat([u32s(2, 0, 0, 3, 2), ...rows]));

  sink.damage(2, rect(1, 0, 1, 2));
  sink.moveCursor(2, 8, 9);
  await until(() => qemu.messages.length === 5);
  t.same(qemu.messages[3], { request: 4, flags: 0, payload: u32s(2, 8, 9) });
  t.same(
    qemu.messages[4]?.payload,
    Buffer.concat([u32s(2, 1, 0, 1, 2), buffer.pixel(2, 1), buffer.pixel(2, 2)]),
  );

  sink.setCursor(2, 1, 1, null);
  sink.setScanout(2, null);
  await until(() => qemu.messages.length === 7);
  t.same(qemu.messages[5], { request: 5, flags: 0, payload: u32s(2, 1, 1) });
  t.same(qemu.messages[6], { request: 7, flags: 0, payload: u32s(2, 0, 0) });
  t.equal(sink.metrics.bytesSent, qemu.bytesReceived);
  t.same(
    { ...sink.metrics, bytesSent: 0 },
    {
      bytesSent: 0,
      bytesStaged: 0,
      updatesSent: 2,
      damageMerged: 0,
      messages: 7,
      dmabufScanouts: 0,
      dmabufUpdates: 0,
    },
  );
  sink.close();
  buffer.release();
  t.equal(buffer.references, 0);
  qemu.close();
});

t.test('all 8 formats, whole and in part', async (t) => {
  for (const format of BGR_AT.keys()) {
    const qemu = new FakeQemu();
    const sink = new GpuSocketSink({ log: silentLogger });
    const buffer = new TestBuffer(200, 150, format);
    const part = rect(30, 20, 100, 90);
    sink.attachSocket(qemu.far);
    sink.setScanout(0, { buffer, rect: part });
    await until(() => qemu.messages.length === 2);
    t.ok(shows(qemu, 0, buffer, part), `format ${format}`);
    buffer.paint(2);
    sink.damage(0, rect(10, 20, 30, 40));
    sink.damage(0, rect(90, 80, 10, 10));
    await until(() => qemu.messages.length === 4);
    const changed = new TestBuffer(200, 150, format, 2);
    t.same(
      qemu.messages[2]?.payload.subarray(20).filter((_, i) => i % 4 !== 3),
      Buffer.from(bgrOf(changed, rect(40, 40, 30, 40))),
    );
    const staged = format > 2 ? (100 * 90 + 30 * 40 + 10 * 10) * 4 : 0;
    t.equal(sink.metrics.bytesStaged, staged);
    sink.close();
    buffer.release();
    changed.release();
    t.equal(buffer.references, 0);
    qemu.close();
  }
});

t.test('commands of one kick share messages; a page flip of the same size sends no size', async (t) => {
  const qemu = new FakeQemu();
  const sink = new GpuSocketSink({ log: silentLogger });
  const front = new TestBuffer(64, 48);
  const back = new TestBuffer(64, 48, 1, 9);
  sink.attachSocket(qemu.far);
  for (const buffer of [front, back, front]) {
    sink.setScanout(0, { buffer, rect: whole(buffer) });
    sink.damage(0, whole(buffer));
    await settle();
  }
  t.same(qemu.requests(), [7, 8, 8, 8]);
  t.ok(shows(qemu, 0, front));
  t.equal(sink.metrics.damageMerged, 3);
  t.equal(back.references, 1);
  sink.close();
  front.release();
  back.release();
  qemu.close();
});

t.test('a stalled display: bounded, then the right picture; the cursor overtakes', async (t) => {
  const qemu = new FakeQemu({ reading: false });
  const sink = new GpuSocketSink({ log: silentLogger, maxBandBytes: BAND_BYTES_MIN });
  const first = new TestBuffer(640, 480);
  const second = new TestBuffer(320, 200, 67, 5);
  const old = new TestBuffer(800, 600, 1, 6);
  sink.attachSocket(qemu.far);
  sink.setScanout(0, { buffer: old, rect: whole(old) });
  await settle();
  const sentWhenFull = sink.metrics.bytesSent;
  t.ok(sentWhenFull > 0);
  for (let i = 0; i < 500; i++) {
    sink.setScanout(0, { buffer: first, rect: whole(first) });
    if (i % 100 === 0) first.paint(i);
    for (let k = 0; k < 20; k++) sink.damage(0, rect((i * 7 + k * 31) % 600, (k * 53) % 400, 40, 30));
    sink.setScanout(1, { buffer: second, rect: whole(second) });
    sink.moveCursor(1, i, i);
    sink.setCursor(1, i, i, { buffer: second, hotX: 0, hotY: 0 });
  }
  await settle();
  t.ok(sink.metrics.bytesSent - sentWhenFull < 2 * BAND_BYTES_MIN, 'nothing more was sent');
  t.ok(sink.metrics.damageMerged > 9000);
  t.ok(old.references <= 2, 'held for the message on its way only');
  qemu.startReading();
  await until(() => shows(qemu, 0, first) && shows(qemu, 1, second));
  t.ok(qemu.messages.length < 40, `${qemu.messages.length} messages`);
  const requests = qemu.requests();
  t.equal(requests.filter((request) => request === 6).length, 1, 'one cursor of 500');
  t.ok(requests.indexOf(6) < requests.lastIndexOf(7), 'before the scanouts that waited');
  t.equal(old.references, 1);
  await settle();
  const idle = qemu.bytesReceived;
  await settle(50);
  t.equal(qemu.bytesReceived, idle, 'and then silence');
  sink.close();
  for (const buffer of [first, second, old]) {
    buffer.release();
    t.equal(buffer.references, 0);
  }
  qemu.close();
});

t.test('large pictures go in bands, the scanouts in turns', async (t) => {
  const qemu = new FakeQemu();
  const sink = new GpuSocketSink({ log: silentLogger, maxBandBytes: BAND_BYTES_MIN });
  const buffers = [new TestBuffer(1024, 300), new TestBuffer(1024, 300, 121, 3)] as const;
  sink.attachSocket(qemu.far);
  for (const [id, buffer] of buffers.entries()) sink.setScanout(id, { buffer, rect: whole(buffer) });
  await until(() => buffers.every((buffer, id) => shows(qemu, id, buffer)));
  const updates = qemu.messages.filter(({ request }) => request === 8).map(({ payload }) => payload);
  t.ok(updates.every((payload) => payload.length <= 20 + BAND_BYTES_MIN));
  t.same(
    updates.slice(0, 6).map((payload) => payload.readUInt32LE(0)),
    [0, 1, 0, 1, 0, 1],
  );
  sink.close();
  for (const buffer of buffers) buffer.release();
  qemu.close();
});

t.test('the message on its way ends well when the scanout changes, shrinks or goes', async (t) => {
  const big = new TestBuffer(1200, 900);
  const small = new TestBuffer(16, 16, 4, 3);
  for (const next of [small, null]) {
    const qemu = new FakeQemu({ reading: false });
    const sink = new GpuSocketSink({ log: silentLogger });
    sink.attachSocket(qemu.far);
    sink.setScanout(0, { buffer: big, rect: whole(big) });
    await settle();
    sink.setScanout(0, next === null ? null : { buffer: next, rect: whole(next) });
    t.equal(big.references, 2, 'held by the message');
    qemu.startReading();
    await until(() => (next === null ? qemu.surfaces.get(0) === null : shows(qemu, 0, next)));
    t.equal(big.references, 1);
    t.equal(qemu.messages[1]?.payload.length, 20 + 1200 * Math.floor((4 * 1024 * 1024) / 4800) * 4);
    sink.close();
    qemu.close();
  }
  big.release();
  small.release();
  t.same([big.references, small.references], [0, 0]);
});

t.test('a new socket in the middle of a message: the old one closed, everything sent anew', async (t) => {
  const first = new FakeQemu({ reading: false });
  const { log, lines } = countingLogger();
  const sink = new GpuSocketSink({ log });
  const buffer = new TestBuffer(1200, 900);
  const gone = new TestBuffer(10, 10);
  sink.attachSocket(first.far);
  sink.setScanout(1, { buffer: gone, rect: whole(gone) });
  await settle();
  sink.setScanout(0, { buffer, rect: whole(buffer) });
  sink.setCursor(0, 3, 4, { buffer: gone, hotX: 0, hotY: 0 });
  await settle();
  first.readSome(65536);
  await settle();
  sink.detachSocket();
  t.ok(first.far.closed);
  sink.setScanout(1, null);
  sink.moveCursor(0, 5, 6);
  sink.damage(0, rect(0, 0, 5, 5));
  const second = new FakeQemu();
  sink.attachSocket(second.far);
  await until(() => shows(second, 0, buffer) && second.surfaces.get(1) === null);
  t.same(
    second.requests().filter((request) => request !== 8),
    [6, 7, 7],
  );
  t.same(second.last(6)?.payload.subarray(0, 12), u32s(0, 5, 6));
  const third = new FakeQemu();
  sink.attachSocket(third.far);
  t.ok(second.far.closed);
  await until(() => shows(third, 0, buffer));
  t.same(lines, []);
  sink.close();
  buffer.release();
  gone.release();
  t.same([buffer.references, gone.references], [0, 0]);
  for (const qemu of [first, second, third]) qemu.close();
});

t.test('QEMU closes its end in the middle of a message, and life goes on', async (t) => {
  const qemu = new FakeQemu({ reading: false });
  const { log, lines: shown } = countingLogger();
  const lines: string[] = [];
  log.debug = (_, message) => {
    if (/closed/.test(message)) lines.push(message);
  };
  const sink = new GpuSocketSink({ log });
  const buffer = new TestBuffer(1200, 900);
  sink.attachSocket(qemu.far);
  sink.setScanout(0, { buffer, rect: whole(buffer) });
  await settle();
  qemu.readSome(100_000);
  qemu.socket.close();
  sink.damage(0, rect(0, 0, 10, 10));
  await until(() => lines.length > 0);
  sink.damage(0, rect(0, 0, 10, 10));
  sink.setCursor(0, 0, 0, { buffer, hotX: 0, hotY: 0 });
  t.equal(sink.displayInfo(), null);
  await settle();
  t.same(lines, ['QEMU closed the display socket']);
  t.equal(buffer.references, 1, 'without a socket nobody reads');
  const next = new FakeQemu();
  sink.attachSocket(next.far);
  t.equal(buffer.references, 2);
  await until(() => shows(next, 0, buffer));
  // Closed while idle, with something to send at the same moment: EPIPE, not EOF.
  next.socket.close();
  sink.damage(0, rect(0, 0, 10, 10));
  await until(() => lines.length > 1);
  t.same(lines[1], 'QEMU closed the display socket');
  t.same(shown, [], 'each device reset does that: nothing for the log of a quiet day');
  sink.close();
  buffer.release();
  t.equal(buffer.references, 0);
});

t.test('pixels that can not be read are black; the stream stays in step', async (t) => {
  for (const format of [1, 3]) {
    const qemu = new FakeQemu({ reading: false });
    const { log, lines } = countingLogger();
    const sink = new GpuSocketSink({ log });
    const buffer = new TestBuffer(1200, 900, format);
    sink.attachSocket(qemu.far);
    sink.setScanout(0, { buffer, rect: whole(buffer) });
    await settle();
    buffer.memory.close();
    sink.setCursor(0, 1, 2, { buffer, hotX: 0, hotY: 0 });
    qemu.startReading();
    await until(() => qemu.requests().includes(5) && qemu.requests().filter((r) => r === 8).length === 2);
    const picture = qemu.surfaces.get(0)?.bgrx;
    t.ok(picture?.subarray(-3000).every((byte) => byte === 0));
    t.equal(lines.length, 1);
    sink.close();
    buffer.release();
    t.equal(buffer.references, 0);
    qemu.close();
  }
});

t.test('mistakes of the caller do no harm; closing gives everything back', async (t) => {
  t.throws(() => new GpuSocketSink({ log: silentLogger, maxBandBytes: 1000 }), RangeError);
  const { log, lines } = countingLogger();
  const sink = new GpuSocketSink({ log });
  const buffer = new TestBuffer(10, 10);
  sink.setScanout(16, { buffer, rect: whole(buffer) });
  sink.damage(-1, rect(0, 0, 1, 1));
  sink.moveCursor(99, 0, 0);
  sink.setCursor(99, 0, 0, null);
  sink.setScanout(0, { buffer, rect: rect(0, 0, 0, 5) });
  t.equal(buffer.references, 1);
  const qemu = new FakeQemu();
  qemu.far.close();
  sink.attachSocket(qemu.far);
  t.equal(lines.length, 1, 'a closed socket');
  sink.setScanout(0, { buffer, rect: whole(buffer) });
  sink.close();
  sink.close();
  t.equal(buffer.references, 1);
  const next = new FakeQemu();
  sink.attachSocket(next.far);
  await settle();
  t.same(next.requests(), [], 'nothing is left of before');
  sink.setScanout(0, { buffer, rect: whole(buffer) });
  await until(() => shows(next, 0, buffer));
  sink.close();
  buffer.release();
  for (const each of [qemu, next]) each.close();
});

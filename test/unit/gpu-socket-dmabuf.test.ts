/** dma-bufs on QEMU's display: the messages byte by byte, whom they make wait, and the ways back to pixels. */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { closeFd, createMemfd, pageSize } from 'vhost-user-native';
import { silentLogger } from 'vhost-user-ts';
import { GpuSocketSink } from '../../src/virtio-gpu/display/gpu-socket-sink.js';
import type { Rect, ScanoutSource } from '../../src/virtio-gpu/display-sink.js';
import { UdmabufExporter } from '../../src/virtio-gpu/index.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';
import { FakeQemu, settle, TestBuffer, u32s, u64, until } from './gpu-socket-fixture.js';

/** DRM's code: four letters. */
const fourcc = (name: string): number => Buffer.from(name).readUInt32LE();
const rect = (x: number, y: number, width: number, height: number): Rect => ({ x, y, width, height });

function inodeOf(fd: number | undefined): number {
  return fd === undefined ? 0 : fstatSync(fd).ino;
}

/** A buffer that is there as a dma-buf, too. */
class SharedBuffer extends TestBuffer {
  readonly fd = createMemfd('picture', { size: pageSize });

  constructor(width: number, height: number, format = 2) {
    super(width, height, format);
    this.exported = { fd: this.fd, offsetBytes: 0, strideBytes: width * 4, format };
  }

  get source(): ScanoutSource {
    return { buffer: this, rect: rect(0, 0, this.width, this.height) };
  }

  end(): void {
    closeFd(this.fd);
    this.release();
  }
}

/** A sink and QEMU that have agreed on what the protocol can. */
async function connect(
  options: { features?: bigint; dmabuf?: boolean } = {},
): Promise<{ sink: GpuSocketSink; qemu: FakeQemu }> {
  const qemu = new FakeQemu();
  qemu.answers.set(1, () => u64(options.features ?? 3n));
  const sink = new GpuSocketSink({ log: silentLogger, dmabuf: options.dmabuf ?? true });
  sink.attachSocket(qemu.far);
  sink.setReady(true);
  await until(() => qemu.last(2) !== undefined);
  qemu.messages.length = 0;
  return { sink, qemu };
}

const answer = (qemu: FakeQemu): void => qemu.send(10, new Uint8Array(0));

t.test('the bytes of the messages, and one update at a time', async (t) => {
  const { sink, qemu } = await connect();
  const buffer = new SharedBuffer(64, 16);
  sink.setScanout(3, { buffer, rect: rect(0, 0, 60, 12) });
  await until(() => qemu.messages.length === 2);
  t.same(qemu.messages[0], {
    request: 12,
    flags: 0,
    payload: u32s(3, 0, 0, 60, 12, 60, 12, 256, 0, fourcc('XR24'), 0, 0),
  });
  t.same(qemu.messages[1], { request: 10, flags: 0, payload: u32s(3, 0, 0, 60, 12) });
  t.equal(qemu.fds.length, 1);
  t.equal(inodeOf(qemu.fds[0]), inodeOf(buffer.fd));

  sink.damage(3, rect(1, 2, 3, 4));
  sink.damage(3, rect(40, 5, 2, 2));
  await settle();
  t.equal(qemu.messages.length, 2, 'nothing follows an update that is not answered');
  answer(qemu);
  await until(() => qemu.messages.length === 3);
  t.same(qemu.messages[2], { request: 10, flags: 0, payload: u32s(3, 1, 2, 41, 5) });
  answer(qemu);
  await settle();
  t.equal(qemu.messages.length, 3);
  t.match(sink.metrics, { updatesSent: 0, dmabufScanouts: 1, dmabufUpdates: 2 });
  sink.close();
  qemu.close();
  buffer.end();
  t.equal(buffer.references, 0);
});

t.test('without DMABUF2 there is no modifier', async (t) => {
  const { sink, qemu } = await connect({ features: 1n });
  const buffer = new SharedBuffer(8, 4, 67);
  sink.setScanout(0, buffer.source);
  await until(() => qemu.messages.length === 2);
  t.same(qemu.messages[0], {
    request: 9,
    flags: 0,
    payload: u32s(0, 0, 0, 8, 4, 8, 4, 32, 0, fourcc('XB24')),
  });
  sink.close();
  qemu.close();
  buffer.end();
});

t.test('what is announced', async (t) => {
  for (const [offered, dmabuf, announced] of [
    [7n, true, 3n],
    [1n, true, 1n],
    [3n, false, 1n],
  ] as const) {
    const qemu = new FakeQemu();
    qemu.answers.set(1, () => u64(offered));
    const sink = new GpuSocketSink({ log: silentLogger, dmabuf });
    sink.attachSocket(qemu.far);
    sink.setReady(true);
    await until(() => qemu.last(2) !== undefined);
    t.same(qemu.last(2)?.payload, u64(announced));
    sink.close();
    qemu.close();
  }
});

t.test('pixels where a dma-buf would not do', async (t) => {
  const off = new SharedBuffer(8, 4);
  const without = await connect({ dmabuf: false });
  without.sink.setScanout(0, off.source);
  await until(() => without.qemu.shows(0, off, off.source.rect));
  t.same(without.qemu.requests(), [7, 8]);
  without.sink.close();
  without.qemu.close();
  off.end();

  const { sink, qemu } = await connect();
  const offset = new SharedBuffer(8, 4);
  offset.exported = { fd: offset.fd, offsetBytes: 64, strideBytes: 32, format: 2 };
  const odd = new SharedBuffer(8, 4, 4);
  const refused = new SharedBuffer(8, 4);
  refused.exported = null;
  const part = new SharedBuffer(8, 4);
  sink.setScanout(0, offset.source);
  sink.setScanout(1, odd.source);
  sink.setScanout(2, refused.source);
  sink.setScanout(3, { buffer: part, rect: rect(1, 0, 4, 4) });
  await until(() => qemu.messages.length === 8);
  t.ok(qemu.shows(0, offset, offset.source.rect), 'not at the start of the dma-buf');
  t.ok(qemu.shows(1, odd, odd.source.rect), 'a format that OpenGL may not have');
  t.ok(qemu.shows(2, refused, refused.source.rect), 'no dma-buf');
  t.ok(qemu.shows(3, part, rect(1, 0, 4, 4)), 'a part that does not start at the corner');
  let done = 0;
  for (const id of [0, 1, 2, 3]) sink.whenShown(id, () => done++);
  t.equal(done, 4, 'nobody waits for pixels');
  t.equal(qemu.fds.length, 0);
  sink.close();
  qemu.close();
  for (const buffer of [offset, odd, refused, part]) buffer.end();
});

t.test('before QEMU said what it knows there are pixels', async (t) => {
  const qemu = new FakeQemu();
  const sink = new GpuSocketSink({ log: silentLogger, dmabuf: true });
  const buffer = new SharedBuffer(8, 4);
  sink.attachSocket(qemu.far);
  sink.setScanout(0, buffer.source);
  await until(() => qemu.messages.length === 2);
  t.same(qemu.requests(), [7, 8]);
  sink.setReady(true);
  await until(() => qemu.messages.length === 6);
  t.same(qemu.requests().slice(2), [1, 2, 12, 10]);
  sink.close();
  qemu.close();
  buffer.end();
});

t.test('whoever waits for a picture waits until QEMU drew it', async (t) => {
  const { sink, qemu } = await connect();
  const [first, second] = [new SharedBuffer(8, 4), new SharedBuffer(8, 4)];
  const done: string[] = [];
  sink.setScanout(0, first.source);
  sink.whenShown(0, () => done.push('first'));
  await until(() => qemu.messages.length === 2);
  sink.setScanout(0, second.source);
  sink.whenShown(0, () => done.push('second'));
  await settle();
  t.same(done, []);
  t.equal(qemu.messages.length, 2, 'nor does the next picture come before');
  answer(qemu);
  await until(() => qemu.messages.length === 4);
  t.same(done, ['first']);
  sink.whenShown(0, () => done.push('second, too'));
  answer(qemu);
  await until(() => done.length === 3);
  t.same(done, ['first', 'second', 'second, too']);
  t.same(
    qemu.fds.map(inodeOf),
    [first, second].map(({ fd }) => inodeOf(fd)),
  );
  sink.whenShown(0, () => done.push('nothing new'));
  t.equal(done.length, 4);

  sink.damage(0, rect(0, 0, 1, 1));
  sink.whenShown(0, () => done.push('off'));
  sink.setScanout(0, null);
  t.equal(done.at(-1), 'off', 'at once when the scanout is off');
  await until(() => qemu.messages.length === 6);
  t.same(qemu.messages[4], { request: 9, flags: 0, payload: u32s(0, 0, 0, 0, 0, 0, 0, 0, 0, 0) });
  t.same(qemu.messages[5], { request: 7, flags: 0, payload: u32s(0, 0, 0) });
  t.equal(qemu.fds.length, 2, 'no descriptor comes with it');
  sink.close();
  qemu.close();
  for (const buffer of [first, second]) buffer.end();
});

t.test('back to pixels when there is no dma-buf any more', async (t) => {
  const { sink, qemu } = await connect();
  const buffer = new SharedBuffer(8, 4);
  const done: string[] = [];
  sink.setScanout(0, buffer.source);
  sink.whenShown(0, () => done.push('first'));
  await until(() => qemu.messages.length === 2);
  buffer.exported = null;
  sink.damage(0, rect(0, 0, 1, 1));
  await until(() => qemu.messages.length === 5);
  t.same(qemu.requests().slice(2), [9, 7, 8]);
  t.ok(qemu.shows(0, buffer, buffer.source.rect), 'all of it');
  t.same(done, ['first']);
  answer(qemu);
  await settle();
  t.notOk(qemu.ended, 'the late answer is in order');
  sink.close();
  qemu.close();
  buffer.end();
});

t.test('another connection gets it again; the answers of the one before come no more', async (t) => {
  const { sink, qemu } = await connect();
  const buffer = new SharedBuffer(8, 4);
  const done: string[] = [];
  sink.setScanout(0, buffer.source);
  sink.whenShown(0, () => done.push('sent'));
  await until(() => qemu.messages.length === 2);
  sink.damage(0, rect(0, 0, 1, 1));
  sink.whenShown(0, () => done.push('not sent'));
  sink.detachSocket();
  t.same(done, ['sent', 'not sent']);
  sink.whenShown(0, () => done.push('nobody there'));
  t.equal(done.length, 3);

  const next = new FakeQemu();
  sink.attachSocket(next.far);
  await until(() => next.messages.length === 7);
  t.same(next.requests(), [1, 9, 7, 8, 2, 12, 10], 'after pixels: it may be another QEMU');
  t.equal(inodeOf(next.fds[0]), inodeOf(buffer.fd));
  sink.close();
  qemu.close();
  next.close();
  buffer.end();
});

t.test('a descriptor is never kept for a socket that is full', async (t) => {
  const { sink, qemu } = await connect();
  const [first, second] = [new SharedBuffer(8, 4), new SharedBuffer(8, 4)];
  qemu.stopReading();
  const hide = Buffer.concat([u32s(5, 0, 12), u32s(0, 0, 0)]);
  while (qemu.far.send(hide) === hide.length);
  sink.setScanout(0, first.source);
  await settle();
  sink.setScanout(0, second.source);
  closeFd(first.fd);
  qemu.startReading();
  await until(() => qemu.last(10) !== undefined);
  t.equal(qemu.messages.filter(({ request }) => request === 12).length, 1);
  t.same(qemu.fds.map(inodeOf), [inodeOf(second.fd)]);
  sink.close();
  qemu.close();
  first.release();
  second.end();
});

t.test('an answer to nothing ends the connection', async (t) => {
  const { sink, qemu } = await connect();
  answer(qemu);
  await until(() => qemu.ended);
  sink.close();
  qemu.close();
  t.end();
});

/** A guest whose pages can be dma-bufs: the exporter makes files that are as large. */
class Guest extends GpuHarness {
  readonly made: number[] = [];
  readonly pieces: unknown[] = [];
  readonly display = new FakeQemu();

  constructor() {
    const made: number[] = [];
    const pieces: unknown[] = [];
    const udmabuf = new UdmabufExporter({
      limits: () => ({ entries: 1024, bytes: 2 ** 26 }),
      isUsable: () => true,
      create: (asked) => {
        pieces.push(...asked);
        const fd = createMemfd('dma-buf', { size: asked.reduce((sum, { length }) => sum + length, 0) });
        made.push(inodeOf(fd));
        return fd;
      },
    });
    super({ qemuDisplay: new GpuSocketSink({ log: silentLogger, dmabuf: true }), qemuDmabuf: true, udmabuf });
    this.made = made;
    this.pieces = pieces;
    this.memory.backedBy = [77];
  }

  async connect(): Promise<void> {
    this.device.setGpuSocket(this.display.far);
    await until(() => this.display.last(2) !== undefined);
    this.display.messages.length = 0;
  }

  /** A fenced RESOURCE_FLUSH. */
  flush(resourceId: number, part: Rect): { answered(): boolean } {
    const request = c.flush(resourceId, part);
    request[4] = 1;
    const chain = this.submit(request);
    return { answered: () => chain.used !== null };
  }

  close(): void {
    this.device.close();
    this.display.close();
  }
}

const SIZE = c.rect(64, 32);
const BYTES = 64 * 32 * 4;

t.test('a guest that draws into ordinary resources: its own pages are shown', async (t) => {
  const guest = new Guest();
  const { display } = guest;
  await guest.connect();
  const page = guest.memory.base + 5 * pageSize;
  guest.memory.bytes.fill(0x5a, 5 * pageSize, 5 * pageSize + BYTES);
  guest.send(c.create2d(1, 64, 32));
  guest.send(
    c.attach(1, [
      [page + pageSize, pageSize],
      [page, pageSize],
    ]),
  );
  guest.send(c.setScanout(0, 1, SIZE));
  guest.send(c.transfer(1, SIZE));
  const flush = guest.flush(1, SIZE);
  await until(() => display.messages.length === 2);
  t.same(display.requests(), [12, 10]);
  t.same(guest.pieces, [
    { fd: 77, offset: 6 * pageSize, length: pageSize },
    { fd: 77, offset: 5 * pageSize, length: pageSize },
  ]);
  t.same(display.fds.map(inodeOf), guest.made);
  t.notOk(flush.answered(), 'the guest waits until QEMU drew it');
  answer(display);
  await until(() => flush.answered());
  t.match(guest.device.status, { transferBytes: BYTES, display: { updatesSent: 0 } });
  t.same([...guest.pixelsOf(0)], new Array(BYTES).fill(0x5a), 'other displays have their copy');

  guest.send(c.detach(1));
  await until(() => display.messages.length === 5);
  t.same(display.requests().slice(2), [9, 7, 8], 'the pages are the guest’s again');
  t.equal(
    display.surfaces.get(0)?.bgrx.every((byte) => byte === 0x5a),
    true,
  );

  guest.send(c.attach(1, [[page, BYTES]]));
  guest.send(c.setScanout(0, 1, SIZE));
  await until(() => display.last(12) === display.messages.at(-2));
  answer(display);
  guest.send(c.unref(1));
  await until(() => display.messages.length === 9);
  t.same(display.requests().slice(5), [12, 10, 9, 7]);
  guest.close();
  t.equal(guest.memory.openTables, 0);
});

t.test('pages whose pixels lie elsewhere, or that are too few, are not shown', async (t) => {
  const guest = new Guest();
  const { display } = guest;
  await guest.connect();
  guest.send(c.create2d(1, 64, 32));
  guest.send(c.attach(1, [[guest.memory.base, 2 * BYTES]]));
  guest.send(c.transfer(1, SIZE, BYTES));
  guest.send(c.create2d(2, 64, 32));
  guest.send(c.attach(2, [[guest.memory.base, pageSize]]));
  for (const resourceId of [1, 2]) {
    display.messages.length = 0;
    guest.send(c.setScanout(0, resourceId, SIZE));
    t.ok(guest.flush(resourceId, SIZE).answered());
    await until(() => display.last(8) !== undefined);
    t.equal(display.last(12), undefined);
  }
  guest.close();
  t.equal(guest.made.length, 0);
});

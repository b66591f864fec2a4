/** What QEMU is asked, when, and what happens to its answers. Time is a list of timers that the tests set off. */
import { setTimeout as realTimeout } from 'node:timers';
import t from 'tap';
import { createEventFd } from 'vhost-user-native';
import { type Logger, silentLogger } from 'vhost-user-ts';
import { ANSWER_TIMEOUT_MS, startTimer } from '../../src/virtio-gpu/display/gpu-socket-questions.js';
import { GpuSocketSink } from '../../src/virtio-gpu/display/gpu-socket-sink.js';
import { FakeQemu, settle, TestBuffer, u32s, u64, until } from './gpu-socket-fixture.js';

/** A clock that stands still until `expire`. */
class Clock {
  readonly timers = new Set<() => void>();
  readonly startTimer = (callback: () => void, delayMs: number): (() => void) => {
    if (delayMs !== ANSWER_TIMEOUT_MS) throw new Error(`${delayMs} ms`);
    this.timers.add(callback);
    return () => this.timers.delete(callback);
  };

  /** Lets the second pass for all that wait now. */
  expire(): void {
    for (const timer of [...this.timers]) {
      this.timers.delete(timer);
      timer();
    }
  }
}

interface Mode {
  x?: number;
  width?: number;
  height?: number;
  enabled?: number;
}

/** A virtio_gpu_resp_display_info. */
function displayInfo(modes: readonly Mode[], type = 0x1101): Uint8Array {
  const body = Array.from({ length: 16 }, (_, i) => {
    const { x = 0, width = 0, height = 0, enabled = 0 } = modes[i] ?? {};
    return u32s(x, 0, width, height, enabled, 0);
  });
  return Buffer.concat([u32s(type, 0, 0, 0, 0, 0), ...body]);
}

/** A virtio_gpu_resp_edid of `blocks` blocks with good checksums; `size` as QEMU says it. */
function edid(blocks = 2, size = 1024, type = 0x1104): Buffer {
  const data = Buffer.alloc(1024);
  data.set([0, 255, 255, 255, 255, 255, 255, 0], 0);
  data[126] = blocks - 1;
  for (let at = 0; at < Math.min(blocks, 8) * 128; at += 128) {
    data[at + 20] = at / 128 + 1;
    const sum = data.subarray(at, at + 127).reduce((a, b) => a + b, 0);
    data[at + 127] = (256 - (sum % 256)) % 256;
  }
  return Buffer.concat([u32s(type, 0, 0, 0, 0, 0, size, 0), data]);
}

interface Setup {
  qemu: FakeQemu;
  sink: GpuSocketSink;
  clock: Clock;
  lines: string[];
  close(): void;
}

function setup(options: { ready?: boolean; reading?: boolean } = {}): Setup {
  const qemu = new FakeQemu({ reading: options.reading ?? true });
  const clock = new Clock();
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  const log: Logger = { ...silentLogger, info: note, warn: note, error: note };
  const sink = new GpuSocketSink({ log, startTimer: clock.startTimer });
  sink.attachSocket(qemu.far);
  if (options.ready !== false) sink.setReady(true);
  qemu.answers.set(3, () => displayInfo([{ width: 1280, height: 800, enabled: 1 }]));
  qemu.answers.set(11, () => edid());
  const close = (): void => {
    sink.close();
    qemu.close();
  };
  return { qemu, sink, clock, lines, close };
}

t.test('nothing is asked before both queues run', async (t) => {
  const { qemu, sink, clock, close } = setup({ ready: false });
  const buffer = new TestBuffer(4, 4);
  sink.setScanout(0, { buffer, rect: { x: 0, y: 0, width: 4, height: 4 } });
  const asked = sink.displayInfo();
  await settle();
  t.same(qemu.requests(), [7, 8], 'pictures do not wait for that');
  sink.setReady(true);
  t.match(await asked, [{ x: 0, y: 0, width: 1280, height: 800, enabled: true, flags: 0 }]);
  t.same(qemu.requests(), [7, 8, 1, 2, 3]);
  t.same(qemu.messages[2]?.payload.length, 0);
  t.same(qemu.messages[3]?.payload, u64(1n), 'EDID is taken, DMABUF2 is not');
  t.equal(clock.timers.size, 0);
  close();
  buffer.release();
});

t.test('an answer is shared, kept, and forgotten on request', async (t) => {
  const { qemu, sink, close } = setup();
  const [a, b] = [sink.displayInfo(), sink.displayInfo()];
  t.equal(a, b);
  const modes = await a;
  t.equal(modes?.length, 16);
  t.equal(sink.displayInfo(), modes);
  const first = sink.edid(0);
  const fifth = sink.edid(15);
  t.equal((await first)?.length, 256, 'as long as its blocks, not the 1024 that QEMU says');
  t.ok(await fifth);
  t.equal(sink.edid(0), await first);
  t.same(qemu.requests(), [1, 2, 3, 11, 11]);
  t.same(qemu.last(11)?.payload, u32s(15));
  sink.invalidate();
  t.notSame(sink.edid(0), await first);
  await sink.displayInfo();
  t.same(qemu.requests(), [1, 2, 3, 11, 11, 11, 3]);
  t.equal(sink.edid(16), null);
  close();
});

t.test('an answer that was on its way when it became stale is not kept', async (t) => {
  const { qemu, sink, close } = setup();
  let width = 100;
  qemu.answers.set(3, () => displayInfo([{ width: width++, height: 100, enabled: 1 }]));
  const old = sink.displayInfo();
  sink.invalidate();
  const fresh = sink.displayInfo();
  t.equal((await old)?.[0]?.width, 100);
  t.equal((await fresh)?.[0]?.width, 101);
  t.equal(sink.displayInfo(), await fresh);
  close();
});

t.test('no answer within a second: null; nobody waits again; the late one is kept', async (t) => {
  const { qemu, sink, clock, close } = setup();
  qemu.answers.delete(3);
  const asked = sink.displayInfo();
  const edidToo = sink.edid(0);
  await until(() => qemu.requests().includes(3));
  qemu.answers.delete(1);
  clock.expire();
  t.same(await Promise.all([asked, edidToo]), [null, null]);
  t.equal(sink.displayInfo(), null, 'at once');
  t.equal(sink.edid(1), null, 'at once');
  await until(() => qemu.requests().filter((request) => request === 1).length === 2);
  qemu.send(3, displayInfo([{ width: 640, height: 480, enabled: 1 }]));
  qemu.send(1, u64(3n));
  await settle();
  t.match(sink.displayInfo(), [{ width: 640, height: 480 }]);
  t.ok(await sink.edid(0), 'asked again');
  t.same(qemu.requests(), [1, 2, 3, 1, 11]);
  t.equal(clock.timers.size, 0);
  close();
});

t.test('QEMU skips a question (no such scanout): the next answers are not mistaken for it', async (t) => {
  const { qemu, sink, clock, close } = setup();
  qemu.answers.set(11, (payload) => (payload.readUInt32LE(0) === 9 ? null : edid(1)));
  const missing = sink.edid(9);
  await until(() => qemu.requests().includes(11));
  clock.expire();
  t.equal(await missing, null);
  await settle();
  t.equal((await sink.edid(0))?.length, 128);
  t.equal(sink.edid(9), null, 'it is known now that there is none');
  sink.invalidate();
  const again = sink.edid(9);
  await settle();
  clock.expire();
  t.equal(await again, null);
  close();
});

t.test('time runs out before the question could even be sent', async (t) => {
  const { qemu, sink, clock, close } = setup({ reading: false });
  const buffer = new TestBuffer(1200, 900);
  sink.setScanout(0, { buffer, rect: { x: 0, y: 0, width: 1200, height: 900 } });
  await settle();
  const asked = sink.displayInfo();
  clock.expire();
  t.equal(await asked, null);
  qemu.startReading();
  await until(() => qemu.requests().includes(2));
  t.ok(await sink.displayInfo());
  t.equal(qemu.requests().filter((request) => request === 3).length, 1, 'the first one was taken back');
  close();
  buffer.release();
});

t.test('queues stop, or the socket goes: whoever waits gets null', async (t) => {
  const { qemu, sink, clock, close } = setup();
  qemu.answers.delete(3);
  const asked = sink.displayInfo();
  const waiting = sink.edid(0);
  await until(() => qemu.requests().includes(3));
  sink.setReady(false);
  t.same(await Promise.all([asked, waiting]), [null, null]);
  t.equal(clock.timers.size, 0);
  sink.setReady(true);
  t.ok(await sink.edid(0), 'the question without answer is no obstacle');
  const lost = [sink.displayInfo(), sink.edid(1)];
  qemu.socket.close();
  t.same(await Promise.all(lost), [null, null]);
  t.equal(sink.displayInfo(), null);
  t.equal(sink.edid(0), null, 'not what the old connection said');
  const next = new FakeQemu();
  next.answers.set(11, () => edid(3));
  sink.attachSocket(next.far);
  t.equal((await sink.edid(0))?.length, 384);
  const replaced = sink.displayInfo();
  const last = new FakeQemu({ reading: false });
  sink.attachSocket(last.far);
  t.equal(await replaced, null);
  close();
  next.close();
  last.close();
});

t.test('without the EDID feature there is no EDID', async (t) => {
  const { qemu, sink, close } = setup();
  qemu.answers.set(1, () => u64(1n << 63n));
  const asked = sink.edid(0);
  const modes = sink.displayInfo();
  t.equal(await asked, null);
  t.ok(await modes);
  t.equal(sink.edid(0), null);
  t.same(qemu.requests(), [1, 2, 3]);
  t.same(qemu.messages[1]?.payload, u64(0n));
  close();
});

t.test('answers that make no sense are null, and the connection goes on', async (t) => {
  const modes: readonly Uint8Array[] = [
    displayInfo([{ width: 16385, height: 1, enabled: 1 }]),
    displayInfo([{ width: 1, height: 0xffffffff, enabled: 0 }]),
    displayInfo([{ width: 0, height: 480, enabled: 1 }]),
    displayInfo([], 0x1200),
  ];
  const badSum = edid();
  badSum[32 + 200] = 77;
  const edids = [
    edid(2, 1024, 0x1101),
    edid(2, 0),
    edid(2, 128),
    edid(1, 200),
    edid(1, 1152),
    edid(9),
    badSum,
  ];
  const { qemu, sink, lines, close } = setup();
  for (const answer of modes) {
    qemu.answers.set(3, () => answer);
    sink.invalidate();
    t.equal(await sink.displayInfo(), null);
  }
  for (const answer of [...edids, Buffer.concat([u32s(0x1104, 0, 0, 0, 0, 0, 128, 0), Buffer.alloc(1024)])]) {
    qemu.answers.set(11, () => answer);
    sink.invalidate();
    t.equal(await sink.edid(0), null);
  }
  qemu.answers.set(11, () => edid(1, 128));
  sink.invalidate();
  t.equal((await sink.edid(0))?.length, 128);
  t.same(lines, []);
  close();
});

t.test('a peer that breaks the protocol: socket closed, one line, null', async (t) => {
  const good = displayInfo([]);
  const cases: [string, (qemu: FakeQemu) => void][] = [
    ['nobody asked for that kind', (qemu) => qemu.send(11, edid())],
    ['not an answer', (qemu) => qemu.send(3, good, 0)],
    ['too short', (qemu) => qemu.send(3, good.subarray(0, 400))],
    ['too long', (qemu) => qemu.send(3, Buffer.concat([good, good]))],
    ['enormous', (qemu) => qemu.sendRaw(u32s(3, 4, 0xffffffff))],
    ['no known message', (qemu) => qemu.send(10, new Uint8Array(0))],
    ['features twice', (qemu) => qemu.send(1, u64(3n))],
    ['garbage', (qemu) => qemu.sendRaw(Buffer.alloc(100, 0xa5))],
    [
      'half an answer, then the end',
      (qemu) => {
        qemu.sendRaw(Buffer.concat([u32s(3, 4, 408), good.subarray(0, 100)]));
        qemu.socket.close();
      },
    ],
  ];
  for (const [name, act] of cases) {
    const { qemu, sink, clock, lines, close } = setup();
    qemu.answers.delete(3);
    const asked = sink.displayInfo();
    await until(() => qemu.requests().includes(3));
    act(qemu);
    t.equal(await asked, null, name);
    // A display that goes away breaks nothing: that is no news.
    t.equal(lines.length, name === 'half an answer, then the end' ? 0 : 1, name);
    t.ok(qemu.far.closed, name);
    t.equal(clock.timers.size, 0, name);
    sink.setScanout(0, null);
    close();
  }
});

t.test('descriptors that come with an answer are closed', async (t) => {
  const { qemu, sink, lines, close } = setup();
  qemu.answers.delete(3);
  const asked = sink.displayInfo();
  await until(() => qemu.requests().includes(3));
  const event = createEventFd();
  qemu.socket.send(u32s(3, 4, 408), [event.fd]);
  t.equal(await asked, null);
  t.equal(lines.length, 1);
  event.close();
  close();
});

t.test('answers in pieces of one byte', async (t) => {
  const { qemu, sink, close } = setup();
  qemu.answers.delete(3);
  const asked = sink.displayInfo();
  await until(() => qemu.requests().includes(3));
  const answer = Buffer.concat([u32s(3, 4, 408), displayInfo([{ width: 800, height: 600, enabled: 1 }])]);
  for (const byte of answer) {
    qemu.sendRaw(Uint8Array.of(byte));
    await settle(1);
  }
  t.match(await asked, [{ width: 800, height: 600 }]);
  close();
});

t.test('the ordinary timer fires, can be taken back, and does not keep the process', async (t) => {
  await new Promise<void>((resolve) => {
    const keepAlive = realTimeout(() => undefined, 10_000);
    startTimer(() => {
      clearTimeout(keepAlive);
      resolve();
    }, 1);
  });
  startTimer(() => t.fail('taken back'), 0)();
  startTimer(() => undefined, 100_000);
});

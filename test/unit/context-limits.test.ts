/** Each limit of contexts, reached and passed by one: what the guest is told, and that nothing is left. */
import t, { type Test } from 'tap';
import { closeFd, createPipe, type Pipe } from 'vhost-user-native';
import type { ContextLimits } from '../../src/virtio-gpu/context/context-limits.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from './context-support.js';
import { openFds } from './native-support.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const NO_MEMORY = gpu.VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
const BAD_PARAMETER = gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
/** A pipe takes 64 KiB before its writer waits. */
const CHUNK = new Uint8Array(60_000);

function limited(name: string, limits: Partial<ContextLimits>, run: (t: Test, b: s.ContextBench) => void) {
  t.test(name, async (t) => {
    const before = openFds();
    const b = new s.ContextBench(limits);
    run(t, b);
    b.contexts.clear();
    t.strictSame(Object.values(b.contexts.status), [0, 0, 0, 0, 0, 0], 'nothing is left');
    b.close();
    t.equal(openFds(), before, 'no descriptor is left open');
  });
}

/** The guest makes pipes to read from; the type of the answer. The host gets the write ends, and closes them. */
function openPipes(b: s.ContextBench, ctxId: number, channel: s.TestChannel, ids: readonly number[]): number {
  const pipes = ids.map((id) => [0x8000_0000 + id, 3] as const);
  const type = b.send(s.submit3d(ctxId, s.sendCommand(Uint8Array.of(1), pipes)));
  for (const { items } of channel.sent.splice(0)) {
    for (const item of items) if (item.kind === 'read-pipe') closeFd(item.fd);
  }
  return type;
}

/** The host sends a pipe that the guest may write to; the end that somebody should read. The first has id 2. */
function offerPipe(b: s.ContextBench, channel: s.TestChannel, ctxId = 1): Pipe {
  const { reader, writeFd } = createPipe();
  channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'write-pipe', fd: writeFd }] });
  b.poll(ctxId);
  return reader;
}

limited('pipes that one context reads', { maxReadPipesPerContext: 2 }, (t, b) => {
  const first = b.connect(1);
  t.equal(openPipes(b, 1, first, [1, 2]), OK);
  const second = b.connect(2);
  t.equal(openPipes(b, 2, second, [1, 2]), OK, 'another one has its own');
  t.not(openPipes(b, 1, first, [3]), OK);
  t.ok(first.closed > 0, 'one too many ends that connection');
  t.equal(second.closed, 0);
  t.equal(b.contexts.status.readPipes, 2);
});

limited('pipes that all contexts read', { maxReadPipes: 3 }, (t, b) => {
  const first = b.connect(1);
  const second = b.connect(2);
  t.equal(openPipes(b, 1, first, [1, 2]), OK);
  t.not(openPipes(b, 2, second, [1, 2]), OK);
  t.ok(second.closed > 0);
  t.equal(first.closed, 0);
  t.equal(b.contexts.status.readPipes, 2, 'all or none');
});

limited('things of the host that the guest leaves lying about', { maxItemsPerContext: 2 }, (t, b) => {
  const channel = b.connect();
  for (let i = 0; i < 3; i++) {
    t.equal(channel.closed, 0, `${i} are allowed`);
    channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'file', content: new Uint8Array(8) }] });
    b.poll();
  }
  t.ok(channel.closed > 0);
});

limited('what waits for slow readers, all together', { maxWriteQueueBytesTotal: 250_000 }, (t, b) => {
  const channel = b.connect();
  const readers = [offerPipe(b, channel), offerPipe(b, channel)];
  const write = (id: number): number => b.send(s.submit3d(1, s.writeCommand(id, CHUNK)));
  t.strictSame([write(2), write(2), write(2), write(2)], [OK, OK, OK, OK]);
  t.strictSame([write(3), write(3), write(3)], [OK, OK, NO_MEMORY], 'the second pipe is closed');
  t.equal(write(2), OK, 'the first one goes on');
  t.ok(b.contexts.status.writeQueueBytes <= 250_000);
  t.equal(channel.closed, 0);
  for (const reader of readers) reader.close();
});

limited('pipes that are written to the end without the guest', { maxDrainingPipes: 1 }, (t, b) => {
  const channel = b.connect();
  const readers = [offerPipe(b, channel), offerPipe(b, channel)];
  for (const id of [2, 3]) {
    for (const hangUp of [0, 0, 1]) t.equal(b.send(s.submit3d(1, s.writeCommand(id, CHUNK, hangUp))), OK);
  }
  const waiting = b.contexts.status.writeQueueBytes;
  t.ok(waiting > 100_000 && waiting < 150_000, 'the second one was cut off');
  for (const reader of readers) reader.close();
});

limited('bytes of one image', { maxImageBytes: 8192 }, (t, b) => {
  b.connect();
  const R8 = 0x20203852;
  t.equal(b.send(s.submit3d(1, s.imageQuery(8192, 1, R8))), OK);
  t.equal(b.send(s.submit3d(1, s.imageQuery(8193, 1, R8))), BAD_PARAMETER);
});

limited('messages that are waited for', { maxPollsPerContext: 8, maxExtraPolls: 3 }, (t, b) => {
  const channels = [b.connect(1), b.connect(2)];
  for (let i = 0; i < 4; i++) t.equal(b.poll(1).used, null, 'the first, and three more');
  t.equal(channels[0]?.closed, 0);
  t.equal(b.poll(2).used, null, 'the first of each context always fits');
  b.poll(2);
  t.ok((channels[1]?.closed ?? 0) > 0);
  t.equal(channels[0]?.closed, 0);
});

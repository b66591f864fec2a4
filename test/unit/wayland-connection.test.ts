/** The Wayland connection: framing, descriptors beside the bytes, back-pressure, and every way it can end. */
import { readSync, writeSync } from 'node:fs';
import t from 'tap';
import { closeFd, createMemfd, fileIdentity, type UnixSocket } from 'vhost-user-native';
import { type ConnectionOptions, WaylandConnection, WaylandError } from '../../src/wayland/index.js';
import { openFds } from './native-support.js';
import { hex, pair, unhex, until } from './wayland-support.js';

interface Seen {
  readonly objectId: number;
  readonly opcode: number;
  readonly body: string;
  readonly fds: number[];
}

class Listener {
  readonly seen: Seen[] = [];
  readonly connection: WaylandConnection;
  ended: WaylandError | null = null;
  drained = 0;
  /** Descriptors that each message takes. */
  takes = 0;

  constructor(socket: UnixSocket, options: ConnectionOptions = {}) {
    this.connection = new WaylandConnection(
      socket,
      {
        message: (objectId, opcode, body, fds) => {
          this.seen.push({ objectId, opcode, body: hex(body), fds: fds.take(this.takes) });
        },
        drained: () => {
          this.drained++;
        },
        ended: (error) => {
          this.ended = error;
        },
      },
      options,
    );
  }

  async end(): Promise<string> {
    await until(() => this.ended !== null, 'the end');
    return this.ended?.code ?? '';
  }
}

/** A message with an empty or given body. */
function message(objectId: number, body = ''): Uint8Array {
  const bytes = new Uint8Array(8 + body.length / 2);
  new DataView(bytes.buffer).setUint32(0, objectId, true);
  new DataView(bytes.buffer).setUint32(4, bytes.length << 16, true);
  bytes.set(unhex(body), 8);
  return bytes;
}

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

t.test('messages arrive whole, however they are cut', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(near);
  const bytes = new Uint8Array([...message(1, '01000000'), ...message(2), ...message(3, '0300000004000000')]);
  for (let at = 0; at < bytes.length; at++) {
    far.send(bytes.subarray(at, at + 1));
    await until(() => true);
  }
  await until(() => listener.seen.length === 3);
  far.send(bytes);
  await until(() => listener.seen.length === 6);
  const bodies = ['01000000', '', '0300000004000000'];
  t.same(
    listener.seen.map(({ body }) => body),
    [...bodies, ...bodies],
  );
  far.close();
  t.equal(await listener.end(), 'WL_ERR_DISCONNECTED');
});

t.test('messages of 4096 bytes, and many in a row', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(near);
  const sender = new Listener(far);
  const big = message(7, '11'.repeat(4088));
  for (let count = 0; count < 40; count++) {
    sender.connection.send(count % 3 === 0 ? message(8, '22222222') : big);
  }
  await until(() => listener.seen.length === 40);
  t.ok(listener.seen.every(({ objectId, body }) => body.length === (objectId === 7 ? 8176 : 8)));
  listener.connection.close();
  t.equal(await sender.end(), 'WL_ERR_DISCONNECTED');
});

t.test('what is no message ends the connection', async (t) => {
  for (const bytes of ['0100000000000000', '0100000000000700', '0100000000000a00', '0100000000000410']) {
    const [near, far] = pair();
    const listener = new Listener(near);
    far.send(unhex(bytes));
    t.equal(await listener.end(), 'WL_ERR_BAD_SIZE', bytes);
    t.ok(near.closed);
    far.close();
  }
  const [near, far] = pair();
  const listener = new Listener(near);
  far.send(message(1, '00000000').subarray(0, 10));
  far.close();
  t.equal(await listener.end(), 'WL_ERR_DISCONNECTED');
  t.match(listener.ended?.message, /in the middle/);
  const wide = pair();
  const wideListener = new Listener(wide[0], { messageBytesMax: 8192 });
  wide[1].send(message(1, '33'.repeat(8184)));
  await until(() => wideListener.seen.length === 1);
  t.equal(wideListener.ended, null, 'the size is an option');
  wideListener.connection.close();
  wide[1].close();
});

t.test('descriptors are a stream of their own: 60 messages with three each', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(near);
  listener.takes = 3;
  const sender = new Listener(far);
  const files = Array.from({ length: 12 }, (_, index) => createMemfd(`f${index}`, { size: 4096 }));
  files.forEach((fd, index) => {
    writeSync(fd, Buffer.from([index]), 0, 1, 0);
  });
  for (let index = 0; index < 60; index++) {
    const fds = [0, 1, 2].map((offset) => files[(index * 3 + offset) % 12] ?? -1);
    sender.connection.send(message(index + 1), fds);
    sender.connection.flush();
  }
  await until(() => listener.seen.length === 60 || listener.ended !== null);
  const byte = Buffer.alloc(1);
  const right = listener.seen.every(({ fds }, index) =>
    fds.every((fd, offset) => {
      readSync(fd, byte, 0, 1, 0);
      closeFd(fd);
      return byte[0] === (index * 3 + offset) % 12;
    }),
  );
  t.ok(right && listener.seen.length === 60, 'each message has its own, in order');
  for (const fd of files) closeFd(fd);
  listener.connection.close();
  sender.connection.close();
});

t.test('one sendmsg carries at most 28 descriptors, and they never come late', async (t) => {
  const [near, far] = pair();
  const sender = new Listener(near);
  const fd = createMemfd('shared', { size: 4096 });
  for (let index = 0; index < 20; index++) sender.connection.send(message(index + 1), [fd, fd, fd]);
  sender.connection.flush();
  const counts: number[] = [];
  let bytes = 0;
  let fds = 0;
  while (bytes < 160) {
    const received = far.receive(new Uint8Array(4096));
    counts.push(received.fds.length);
    bytes += received.bytes;
    fds += received.fds.length;
    t.ok(fds >= (bytes / 8) * 3, `${fds} descriptors with ${bytes} bytes`);
    for (const one of received.fds) closeFd(one);
  }
  t.ok(counts.every((count) => count <= 28));
  t.equal(fds, 60);
  t.throws(() => sender.connection.send(message(1), Array(29).fill(fd)), RangeError);
  closeFd(fd);
  sender.connection.close();
  far.close();
});

t.test('descriptors that wait survive the caller closing its own', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(far);
  listener.takes = 1;
  const sender = new Listener(near);
  const fd = createMemfd('short-lived', { size: 4096 });
  const identity = fileIdentity(fd);
  sender.connection.send(message(1), [fd]);
  closeFd(fd);
  await until(() => listener.seen.length === 1);
  const [got = -1] = listener.seen[0]?.fds ?? [];
  t.same(fileIdentity(got), identity);
  closeFd(got);
  sender.connection.close();
  listener.connection.close();
});

t.test('missing and surplus descriptors', async (t) => {
  const missing = pair();
  const one = new Listener(missing[0]);
  one.takes = 1;
  missing[1].send(message(1));
  t.equal(await one.end(), 'WL_ERR_BAD_FDS');
  missing[1].close();

  const surplus = pair();
  const two = new Listener(surplus[0], { incomingFdsMax: 40 });
  const fd = createMemfd('surplus', { size: 4096 });
  surplus[1].send(message(1), Array(28).fill(fd));
  await until(() => two.seen.length === 1);
  t.equal(two.ended, null, 'some may wait for a later message');
  surplus[1].send(message(2), Array(28).fill(fd));
  t.equal(await two.end(), 'WL_ERR_BAD_FDS');
  surplus[1].close();

  const closing = pair();
  const three = new Listener(closing[0]);
  closing[1].send(message(1), [fd, fd]);
  await until(() => three.seen.length === 1);
  three.connection.close();
  three.connection.close();
  closing[1].close();
  closeFd(fd);
});

t.test('a peer that does not read: congestion, relief, overflow', async (t) => {
  const [near, far] = pair();
  const sender = new Listener(near, { outgoingBytesHigh: 10_000, outgoingBytesMax: 100_000 });
  const big = message(1, '44'.repeat(4088));
  let sent = 0;
  while (!sender.connection.congested) {
    sender.connection.send(big);
    sent++;
  }
  t.ok(sender.connection.backlogBytes > 10_000);
  const listener = new Listener(far);
  await until(() => sender.drained === 1, 'drained');
  await until(() => listener.seen.length === sent);
  t.equal(sender.connection.backlogBytes, 0);
  listener.connection.pause();
  const fd = createMemfd('stuck', { size: 4096 });
  for (let count = 0; count < 1000; count++) sender.connection.send(big, count % 10 === 0 ? [fd] : []);
  closeFd(fd);
  t.equal(sender.ended, null, 'not from within send');
  t.equal(await sender.end(), 'WL_ERR_OVERFLOW');
  listener.connection.close();
});

t.test('drained is told, too, when the bytes leave with a later message', async (t) => {
  const [near, far] = pair();
  const sender = new Listener(near, { outgoingBytesHigh: 4096 });
  while (!sender.connection.congested) sender.connection.send(message(1, '00'.repeat(1000)));
  const buffer = new Uint8Array(1 << 16);
  // The peer reads all of it before this side's event loop gets to see that there is room.
  while (sender.connection.backlogBytes > 0) {
    while (far.receive(buffer).bytes > 0);
    sender.connection.flush();
  }
  await until(() => sender.drained === 1, 'drained');
  t.equal(sender.connection.congested, false);
  sender.connection.close();
  far.close();
});

t.test('pause and resume', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(near);
  listener.connection.pause();
  far.send(message(1));
  for (let turn = 0; turn < 5; turn++) await until(() => true);
  t.equal(listener.seen.length, 0);
  listener.connection.resume();
  await until(() => listener.seen.length === 1);
  far.close();
  t.equal(await listener.end(), 'WL_ERR_DISCONNECTED');
});

t.test('a pause from within a message keeps the messages behind it', async (t) => {
  const [near, far] = pair();
  const seen: number[] = [];
  const connection = new WaylandConnection(near, {
    message: (objectId) => {
      seen.push(objectId);
      connection.pause();
    },
    ended: () => undefined,
  });
  far.send(new Uint8Array([...message(1), ...message(2), ...message(3)]));
  for (const count of [1, 2, 3]) {
    await until(() => seen.length === count);
    for (let turn = 0; turn < 5; turn++) await until(() => true);
    t.equal(seen.length, count);
    connection.resume();
  }
  connection.close();
  far.close();
});

t.test('what the peer said before it hung up is read, although sending fails', async (t) => {
  const [near, far] = pair();
  const listener = new Listener(near);
  far.send(message(5));
  far.close();
  listener.connection.send(message(1));
  listener.connection.flush();
  t.equal(listener.ended, null);
  t.equal(await listener.end(), 'WL_ERR_DISCONNECTED');
  t.equal(listener.seen[0]?.objectId, 5);
  t.doesNotThrow(() => listener.connection.send(message(2)), 'sending after the end does nothing');
});

t.test('a handler that refuses a message ends the connection', async (t) => {
  const [near, far] = pair();
  let ended: WaylandError | null = null;
  let messages = 0;
  new WaylandConnection(near, {
    message: () => {
      messages++;
      throw new WaylandError('WL_ERR_BAD_OPCODE', 'no');
    },
    ended: (error) => {
      ended = error;
    },
  });
  const fd = createMemfd('rider', { size: 4096 });
  far.send(new Uint8Array([...message(1), ...message(2)]), [fd, fd]);
  await until(() => ended !== null);
  t.match(ended, { code: 'WL_ERR_BAD_OPCODE' });
  t.equal(messages, 1);
  closeFd(fd);
  far.close();
});

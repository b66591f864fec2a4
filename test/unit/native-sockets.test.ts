/** Unix sockets with descriptors, listeners, eventfds and their callbacks. */

import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  adoptEventFd,
  adoptListener,
  adoptSocket,
  closeFd,
  connectUnix,
  createEventFd,
  createMemfd,
  dupFd,
  type EventFd,
  FDS_PER_MESSAGE_MAX,
  fileIdentity,
  fileSize,
  isSocketListening,
  listenUnix,
  mapAnonymous,
  mapFile,
  READABLE,
  socketPair,
  type UnixListener,
  type UnixSocket,
  WRITABLE,
} from 'vhost-user-native';
import {
  badNumbers,
  callWith,
  isCloseOnExec,
  isNonBlocking,
  notNumbers,
  openFds,
  runScript,
  thrownBy,
} from './native-support.js';

const folder = mkdtempSync(join(tmpdir(), 'native-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** Sends until the kernel takes no more; returns how many bytes it took. */
function fillUp(socket: UnixSocket): number {
  const chunk = Buffer.alloc(65536, 'x');
  let total = 0;
  for (;;) {
    const taken = socket.send(chunk);
    if (taken < 0) return total;
    total += taken;
  }
}

/** Receives everything that is there. */
function receiveAll(socket: UnixSocket): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(65536);
    const { bytes } = socket.receive(part);
    if (bytes <= 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, bytes));
  }
}

/** The next callback of a watched object. */
function nextEvents(socket: UnixSocket, events: number): Promise<number> {
  return new Promise((resolve) => {
    socket.watch(events, (got) => {
      socket.watch(0, () => {});
      resolve(got);
    });
  });
}

function nextCall(object: EventFd | UnixListener): Promise<void> {
  return new Promise((resolve) => {
    object.watch(() => {
      object.watch(null);
      resolve();
    });
  });
}

t.test('a socket pair carries bytes, reports emptiness and the end', async (t) => {
  const [a, b] = socketPair();
  t.not(a.fd, b.fd);
  t.ok(isCloseOnExec(a.fd) && isNonBlocking(a.fd) && isCloseOnExec(b.fd) && isNonBlocking(b.fd));
  const target = new Uint8Array(8);
  t.strictSame(b.receive(target), { bytes: -1, fds: [], truncated: false });
  t.equal(a.send(Buffer.from('hello world')), 11);
  t.equal(b.receive(target).bytes, 8);
  t.equal(Buffer.from(target).toString(), 'hello wo');
  t.equal(b.receive(target.subarray(2, 4)).bytes, 2);
  t.equal(Buffer.from(target).toString(), 'herlo wo');
  t.equal(a.send(new Uint8Array(0)), 0);
  a.close();
  t.equal(b.receive(target).bytes, 1);
  t.strictSame(b.receive(target), { bytes: 0, fds: [], truncated: false });
  t.throws(
    () => b.send(Buffer.from('x')),
    { code: 'EPIPE', errno: -32, syscall: 'sendmsg' },
    'and no SIGPIPE',
  );
  b.close();
});

t.test('a socket that is closed with unread data resets the peer', async (t) => {
  const [a, b] = socketPair();
  a.send(Buffer.from('never read'));
  b.close();
  t.equal((await nextEvents(a, READABLE)) & READABLE, READABLE, 'an error is reported as readable');
  t.throws(() => a.receive(new Uint8Array(1)), { code: 'ECONNRESET' });
  t.equal(a.receive(new Uint8Array(1)).bytes, 0);
  a.close();
});

t.test('descriptors ride on the first byte, both ways, close-on-exec', async (t) => {
  const before = openFds();
  const [a, b] = socketPair();
  const memfd = createMemfd('passed', { size: 100 });
  const event = createEventFd();
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    t.equal(from.send(Buffer.from('abc'), [memfd, event.fd]), 3);
    const first = to.receive(new Uint8Array(1));
    t.equal(first.bytes, 1);
    t.equal(first.truncated, false);
    t.equal(first.fds.length, 2);
    const [file = -1, eventFd = -1] = first.fds;
    t.ok(isCloseOnExec(file) && isCloseOnExec(eventFd));
    t.strictSame(fileIdentity(file), fileIdentity(memfd));
    t.equal(fileSize(file), 100);
    const adopted = adoptEventFd(eventFd);
    adopted.signal();
    t.equal(event.drain(), true);
    adopted.close();
    closeFd(file);
    t.strictSame(to.receive(new Uint8Array(9)), { bytes: 2, fds: [], truncated: false });
  }
  const many = new Array<number>(FDS_PER_MESSAGE_MAX).fill(memfd);
  t.equal(a.send(Buffer.from('m'), many), 1);
  const received = b.receive(new Uint8Array(9)).fds;
  t.equal(new Set(received).size, FDS_PER_MESSAGE_MAX);
  received.forEach(closeFd);
  t.throws(() => a.send(Buffer.from('m'), [...many, memfd]), RangeError);
  t.throws(() => a.send(new Uint8Array(0), [memfd]), RangeError, 'no byte to ride on');
  t.throws(() => a.send(Buffer.from('m'), [2 ** 31 - 1]), { code: 'EBADF', syscall: 'sendmsg' });
  t.equal(b.receive(new Uint8Array(9)).bytes, -1, 'nothing was sent');
  a.close();
  b.close();
  event.close();
  closeFd(memfd);
  t.equal(openFds(), before);
});

t.test('descriptors that find no room are reported (MSG_CTRUNC)', async (t) => {
  const ended = await runScript(
    `const [a, b] = native.socketPair();
     a.send(Buffer.from('x'), [0, 1, 2, 0]);
     const spare = [];
     for (;;) {
       try { spare.push(native.dupFd(0)); } catch (error) { console.log(error.code); break; }
     }
     native.closeFd(spare.pop());
     native.closeFd(spare.pop());
     const { bytes, fds, truncated } = b.receive(new Uint8Array(4));
     native.closeFd(spare.pop());
     console.log(bytes, fds.length, truncated);`,
    [],
    ['sh', '-c', 'ulimit -n 128 && exec "$@"', 'sh'],
  );
  t.equal(ended.stdout, 'EMFILE\n1 2 true\n', ended.stderr);
});

t.test('a full socket takes a part, then nothing', async (t) => {
  const [a, b] = socketPair();
  const memfd = createMemfd('kept', { size: 1 });
  const total = fillUp(a);
  t.ok(total > 0);
  t.equal(a.send(Buffer.from('x'), [memfd]), -1);
  t.equal(receiveAll(b).length, total);
  t.equal(b.receive(new Uint8Array(1)).bytes, -1, 'the descriptor was not sent either');
  const big = Buffer.alloc(4 << 20, 'y');
  const taken = a.send(big);
  t.ok(taken > 0 && taken < big.length, 'partial send');
  t.equal(receiveAll(b).length, taken);
  a.close();
  b.close();
  closeFd(memfd);
});

t.test('sendRows writes header and rows, from any byte on', async (t) => {
  const [a, b] = socketPair();
  const source = mapAnonymous(8192);
  const view = new Uint8Array(source.window(0, 8192));
  for (let i = 0; i < view.length; i++) view[i] = i % 251;
  const header = Buffer.from('HEADER');
  for (const [offset, rowBytes, stride, rows] of [
    [100, 16, 64, 5],
    [0, 64, 64, 4],
    [7, 5, 3, 6],
    [3, 10, 0, 3],
    [0, 0, 10, 9],
    [0, 10, 10, 0],
    [8191, 1, 9000, 1],
  ] as const) {
    const message = [...header];
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < rowBytes; i++) message.push(view[offset + row * stride + i] ?? -1);
    }
    const whole = Buffer.from(message);
    for (let skip = 0; skip <= whole.length; skip++) {
      const taken = a.sendRows(header, skip, source, offset, rowBytes, stride, rows);
      if (taken !== whole.length - skip) t.fail(`took ${taken} of ${whole.length - skip}`);
      if (!receiveAll(b).equals(whole.subarray(skip))) t.fail(`wrong bytes from ${skip} on`);
    }
    t.throws(() => a.sendRows(header, whole.length + 1, source, offset, rowBytes, stride, rows), RangeError);
  }
  t.equal(a.sendRows(new Uint8Array(0), 0, source, 0, 4, 4, 1), 4, 'an empty header is fine');
  t.strictSame(receiveAll(b), Buffer.from(view.subarray(0, 4)));
  a.close();
  b.close();
  source.close();
});

t.test(
  'sendRows resumes a large frame: partial sends, more rows than one sendmsg has room for',
  async (t) => {
    const [a, b] = socketPair();
    const rows = 3000;
    const rowBytes = 600;
    const stride = 1024;
    const source = mapAnonymous(rows * stride);
    const view = new Uint32Array(source.window(0, rows * stride));
    for (let i = 0; i < view.length; i++) view[i] = Math.imul(i, 2654435761);
    const header = Buffer.from('frame');
    const expected = [header];
    const bytes = Buffer.from(view.buffer);
    for (let row = 0; row < rows; row++) expected.push(bytes.subarray(row * stride, row * stride + rowBytes));
    const total = header.length + rows * rowBytes;
    const got: Buffer[] = [];
    let sent = 0;
    let calls = 0;
    while (sent < total) {
      const taken = a.sendRows(header, sent, source, 0, rowBytes, stride, rows);
      if (taken < 0) got.push(receiveAll(b));
      else sent += taken;
      calls++;
    }
    got.push(receiveAll(b));
    t.ok(calls > 3, `${calls} calls`);
    t.ok(Buffer.concat(got).equals(Buffer.concat(expected)));
    t.equal(a.sendRows(header, total, source, 0, rowBytes, stride, rows), 0);
    // 1-byte rows: the list of 1024 entries is the limit.
    t.equal(a.sendRows(header, 0, source, 0, 1, stride, rows), 5 + 1023);
    source.close();
    t.throws(() => a.sendRows(header, 0, source, 0, 1, 1, 1), { code: 'ERR_CLOSED' });
    a.close();
    b.close();
  },
);

t.test('setSendBuffer: how much the kernel keeps', async (t) => {
  const data = new Uint8Array(4096);
  const room = (bytes: number): number => {
    const [a, b] = socketPair();
    a.setSendBuffer(bytes);
    let taken = 0;
    for (let n = a.send(data); n > 0; n = a.send(data)) taken += n;
    a.close();
    t.throws(() => a.setSendBuffer(bytes), { code: 'ERR_CLOSED' });
    b.close();
    return taken;
  };
  t.ok(room(100_000) > room(10_000));
  t.ok(room(2 ** 31 - 1) >= room(100_000), 'more than the host allows is less');
  const [a, b] = socketPair();
  for (const bad of badNumbers) t.throws(() => a.setSendBuffer(bad), RangeError);
  for (const bad of notNumbers) t.throws(() => callWith(a, 'setSendBuffer', [bad]), TypeError);
  a.close();
  b.close();
});

t.test('sendRows from a file that was truncated: EFAULT, not a signal', async (t) => {
  const { ftruncateSync } = await import('node:fs');
  const [a, b] = socketPair();
  const fd = createMemfd('shrinks', { size: 8192 });
  const source = mapFile(fd, 0, 8192, { writable: true });
  ftruncateSync(fd, 0);
  t.throws(() => a.sendRows(Buffer.from('h'), 1, source, 0, 100, 100, 1), {
    code: 'EFAULT',
    syscall: 'sendmsg',
  });
  source.close();
  closeFd(fd);
  a.close();
  b.close();
});

t.test('watch: readable, writable, both, none, and a hang-up', async (t) => {
  const [a, b] = socketPair();
  t.equal(await nextEvents(a, WRITABLE), WRITABLE);
  t.equal(await nextEvents(a, READABLE | WRITABLE), WRITABLE);
  b.send(Buffer.from('x'));
  t.equal(await nextEvents(a, READABLE), READABLE);
  t.equal(await nextEvents(a, READABLE | WRITABLE), READABLE | WRITABLE);
  t.equal(a.receive(new Uint8Array(9)).bytes, 1);
  fillUp(a);
  const writable = nextEvents(a, WRITABLE);
  receiveAll(b);
  t.equal(await writable, WRITABLE);

  // Changing events and callback of a watch in place.
  const calls: string[] = [];
  await new Promise<void>((resolve) => {
    a.watch(WRITABLE, (events) => {
      calls.push(`first ${events}`);
      a.watch(READABLE, (events) => {
        calls.push(`second ${events}`);
        if (calls.length === 3) {
          a.watch(0, () => {});
          resolve();
        }
      });
      b.send(Buffer.from('y'));
    });
  });
  t.strictSame(calls, ['first 2', 'second 1', 'second 1'], 'level-triggered');
  a.receive(new Uint8Array(9));

  b.close();
  t.equal((await nextEvents(a, READABLE)) & READABLE, READABLE, 'end of stream');
  t.equal((await nextEvents(a, WRITABLE)) & READABLE, READABLE, 'reported even if only WRITABLE is watched');
  a.close();
});

t.test('an object can be closed in its own callback', async (t) => {
  const [a, b] = socketPair();
  const event = createEventFd();
  const listener = listenUnix(join(folder, 'close-inside'));
  b.send(Buffer.from('x'));
  event.signal();
  const client = connectUnix(join(folder, 'close-inside'));
  await Promise.all([
    new Promise<void>((resolve) =>
      a.watch(READABLE, () => {
        a.close();
        a.close();
        resolve();
      }),
    ),
    new Promise<void>((resolve) =>
      event.watch(() => {
        event.close();
        resolve();
      }),
    ),
    new Promise<void>((resolve) =>
      listener.watch(() => {
        listener.close();
        resolve();
      }),
    ),
  ]);
  t.ok(a.closed && event.closed && listener.closed);
  // One callback closes what another one, ready in the same turn, watches: that one must not be called.
  const [c, d] = socketPair();
  const [e, f] = socketPair();
  d.send(Buffer.from('x'));
  f.send(Buffer.from('x'));
  const called: string[] = [];
  c.watch(READABLE, () => {
    called.push('c');
    c.close();
    e.close();
  });
  e.watch(READABLE, () => {
    called.push('e');
    c.close();
    e.close();
  });
  const last = createEventFd();
  last.signal();
  await nextCall(last);
  await new Promise(setImmediate);
  t.equal(called.length, 1);
  for (const object of [b, client, d, f, last]) object.close();
});

t.test('a reused descriptor number is watched afresh', async (t) => {
  for (let i = 0; i < 20; i++) {
    const [a, b] = socketPair();
    b.send(Buffer.from('x'));
    t.equal(await nextEvents(a, READABLE), READABLE);
    a.close();
    b.close();
  }
});

t.test('after close', async (t) => {
  const [a, b] = socketPair();
  const event = createEventFd();
  const listener = listenUnix(join(folder, 'closed'));
  const source = mapAnonymous(64);
  for (const object of [a, b, event, listener]) {
    t.equal(object.closed, false);
    object.close();
    object.close();
    t.equal(object.closed, true);
    t.equal(object.fd, -1);
  }
  const closed = { code: 'ERR_CLOSED' };
  t.throws(() => a.receive(new Uint8Array(1)), closed);
  t.throws(() => a.send(new Uint8Array(1)), closed);
  t.throws(() => a.sendRows(new Uint8Array(1), 0, source, 0, 1, 1, 1), closed);
  t.throws(() => a.watch(READABLE, () => {}), closed);
  t.throws(() => a.watch(0, () => {}), closed);
  t.throws(() => event.signal(), closed);
  t.throws(() => event.drain(), closed);
  t.throws(() => event.watch(() => {}), closed);
  t.throws(() => listener.accept(), closed);
  t.throws(() => listener.watch(null), closed);
  source.close();
});

t.test('eventfd: signal, drain, full counter, wake-ups', async (t) => {
  const event = createEventFd();
  t.ok(isCloseOnExec(event.fd) && isNonBlocking(event.fd));
  t.equal(event.drain(), false);
  event.signal();
  event.signal();
  t.equal(event.drain(), true);
  t.equal(event.drain(), false);

  let wakeUps = 0;
  const called = new Promise<void>((resolve) => {
    event.watch(() => {
      wakeUps++;
      if (wakeUps === 3) {
        event.watch(null);
        resolve();
      } else event.signal();
    });
  });
  event.signal();
  event.signal();
  await called;
  t.equal(event.drain(), false, 'it was drained before each call');

  event.signal();
  event.watch(() => t.fail('drained before the loop came by'));
  event.drain();
  await new Promise(setImmediate);
  event.watch(null);

  // Full: 2^64 - 2 is what write() can reach.
  const { writeSync } = await import('node:fs');
  writeSync(event.fd, Buffer.from('feffffffffffffff', 'hex'));
  event.signal();
  const eight = Buffer.alloc(8);
  readSync(event.fd, eight);
  t.equal(eight.toString('hex'), 'feffffffffffffff');
  event.close();
});

t.test('listen, connect, accept; the path comes and goes', async (t) => {
  const path = join(folder, 'listen');
  const listener = listenUnix(path, { mode: 0o600, backlog: 2 });
  t.ok(isCloseOnExec(listener.fd) && isNonBlocking(listener.fd));
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(isSocketListening(listener.fd), true);
  t.equal(listener.accept(), null);
  const waiting = nextCall(listener);
  const client = connectUnix(path);
  await waiting;
  const server = listener.accept();
  if (server === null) throw new Error('no connection');
  t.ok(isCloseOnExec(server.fd) && isNonBlocking(server.fd));
  t.equal(isSocketListening(server.fd), false);
  t.equal(listener.accept(), null);
  server.send(Buffer.from('hi'));
  t.equal(receiveAll(client).toString(), 'hi');

  t.throws(() => listenUnix(path), { code: 'EADDRINUSE', syscall: 'bind' }, 'somebody listens');
  t.equal(client.closed, false);
  const probe = listener.accept();
  probe?.close();

  const clients: UnixSocket[] = [];
  const full = thrownBy(() => {
    for (let i = 0; i < 10; i++) clients.push(connectUnix(path));
  });
  t.match(full, { code: 'EAGAIN', syscall: 'connect' }, 'the queue is full');
  t.throws(() => listenUnix(path), { code: 'EADDRINUSE' }, 'somebody listens, even so');

  linkSync(path, `${path}-link`);
  listener.close();
  t.equal(existsSync(path), false);
  t.throws(() => connectUnix(path), { code: 'ENOENT', errno: -2, syscall: 'connect' });
  for (const socket of [client, server, ...clients]) socket.close();

  t.throws(() => connectUnix(`${path}-link`), { code: 'ECONNREFUSED' });
  const again = listenUnix(`${path}-link`);
  t.equal(again.accept(), null, 'a stale socket file is replaced');
  rmSync(`${path}-link`);
  writeFileSync(`${path}-link`, 'not ours');
  again.close();
  t.ok(existsSync(`${path}-link`), 'another inode is not unlinked');
  t.throws(() => listenUnix(`${path}-link`), { code: 'EADDRINUSE' }, 'a file that is no socket stays');
  t.ok(existsSync(`${path}-link`));

  t.throws(() => listenUnix(join(folder, 'no', 'such', 'folder')), { code: 'ENOENT', syscall: 'bind' });
  const longest = join(folder, 'x'.repeat(107 - folder.length - 1));
  listenUnix(longest).close();
  t.throws(() => listenUnix(`${longest}x`), { code: 'ENAMETOOLONG', message: /107 bytes/ });
  t.throws(() => connectUnix(`${longest}x`), { code: 'ENAMETOOLONG', message: /107 bytes/ });
});

t.test('a relative path is unlinked even after chdir', async (t) => {
  const ended = await runScript(
    `import { existsSync } from 'node:fs';
     process.chdir(${JSON.stringify(folder)});
     const listener = native.listenUnix('relative');
     process.chdir('/');
     listener.close();
     console.log(existsSync(${JSON.stringify(join(folder, 'relative'))}));`,
  );
  t.equal(ended.stdout, 'false\n', ended.stderr);
});

t.test('adopting descriptors checks what they are', async (t) => {
  const before = openFds();
  const path = join(folder, 'adopt');
  const listener = listenUnix(path);
  const [a, b] = socketPair();
  const event = createEventFd();
  const file = openSync(nodeFile(), 'r');
  const tcp = createServer();
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');

  const socket = adoptSocket(dupFd(a.fd));
  t.ok(isCloseOnExec(socket.fd) && isNonBlocking(socket.fd));
  socket.send(Buffer.from('x'));
  t.equal(b.receive(new Uint8Array(9)).bytes, 1);
  socket.close();
  const second = adoptListener(dupFd(listener.fd));
  const client = connectUnix(path);
  const server = second.accept();
  t.ok(server);
  second.close();
  t.ok(existsSync(path), 'an adopted listener does not unlink');
  const other = adoptEventFd(dupFd(event.fd));
  other.signal();
  t.equal(event.drain(), true);
  other.close();

  t.throws(() => adoptSocket(file), { code: 'ENOTSOCK' });
  t.throws(() => adoptSocket(listener.fd), { code: 'EINVAL' });
  t.throws(() => adoptSocket(event.fd), { code: 'ENOTSOCK' });
  t.throws(() => adoptListener(a.fd), { code: 'EINVAL' });
  t.throws(() => adoptListener(file), { code: 'ENOTSOCK' });
  t.throws(() => adoptEventFd(file), { code: 'EINVAL' });
  t.throws(() => adoptEventFd(a.fd), { code: 'EINVAL' });
  for (const adopt of [adoptSocket, adoptListener, adoptEventFd, dupFd, closeFd, fileSize, fileIdentity]) {
    t.throws(() => adopt(2 ** 31 - 1), { code: 'EBADF' });
    for (const bad of badNumbers) t.throws(() => adopt(bad), RangeError);
    for (const bad of notNumbers) t.throws(() => Reflect.apply(adopt, null, [bad]), TypeError);
  }
  t.throws(() => isSocketListening(file), { code: 'ENOTSOCK' });
  t.equal(fileSize(file), statSync(nodeFile()).size, 'failed adoptions leave the descriptor open');

  for (const object of [listener, a, b, event, client, server]) object?.close();
  closeFd(file);
  tcp.close();
  await once(tcp, 'close');
  t.equal(openFds(), before);
});

t.test('an inherited TCP socket is refused', async (t) => {
  const ended = await runScript(
    `import { createServer } from 'node:net';
     const tcp = createServer();
     tcp.listen(0, '127.0.0.1', () => {
       for (const adopt of [native.adoptListener, native.adoptSocket]) {
         try { adopt(tcp._handle.fd); } catch (error) { console.log(error.code); }
       }
       tcp.close();
     });`,
  );
  t.equal(ended.stdout, 'EPROTOTYPE\nEPROTOTYPE\n', ended.stderr);
});

t.test('dupFd and isCloseOnExec', async (t) => {
  const copy = dupFd(0);
  t.ok(copy >= 3 && isCloseOnExec(copy));
  closeFd(copy);
  t.throws(() => closeFd(copy), { code: 'EBADF', syscall: 'close' });
});

t.test('arguments of the wrong kind', async (t) => {
  const [a, b] = socketPair();
  const event = createEventFd();
  const listener = listenUnix(join(folder, 'arguments'));
  const source = mapAnonymous(4096);
  const header = new Uint8Array(4);
  const noBytes = [
    undefined,
    null,
    'text',
    7,
    {},
    [],
    new ArrayBuffer(4),
    new Uint16Array(4),
    new DataView(new ArrayBuffer(4)),
  ];
  for (const bad of noBytes) {
    t.throws(() => callWith(a, 'receive', [bad]), TypeError);
    t.throws(() => callWith(a, 'send', [bad]), TypeError);
    t.throws(() => callWith(a, 'sendRows', [bad, 0, source, 0, 1, 1, 1]), TypeError);
  }
  t.throws(() => a.receive(new Uint8Array(0)), RangeError);
  for (const bad of badNumbers) t.throws(() => a.send(header, [bad]), RangeError);
  for (const bad of notNumbers) t.throws(() => callWith(a, 'send', [header, [bad]]), TypeError);
  for (const bad of [7, 'x', {}, new Int32Array(1)])
    t.throws(() => callWith(a, 'send', [header, bad]), TypeError);
  const explosive = [0];
  Object.defineProperty(explosive, 0, {
    get() {
      a.close();
      return 0;
    },
  });

  const good: unknown[] = [header, 0, source, 0, 16, 32, 4];
  for (const index of [1, 3, 4, 5, 6]) {
    for (const bad of badNumbers) {
      t.throws(
        () => callWith(a, 'sendRows', good.with(index, bad)),
        RangeError,
        `argument ${index} = ${bad}`,
      );
    }
    for (const bad of notNumbers) t.throws(() => callWith(a, 'sendRows', good.with(index, bad)), TypeError);
  }
  for (const bad of [null, {}, event, a, Object.create(source), new Proxy(source, {})]) {
    t.throws(() => callWith(a, 'sendRows', good.with(2, bad)), TypeError);
  }
  const max = Number.MAX_SAFE_INTEGER;
  for (const [offset, rowBytes, stride, rows] of [
    [4096, 1, 1, 1],
    [0, 4097, 1, 1],
    [0, 1, 4096, 2],
    [1, 1, max, max],
    [max, max, max, max],
    [4097, 0, 0, 0],
    [0, 1, 0, max], // fits, but the message would be too long
  ] as const) {
    t.throws(() => a.sendRows(header, 0, source, offset, rowBytes, stride, rows), RangeError);
  }
  t.equal(b.receive(new Uint8Array(9)).bytes, -1, 'none of them sent anything');

  for (const bad of [...badNumbers, 4]) t.throws(() => a.watch(bad, () => {}), RangeError);
  for (const bad of [undefined, null, {}, 'x'])
    t.throws(() => callWith(a, 'watch', [READABLE, bad]), TypeError);
  for (const bad of [1, {}, 'x']) {
    t.throws(() => callWith(event, 'watch', [bad]), TypeError);
    t.throws(() => callWith(listener, 'watch', [bad]), TypeError);
  }
  for (const bad of ['', 'a\0b']) {
    t.throws(() => connectUnix(bad), TypeError);
    t.throws(() => listenUnix(bad), TypeError);
  }
  for (const bad of [undefined, null, 7, {}])
    t.throws(() => Reflect.apply(connectUnix, null, [bad]), TypeError);
  for (const bad of [...badNumbers, 0o1000]) {
    t.throws(() => listenUnix(join(folder, 'never'), { mode: bad }), RangeError);
  }
  for (const bad of [...badNumbers, 65536]) {
    t.throws(() => listenUnix(join(folder, 'never'), { backlog: bad }), RangeError);
  }
  t.equal(existsSync(join(folder, 'never')), false);

  // Methods on a foreign `this`, and constructors.
  for (const object of [a, event, listener]) {
    t.throws(() => Reflect.apply(object.close, {}, []), TypeError);
    t.throws(() => Reflect.apply(object.close, source, []), TypeError);
    t.throws(() => Reflect.construct(object.constructor, []), TypeError);
    t.throws(() => Reflect.apply(object.constructor, undefined, []), TypeError);
  }
  t.throws(
    () => a.send(header, explosive),
    { code: 'ERR_CLOSED' },
    'closed by a getter of its own arguments',
  );
  for (const object of [a, b, event, listener, source]) object.close();
});

function nodeFile(): string {
  return process.execPath;
}

/** Pipes: reading, writing, waiting, and descriptors that are no pipes. */
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { adoptPipe, closeFd, createPipe, type Pipe, READABLE, WRITABLE } from 'vhost-user-native';
import { isCloseOnExec, isNonBlocking, openFds, thrownBy } from './native-support.js';

function codeOf(call: () => unknown): unknown {
  const error = thrownBy(call);
  return error instanceof Error && 'code' in error ? error.code : error;
}

function ready(pipe: Pipe, events: number): Promise<number> {
  return new Promise((resolve) => {
    pipe.watch(events, (seen) => {
      pipe.watch(0, () => undefined);
      resolve(seen);
    });
  });
}

t.test('bytes go through, and then the end', async (t) => {
  const before = openFds();
  const { reader, writeFd } = createPipe();
  const writer = adoptPipe(writeFd);
  t.equal(writer.fd, writeFd);
  const target = new Uint8Array(16);
  t.equal(reader.read(target), -1, 'nothing yet');
  t.equal(writer.write(Uint8Array.of(1, 2, 3)), 3);
  t.equal(await ready(reader, READABLE), READABLE);
  t.equal(reader.read(target), 3);
  t.strictSame(target.subarray(0, 3), Uint8Array.of(1, 2, 3));
  writer.close();
  t.ok((await ready(reader, READABLE)) & READABLE, 'a hang-up is something to read');
  t.equal(reader.read(target), 0);
  t.equal(reader.read(target), 0);
  reader.close();
  reader.close();
  t.equal(reader.closed, true);
  t.equal(
    codeOf(() => reader.read(target)),
    'ERR_CLOSED',
  );
  t.strictSame(openFds(), before);
});

t.test('a full pipe takes no more until somebody reads', async (t) => {
  const { reader, writeFd } = createPipe();
  const writer = adoptPipe(writeFd);
  const chunk = new Uint8Array(65536).fill(7);
  let sent = 0;
  for (let taken = 0; taken >= 0; taken = writer.write(chunk)) sent += taken;
  t.ok(sent >= 4096);
  t.equal(reader.read(chunk), Math.min(sent, 65536));
  t.equal(await ready(writer, WRITABLE), WRITABLE);
  t.ok(writer.write(Uint8Array.of(1)) === 1);
  reader.close();
  t.equal(
    codeOf(() => writer.write(chunk)),
    'EPIPE',
  );
  writer.close();
});

t.test('the end for somebody else still waits when it is full', async (t) => {
  const { reader, writeFd } = createPipe();
  t.equal(isNonBlocking(writeFd), false);
  t.equal(isCloseOnExec(writeFd), true);
  t.equal(isNonBlocking(reader.fd), true);
  t.equal(isCloseOnExec(reader.fd), true);
  closeFd(writeFd);
  reader.close();
});

t.test('files can be written but not waited for', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pipe-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  const file = adoptPipe(openSync(path, 'w'));
  t.equal(file.write(Buffer.from('hello')), 5);
  t.equal(
    codeOf(() => file.watch(WRITABLE, () => undefined)),
    'EPERM',
  );
  t.equal(
    codeOf(() => file.read(new Uint8Array(1))),
    'EBADF',
  );
  file.close();
  t.equal(readFileSync(path, 'utf8'), 'hello');
});

t.test('what is refused', async (t) => {
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  t.equal(
    codeOf(() => adoptPipe(fd)),
    'EBADF',
  );
  t.throws(() => fstatSync(fd));
  const { reader, writeFd } = createPipe();
  t.throws(() => reader.read(new Uint8Array(0)), RangeError);
  t.throws(() => reader.read('x' as never), TypeError);
  t.throws(() => reader.watch(4, () => undefined), RangeError);
  t.throws(() => reader.watch(READABLE, null as never), TypeError);
  t.equal(
    codeOf(() => reader.write(Uint8Array.of(1))),
    'EBADF',
    'the wrong end',
  );
  closeFd(writeFd);
  reader.close();
});

/** The guest's side of the addon, as far as it goes without a device: refusals; sealed files; lock files. */
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { lockFile, mapFile, openDrm, sealedFile } from 'vhost-user-native';
import { isCloseOnExec, openFds, runScript, thrownBy } from './native-support.js';

function codeOf(call: () => unknown): unknown {
  const error = thrownBy(call);
  return error instanceof Error && 'code' in error ? error.code : error;
}

t.test('what is no virtio-gpu device is refused, and nothing stays open', async (t) => {
  const before = openFds();
  t.equal(
    codeOf(() => openDrm('/nonexistent/renderD128')),
    'ENOENT',
  );
  t.equal(
    codeOf(() => openDrm('/dev/null')),
    'ENOTTY',
  );
  t.equal(
    codeOf(() => openDrm('/tmp')),
    'EISDIR',
  );
  t.throws(() => openDrm(''), TypeError);
  t.throws(() => openDrm('a\0b'), TypeError);
  t.throws(() => openDrm(7 as never), TypeError);
  t.equal(openFds(), before);
});

t.test('a sealed file can be read and mapped, and nothing else', async (t) => {
  const before = openFds();
  const content = Buffer.from('xkb_keymap {};\0');
  const fd = sealedFile('keymap', content);
  t.ok(isCloseOnExec(fd));
  t.equal(fstatSync(fd).size, content.length);
  t.same(readFileSync(fd), content, 'from the start');
  const mapping = mapFile(fd, 0, content.length, { writable: false });
  t.same(Buffer.from(mapping.window(0, content.length)), content);
  mapping.close();
  t.throws(() => writeSync(fd, 'x'));
  t.throws(() => ftruncateSync(fd, 0));
  t.throws(() => mapFile(fd, 0, content.length, { writable: true }), { code: 'EACCES' });
  closeSync(fd);
  const empty = sealedFile('empty', new Uint8Array(0));
  t.equal(fstatSync(empty).size, 0);
  closeSync(empty);
  t.throws(() => sealedFile('x', 'text' as never), TypeError);
  t.throws(() => sealedFile(1 as never, content), TypeError);
  t.equal(openFds(), before);
});

t.test('a lock file is for one at a time', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'wayland-0.lock');
  const fd = lockFile(path);
  if (fd === null) throw new Error('not locked');
  t.ok(isCloseOnExec(fd));
  t.equal(lockFile(path), null, 'in the same process');
  const other = await runScript(`console.log(native.lockFile(${JSON.stringify(path)}))`);
  t.equal(other.stdout, 'null\n', 'in another one');
  closeSync(fd);
  const again = lockFile(path);
  t.not(again, null);
  closeSync(again ?? -1);
  t.equal(
    codeOf(() => lockFile(join(folder, 'missing', 'x'))),
    'ENOENT',
  );
});

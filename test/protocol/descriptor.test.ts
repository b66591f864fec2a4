/** What libvirt is told: where, what, and that it is true. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { descriptorFolder } from '../../src/cli/descriptor/main.js';
import { TestProcess } from '../e2e/harness/processes.js';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const FILE = '50-vhost-user-gpu-ts.json';

t.test('install-descriptor', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'descriptor-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // As npm installs it: a link to the program, with an interpreter line of its own.
  const program = join(folder, 'vhost-user-gpu-ts');
  chmodSync(COMMAND, 0o755);
  symlinkSync(COMMAND, program);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const run = (...args: readonly string[]): TestProcess =>
    new TestProcess('descriptor', process.execPath, [program, 'install-descriptor', ...args], env);
  const target = join(folder, 'qemu', 'vhost-user');

  for (let round = 0; round < 2; round++) {
    t.same(await run(target).exited, { code: 0, signal: null });
    t.same(readdirSync(target), [FILE]);
  }
  const { type, binary, description } = JSON.parse(readFileSync(join(target, FILE), 'utf8'));
  t.same({ type, binary }, { type: 'gpu', binary: program }, 'the path by which it was called');
  t.type(description, 'string');
  const capabilities = execFileSync(binary, ['--print-capabilities'], { encoding: 'utf8', env });
  t.equal(JSON.parse(capabilities).type, type, 'libvirt gets the answer that it asks for');

  t.same(await run('--remove', target).exited, { code: 0, signal: null });
  t.same(readdirSync(target), []);
  t.same(await run('--remove', target).exited, { code: 0, signal: null }, 'there is nothing to remove');

  writeFileSync(join(folder, 'file'), '');
  const nowhere = run(join(folder, 'file', 'x'));
  t.same(await nowhere.exited, { code: 1, signal: null });
  t.match(nowhere.output, /ENOTDIR/);
  chmodSync(COMMAND, 0o644);
  const lost = run(target);
  t.same(await lost.exited, { code: 1, signal: null });
  t.match(lost.output, /libvirt could not run .*EACCES/);
  t.same(await run('--what').exited, { code: 2, signal: null });
  t.same(readdirSync(target), []);
});

t.test('where libvirt looks', async (t) => {
  t.equal(descriptorFolder({ XDG_CONFIG_HOME: '/x' }, 0), '/etc/qemu/vhost-user');
  t.equal(descriptorFolder({ XDG_CONFIG_HOME: '/x' }, 1000), '/x/qemu/vhost-user');
  t.match(descriptorFolder({}, 1000), /\/\.config\/qemu\/vhost-user$/);
});

/**
 * What the packages have for arm64, run by an emulator on this machine: the addon and the programs beside it do their work, and
 * the installed command serves a machine of this side, which shares its memory with it.
 *
 * The emulator has neither seccomp nor landlock, and a thread of its own, which can not be asked to give up its rights: so the
 * command's sandbox is off here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { listenUnix } from 'vhost-user-native';
import { Vm } from '../protocol/fault-vm.js';
import { Framebuffer, picture } from '../protocol/framebuffer.js';
import * as c from '../unit/gpu-commands.js';
import { BGR_AT, type FakeQemu, until } from '../unit/gpu-socket-fixture.js';
import { TestProcess } from './harness/processes.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Has the broker, in a process of its own, connect to a socket and remove a file. */
const BROKER_PROGRAM = `
import { HostAccess } from './node_modules/vhost-user-gpu-ts/dist/src/cli/sandbox/host-access.js';
const [, , socket, file] = process.argv;
const host = new HostAccess();
host.allow(socket);
host.removeAtEnd(file);
host.delegate();
host.connect(socket).close();
host.removePaths();
host.close();
`;

/** Takes the rights of all threads away, and tells of how many that is so. */
const CONFINING_PROGRAM = `
import { readdirSync, readFileSync } from 'node:fs';
import { confine, prepareConfinement } from './node_modules/vhost-user-native/dist/index.js';
let code = 'done';
prepareConfinement();
try {
  confine({ landlock: false, seccomp: false, dumpable: true });
} catch (error) {
  code = error.code;
}
const threads = readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/status', 'utf8'));
const confined = threads.filter((text) => /^NoNewPrivs:\\s*1$/m.test(text) && /^CapEff:\\s*0+$/m.test(text));
console.log(JSON.stringify({ code, confined: confined.length, free: threads.length - confined.length }));
`;

/** Rows end anywhere in pages. */
const WIDTH = 333;
const HEIGHT = 211;

let folder = '';
let programs = '';
let env: NodeJS.ProcessEnv = {};
const installed = (...names: readonly string[]): string =>
  join(folder, 'node_modules/vhost-user-gpu-ts', ...names);

/**
 * Has a program of arm64 start here: the kernel does so only where somebody has registered the emulator, for all that run
 * there.
 */
function makeStartable(path: string): void {
  renameSync(path, `${path}.arm64`);
  writeFileSync(path, `#!/bin/sh\nexec '${programs}/emulate' '${path}.arm64' "$@"\n`, { mode: 0o755 });
}

t.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  programs = execFileSync('scripts/arm64-tree', { encoding: 'utf8' }).trim();
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, ...own } = process.env;
  execFileSync('scripts/pack', [folder, '--arm64'], { env: own, stdio: 'pipe' });
  const archives = ['vhost-user-ts', 'vhost-user-gpu-ts'].map((name) => `${name}-${version}.tgz`);
  const options = ['--cpu=arm64', '--os=linux', '--ignore-scripts', '--no-audit', '--no-fund'];
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  execFileSync('npm', ['install', '--loglevel=error', ...options, ...archives], {
    cwd: folder,
    env: own,
    stdio: 'pipe',
  });
  // No compiler, and nothing else of this machine but what the tests start.
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(programs, 'node'), join(folder, 'bin/node'));
  for (const name of ['sh', 'env', 'setpriv']) symlinkSync(`/usr/bin/${name}`, join(folder, 'bin', name));
  env = { ...own, PATH: join(folder, 'bin') };
});
t.after(() => rmSync(folder, { recursive: true, force: true }));

t.test('nothing is compiled when it is installed', async (t) => {
  const native = installed('node_modules/vhost-user-native');
  for (const name of ['broker', 'kvm-probe']) makeStartable(join(native, 'prebuilds/linux-arm64', name));
  const { status, stderr } = spawnSync(join(programs, 'node'), ['install.mjs'], {
    cwd: native,
    env,
    encoding: 'utf8',
  });
  t.same({ status, stderr }, { status: 0, stderr: '' });
  t.notOk(existsSync(join(native, 'build')));
  for (const name of ['vhost-user-gpu-ts', 'wayland-guest-proxy']) {
    const said = execFileSync(join(folder, 'node_modules/.bin', name), ['--version'], {
      env,
      encoding: 'utf8',
    });
    t.equal(said.trim(), version, name);
  }
});

t.test('the broker does what it is asked', async (t) => {
  const [socket, file] = [join(folder, 'server'), join(folder, 'removed')];
  const server = listenUnix(socket);
  t.teardown(() => server.close());
  writeFileSync(file, '');
  writeFileSync(join(folder, 'broker.js'), BROKER_PROGRAM);
  execFileSync(join(programs, 'node'), ['broker.js', socket, file], { cwd: folder, env, stdio: 'pipe' });
  const connection = server.accept();
  t.ok(connection, 'connected');
  connection?.close();
  t.notOk(existsSync(file), 'removed');
});

t.test('all threads of Node.js give up their rights', async (t) => {
  writeFileSync(installed('confining.js'), CONFINING_PROGRAM);
  const said = execFileSync(join(programs, 'node'), ['confining.js'], {
    cwd: installed(),
    env,
    encoding: 'utf8',
  });
  const { code, confined, free } = JSON.parse(said) as { code: string; confined: number; free: number };
  // The emulator's own thread never answers, and the one that asks comes last.
  t.same({ code, free }, { code: 'ETIMEDOUT', free: 2 });
  t.ok(confined >= 4, `${confined} threads`);
});

t.test('copies, conversions, shared and truncated memory, wake-ups: as on this machine', async (t) => {
  const program = 'dist/test/e2e/harness/native-digest.js';
  const own = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  copyFileSync(program, installed('native-digest.js'));
  const emulated = execFileSync(join(programs, 'node'), ['native-digest.js'], {
    cwd: installed(),
    env,
    encoding: 'utf8',
  });
  t.same(JSON.parse(emulated), JSON.parse(own));
  t.match(JSON.parse(own), { file: { bytes: 3, cut: [7, 0, 1] }, wake: { woken: true, readable: 1 } });
});

/** The picture with a part of another one. */
function withPart(all: Uint8Array, other: Uint8Array, { x, y, width, height }: c.Rect): Uint8Array {
  const both = all.slice();
  for (let row = y; row < y + height; row++) {
    const [from, to] = [(row * WIDTH + x) * 4, (row * WIDTH + x + width) * 4];
    both.set(other.subarray(from, to), from);
  }
  return both;
}

/** Waits until the display shows the pixels: their colours, whatever the fourth byte is. */
async function shown(display: FakeQemu, bytes: Uint8Array, format: number): Promise<void> {
  const places = BGR_AT.get(format) ?? [0, 0, 0];
  let received = -1;
  await until(() => {
    if (display.bytesReceived === received) return false;
    received = display.bytesReceived;
    const seen = picture(display, 0);
    if (seen?.length !== bytes.length) return false;
    return seen.every((byte, i) => i % 4 === 3 || byte === bytes[i - (i % 4) + (places[i % 4] as number)]);
  });
}

t.test('the command serves a machine of another architecture', async (t) => {
  const path = join(folder, 'gpu.sock');
  const program = join(folder, 'node_modules/.bin/vhost-user-gpu-ts');
  const options = [`--socket-path=${path}`, '--sandbox=off'];
  const command = new TestProcess('command', program, options, env, folder);
  await command.waitForOutput(/listening/);
  const vm = new Vm({ path });
  try {
    await vm.start({ display: true });
    const display = vm.displays[0] as FakeQemu;
    const framebuffer = new Framebuffer(vm.client, WIDTH, HEIGHT);
    const part = c.rect(7, 5, 101, 37);
    for (const format of BGR_AT.keys()) {
      const before = framebuffer.paint(format);
      await vm.all(
        c.create2d(format, WIDTH, HEIGHT, format),
        c.attach(format, framebuffer.pages),
        c.setScanout(0, format, framebuffer.all),
        c.transfer(format, framebuffer.all),
        c.flush(format, framebuffer.all),
      );
      await shown(display, before, format);
      const after = withPart(before, framebuffer.paint(format + 1), part);
      await vm.all(c.transfer(format, part, (part.y * WIDTH + part.x) * 4), c.flush(format, part));
      await shown(display, after, format);
      t.pass(`format ${format}`);
    }
  } finally {
    vm.kill();
  }
  t.same(await command.stop('SIGTERM'), { code: 0, signal: null });
});

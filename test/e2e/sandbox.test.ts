/** The sandbox of the command as a process: on all its threads, in its modes, and what its broker does. No QEMU. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { listenUnix, sandboxSupport } from 'vhost-user-native';
import { LANDLOCK_CREATE_RULESET, SECCOMP, WITHOUT_CALLS } from '../unit/without-calls.js';
import { attach, run, scenario } from './harness/command.js';
import { COMPLETE } from './harness/sandbox.js';

const PROBE = fileURLToPath(new URL('harness/sandbox-probe.js', import.meta.url));
const { seccomp } = sandboxSupport();
if (!COMPLETE) t.comment('this kernel has no complete sandbox: some of this is about what it lacks');

/** Lines of /proc/PID/task/TID/status by name, of each thread. */
function threads(pid: number): Map<string, string>[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const text = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    return new Map(text.split('\n').map((line) => line.split(/:\s+/) as [string, string]));
  });
}

function children(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Neither running nor a zombie that waits to be looked at. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

scenario('by default, on every thread', async (t, start, folder) => {
  const path = join(folder, 'gpu');
  const command = start([`--socket-path=${path}`, `--keyboard-socket=${join(folder, 'keyboard')}`]);
  await command.logged(/ sandboxed /);
  const pid = command.child.pid as number;
  const all = threads(pid);
  t.ok(all.length > 2, 'Node has threads from the start');
  for (const status of all) {
    t.equal(status.get('NoNewPrivs'), '1');
    t.equal(status.get('Seccomp'), seccomp ? '2' : '0');
    for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb']) t.match(status.get(set), /^0+$/, set);
  }
  t.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +1 +1 /m);
  // Somebody asks for the inspector: it is not to be had, and nothing else happens.
  command.child.kill('SIGUSR1');
  await command.logged(seccomp ? /Starting inspector on .* failed/ : /inspector/);
  const first = await attach({ path });
  first.close();
  const second = await attach({ path });
  command.child.kill('SIGUSR2');
  await command.logged(/ status /);
  t.match(await command.stop(), { code: 0, signal: null });
  second.close();
  t.same(readdirSync(folder), []);
  t.equal(/incomplete/.test(command.stderr), !COMPLETE, 'says what is missing, if anything');
});

scenario('code of somebody else, in the command itself', async (t, start, folder) => {
  if (!COMPLETE) return t.comment('not on this kernel');
  const inside = (name: string): string => join(folder, name);
  const unix = listenUnix(inside('unix'));
  const tcp = createServer().listen(0, '127.0.0.1');
  try {
    await once(tcp, 'listening');
    const env = {
      PROBE_SOCKET: inside('unix'),
      PROBE_PORT: String((tcp.address() as AddressInfo).port),
      PROBE_FILE: inside('file'),
    };
    const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const prefix = ['env', ...words, `NODE_OPTIONS=--import=${PROBE}`];
    const command = start([`--socket-path=${inside('gpu')}`], { prefix });
    await command.logged(/ sandboxed /);
    command.child.kill('SIGHUP');
    await command.logged(/probe \{.*\}/);
    const result = /^probe (.*)$/m.exec(command.stderr)?.[1] ?? '';
    t.same(JSON.parse(result), {
      read: 'EACCES',
      memory: 'EACCES',
      write: 'EACCES',
      list: 'EACCES',
      pool: 'EACCES',
      module: 'MODULE_NOT_FOUND',
      unix: 'EACCES',
      tcp: 'EACCES',
      listen: 'EACCES',
      program: 'EPERM',
      signal: 'EACCES',
    });
    (await attach({ path: inside('gpu') })).close();
    command.child.kill('SIGWINCH');
    t.match(await command.ended, { signal: 'SIGSYS' });
    t.notMatch(command.stderr, /survived/);
    t.notOk(existsSync(inside('file')));
  } finally {
    unix.close();
    tcp.close();
  }
});

scenario('--sandbox=off', async (t, start, folder) => {
  const command = start(['--sandbox=off', `--socket-path=${join(folder, 'gpu')}`]);
  await command.logged(/listening/);
  for (const status of threads(command.child.pid as number)) t.equal(status.get('NoNewPrivs'), '0');
  t.same(children(command.child.pid as number), []);
  t.match(await command.stop(), { code: 0 });
  t.notMatch(command.stderr, /sandbox/);
  t.same(readdirSync(folder), []);
});

scenario('killed: the broker removes what was there, and ends', async (t, start, folder) => {
  const inside = (name: string): string => join(folder, name);
  const command = start([
    `--socket-path=${inside('gpu')}`,
    `--keyboard-socket=${inside('keyboard')}`,
    `--ivshmem=${inside('shm')}`,
    '--region-size=16',
  ]);
  await command.logged(/ sandboxed /);
  const [broker = 0] = children(command.child.pid as number);
  t.equal(statSync(inside('shm')).size, 16 * 2 ** 20, 'the region is there for QEMU');
  await command.stop('SIGKILL');
  await until(() => isGone(broker));
  t.same(readdirSync(folder), []);
});

scenario('the broker is killed: the device goes on', async (t, start, folder) => {
  const path = join(folder, 'gpu');
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, WAYLAND_DISPLAY: 'nobody' };
  const command = start([`--socket-path=${path}`, '--window'], { env });
  await command.logged(/ sandboxed /);
  const [broker = 0] = children(command.child.pid as number);
  process.kill(broker, 'SIGKILL');
  await until(() => isGone(broker));
  (await attach({ path })).close();
  t.match(await command.stop(), { code: 0, signal: null });
});

const LACKS = [
  { name: 'landlock', calls: [LANDLOCK_CREATE_RULESET], named: /landlock \(/, others: /seccomp \(/ },
  { name: 'seccomp', calls: [SECCOMP], named: /seccomp \(/, others: /landlock \(/ },
  { name: 'both', calls: [LANDLOCK_CREATE_RULESET, SECCOMP], named: /landlock \(.*seccomp \(/, others: null },
];
for (const { name, calls, named, others } of LACKS) {
  const prefix = [process.execPath, WITHOUT_CALLS, calls.join(',')];
  scenario(`a system without ${name}: auto warns, on refuses`, async (t, start, folder) => {
    if (!COMPLETE) return t.comment('nothing to hide here');
    const path = join(folder, 'gpu');
    const command = start([`--socket-path=${path}`, '--sandbox=auto'], { prefix });
    await command.logged(/ sandboxed /);
    (await attach({ path })).close();
    const warning = command.stderr.split('\n').find((line) => /incomplete/.test(line)) ?? '';
    t.match(warning, / warn .*the sandbox is incomplete/);
    t.match(warning, named);
    if (others !== null) t.notMatch(warning, others);
    // The command itself: what runs it only waits for it.
    const [pid = 0] = children(command.child.pid as number);
    for (const status of threads(pid)) t.equal(status.get('NoNewPrivs'), '1');
    process.kill(pid, 'SIGTERM');
    t.match(await command.ended, { code: 0 });
    t.notOk(existsSync(path));
    const strict = start([`--socket-path=${path}`], { prefix });
    t.match(await strict.ended, { code: 3, stderr: named });
    t.notOk(existsSync(path), 'nothing was made');
  });
}

t.test('a mode that is none', async (t) => {
  t.match(await run('--sandbox=perhaps', '--socket-path=/nonexistent/socket'), {
    code: 2,
    stderr: /sandbox/,
  });
});

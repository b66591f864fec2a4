/**
 * The sandbox as the command enters it: what no thread can do afterwards, and what all can. Each case runs in a process
 * of its own, of which the sandbox is for good.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { listenUnix, sandboxSupport, usesIoUring } from 'vhost-user-native';
import { type Ended, runScript } from './native-support.js';
import { IO_URING_SETUP, WITHOUT_CALLS } from './without-calls.js';

const SANDBOX = new URL('../../src/cli/sandbox/', import.meta.url).href;
const WAYLAND = new URL('../../src/wayland/index.js', import.meta.url).href;
const { landlockAbi, seccomp } = sandboxSupport();
/** The command gets rid of Node's rings by itself (`leaveIoUring`). */
const PREFIX = usesIoUring() ? [process.execPath, WITHOUT_CALLS, String(IO_URING_SETUP)] : [];

/** Comes before each script: the same entry as the command's, and system calls as somebody's own code would make them. */
const PRELUDE = `
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { HostAccess } from '${SANDBOX}host-access.js';
import { enterSandbox } from '${SANDBOX}sandbox.js';
const koffi = createRequire(${JSON.stringify(import.meta.resolve('vhost-user-native'))})('koffi');
const libc = koffi.load(null);
const raw = libc.func('long syscall(long, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t)');
const quiet = { info() {}, warn() {} };
const enter = (host = new HostAccess()) => enterSandbox({ mode: 'auto', dumpable: false }, host, quiet);
const codeOf = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
const codeOfPromise = (promise) => promise.then(() => 'done', (error) => error.code);
const errnoOf = (...args) => raw(...args, ...Array(7 - args.length).fill(0)) >= 0 ? 0 : koffi.errno();
const OPENER = \`
  import * as fs from 'node:fs';
  import { parentPort } from 'node:worker_threads';
  parentPort.on('message', async () => {
    const codes = [];
    try { fs.openSync('/etc/passwd'); codes.push('done'); } catch (error) { codes.push(error.code); }
    await fs.promises.open('/etc/passwd').then(() => codes.push('done'), (error) => codes.push(error.code));
    parentPort.postMessage(codes);
  });
  parentPort.postMessage('ready');\`;
const startWorker = async () => {
  const worker = new Worker(OPENER, { eval: true, execArgv: ['--input-type=module'], env: {} });
  await once(worker, 'message');
  return worker;
};
const inWorker = async (worker) => {
  worker.postMessage('go');
  const [codes] = await once(worker, 'message');
  await worker.terminate();
  return codes;
};
`;

function inSandbox(source: string): Promise<Ended> {
  return runScript(PRELUDE + source, [], PREFIX);
}

/** What a script wrote as JSON. */
async function resultOf(source: string): Promise<Record<string, unknown>> {
  const { code, signal, stdout, stderr } = await inSandbox(source);
  if (code !== 0) throw new Error(`ended with ${code ?? signal}:\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** For what a kernel may lack. */
function layer(name: string, there: boolean, body: (t: Test) => Promise<void>): void {
  t.test(name, { skip: there ? false : 'this kernel has none' }, body);
}

layer('no thread opens a file, whatever it is made of', seccomp || landlockAbi > 0, async (t) => {
  const result = await resultOf(`
    const worker = await startWorker();
    await Promise.all(Array.from({ length: 8 }, () => fs.promises.readFile('/etc/hostname').catch(() => null)));
    enter();
    const pool = await Promise.all(
      Array.from({ length: 8 }, () => codeOfPromise(fs.promises.open('/etc/passwd'))));
    const result = {
      main: codeOf(() => fs.openSync('/etc/passwd')),
      write: codeOf(() => fs.writeFileSync('/tmp/sandbox-was-left', '')),
      list: codeOf(() => fs.readdirSync('/')),
      remove: codeOf(() => fs.unlinkSync('/tmp/sandbox-is-not-there')),
      pool: [...new Set(pool)],
      before: await inWorker(worker),
      after: await inWorker(await startWorker()),
    };
    process.stdout.write(JSON.stringify(result));
  `);
  t.same(result, {
    main: 'EACCES',
    write: 'EACCES',
    list: 'EACCES',
    remove: 'EACCES',
    pool: ['EACCES'],
    before: ['EACCES', 'EACCES'],
    after: ['EACCES', 'EACCES'],
  });
});

layer(
  'landlock alone keeps all threads from files, programs, networks and processes',
  landlockAbi > 0,
  async (t) => {
    const result = await resultOf(`
    import net from 'node:net';
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const worker = await startWorker();
    const parent = process.ppid;
    await Promise.all(Array.from({ length: 8 }, () => fs.promises.readFile('/etc/hostname').catch(() => null)));
    native.prepareConfinement();
    native.confine({ landlock: true, seccomp: false, dumpable: false });
    const pool = await Promise.all(
      Array.from({ length: 8 }, () => codeOfPromise(fs.promises.open('/etc/passwd'))));
    const { spawnSync } = await import('node:child_process');
    const socket = net.connect(server.address().port, '127.0.0.1');
    const connected = await Promise.race([once(socket, 'connect').then(() => 'done'),
      new Promise((resolve) => socket.once('error', ({ code }) => resolve(code)))]);
    const result = {
      main: codeOf(() => fs.openSync('/etc/passwd')),
      pool: [...new Set(pool)],
      worker: await inWorker(worker),
      program: spawnSync('/bin/true').error?.code,
      connected,
      signal: codeOf(() => process.kill(parent, 0)),
    };
    process.stdout.write(JSON.stringify(result));
    process.exit(0);
  `);
    t.same(result, {
      main: 'EACCES',
      pool: ['EACCES'],
      worker: ['EACCES', 'EACCES'],
      program: 'EACCES',
      connected: landlockAbi >= 4 ? 'EACCES' : 'done',
      signal: landlockAbi >= 6 ? 'EPERM' : 'done',
    });
  },
);

layer('the filter refuses what would reach out', seccomp, async (t) => {
  const calls =
    process.arch === 'arm64'
      ? {
          socket: 198,
          connect: 203,
          bind: 200,
          socketpair: 199,
          kill: 129,
          fcntl: 25,
          ioctl: 29,
          clone: 220,
          statx: 291,
          prlimit64: 261,
          prctl: 167,
        }
      : {
          socket: 41,
          connect: 42,
          bind: 49,
          socketpair: 53,
          kill: 62,
          fcntl: 72,
          ioctl: 16,
          clone: 56,
          statx: 332,
          prlimit64: 302,
          prctl: 157,
        };
  const result = await resultOf(`
    const n = ${JSON.stringify(calls)};
    const memory = Buffer.alloc(256);
    const address = koffi.address(memory);
    const [a, b] = native.socketPair();
    enter();
    const [c] = native.socketPair();
    process.stdout.write(JSON.stringify({
      socket: errnoOf(n.socket, 1, 1, 0),
      inet: errnoOf(n.socket, 2, 1, 0),
      connect: errnoOf(n.connect, a.fd, address, 2),
      bind: errnoOf(n.bind, a.fd, address, 2),
      datagrams: errnoOf(n.socketpair, 1, 2, 0, address),
      packets: errnoOf(n.socketpair, 1, 5, 0, address),
      streams: errnoOf(n.socketpair, 1, 1 | 0x80000, 0, address),
      kill: errnoOf(n.kill, process.ppid, 0),
      owner: errnoOf(n.fcntl, a.fd, 8, process.ppid),
      terminal: errnoOf(n.ioctl, 2, 0x5412, address),
      fork: errnoOf(n.clone, 17, 0, 0, 0, 0),
      namespace: errnoOf(n.clone, 0x10000000 | 17, 0, 0, 0, 0),
      status: errnoOf(n.statx, -100, address, 0, 0, address),
      limits: errnoOf(n.prlimit64, 0, 7, address, 0),
      ownLimits: errnoOf(n.prlimit64, 0, 7, 0, address),
      dumpable: errnoOf(n.prctl, 4, 1, 0, 0, 0),
      unknown: errnoOf(9999),
      connectUnix: codeOf(() => native.connectUnix('/nonexistent/socket')),
      listenUnix: codeOf(() => native.listenUnix('/tmp/sandbox-was-left')),
    }));
  `);
  const EPERM = 1;
  const EBADF = 9;
  const EACCES = 13;
  const ENOTTY = 25;
  const ENOSYS = 38;
  t.same(result, {
    socket: EACCES,
    inet: EACCES,
    connect: EACCES,
    bind: EACCES,
    datagrams: EPERM,
    packets: EPERM,
    streams: 0,
    kill: EACCES,
    owner: EPERM,
    terminal: ENOTTY,
    fork: EPERM,
    namespace: EPERM,
    status: EBADF,
    limits: EPERM,
    ownLimits: 0,
    dumpable: EPERM,
    unknown: ENOSYS,
    connectUnix: 'EACCES',
    listenUnix: 'EACCES',
  });
});

layer('what only an intruder would call ends the process', seccomp, async (t) => {
  const calls: Record<string, readonly [x64: number, arm64: number]> = {
    execve: [59, 221],
    ptrace: [101, 117],
    process_vm_writev: [311, 271],
    unshare: [272, 97],
    bpf: [321, 280],
  };
  for (const [name, [x64, arm64]] of Object.entries(calls)) {
    const number = process.arch === 'arm64' ? arm64 : x64;
    const { signal, stdout } = await inSandbox(`
      const path = Buffer.from('/bin/true\\0');
      enter();
      errnoOf(${number}, koffi.address(path));
      process.stdout.write('survived');
    `);
    t.same({ signal, stdout }, { signal: 'SIGSYS', stdout: '' }, name);
  }
});

t.test('what the device does goes on', async (t) => {
  const result = await resultOf(`
    import { randomBytes } from 'node:crypto';
    import { deflateSync } from 'node:zlib';
    const inherited = fs.openSync('/etc/passwd');
    enter();
    const fd = native.createMemfd('x', { size: 65536, seals: native.Seal.SHRINK });
    const mapping = native.mapFile(fd, 0, 65536, { writable: true });
    const window = new Uint8Array(mapping.window(0, 65536));
    window[5] = 77;
    native.punchHole(fd, 0, 4096);
    const [a, b] = native.socketPair();
    const event = native.createEventFd();
    a.send(new Uint8Array([1]), [event.fd, fd]);
    const { fds } = b.receive(new Uint8Array(4));
    const other = native.adoptEventFd(fds[0]);
    const wakes = new Promise((resolve) => event.watch(() => resolve(event.drain())));
    other.signal();
    const result = {
      punched: window[5],
      woken: await wakes !== null,
      size: native.fileSize(fds[1]),
      seals: native.sealsOf(fds[1]),
      notAnEvent: codeOf(() => native.adoptEventFd(fds[1])),
      plain: [native.isPlainFile(inherited), native.isPlainFile(a.fd)],
      read: fs.readSync(inherited, Buffer.alloc(4), 0, 4, 0),
      random: randomBytes(16).length,
      zlib: deflateSync('x').length > 0,
      timer: await new Promise((resolve) => setTimeout(() => resolve('rang'), 1)),
      memory: process.resourceUsage().maxRSS > 0,
    };
    event.close();
    process.stdout.write(JSON.stringify(result));
  `);
  t.same(result, {
    punched: 0,
    woken: true,
    size: 65536,
    seals: 2,
    notAnEvent: 'EINVAL',
    plain: [true, false],
    read: 4,
    random: 16,
    zlib: true,
    timer: 'rang',
    memory: true,
  });
});

t.test('a guest that truncates its memory, an uncaught error, an abort', async (t) => {
  const truncated = await resultOf(`
    const fd = native.createMemfd('x', { size: 8192 });
    const mapping = native.mapFile(fd, 0, 8192, { writable: true });
    const view = new Uint8Array(mapping.window(0, 8192));
    enter();
    fs.ftruncateSync(fd, 0);
    process.stdout.write(JSON.stringify({ value: view[0], faults: mapping.faults }));
  `);
  t.same(truncated, { value: 0, faults: 1 });
  const thrown = await inSandbox(`enter(); throw new Error('on purpose');`);
  t.match(thrown, { code: 1, stderr: /Error: on purpose/ });
  t.match(await inSandbox('enter(); process.abort();'), { signal: 'SIGABRT' });
});

t.test('core dumps and changes of that are off', async (t) => {
  const result = await resultOf(`
    enter();
    const limits = Buffer.alloc(16);
    raw(${process.arch === 'arm64' ? 261 : 302}, 0, 4, 0, koffi.address(limits), 0, 0);
    process.stdout.write(JSON.stringify([...limits]));
  `);
  // One byte: fs/coredump.c takes that for neither a file nor a program.
  t.same(result, [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
});

t.test('the broker connects, asks and removes what it was told, and nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const server = listenUnix(join(folder, 'server'));
  t.teardown(() => server.close());
  const answers = join(folder, 'answers');
  writeFileSync(
    join(folder, 'ask'),
    `#!/bin/sh\necho "$*,$FORWARD_MIME_TYPE" >>${answers}\ncase $5 in yes*) exit 0;; slow*) exec sleep 100;; esac\nexit 1\n`,
    { mode: 0o755 },
  );
  const result = await resultOf(`
    import { questionWords } from '${WAYLAND}';
    const folder = ${JSON.stringify(folder)};
    const host = new HostAccess();
    host.allow(folder + '/server');
    host.allow(folder + '/nobody');
    host.allowAsk({ command: [folder + '/ask', 'first'], timeoutSeconds: 1 }, { direct: null, words: questionWords });
    for (const name of ['socket', 'changed']) {
      native.listenUnix(folder + '/' + name);
      host.removeAtEnd(folder + '/' + name);
    }
    fs.mkdirSync(folder + '/place');
    fs.writeFileSync(folder + '/place/file', '');
    fs.symlinkSync(folder + '/server', folder + '/link');
    host.removeAtEnd(folder + '/place/file', folder + '/place', folder + '/link', folder + '/never-there');
    enter(host);
    const ask = (mimeType) => new Promise((resolve) =>
      host.ask({ kind: 'drag', direction: 'to-guest', vm: 'a b', mimeType }, resolve));
    const result = {
      connected: codeOf(() => host.connect(folder + '/server').close()),
      nobody: codeOf(() => host.connect(folder + '/nobody')),
      elsewhere: codeOf(() => host.connect(folder + '/socket')),
      asked: await Promise.all(['yes', 'no', 'slow', 'yes-' + 'x'.repeat(2000), 'yes\\0'].map(ask)),
      many: (await Promise.all(Array.from({ length: 100 }, () => ask('slow')))).includes(true),
      pending: host.ask({ kind: 'drag', direction: 'to-guest', vm: 'a', mimeType: 'slow' }, () => undefined) ?? null,
    };
    process.stdout.write(JSON.stringify(result));
    host.removePaths();
    host.close();
  `);
  t.same(result, {
    connected: 'done',
    nobody: 'ENOENT',
    elsewhere: 'EACCES',
    asked: [true, false, false, true, true],
    many: false,
    pending: null,
  });
  const asked = readFileSync(answers, 'utf8');
  t.match(asked, /^first drag to-guest a b yes,yes$/m);
  t.match(asked, /^first drag to-guest a b yes-x{252},yes-x{252}$/m, 'bounded');
});

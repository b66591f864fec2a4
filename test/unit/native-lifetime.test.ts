/** What happens to native objects that nobody closes: collection, workers, exits, exceptions, leaks. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import {
  closeFd,
  connectUnix,
  createEventFd,
  createMemfd,
  createScatterGather,
  listenUnix,
  mapAnonymous,
  mapFile,
  READABLE,
  socketPair,
  WRITABLE,
} from 'vhost-user-native';
import { nativeUrl, openFds, runScript, thrownBy } from './native-support.js';
import { until } from './wayland-support.js';

const folder = mkdtempSync(join(tmpdir(), 'native-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** For scripts: `settle(test)` collects garbage until `test()` holds, for a bounded number of turns. */
const settle = `
  import { readdirSync, readFileSync, existsSync } from 'node:fs';
  const fds = () => readdirSync('/proc/self/fd').length;
  const mapped = (name) => readFileSync('/proc/self/maps', 'utf8').includes('memfd:' + name);
  async function settle(test, turns = 200) {
    for (let i = 0; i < turns; i++) {
      gc();
      await new Promise(setImmediate);
      if (test()) return true;
    }
    return false;
  }
`;

t.test('an exception in a callback is uncaught there and then', async (t) => {
  const source = `
    const event = native.createEventFd();
    const [a, b] = native.socketPair();
    let calls = 0;
    event.watch(() => {
      calls++;
      if (calls === 1) { event.signal(); throw new Error('first'); }
      b.send(new Uint8Array(1));
    });
    a.watch(native.READABLE, () => { event.close(); a.close(); throw new Error('second'); });
    event.signal();`;
  const caught = await runScript(
    `process.on('uncaughtException', (error, origin) => console.log(error.message, origin));
     process.on('exit', () => console.log('calls', calls));
     ${source}`,
  );
  t.equal(caught.stdout, 'first uncaughtException\nsecond uncaughtException\ncalls 2\n', caught.stderr);
  t.equal(caught.code, 0);
  const fatal = await runScript(source);
  t.not(fatal.code, 0);
  t.equal(fatal.signal, null);
  t.match(fatal.stderr, /Error: first/);
});

t.test('promises and ticks of a callback run right after it', async (t) => {
  const ended = await runScript(`
    const event = native.createEventFd();
    event.watch(() => {
      console.log('callback');
      Promise.resolve().then(() => console.log('promise'));
      process.nextTick(() => console.log('tick'));
      setImmediate(() => { console.log('immediate'); event.close(); });
    });
    event.signal();`);
  t.equal(ended.stdout, 'callback\ntick\npromise\nimmediate\n', ended.stderr);
});

t.test('only watched objects keep the process alive', async (t) => {
  const ended = await runScript(`
    const event = native.createEventFd();
    const [a, b] = native.socketPair();
    event.watch(() => {});
    a.watch(native.READABLE, () => {});
    event.watch(null);
    a.watch(0, () => {});
    native.mapAnonymous(4096);
    console.log('end');`);
  t.strictSame([ended.stdout, ended.code], ['end\n', 0], ended.stderr);
});

t.test('a process ends cleanly with everything open', async (t) => {
  const open = `
    const fd = native.createMemfd('open', { size: 65536 });
    const mapping = native.mapFile(fd, 0, 65536, { writable: true });
    const window = mapping.window(0, 65536);
    const table = native.createScatterGather([{ mapping, offset: 0, length: 100 }]);
    const listener = native.listenUnix(${JSON.stringify(join(folder, 'exit'))});
    const event = native.createEventFd();
    const [a, b] = native.socketPair();
    a.watch(native.READABLE | native.WRITABLE, () => process.exit(7));
    listener.watch(() => {});
    event.watch(() => {});`;
  const inside = await runScript(open);
  t.strictSame([inside.code, inside.signal], [7, null], inside.stderr);
  // process.exit() finalises nothing: the socket file stays, and the next one takes its place.
  const outside = await runScript(`${open} process.exit(8);`);
  t.strictSame([outside.code, outside.signal], [8, null], outside.stderr);
  const path = join(folder, 'natural');
  const natural = await runScript(
    `native.listenUnix(${JSON.stringify(path)}); native.mapAnonymous(1).window(0, 1);`,
  );
  t.strictSame([natural.code, existsSync(path)], [0, false], natural.stderr);
});

t.test('objects that are collected without close free what they own', async (t) => {
  const ended = await runScript(
    `${settle}
     // Whatever opens descriptors at its first use does so before they are counted.
     await settle(() => true);
     native.closeFd(native.createMemfd('warm', { size: 1 }));
     const before = fds();
     const path = ${JSON.stringify(join(folder, 'collected'))};
     (() => {
       for (let i = 0; i < 20; i++) {
         native.createEventFd();
         native.socketPair();
         const [a] = native.socketPair();
         a.watch(native.WRITABLE, () => {});
         a.watch(0, () => {});
         const fd = native.createMemfd('collected', { size: 8192 });
         const mapping = native.mapFile(fd, 0, 8192, { writable: true });
         mapping.window(0, 10);
         new Uint8Array(mapping.window(5, 10)).fill(1);
         native.createScatterGather([{ mapping, offset: 0, length: 10 }]);
         native.closeFd(fd);
       }
       native.listenUnix(path);
     })();
     console.log(existsSync(path), await settle(() => fds() === before && !mapped('collected')), existsSync(path));`,
    ['--expose-gc'],
  );
  t.equal(ended.stdout, 'true true false\n', ended.stderr);
});

t.test('memory lives as long as a window or table can reach it', async (t) => {
  const ended = await runScript(
    `${settle}
     const make = (name) => {
       const fd = native.createMemfd(name, { size: 8192 });
       const mapping = native.mapFile(fd, 0, 8192, { writable: true });
       native.closeFd(fd);
       mapping.fill(0, 8192, 5);
       return mapping;
     };
     let window = make('by-window').window(100, 100);
     let table = native.createScatterGather([{ mapping: make('by-table'), offset: 0, length: 8192 }]);
     const kept = make('by-mapping');
     kept.window(0, 8192);
     const target = native.mapAnonymous(4096);
     await settle(() => false, 10);
     table.readRows(0, 0, target, 0, 0, 100, 1);
     console.log(new Uint8Array(window)[99], new Uint8Array(target.window(0, 100))[99]);
     console.log(mapped('by-window'), mapped('by-table'), mapped('by-mapping'));
     window = undefined;
     table = undefined;
     console.log(await settle(() => !mapped('by-window') && !mapped('by-table')), mapped('by-mapping'));
     kept.close();
     console.log(await settle(() => !mapped('by-mapping')));`,
    ['--expose-gc'],
  );
  t.equal(ended.stdout, '5 5\ntrue true true\ntrue true\ntrue\n', ended.stderr);
});

t.test('close unmaps at once', async (t) => {
  const fd = createMemfd('at-once', { size: 8192 });
  const mapping = mapFile(fd, 0, 8192, { writable: true });
  const windows = [mapping.window(0, 10), mapping.window(0, 8192)];
  const isMapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes('memfd:at-once');
  t.equal(isMapped(), true);
  mapping.close();
  t.equal(isMapped(), false);
  t.equal(windows[0]?.byteLength, 0);
  closeFd(fd);
});

t.test('a watched object is not collected', async (t) => {
  const ended = await runScript(
    `${settle}
     let fd;
     let called = false;
     (() => {
       const event = native.createEventFd();
       fd = native.dupFd(event.fd);
       event.watch(() => { called = true; event.close(); });
     })();
     await settle(() => false, 10);
     const peer = native.adoptEventFd(fd);
     peer.signal();
     console.log(await settle(() => called));`,
    ['--expose-gc'],
  );
  t.strictSame([ended.stdout, ended.code], ['true\n', 0], ended.stderr);
});

t.test('an object that closes itself in its callback and is collected', async (t) => {
  const ended = await runScript(
    `${settle}
     let closed = 0;
     for (let i = 0; i < 50; i++) {
       const [a, b] = native.socketPair();
       a.watch(native.WRITABLE, () => { a.watch(native.READABLE, () => {}); a.close(); b.close(); gc(); closed++; });
     }
     console.log(await settle(() => closed === 50));`,
    ['--expose-gc'],
  );
  t.strictSame([ended.stdout, ended.code], ['true\n', 0], ended.stderr);
});

const workerSource = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.url).then((native) => {
    const event = native.createEventFd();
    const [a, b] = native.socketPair();
    const fd = native.createMemfd('worker', { size: 65536 });
    const mapping = native.mapFile(fd, 0, 65536, { writable: true });
    const window = mapping.window(0, 65536);
    require('node:fs').ftruncateSync(fd, 0);
    new Uint8Array(window)[5000];
    native.closeFd(fd);
    event.watch(() => {
      parentPort.postMessage(mapping.faults);
      if (workerData.how === 'exit') process.exit(3);
      if (workerData.how === 'throw') throw new Error('from the callback');
      if (workerData.how === 'close') { event.close(); a.close(); mapping.close(); }
    });
    a.watch(native.READABLE, () => {});
    event.signal();
  });
`;

t.test('workers load the addon and end in every way', async (t) => {
  const before = openFds();
  for (const how of ['close', 'exit', 'throw', 'terminate']) {
    const worker = new Worker(workerSource, { eval: true, workerData: { url: nativeUrl, how } });
    const failures: unknown[] = [];
    worker.on('error', (error) => failures.push(error));
    // (A worker that ends at once is told of together with its message.)
    const ended = new Promise<number>((resolve) => worker.once('exit', resolve));
    const faults = await new Promise((resolve) => worker.once('message', resolve));
    t.equal(faults, 1, how);
    if (how === 'terminate') await worker.terminate();
    t.equal(await ended, { close: 0, exit: 3, throw: 1, terminate: 1 }[how], how);
    if (how === 'throw') t.match(failures, [{ message: 'from the callback' }]);
    else t.strictSame(failures, []);
  }
  t.equal(openFds(), before);
});

t.test('the fault handler outlives the worker that installed it', async (t) => {
  const script = `
    const { Worker } = require('node:worker_threads');
    const url = ${JSON.stringify(nativeUrl)};
    const worker = new Worker(${JSON.stringify(workerSource)}, { eval: true, workerData: { url, how: 'close' } });
    worker.on('exit', async () => {
      const native = await import(url);
      const fd = native.createMemfd('main', { size: 4096 });
      const mapping = native.mapFile(fd, 0, 4096, { writable: true });
      require('node:fs').ftruncateSync(fd, 0);
      new Uint8Array(mapping.window(0, 10)).fill(1);
      console.log(mapping.faults);
    });`;
  const result = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  t.strictSame([result.stdout, result.status], ['1\n', 0], result.stderr);
});

t.test('a SIGBUS that is not ours still ends the process', async (t) => {
  const ended = await runScript(`
    const fd = native.createMemfd('guarded', { size: 4096 });
    native.mapFile(fd, 0, 4096, { writable: true });
    process.kill(process.pid, 'SIGBUS');
    setInterval(() => {}, 1000);`);
  t.equal(ended.signal, 'SIGBUS', ended.stderr);
});

t.test('no descriptor or mapping leaks, whatever fails', async (t) => {
  const fd = createMemfd('leaks', { size: 8192 });
  const cycle = (): void => {
    const [a, b] = socketPair();
    const event = createEventFd();
    a.send(new Uint8Array(3), [fd, event.fd]);
    const { fds } = b.receive(new Uint8Array(9));
    a.watch(READABLE | WRITABLE, () => {});
    event.watch(() => {});
    const mapping = mapFile(fds[0] ?? -1, 0, 8192, { writable: true });
    mapping.window(0, 100);
    const other = mapAnonymous(4096);
    const table = createScatterGather([{ mapping, offset: 0, length: 8192 }]);
    table.readRows(0, 0, other, 0, 0, 4096, 1);
    const path = join(folder, 'leak');
    const listener = listenUnix(path);
    const client = connectUnix(path);
    const server = listener.accept();
    for (const failing of [
      () => listenUnix(path),
      () => connectUnix(`${path}-none`),
      () => mapFile(fd, 0, 8193, { writable: true }),
      () => createMemfd('bad', { size: 1, seals: 0x8000 }),
      () => b.receive(new Uint8Array(0)),
    ]) {
      if (thrownBy(failing) === null) t.fail('did not fail');
    }
    listener.accept()?.close();
    fds.forEach(closeFd);
    for (const object of [a, b, event, mapping, other, table, listener, client, server]) object?.close();
  };
  cycle();
  const before = openFds();
  const mappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('memfd:leaks').length;
  const mappingsBefore = mappings();
  for (let i = 0; i < 100; i++) cycle();
  t.equal(openFds(), before);
  // A window that was collected before its mapping was closed keeps that until the addon is told.
  await until(() => mappings() === mappingsBefore);
  closeFd(fd);
});

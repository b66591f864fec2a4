/** The guest proxy: files, pipes, hostile clients, a host that goes away, back-pressure. */
import { readFileSync, writeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import {
  adoptPipe,
  closeFd,
  createPipe,
  mapFile,
  type Pipe,
  sealedFile,
  socketPair,
  type UnixSocket,
} from 'vhost-user-native';
import { forwardClient } from '../../src/wayland/guest/index.js';
import {
  Encoder,
  ProtocolError,
  wl_compositor,
  wl_data_device_manager,
  wl_display,
  wl_registry,
  wl_seat,
} from '../../src/wayland/index.js';
import { type Client, client, type Forwarded, fakeHost, forwarded, Memory } from './guest-support.js';
import { openFds } from './native-support.js';
import { requestOf, until } from './wayland-support.js';

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

async function readAll(pipe: Pipe): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const part = new Uint8Array(65536);
  for (;;) {
    const bytes = pipe.read(part);
    if (bytes === 0) break;
    if (bytes > 0) parts.push(part.slice(0, bytes));
    else await nextTurn();
  }
  pipe.close();
  return Buffer.concat(parts);
}

async function writeAll(pipe: Pipe, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const bytes = pipe.write(data.subarray(done));
    if (bytes > 0) done += bytes;
    else await nextTurn();
  }
  pipe.close();
}

function noise(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  let state = 1;
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    data[index] = state >>> 16;
  }
  return data;
}

t.test('a keymap is a copy that nobody can change, and the host has its memory back', async (t) => {
  const scene = await client();
  const { display, compositor, host } = scene;
  const keyboard = display.registry.bind(wl_seat).getKeyboard();
  let got: { fd: number; size: number } | null = null;
  keyboard.listen({ keymap: (_format, fd, size) => (got = { fd, size }) });
  await display.sync();
  const [gpu] = host.gpus;
  const handles = gpu?.handles.size;
  const keymap = Buffer.from(`${'xkb_keymap { }\n'.repeat(1000)}\0`);
  const file = sealedFile('keymap', keymap);
  compositor.event(compositor.objectOf('wl_keyboard'), 'keymap', [1, file, keymap.length]);
  closeFd(file);
  await until(() => got !== null, 'the keymap');
  const { fd, size } = got as unknown as { fd: number; size: number };
  t.equal(size, keymap.length);
  t.same(readFileSync(fd), keymap);
  t.throws(() => writeSync(fd, 'x'));
  t.throws(() => mapFile(fd, 0, size, { writable: true }));
  t.equal(gpu?.handles.size, handles);
  closeFd(fd);
  await scene.close();
});

interface Offered {
  /** wl_data_offer.receive */
  ask(mime: string, fd: number): void;
  /** Lets the client receive; resolves with the compositor's end. */
  receive(): Promise<{ reader: Pipe; writer: Pipe }>;
}

async function offered(scene: Client): Promise<Offered> {
  const { display, compositor } = scene;
  const manager = display.registry.bind(wl_data_device_manager);
  const device = manager.getDataDevice(display.registry.bind(wl_seat));
  let receive: ((mime: string, fd: number) => void) | null = null;
  device.listen({
    dataOffer: (offer) => {
      receive = (mime, fd) => offer.receive(mime, fd);
    },
  });
  await display.sync();
  compositor.event(compositor.objectOf('wl_data_device'), 'data_offer', [0xff000000]);
  await until(() => receive !== null, 'the offer');
  let count = 0;
  return {
    ask: (mime, fd) => receive?.(mime, fd),
    receive: async () => {
      const { reader, writeFd } = createPipe();
      receive?.('text/plain', writeFd);
      closeFd(writeFd);
      count++;
      const seen = () => compositor.requests.filter(({ name }) => name === 'wl_data_offer.receive');
      await until(() => seen().length === count, 'the request');
      return { reader, writer: adoptPipe(Number(seen().at(-1)?.values[1])) };
    },
  };
}

t.test('from the host to a client: a pipe, two at once, and the end of each', async (t) => {
  const scene = await client();
  const { receive } = await offered(scene);
  const [one, two] = [await receive(), await receive()];
  const data = noise(1 << 20);
  const [first, second] = await Promise.all([
    readAll(one.reader),
    readAll(two.reader),
    writeAll(one.writer, data),
    writeAll(two.writer, data.subarray(1000)),
  ]);
  t.ok(Buffer.compare(first, data) === 0);
  t.ok(Buffer.compare(second, data.subarray(1000)) === 0);
  await scene.close();
});

t.test('a reader that does not read holds the host up, and one that goes does not', async (t) => {
  const scene = await client();
  const { display, compositor, host } = scene;
  const { receive } = await offered(scene);
  const { reader, writer } = await receive();
  const gone = await receive();
  gone.reader.close();
  await writeAll(gone.writer, noise(100_000));
  await display.sync();
  const data = noise(4 << 20);
  let written = 0;
  const writing = (async () => {
    while (written < data.length) {
      const bytes = writer.write(data.subarray(written, written + 4096));
      if (bytes > 0) written += bytes;
      else await nextTurn();
    }
    writer.close();
  })();
  const [gpu] = host.gpus;
  const polls = (): number => gpu?.commands.get(3) ?? 0;
  for (let before = -1; before !== polls(); ) {
    before = polls();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
  }
  t.ok(written < 1 << 20, `${written} bytes were taken from the host`);
  let synced = false;
  const sync = display.sync().then(() => {
    synced = true;
  });
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  t.notOk(synced, 'events wait as well: there is one way for both');
  t.ok(Buffer.compare(await readAll(reader), data) === 0);
  await Promise.all([writing, sync]);
  t.equal(compositor.ended, null);
  await scene.close();
});

t.test('from a client to the host', async (t) => {
  const scene = await client();
  const { display, compositor } = scene;
  const source = display.registry.bind(wl_data_device_manager).createDataSource();
  const sent: Promise<void>[] = [];
  const data = noise(200_000);
  source.listen({
    send: (mime, fd) => {
      t.equal(mime, 'text/plain');
      sent.push(writeAll(adoptPipe(fd), data.subarray(sent.length)));
    },
  });
  await display.sync();
  const pipes = [createPipe(), createPipe()];
  for (const { writeFd } of pipes) {
    compositor.event(compositor.objectOf('wl_data_source'), 'send', ['text/plain', writeFd]);
    closeFd(writeFd);
  }
  const all = await Promise.all(pipes.map(({ reader }) => readAll(reader)));
  t.ok(Buffer.compare(all[0] as Uint8Array, data) === 0);
  t.ok(Buffer.compare(all[1] as Uint8Array, data.subarray(1)) === 0);
  t.equal(sent.length, 2);
  await Promise.all(sent);
  await scene.close();
});

t.test('a compositor that does not read: its client waits, and nothing piles up', async (t) => {
  const scene = await client();
  const { display, compositor, globals, host } = scene;
  compositor.connection.pause();
  const surface = globals.compositor.createSurface();
  const before = compositor.requests.length;
  let sent = 0;
  const flood = (): void => {
    for (let count = 0; count < 2000 && display.backlogBytes < 65536; count++, sent++) {
      surface.setInputRegion(null);
      surface.setOpaqueRegion(null);
    }
    display.flush();
  };
  const [gpu] = host.gpus;
  const sends = (): number => gpu?.commands.get(4) ?? 0;
  for (let last = -1; last !== sends() || display.backlogBytes < 65536; ) {
    last = sends();
    flood();
    for (let turn = 0; turn < 20; turn++) await nextTurn();
  }
  t.ok(sends() * 3744 < 600_000, `${sends()} messages to the host`);
  compositor.connection.resume();
  await display.sync();
  t.equal(
    compositor.requests.length - before,
    2 * sent + 1 + 1 + confirmations(compositor.requests.slice(before)),
  );
  await scene.close();
});

/** Requests of the proxy's own among them: all sync requests but the client's. */
function confirmations(requests: readonly { readonly name: string }[]): number {
  return requests.filter(({ name }) => name === 'wl_display.sync').length - 1;
}

t.test('a client that does not read is not fed, and comes back', async (t) => {
  const scene = await client();
  const { display, compositor, globals } = scene;
  const surface = globals.compositor.createSurface();
  await display.sync();
  const id = compositor.objectOf('wl_surface');
  let entered = 0;
  surface.listen({ preferredBufferScale: () => entered++ });
  const connection = Reflect.get(display, 'connection') as { pause(): void; resume(): void };
  connection.pause();
  const count = 40_000;
  for (let index = 0; index < count; index++) {
    compositor.event(id, 'preferred_buffer_scale', [2]);
    if (compositor.connection.backlogBytes > 500_000) {
      t.fail('should not fill up');
    }
    if (index % 1000 === 0) await nextTurn();
    if (compositor.connection.congested) connection.resume();
  }
  connection.resume();
  await display.sync();
  t.equal(entered, count);
  await scene.close();
});

t.test('the host closes: so does the client; the host reports an error: the client hears it', async (t) => {
  const left = await client();
  left.compositor.close();
  await until(() => left.ended() !== null, 'the end');
  t.match(left.ended(), { code: 'WL_ERR_DISCONNECTED' });
  await until(() => left.end() !== null, 'the end of the session');
  t.equal(left.end()?.cause, 'host-left');
  await left.close();

  const scene = await client();
  const surface = scene.globals.compositor.createSurface();
  await scene.display.sync();
  scene.compositor.event(1, 'error', [scene.compositor.objectOf('wl_surface'), 3, 'bad size']);
  await until(() => scene.ended() !== null, 'the error');
  t.match(scene.ended(), { code: 'WL_ERR_PROTOCOL', objectId: surface.id, protocolCode: 3 });
  await scene.close();

  // About an object that the client does not know.
  const own = await client();
  own.compositor.event(1, 'error', [2, 5, 'invalid']);
  await until(() => own.ended() !== null, 'the error');
  t.match(own.ended(), { objectId: 1, protocolCode: 3 });
  await own.close();
});

t.test('the device goes away and comes back', async (t) => {
  const host = fakeHost();
  const scene = await client({}, host);
  host.unplug();
  await until(() => scene.ended() !== null, 'the end');
  t.match(scene.ended(), { code: 'WL_ERR_PROTOCOL', objectId: 1, message: /device gone/ });
  await until(() => scene.end() !== null, 'the end of the session');
  t.equal(scene.end()?.cause, 'failure');
  await scene.close();
  t.throws(() => host.open());
  host.gone = false;
  const again = await client({}, host);
  t.equal(again.end(), null);
  // Gone without a word: the next call of the kernel's fails.
  host.gone = true;
  const sync = again.display.sync();
  await t.rejects(sync, { message: /device gone/ });
  await again.close();
});

t.test('a host that does not forward Wayland', async (t) => {
  const host = fakeHost();
  host.channels = 1;
  await t.rejects(forwarded({}, host), { message: /does not forward/ });
});

/** Sends raw bytes as a client, in pieces of that size; resolves with what came back once the proxy has closed. */
async function talk(scene: Forwarded, bytes: Uint8Array, piece = bytes.length): Promise<Buffer> {
  const { socket } = scene;
  const back: Uint8Array[] = [];
  const target = new Uint8Array(65536);
  let open = true;
  const read = (): void => {
    try {
      const { bytes: count, fds } = socket.receive(target);
      for (const fd of fds) closeFd(fd);
      if (count === 0) open = false;
      if (count > 0) back.push(target.slice(0, count));
    } catch {
      open = false;
    }
  };
  for (let at = 0; at < bytes.length && open; at += piece) {
    try {
      socket.send(bytes.subarray(at, at + piece));
    } catch {
      break;
    }
    await nextTurn();
  }
  // Whatever it was, this ends it.
  for (let turn = 0; turn < 10 && open; turn++) {
    read();
    await nextTurn();
  }
  socket.close();
  await until(() => scene.end() !== null, 'the end');
  return Buffer.concat(back);
}

function message(objectId: number, opcode: number, ...words: number[]): number[] {
  return [objectId, (((2 + words.length) * 4) << 16) | opcode, ...words];
}

function wordsOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

t.test('clients that break the wire: each gets an error, nobody else notices', async (t) => {
  const host = fakeHost();
  const bystander = await client({}, host);
  const registry = message(1, 1, 2);
  const bad: [string, number[]][] = [
    ['unknown object', message(7, 0)],
    ['unknown request', message(1, 9)],
    ['truncated arguments', message(1, 0)],
    ['trailing bytes', message(1, 0, 3, 4, 5)],
    ['id 0', message(1, 0, 0)],
    ['id 1', message(1, 0, 1)],
    ['an id of the host', message(1, 0, 0xff000001)],
    ['an id that is taken', [...registry, ...message(1, 0, 2)]],
    ['a destroyed object', [...message(1, 0, 2), ...message(2, 0)]],
    ['bind with a bad string', [...registry, ...message(2, 0, 1, 0xfffffffc, 1, 2, 3)]],
    ['bind of nothing', [...registry, ...message(2, 0, 1, 0, 1, 3)]],
    ['bind of what nobody knows', [...registry, ...message(2, 0, 99, 2, 0x61, 1, 3)]],
    ['bind of a version that is not known', [...registry, ...bindShm(3, 99)]],
    ['a descriptor that is missing', [...registry, ...bindShm(3), ...message(3, 0, 4, 4096)]],
  ];
  for (const [what, words] of bad) {
    const scene = await forwarded({}, host);
    const back = await talk(scene, wordsOf(words));
    t.equal(scene.end()?.cause, 'client-fault', what);
    t.ok(back.includes('\x01\0\0\0\0\0'), `${what}: wl_display.error`);
    scene.compositor.close();
  }
  // Without a whole message there is nothing to answer.
  for (const size of [0, 4, 13, 0xffff]) {
    const scene = await forwarded({}, host);
    await talk(scene, wordsOf([1, ((size << 16) | 0) >>> 0, 3, 4]));
    t.equal(scene.end()?.cause, 'client-fault', `a message of ${size} bytes`);
    scene.compositor.close();
  }
  await bystander.display.sync();
  t.equal(bystander.end(), null);
  await bystander.close();
});

/** wl_registry.bind of the second global of the looking compositor. */
function bindShm(id: number, version = 1): number[] {
  const name = Buffer.from('wl_shm\0\0');
  return message(2, 0, 2, 7, name.readUInt32LE(0), name.readUInt32LE(4), version, id);
}

t.test('a stream is the same in pieces of any size', async (t) => {
  const encoder = new Encoder();
  const parts: Buffer[] = [];
  const add = (objectId: number, table: Parameters<Encoder['encode']>[1], values: never[]): void => {
    parts.push(Buffer.from(encoder.encode(objectId, table, values).bytes));
  };
  add(1, requestOf(wl_display, 'get_registry'), [2] as never[]);
  add(2, requestOf(wl_registry, 'bind'), [1, { interface: 'wl_compositor', version: 4, id: 3 }] as never[]);
  add(3, requestOf(wl_compositor, 'create_surface'), [4] as never[]);
  add(1, requestOf(wl_display, 'sync'), [5] as never[]);
  const stream = Buffer.concat(parts);
  for (const piece of [1, 3, 7, 64]) {
    const scene = await forwarded();
    await talk(scene, stream, piece);
    t.equal(scene.end()?.cause, 'client-left', `${piece}`);
    t.ok(scene.compositor.last('wl_compositor.create_surface'));
    scene.compositor.close();
  }
});

t.test('noise from clients never does more than end them', async (t) => {
  const host = fakeHost();
  const bystander = await client({}, host);
  const word = fc.oneof(
    fc.nat(8),
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.constantFrom(0xff000000, 0x7fffffff),
  );
  const request = fc
    .tuple(fc.nat(6), fc.nat(6), fc.array(word, { maxLength: 6 }))
    .map(([object, opcode, words]) => message(object, opcode, ...words));
  const start = [...message(1, 1, 2), ...bindShm(3)];
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const scene = await forwarded({}, host);
      await talk(scene, wordsOf([...start, ...requests.flat()]));
      scene.compositor.close();
      return bystander.end() === null;
    }),
    { numRuns: 150 },
  );
  await bystander.display.sync();
  t.equal(host.gpus.size, 1);
  await bystander.close();
});

t.test('too many objects, pools and pipes', async (t) => {
  const scene = await client();
  const memory = new Memory(4096);
  for (let count = 0; count < 1025; count++) memory.pool(scene.globals.shm);
  await t.rejects(scene.display.sync(), ProtocolError);
  t.match(scene.ended(), { objectId: 1, protocolCode: 2 });
  memory.close();
  await scene.close();

  const pipes = await client();
  const { ask, receive } = await offered(pipes);
  const open: { reader: Pipe; writer: Pipe }[] = [];
  for (let count = 0; count < 64; count++) open.push(await receive());
  const { reader: last, writeFd } = createPipe();
  ask('text/plain', writeFd);
  closeFd(writeFd);
  await until(() => pipes.ended() !== null, 'the error');
  t.match(pipes.ended(), { protocolCode: 2 });
  last.close();
  for (const { reader, writer } of open) {
    reader.close();
    writer.close();
  }
  await pipes.close();
});

t.test('the socket of a client that never says a word', async (t) => {
  const [socket, inner]: [UnixSocket, UnixSocket] = socketPair();
  socket.close();
  const host = fakeHost();
  let cause = '';
  await forwardClient(inner, host.open(), { name: 'gone' }, (end) => {
    ({ cause } = end);
  });
  await until(() => cause !== '', 'the end');
  t.equal(cause, 'client-left');
  for (const compositor of host.compositors) compositor.close();
});

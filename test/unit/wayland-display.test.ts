/** The Wayland client against a compositor that does as it is told: objects, ids, errors, and bad events. */
import fc from 'fast-check';
import t from 'tap';
import { closeFd, createMemfd, fileSize } from 'vhost-user-native';
import {
  connectToCompositor,
  Display,
  type DisplayOptions,
  ProtocolError,
  type WaylandError,
  type WlDataDevice,
  type WlDataOffer,
  type WlSurface,
  wl_compositor,
  wl_data_device_manager,
  wl_output,
  wl_seat,
  wl_shm,
} from '../../src/wayland/index.js';
import { openFds } from './native-support.js';
import { codeOf, FakeCompositor, pair, unhex, until } from './wayland-support.js';

interface Scene {
  readonly display: Display;
  readonly server: FakeCompositor;
  /** How the display ended. */
  end(): Promise<WaylandError>;
  close(): void;
}

/** A client that has seen the globals of a compositor. */
async function scene(options: DisplayOptions = {}): Promise<Scene> {
  const [near, far] = pair();
  let ended: WaylandError | null = null;
  const display = new Display(near, { ended: (error) => (ended = error) }, options);
  const server = new FakeCompositor(far);
  const { values } = await server.seen('get_registry');
  const globals: [string, number][] = [
    ['wl_compositor', 5],
    ['wl_shm', 1],
    ['wl_seat', 3],
    ['wl_data_device_manager', 3],
  ];
  globals.forEach(([name, version], index) => {
    server.event(Number(values[0]), 'wl_registry', 'global', [index + 1, name, version]);
  });
  await until(() => display.registry.globals.length === globals.length, 'globals');
  return {
    display,
    server,
    end: async () => {
      await until(() => ended !== null, 'the end');
      if (ended === null) throw new Error('not ended');
      return ended;
    },
    close: () => {
      display.close();
      server.connection.close();
    },
  };
}

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

t.test('registry: versions, missing globals, globals that come and go', async (t) => {
  const { display, server, close } = await scene();
  const { registry } = display;
  t.equal(registry.find(wl_seat)?.version, 3);
  t.equal(registry.bind(wl_seat).version, 3, "the compositor's version");
  t.equal(registry.bind(wl_compositor, { max: 4 }).version, 4, "the caller's version");
  t.equal(
    codeOf(() => registry.bind(wl_output)),
    'WL_ERR_NO_GLOBAL',
  );
  t.equal(
    codeOf(() => registry.bind(wl_seat, { min: 5 })),
    'WL_ERR_NO_GLOBAL',
    'too old',
  );
  const bound = await server.seen('bind');
  t.match(bound.values, [1, { interface: 'wl_compositor', version: 4 }]);
  const seen: string[] = [];
  const stop = registry.watch({
    added: (global) => seen.push(`+${global.interface}`),
    removed: (global) => seen.push(`-${global.interface}`),
  });
  server.event(2, 'wl_registry', 'global', [9, 'wl_output', 4]);
  await until(() => seen.length === 1);
  const global = registry.find(wl_output);
  server.event(2, 'wl_registry', 'global_remove', [9]);
  server.event(2, 'wl_registry', 'global_remove', [77]);
  await until(() => seen.length === 2);
  t.same(seen, ['+wl_output', '-wl_output']);
  if (global !== null)
    t.equal(
      codeOf(() => registry.bind(wl_output, { global })),
      'WL_ERR_NO_GLOBAL',
      'gone',
    );
  stop();
  close();
});

t.test('sync', async (t) => {
  const { display, server, close } = await scene();
  const done = display.sync();
  await server.answerSync();
  await done;
  const never = display.sync();
  const refused = t.rejects(never, { code: 'WL_ERR_CLOSED' });
  close();
  await refused;
  await t.rejects(display.sync(), { code: 'WL_ERR_CLOSED' });
});

t.test('an id is reused once the compositor has deleted it, not before', async (t) => {
  const { display, server, close } = await scene();
  const compositor = display.registry.bind(wl_compositor);
  const first = compositor.createSurface();
  const second = compositor.createSurface();
  first.destroy();
  t.notOk(first.alive);
  t.equal(
    codeOf(() => first.commit()),
    'WL_ERR_DEAD_OBJECT',
  );
  const third = compositor.createSurface();
  t.same([second.id, third.id], [first.id + 1, first.id + 2], 'the id of a destroyed object stays taken');
  server.event(1, 'wl_display', 'delete_id', [first.id]);
  await until(() => display.objectCount === 5, 'delete_id');
  const fourth = compositor.createSurface();
  t.equal(fourth.id, first.id);
  t.equal(compositor.createSurface().id, third.id + 1);
  t.equal(
    codeOf(() => fourth.attach(null, 0, 0)),
    null,
  );
  close();
  t.notOk(fourth.alive, 'all objects are dead after the end');
});

t.test('events of destroyed objects are dropped, with what they carry', async (t) => {
  const { display, server, close } = await scene();
  const seat = display.registry.bind(wl_seat);
  const keyboard = seat.getKeyboard();
  let keymaps = 0;
  keyboard.listen({ keymap: () => keymaps++ });
  keyboard.release();
  const fd = createMemfd('keymap', { size: 4096 });
  server.event(keyboard.id, 'wl_keyboard', 'keymap', [1, fd, 100]);
  const unheard = seat.getKeyboard();
  server.event(unheard.id, 'wl_keyboard', 'keymap', [1, fd, 100]);
  const heard = seat.getKeyboard();
  let size = 0;
  heard.listen({
    keymap: (_format, got) => {
      size = fileSize(got);
      closeFd(got);
    },
  });
  server.event(heard.id, 'wl_keyboard', 'keymap', [1, fd, 100]);
  closeFd(fd);
  await until(() => size === 4096);
  t.equal(keymaps, 0);
  // The pointer left a surface that this side has destroyed meanwhile.
  const surface = display.registry.bind(wl_compositor).createSurface();
  const pointer = seat.getPointer();
  const left: (WlSurface | null)[] = [];
  pointer.listen({ leave: (_serial, from) => left.push(from) });
  server.event(pointer.id, 'wl_pointer', 'leave', [1, surface.id]);
  await until(() => left.length === 1);
  surface.destroy();
  server.event(pointer.id, 'wl_pointer', 'leave', [2, surface.id]);
  await until(() => left.length === 2);
  t.same(left[0], surface);
  t.equal(left[1], null);
  close();
});

t.test('requests are checked before they are sent', async (t) => {
  const { display, server, close } = await scene();
  const other = await scene();
  const compositor = display.registry.bind(wl_compositor);
  const seat = display.registry.bind(wl_seat);
  const surface = compositor.createSurface();
  const objects = display.objectCount;
  t.equal(
    codeOf(() => seat.release()),
    'WL_ERR_VERSION',
    'since 5, bound 3',
  );
  t.equal(
    codeOf(() => surface.damage(0.5, 0, 1, 1)),
    'WL_ERR_BAD_VALUE',
  );
  const foreign = other.display.registry.bind(wl_compositor).createRegion();
  t.equal(
    codeOf(() => surface.setInputRegion(foreign)),
    'WL_ERR_BAD_VALUE',
    'of another connection',
  );
  // @ts-expect-error A seat is no region.
  const wrong = (): void => surface.setInputRegion(seat);
  t.equal(codeOf(wrong), 'WL_ERR_BAD_VALUE', 'of another interface');
  const region = compositor.createRegion();
  region.destroy();
  t.equal(
    codeOf(() => surface.setInputRegion(region)),
    'WL_ERR_DEAD_OBJECT',
  );
  const shm = display.registry.bind(wl_shm);
  t.equal(
    codeOf(() => shm.createPool(-1, 4096)),
    'WL_ERR_BAD_VALUE',
  );
  t.equal(display.objectCount, objects + 2, 'a request that failed makes no object');
  surface.commit();
  await server.seen('commit');
  t.equal(server.ended, null, 'and nothing of it was sent');
  close();
  other.close();
});

t.test('objects that the compositor makes', async (t) => {
  const { display, server, close } = await scene();
  const manager = display.registry.bind(wl_data_device_manager);
  const seat = display.registry.bind(wl_seat);
  const device: WlDataDevice = manager.getDataDevice(seat);
  const offers: WlDataOffer[] = [];
  const types: string[] = [];
  device.listen({
    dataOffer: (offer) => {
      offers.push(offer);
      offer.listen({ offer: (type) => types.push(type) });
    },
  });
  server.event(device.id, 'wl_data_device', 'data_offer', [0xff000000]);
  server.event(0xff000000, 'wl_data_offer', 'offer', ['text/plain']);
  await until(() => types.length === 1);
  t.equal(offers[0]?.version, 3, "the parent's version");
  offers[0]?.destroy();
  server.event(0xff000000, 'wl_data_offer', 'offer', ['late']);
  server.event(device.id, 'wl_data_device', 'data_offer', [0xff000000]);
  server.event(0xff000000, 'wl_data_offer', 'offer', ['text/html']);
  await until(() => types.length === 2);
  t.same(types, ['text/plain', 'text/html'], 'the id was reused by the compositor');
  device.release();
  server.event(device.id, 'wl_data_device', 'data_offer', [0xff000001]);
  server.event(0xff000001, 'wl_data_offer', 'offer', ['of an object that a destroyed one made']);
  const done = display.sync();
  await server.answerSync();
  await done;
  t.equal(types.length, 2);
  close();
});

t.test('a protocol error says what and where', async (t) => {
  const { display, server, end, close } = await scene();
  const surface = display.registry.bind(wl_compositor).createSurface();
  const pending = t.rejects(display.sync(), { code: 'WL_ERR_PROTOCOL' });
  server.event(1, 'wl_display', 'error', [surface.id, 1, 'bad transform']);
  const error = await end();
  t.ok(error instanceof ProtocolError);
  t.match(error, { objectId: surface.id, interfaceName: 'wl_surface', protocolCode: 1 });
  t.match(error.message, /wl_surface \d+: error 1 \(invalid_transform\): bad transform/);
  await pending;
  close();
  const unknown = await scene();
  unknown.server.event(1, 'wl_display', 'error', [4711, 3, 'what?']);
  t.match(await unknown.end(), { objectId: 4711, interfaceName: null, protocolCode: 3 });
  unknown.close();
});

t.test('a protocol error is found although the compositor has hung up', async (t) => {
  const { display, server, end, close } = await scene();
  const surface = display.registry.bind(wl_compositor).createSurface();
  server.event(1, 'wl_display', 'error', [1, 0, 'no']);
  server.connection.close();
  surface.commit();
  display.flush();
  t.equal((await end()).code, 'WL_ERR_PROTOCOL');
  close();
});

t.test('a compositor that goes away is a disconnect', async (t) => {
  const { display, server, end, close } = await scene();
  server.connection.close();
  t.equal((await end()).code, 'WL_ERR_DISCONNECTED');
  t.ok(display.closed);
  close();
});

t.test('events that make no sense end the connection, not the process', async (t) => {
  const cases: [string, string][] = [
    ['63000000 00000c00 00000000', 'WL_ERR_BAD_OBJECT'],
    ['00000000 00000c00 00000000', 'WL_ERR_BAD_OBJECT'],
    ['01000000 05000c00 00000000', 'WL_ERR_BAD_OPCODE'],
    ['01000000 01000800', 'WL_ERR_TRUNCATED'],
    ['01000000 01001000 01000000 00000000', 'WL_ERR_TRAILING'],
    ['01000000 01000c00 63000000', 'WL_ERR_BAD_ID'],
    ['01000000 01000c00 01000000', 'WL_ERR_BAD_ID'],
    ['01000000 01000c00 000000ff', 'WL_ERR_BAD_ID'],
    ['02000000 00001800 01000000 02000000 61000000 01000000', 'WL_ERR_BAD_ID'],
    ['02000000 00001800 09000000 02000000 61620000 01000000', 'WL_ERR_BAD_STRING'],
    ['02000000 00001400 09000000 00000000 01000000', 'WL_ERR_NULL_ARGUMENT'],
    ['02000000 00000400', 'WL_ERR_BAD_SIZE'],
    ['04000000 00001000 01000000 00100000', 'WL_ERR_BAD_FDS'],
    ['04000000 01001400 01000000 63000000 00000000', 'WL_ERR_BAD_OBJECT'],
    ['04000000 01001400 01000000 02000000 00000000', 'WL_ERR_BAD_OBJECT'],
    ['06000000 00000c00 05000000', 'WL_ERR_BAD_ID'],
    ['06000000 00000c00 00000000', 'WL_ERR_NULL_ARGUMENT'],
  ];
  for (const [bytes, code] of cases) {
    const { display, server, end, close } = await scene();
    const seat = display.registry.bind(wl_seat);
    const keyboard = seat.getKeyboard();
    const device = display.registry.bind(wl_data_device_manager).getDataDevice(seat);
    t.same([keyboard.id, device.id], [4, 6], 'the ids that the bytes use');
    server.connection.send(unhex(bytes));
    t.equal((await end()).code, code, bytes);
    close();
  }
});

const hostileEvent = fc.record({
  objectId: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(0xff000000, 0xff000001), fc.nat()),
  opcode: fc.nat({ max: 6 }),
  words: fc.array(fc.oneof(fc.nat({ max: 8 }), fc.constant(0xff000000), fc.nat({ max: 0xffffffff })), {
    maxLength: 6,
  }),
  lie: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-4, 1, 4, 64) },
  ),
  fds: fc.nat({ max: 2 }),
});

t.test(
  'property: whatever a compositor sends, it ends as an error with a code, and nothing leaks',
  async (t) => {
    const fd = createMemfd('hostile', { size: 4096 });
    const codes = new Set<string>();
    const property = fc.asyncProperty(fc.array(hostileEvent, { maxLength: 12 }), async (events) => {
      const [near, far] = pair();
      let ended: WaylandError | null = null;
      const display = new Display(near, { ended: (error) => (ended = error) });
      void display.sync();
      for (const { objectId, opcode, words, lie, fds } of events) {
        const size = 8 + words.length * 4;
        const raw = Uint32Array.of(objectId, ((size + lie) << 16) | opcode, ...words);
        if (!far.closed) far.send(new Uint8Array(raw.buffer), Array(fds).fill(fd));
      }
      far.close();
      await until(() => ended !== null, 'the end');
      const { code } = ended as unknown as WaylandError;
      codes.add(code);
      return code.startsWith('WL_ERR_') && openFds() === fdsBefore + 1;
    });
    await fc.assert(property, { numRuns: 400 });
    closeFd(fd);
    t.ok(codes.size > 4, [...codes].join(' '));
  },
);

t.test('limits: objects and globals', async (t) => {
  const few = await scene({ objectsMax: 4 });
  const compositor = few.display.registry.bind(wl_compositor);
  compositor.createSurface();
  t.equal(
    codeOf(() => compositor.createSurface()),
    'WL_ERR_OVERFLOW',
  );
  few.close();
  const many = await scene();
  for (let name = 100; name < 4200; name++) many.server.event(2, 'wl_registry', 'global', [name, 'x', 1]);
  t.equal((await many.end()).code, 'WL_ERR_OVERFLOW');
  many.close();
});

t.test('where the compositor is', async (t) => {
  t.equal(
    codeOf(() => connectToCompositor({})),
    'WL_ERR_CONNECTION',
  );
  t.equal(
    codeOf(() => connectToCompositor({ XDG_RUNTIME_DIR: '/nonexistent' })),
    'WL_ERR_CONNECTION',
  );
  t.equal(
    codeOf(() => connectToCompositor({ WAYLAND_DISPLAY: '/nonexistent/socket' })),
    'WL_ERR_CONNECTION',
  );
  const env = { WAYLAND_SOCKET: 'three' };
  t.equal(
    codeOf(() => connectToCompositor(env)),
    'WL_ERR_CONNECTION',
  );
  t.same(env, {}, 'WAYLAND_SOCKET is used once');
});

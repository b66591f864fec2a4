/** The guest proxy: globals, shared memory, damage, buffers that the compositor holds, the window for clients. */

import { ftruncateSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { closeFd, createMemfd, mapFile } from 'vhost-user-native';
import {
  ProtocolError,
  vhost_window_memory_v1,
  WlShmFormat,
  type WlSurface,
  wl_output,
  wl_shm,
  wp_viewporter,
  xdg_toplevel_icon_manager_v1,
  xdg_wm_base,
  zwp_linux_dmabuf_v1,
} from '../../src/wayland/index.js';
import { Canvas, type Client, client, Memory } from './guest-support.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';

let fdsBefore = 0;
t.beforeEach(() => {
  fdsBefore = openFds();
});
t.afterEach(async () => {
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  Buffer.compare(a ?? new Uint8Array(0), b) === 0;

/** Commits and waits until the compositor has seen it. */
async function commit(scene: Client, surface: WlSurface): Promise<void> {
  surface.commit();
  await scene.display.sync();
}

t.test(
  'the client sees what can be forwarded, in versions that are known here, and one global more',
  async (t) => {
    const scene = await client();
    const globals = new Map(
      scene.display.registry.globals.map(({ interface: name, version }) => [name, version]),
    );
    t.equal(globals.get('wl_compositor'), 6);
    t.equal(globals.get('xdg_wm_base'), xdg_wm_base.version, 'capped');
    for (const name of ['something_unheard_of', 'wp_linux_drm_syncobj_manager_v1', 'zwp_linux_dmabuf_v1']) {
      t.notOk(globals.has(name), name);
    }
    t.equal(globals.get('vhost_window_memory_v1'), 1);
    const formats: number[] = [];
    scene.display.registry.bind(wl_shm).listen({ format: (format) => formats.push(format) });
    await scene.display.sync();
    t.same(formats, [0, 1, WlShmFormat.rgb565], 'formats that can be copied');
    await scene.close();
    t.same(scene.end(), { cause: 'client-left', reason: scene.end()?.reason });
    t.notOk(scene.compositor.requests.some(({ values }) => JSON.stringify(values).includes('vhost_window')));
  },
);

t.test('a picture is copied, and the client has its buffer back at once', async (t) => {
  const scene = await client();
  const { display, globals, compositor, guest } = scene;
  const memory = new Memory(64 * 1024);
  const pool = memory.pool(globals.shm);
  // The pool may go before its buffers.
  const canvas = new Canvas(memory, pool, 4096, 20, 10, 24);
  pool.destroy();
  const surface = globals.compositor.createSurface();
  canvas.fill(0xff336699);
  canvas.fill(0xff000000, 3, 3, 2, 2);
  surface.attach(canvas.buffer, 0, 0);
  surface.damageBuffer(0, 0, 20, 10);
  const picture = canvas.pixels();
  await commit(scene, surface);
  t.equal(canvas.released, 1);
  t.ok(same(compositor.shown[0]?.pixels, picture));
  t.equal(guest.metrics.copiedBytes, 20 * 10 * 4);

  // Only the damage, in the one copy that is free: its other parts are older.
  canvas.fill(0xffff0000, 5, 5, 4, 2);
  surface.attach(canvas.buffer, 0, 0);
  surface.damageBuffer(5, 5, 4, 2);
  await commit(scene, surface);
  t.ok(same(compositor.shown[1]?.pixels, canvas.pixels()));
  t.equal(guest.metrics.copiedBytes, 2 * 20 * 10 * 4, 'the second copy is new');
  for (let frame = 0; frame < 10; frame++) {
    canvas.fill(0xff000000 + frame, frame, 0, 1, 10);
    surface.attach(canvas.buffer, 0, 0);
    surface.damage(frame, 0, 1, 10);
    await commit(scene, surface);
    t.ok(same(compositor.shown.at(-1)?.pixels, canvas.pixels()), `frame ${frame}`);
  }
  const steady = guest.metrics.copiedBytes - 2 * 20 * 10 * 4;
  t.equal(steady, 4 * 2 * 4 + 10 * 10 * 4 + 9 * 10 * 4, 'each column twice, once for each copy');
  t.equal(compositor.requests.filter(({ name }) => name === 'wl_shm.create_pool').length, 2);

  surface.attach(null, 0, 0);
  await commit(scene, surface);
  t.equal(compositor.held.size, 0);
  surface.destroy();
  canvas.buffer.destroy();
  await display.sync();
  t.ok(display.objectCount < 8);
  t.same(compositor.torn, []);
  memory.close();
  await scene.close();
});

t.test('what the compositor holds is not written, however much is committed', async (t) => {
  const scene = await client();
  const { globals, compositor, guest } = scene;
  compositor.autoRelease = false;
  const memory = new Memory(16 * 16 * 4);
  const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 16, 16);
  const surface = globals.compositor.createSurface();
  const pictures: Uint8Array[] = [];
  for (let frame = 0; frame < 6; frame++) {
    canvas.fill(0x10101 * frame);
    pictures.push(canvas.pixels());
    surface.attach(canvas.buffer, 0, 0);
    surface.damage(0, 0, 16, 16);
    await commit(scene, surface);
  }
  t.equal(compositor.held.size, 6);
  canvas.fill(0xffffff);
  surface.attach(canvas.buffer, 0, 0);
  surface.commit();
  const sync = scene.display.sync();
  let answered = false;
  sync.then(() => {
    answered = true;
  });
  await until(() => guest.metrics.waits === 7, 'the client to wait');
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  t.notOk(answered, 'the client waits');
  t.equal(compositor.shown.length, 6);
  compositor.release(compositor.replaced()[2] ?? 0);
  await sync;
  t.equal(compositor.shown.length, 7);
  t.ok(same(compositor.shown[6]?.pixels, canvas.pixels()));
  for (const [frame, picture] of pictures.entries()) {
    t.ok(same(compositor.shown[frame]?.pixels, picture), `frame ${frame}`);
  }
  t.same(compositor.torn, []);
  memory.close();
  await scene.close();
});

t.test('scale, transform and viewport: damage of the surface in pixels of the buffer', async (t) => {
  const scene = await client();
  const { globals, compositor, guest, display } = scene;
  const memory = new Memory(32 * 32 * 4);
  const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 32, 32);
  const surface = globals.compositor.createSurface();
  const frame = async (color: number, draw: () => void): Promise<number> => {
    const before = guest.metrics.copiedBytes;
    canvas.fill(color, 4, 4, 8, 8);
    surface.attach(canvas.buffer, 0, 0);
    draw();
    await commit(scene, surface);
    t.ok(same(compositor.shown.at(-1)?.pixels, canvas.pixels()), color.toString(16));
    return guest.metrics.copiedBytes - before;
  };
  const all = 32 * 32 * 4;
  const part = 8 * 8 * 4;
  t.equal(await frame(0x111111, () => surface.damage(0, 0, 99, 99)), all);
  t.equal(await frame(0x222222, () => surface.setBufferScale(2)), all, 'no damage: who knows');
  t.equal(await frame(0x333333, () => surface.damage(2, 2, 4, 4)), all, 'stale since the scale came');
  t.equal(await frame(0x444444, () => surface.damage(2, 2, 4, 4)), part);
  t.equal(await frame(0x555555, () => surface.damage(-1, -1, 0x7fffffff, 0x7fffffff)), all);
  surface.setBufferTransform(1);
  t.equal(await frame(0x666666, () => surface.damageBuffer(4, 4, 8, 8)), all);
  t.equal(await frame(0x777777, () => surface.damageBuffer(4, 4, 8, 8)), all);
  t.equal(await frame(0x888888, () => surface.damageBuffer(4, 4, 8, 8)), part);
  t.equal(await frame(0x999999, () => surface.damage(2, 2, 4, 4)), all);
  surface.setBufferTransform(0);
  surface.setBufferScale(1);
  display.registry.bind(wp_viewporter).getViewport(surface).setDestination(64, 64);
  t.equal(await frame(0xaaaaaa, () => surface.damage(8, 8, 16, 16)), all);
  t.equal(await frame(0xbbbbbb, () => surface.damage(8, 8, 16, 16)), all);
  t.same(compositor.torn, []);
  memory.close();
  await scene.close();
});

t.test('pools: shared, resized, destroyed in any order; buffers on several surfaces', async (t) => {
  const scene = await client();
  const { globals, compositor, display } = scene;
  const small = new Memory(8 * 8 * 4);
  const pool = small.pool(globals.shm);
  const first = new Canvas(small, pool, 0, 8, 8);
  const [a, b] = [globals.compositor.createSurface(), globals.compositor.createSurface()];
  first.fill(0x00ff00);
  for (const surface of [a, b]) {
    surface.attach(first.buffer, 0, 0);
    surface.damageBuffer(0, 0, 8, 8);
    surface.commit();
  }
  await display.sync();
  t.equal(compositor.shown.length, 2);
  t.equal(first.released, 2);
  ftruncateSync(small.fd, 4 * 8 * 8 * 4);
  pool.resize(4 * 8 * 8 * 4);
  const large = new Memory(4 * 8 * 8 * 4, small.fd);
  const second = new Canvas(large, pool, 3 * 8 * 8 * 4, 8, 8);
  pool.destroy();
  second.fill(0x0000ff);
  // Destroyed between attach and commit: what was attached is shown.
  a.attach(second.buffer, 0, 0);
  second.buffer.destroy();
  await commit(scene, a);
  t.ok(same(compositor.shown[2]?.pixels, second.pixels()));
  b.attach(first.buffer, 0, 0);
  first.fill(0xff0000);
  await commit(scene, b);
  t.ok(same(compositor.shown[3]?.pixels, first.pixels()));
  first.buffer.destroy();
  // Attached, then something else instead.
  const third = new Memory(8 * 8 * 4);
  const other = new Canvas(third, third.pool(globals.shm), 0, 8, 8);
  a.attach(other.buffer, 0, 0);
  a.attach(null, 0, 0);
  await commit(scene, a);
  t.equal(compositor.shown.length, 4);
  t.same(compositor.torn, []);
  small.mapping.close();
  large.close();
  third.close();
  await scene.close();
});

t.test('sizes that change reuse memory of the window; formats with other pixels', async (t) => {
  const scene = await client();
  const { globals, compositor, guest } = scene;
  const memory = new Memory(1 << 20);
  const pool = memory.pool(globals.shm);
  const surface = globals.compositor.createSurface();
  for (let size = 100; size < 140; size++) {
    const canvas = new Canvas(memory, pool, 0, size, size);
    canvas.fill(size);
    surface.attach(canvas.buffer, 0, 0);
    surface.damageBuffer(0, 0, size, size);
    await commit(scene, surface);
    t.ok(same(compositor.shown.at(-1)?.pixels, canvas.pixels()), `${size}`);
    canvas.buffer.destroy();
  }
  const pools = compositor.requests.filter(({ name }) => name === 'wl_shm.create_pool').length;
  t.ok(pools <= 12, `${pools} blobs for 40 sizes`);
  t.ok(guest.windowBytes <= 12 * 140 * 192 * 4);
  const words = new Uint16Array(memory.bytes.buffer, memory.bytes.byteOffset, 6 * 5);
  words.forEach((_, index) => {
    words[index] = index * 7;
  });
  const buffer = pool.createBuffer(0, 5, 5, 12, WlShmFormat.rgb565);
  surface.attach(buffer, 0, 0);
  await commit(scene, surface);
  const expected = [0, 1, 2, 3, 4].flatMap((row) => [...words.subarray(row * 6, row * 6 + 5)]);
  t.ok(same(compositor.shown.at(-1)?.pixels, new Uint8Array(Uint16Array.from(expected).buffer)));
  t.same(compositor.torn, []);
  memory.close();
  await scene.close();
});

t.test('whatever is drawn and committed, the compositor sees it, and keeps it', async (t) => {
  const rect = fc.record({
    x: fc.integer({ min: -4, max: 24 }),
    y: fc.integer({ min: -4, max: 24 }),
    width: fc.integer({ min: 0, max: 24 }),
    height: fc.integer({ min: 0, max: 24 }),
  });
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('frame' as const), rects: fc.array(rect, { maxLength: 20 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat(9) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('size' as const), size: fc.integer({ min: 1, max: 24 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unmap' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const scene = await client();
      const { globals, compositor } = scene;
      compositor.autoRelease = false;
      const memory = new Memory(2 * 24 * 24 * 4);
      const pool = memory.pool(globals.shm);
      const surface = globals.compositor.createSurface();
      let canvases = [0, 1].map((index) => new Canvas(memory, pool, index * 2304, 20, 20));
      let turn = 0;
      let color = 1;
      const free = (): void => {
        for (const id of compositor.replaced().slice(0, 1)) compositor.release(id);
      };
      for (const action of steps) {
        const canvas = canvases[turn % 2] as Canvas;
        if (action.kind === 'frame') {
          // As a client does it: what the other buffer had, and something new.
          canvas.copyFrom(canvases[(turn + 1) % 2] as Canvas);
          surface.attach(canvas.buffer, 0, 0);
          for (const { x, y, width, height } of action.rects) {
            canvas.fill(color++, x, y, width, height);
            surface.damageBuffer(x, y, width, height);
          }
          turn++;
          if (compositor.held.size >= 5) free();
          await commit(scene, surface);
          if (!same(compositor.shown.at(-1)?.pixels, canvas.pixels())) return false;
        } else if (action.kind === 'release') {
          const replaced = compositor.replaced();
          const id = replaced[action.pick % Math.max(1, replaced.length)];
          if (id !== undefined) compositor.release(id);
        } else if (action.kind === 'size') {
          for (const { buffer } of canvases) buffer.destroy();
          canvases = [0, 1].map((index) => new Canvas(memory, pool, index * 2304, action.size, action.size));
        } else {
          surface.attach(null, 0, 0);
          await commit(scene, surface);
        }
      }
      compositor.checkHeld();
      const fine = compositor.torn.length === 0;
      memory.close();
      await scene.close();
      return fine;
    }),
    { numRuns: 40 },
  );
  t.pass();
});

t.test('an icon is copied once and kept until it is gone', async (t) => {
  const scene = await client();
  const { globals, compositor, display } = scene;
  const memory = new Memory(8 * 8 * 4);
  const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 8, 8);
  canvas.fill(0xff123456);
  const icon = display.registry.bind(xdg_toplevel_icon_manager_v1).createIcon();
  icon.addBuffer(canvas.buffer, 1);
  await display.sync();
  const seen = compositor.last('xdg_toplevel_icon_v1.add_buffer');
  t.equal(compositor.objects.get(Number(seen?.values[0])), 'wl_buffer');
  icon.destroy();
  await display.sync();
  await until(() => compositor.last('wl_buffer.destroy') !== undefined, 'the copy to go');
  memory.close();
  await scene.close();
});

t.test('memory of the window: drawn by the client, seen by the host, copied by nobody', async (t) => {
  const scene = await client();
  const { globals, compositor, guest, display } = scene;
  const allocation = display.registry.bind(vhost_window_memory_v1).allocate(10_000);
  let got: { fd: number; size: number } | null = null;
  allocation.listen({ done: (fd, size) => (got = { fd, size }) });
  await until(() => got !== null, 'the memory');
  const { fd, size } = got as unknown as { fd: number; size: number };
  t.equal(size, 12_288);
  const memory = new Memory(size, fd);
  t.ok(memory.bytes.every((byte) => byte === 0));
  const pool = memory.pool(globals.shm);
  const canvases = [0, 1].map((index) => new Canvas(memory, pool, index * 4096, 32, 32));
  const surface = globals.compositor.createSurface();
  compositor.autoRelease = false;
  for (let frame = 0; frame < 8; frame++) {
    const canvas = canvases[frame % 2] as Canvas;
    for (const id of compositor.replaced()) compositor.release(id);
    await display.sync();
    t.equal(canvas.released, frame < 2 ? 0 : Math.floor(frame / 2), 'released by the compositor');
    canvas.fill(frame * 0x1111);
    surface.attach(canvas.buffer, 0, 0);
    surface.damageBuffer(0, 0, 32, 32);
    await commit(scene, surface);
    t.ok(same(compositor.shown.at(-1)?.pixels, canvas.pixels()));
  }
  t.equal(guest.metrics.copiedBytes, 0);
  t.equal(guest.metrics.directFrames, 8);
  t.equal(guest.windowBytes, 12_288);
  t.same(compositor.torn, []);
  // A copied picture after a direct one is copied whole.
  const plain = new Memory(32 * 32 * 4);
  const copied = new Canvas(plain, plain.pool(globals.shm), 0, 32, 32);
  copied.fill(0xabcdef);
  surface.attach(copied.buffer, 0, 0);
  surface.damageBuffer(0, 0, 1, 1);
  await commit(scene, surface);
  t.ok(same(compositor.shown.at(-1)?.pixels, copied.pixels()));
  allocation.destroy();
  await display.sync();
  t.equal(guest.windowBytes, 32 * 32 * 4);
  plain.close();
  memory.close();
  await scene.close();
});

t.test('memory of the window that there is not', async (t) => {
  const scene = await client({ windowBytesMax: 1 << 20 });
  const { display, host } = scene;
  const manager = display.registry.bind(vhost_window_memory_v1);
  const ask = async (bytes: number): Promise<string> => {
    const allocation = manager.allocate(bytes);
    let answer = '';
    allocation.listen({
      done: (fd) => {
        closeFd(fd);
        answer = 'done';
      },
      failed: (reason) => {
        answer = reason;
      },
    });
    await until(() => answer !== '', 'an answer');
    if (answer !== 'done') allocation.destroy();
    return answer;
  };
  t.match(await ask(0), '0 bytes');
  t.match(await ask(0xffffffff), /bytes/);
  t.match(await ask((1 << 20) + 1), /more than 1048576 bytes/);
  t.equal(await ask(1 << 19), 'done');
  t.match(await ask((1 << 19) + 1), /more than/);
  host.windowFull = true;
  t.match(await ask(4096), /ENOSPC/);
  host.windowFull = false;
  t.equal(await ask(4096), 'done');
  await scene.close();
});

t.test('a full window ends the client that needs more, with a word', async (t) => {
  const scene = await client();
  const { globals, host, display } = scene;
  const memory = new Memory(8 * 8 * 4);
  const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 8, 8);
  const surface = globals.compositor.createSurface();
  host.windowFull = true;
  surface.attach(canvas.buffer, 0, 0);
  surface.commit();
  await t.rejects(display.sync(), { code: 'WL_ERR_PROTOCOL', protocolCode: 2 });
  await until(() => scene.end() !== null, 'the end');
  t.equal(scene.end()?.cause, 'client-fault');
  memory.close();
  await scene.close();
});

t.test('mistakes of clients with memory, told as any compositor would', async (t) => {
  type Act = (scene: Client, memory: Memory) => void;
  const bad: [string, number, Act][] = [
    ['wl_shm', 1, ({ globals }, { fd }) => void globals.shm.createPool(fd, 0)],
    ['wl_shm', 1, ({ globals }, { fd }) => void globals.shm.createPool(fd, -4096)],
    ['wl_shm_pool', 1, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 64, 64, 256, 1)],
    ['wl_shm_pool', 1, ({ globals }, m) => void m.pool(globals.shm).createBuffer(-4, 1, 1, 4, 1)],
    ['wl_shm_pool', 1, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 8, 8, 31, 1)],
    ['wl_shm_pool', 1, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 0, 8, 32, 1)],
    ['wl_shm_pool', 1, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 8, -1, 32, 1)],
    [
      'wl_shm_pool',
      1,
      ({ globals }, m) => void m.pool(globals.shm).createBuffer(0x7fffffff, 1, 1, 0x7fffffff, 1),
    ],
    ['wl_shm_pool', 0, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 8, 8, 32, 0x3231564e)],
    ['wl_shm_pool', 0, ({ globals }, m) => void m.pool(globals.shm).createBuffer(0, 8, 8, 32, 99)],
    ['wl_shm_pool', 2, ({ globals }, m) => void m.pool(globals.shm).resize(16)],
    [
      'wl_buffer',
      2,
      ({ globals }, memory) => {
        const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 8, 8);
        const surface = globals.compositor.createSurface();
        ftruncateSync(memory.fd, 0);
        surface.attach(canvas.buffer, 0, 0);
        surface.commit();
      },
    ],
    [
      'wl_registry',
      0,
      ({ display }) => {
        const { registry } = display;
        const name = registry.globals.find((global) => global.interface === 'wl_compositor')?.name ?? 0;
        const raw = Reflect.get(registry, 'object') as { bind(n: number, t: unknown, v: number): void };
        raw.bind(name, wl_output, 1);
      },
    ],
  ];
  for (const [name, code, act] of bad) {
    const scene = await client();
    const memory = new Memory(8 * 8 * 4);
    act(scene, memory);
    await t.rejects(scene.display.sync(), ProtocolError, `${name} ${code}`);
    t.match(scene.ended(), { interfaceName: name, protocolCode: code });
    await until(() => scene.end() !== null, 'the end');
    t.equal(scene.end()?.cause, 'client-fault');
    memory.close();
    await scene.close();
  }
});

t.test('memory that vanishes while it is shown is the end of its client only', async (t) => {
  const scene = await client();
  const other = await client({}, scene.host as never);
  const { globals, display } = scene;
  const memory = new Memory(256 * 256 * 4);
  const canvas = new Canvas(memory, memory.pool(globals.shm), 0, 256, 256);
  const surface = globals.compositor.createSurface();
  surface.attach(canvas.buffer, 0, 0);
  await commit(scene, surface);
  // Mapped by now; the second half goes.
  memory.mapping.close();
  ftruncateSync(memory.fd, 128 * 256 * 4);
  surface.attach(canvas.buffer, 0, 0);
  surface.commit();
  await t.rejects(display.sync(), { code: 'WL_ERR_PROTOCOL', interfaceName: 'wl_buffer', protocolCode: 2 });
  await other.display.sync();
  t.equal(other.end(), null);
  closeFd(memory.fd);
  await scene.close();
  await other.close();
});

t.test('a dma-buf that is none of the virtual GPU', async (t) => {
  const scene = await client({ dmabuf: 'on' });
  const { display } = scene;
  const dmabuf = display.registry.bind(zwp_linux_dmabuf_v1);
  const fd = createMemfd('no dma-buf', { size: 4096 });
  const params = dmabuf.createParams();
  let failed = false;
  params.listen({ failed: () => (failed = true) });
  params.add(fd, 0, 0, 64, 0, 0);
  params.create(16, 16, 0x34325258, 0);
  await display.sync();
  t.ok(failed);
  params.destroy();
  const again = dmabuf.createParams();
  again.add(fd, 0, 0, 64, 0, 0);
  again.createImmed(16, 16, 0x34325258, 0);
  await t.rejects(display.sync(), { code: 'WL_ERR_PROTOCOL', protocolCode: 7 });
  closeFd(fd);
  await scene.close();
});

t.test("dma-buf feedback names the guest's device; its table can be mapped", async (t) => {
  const scene = await client({ dmabuf: 'on' });
  const { display, compositor } = scene;
  const feedback = display.registry.bind(zwp_linux_dmabuf_v1).getDefaultFeedback();
  const seen: string[] = [];
  let tableFd = -1;
  feedback.listen({
    formatTable: (fd, size) => {
      tableFd = fd;
      seen.push(`table ${size}`);
    },
    mainDevice: (device) => seen.push(`main ${Buffer.from(device).toString('hex')}`),
    trancheTargetDevice: (device) => seen.push(`target ${Buffer.from(device).toString('hex')}`),
    done: () => seen.push('done'),
  });
  await display.sync();
  const content = Buffer.alloc(32, 7);
  const fd = createMemfd('table', { size: content.length });
  writeSync(fd, content);
  const [id = 0] = [...compositor.objects].find(([, name]) => name === 'zwp_linux_dmabuf_feedback_v1') ?? [];
  const theirs = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  compositor.event(id, 'format_table', [fd, content.length]);
  compositor.event(id, 'main_device', [theirs]);
  compositor.event(id, 'tranche_target_device', [theirs]);
  compositor.event(id, 'done', []);
  closeFd(fd);
  await until(() => seen.includes('done'), 'the feedback');
  const device = '80e2000000000000';
  t.strictSame(seen, ['table 32', `main ${device}`, `target ${device}`, 'done']);
  const mapping = mapFile(tableFd, 0, content.length, { writable: false });
  t.strictSame(Buffer.from(mapping.window(0, content.length)), content);
  mapping.close();
  closeFd(tableFd);
  await scene.close();
});

t.test('a dma-buf of the virtual GPU goes by its resource, each handle released once', async (t) => {
  const scene = await client({ dmabuf: 'on' });
  const { display, compositor, host } = scene;
  const allocation = display.registry.bind(vhost_window_memory_v1).allocate(8192);
  let fd = -1;
  allocation.listen({ done: (given) => (fd = given) });
  await until(() => fd >= 0, 'the memory');
  const [gpu] = host.gpus;
  const before = gpu?.handles.size;
  const params = display.registry.bind(zwp_linux_dmabuf_v1).createParams();
  // Two planes in one: the kernel gives one handle.
  params.add(fd, 0, 0, 64, 0, 0);
  params.add(fd, 1, 4096, 64, 0, 0);
  params.createImmed(16, 16, 0x3231564e, 0);
  await display.sync();
  t.equal(gpu?.handles.size, before);
  const adds = compositor.requests.filter(({ name }) => name === 'zwp_linux_buffer_params_v1.add');
  t.equal(adds.length, 2);
  const mapping = mapFile(Number(adds[1]?.values[0]), 0, 8192, { writable: true });
  const own = mapFile(fd, 0, 8192, { writable: true });
  new Uint8Array(own.window(0, 1))[0] = 77;
  t.equal(new Uint8Array(mapping.window(0, 1))[0], 77, 'the same memory');
  own.close();
  mapping.close();
  closeFd(fd);
  for (const { values } of adds) closeFd(Number(values[0]));
  await scene.close();
});

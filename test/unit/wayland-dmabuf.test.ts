/** dma-bufs for a compositor that does as it is told. (Memfds stand in for them; e2e/dmabuf has real ones.) */
import { writeSync } from 'node:fs';
import t, { type Test } from 'tap';
import { closeFd, createMemfd, dupFd, socketPair } from 'vhost-user-native';
import {
  Display,
  type DmabufImage,
  DmabufImporter,
  DRM_FORMAT_MOD_INVALID,
  DRM_FORMAT_MOD_LINEAR,
} from '../../src/wayland/index.js';
import { asObject, StubCompositor, type StubObject } from '../stub/compositor.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';

const XRGB = 0x34325258;
const ARGB = 0x34325241;
const NV12 = 0x3231564e;
const TILED = 0x0100_0000_0000_0002n;

interface Scene {
  readonly server: StubCompositor;
  readonly display: Display;
  readonly importer: DmabufImporter;
  readonly fd: number;
  /** Calls of `changed`. */
  changes(): number;
  image(change?: Partial<DmabufImage>): DmabufImage;
}

/** A table file of [format, modifier] entries. */
function tableFile(entries: readonly (readonly [number, bigint])[], bytes = entries.length * 16): number {
  const fd = createMemfd('table', { size: bytes });
  const table = Buffer.alloc(bytes);
  entries.slice(0, Math.floor(bytes / 16)).forEach(([format, modifier], i) => {
    table.writeUInt32LE(format, i * 16);
    table.writeBigUInt64LE(modifier, i * 16 + 8);
  });
  writeSync(fd, table, 0, bytes, 0);
  return fd;
}

function indices(...list: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(list).buffer);
}

/** A client of a compositor with linux-dmabuf of a version (0: without), told of XRGB and ARGB, linear. */
function scenario(name: string, version: number, run: (t: Test, scene: Scene) => Promise<void>): void {
  t.test(name, async (t) => {
    const before = openFds();
    const [near, far] = socketPair();
    const server = new StubCompositor(far, version === 0 ? [] : [['zwp_linux_dmabuf_v1', version]]);
    const hears = (dmabuf: StubObject): void => {
      for (const format of [XRGB, ARGB]) {
        if (version < 3) server.send(dmabuf, 'format', [format]);
        else if (version === 3) server.send(dmabuf, 'modifier', [format, 0, 0]);
      }
    };
    server.on('wl_registry', 'bind', ({ values }) => hears(asObject(values[1])));
    server.on('zwp_linux_dmabuf_v1', 'get_default_feedback', ({ values }) => {
      const feedback = asObject(values[0]);
      const fd = tableFile([
        [XRGB, DRM_FORMAT_MOD_LINEAR],
        [NV12, DRM_FORMAT_MOD_LINEAR],
        [ARGB, DRM_FORMAT_MOD_LINEAR],
        [ARGB, TILED],
      ]);
      server.send(feedback, 'format_table', [fd, 64]);
      closeFd(fd);
      server.send(feedback, 'main_device', [new Uint8Array(BigUint64Array.of(0xe280n).buffer)]);
      for (const list of [indices(3), indices(0, 2)]) {
        server.send(feedback, 'tranche_target_device', [new Uint8Array(8)]);
        server.send(feedback, 'tranche_flags', [0]);
        server.send(feedback, 'tranche_formats', [list]);
        server.send(feedback, 'tranche_done');
      }
      server.send(feedback, 'done');
    });
    const display = new Display(near);
    await display.sync();
    let changes = 0;
    const importer = new DmabufImporter(display, () => changes++);
    const fd = createMemfd('pixels', { size: 64 * 256 });
    const plain = { fd, offsetBytes: 0, strideBytes: 256, width: 64, height: 64 };
    const modifier = version < 3 ? DRM_FORMAT_MOD_INVALID : DRM_FORMAT_MOD_LINEAR;
    const image = (change = {}): DmabufImage => ({ ...plain, fourcc: XRGB, modifier, ...change });
    await display.sync();
    try {
      await run(t, { server, display, importer, fd, changes: () => changes, image });
    } finally {
      importer.close();
      display.close();
      server.close();
      closeFd(fd);
    }
    await until(() => openFds() === before, 'all descriptors to be closed');
  });
}

function creates(server: StubCompositor, answer: (params: StubObject) => void): void {
  server.on('zwp_linux_buffer_params_v1', 'create', ({ object }) => answer(object));
}

/** The compositor takes every image. */
function accepting(server: StubCompositor): void {
  creates(server, (params) => server.send(params, 'created', [server.create('wl_buffer', 1)]));
}

for (const version of [1, 3, 4, 6]) {
  scenario(`version ${version}: what the compositor takes`, version, async (t, scene) => {
    const { server, importer, image } = scene;
    const modifier = version < 3 ? DRM_FORMAT_MOD_INVALID : DRM_FORMAT_MOD_LINEAR;
    t.equal(importer.version, Math.min(version, 5));
    t.equal(scene.changes(), 1);
    t.equal(importer.supports(XRGB, modifier), true);
    t.equal(importer.supports(ARGB, modifier), true);
    t.equal(importer.supports(XRGB, 0x1234n), false);
    t.equal(importer.supports(NV12, modifier), false, 'in the table, but in no tranche');
    t.equal(importer.supports(ARGB, TILED), version >= 4);
    t.equal(importer.mainDevice, version >= 4 ? 0xe280n : null);
    accepting(server);
    const buffer = await importer.import(image({ offsetBytes: 1024, height: 60 }));
    t.equal(buffer?.interfaceName, 'wl_buffer');
    const [add] = server.all('add');
    const [high, low] = version < 3 ? [0x00ff_ffff, 0xffff_ffff] : [0, 0];
    t.match(add?.values.slice(1), [0, 1024, 256, high, low]);
    t.strictSame(server.all('create')[0]?.values, [64, 60, XRGB, 0]);
    await scene.display.sync();
    t.strictSame(server.living('zwp_linux_buffer_params_v1'), [], 'params are destroyed after use');
  });
}

scenario('a compositor without linux-dmabuf', 0, async (t, { importer, image }) => {
  t.equal(importer.version, 0);
  t.equal(importer.supports(XRGB, DRM_FORMAT_MOD_LINEAR), false);
  t.equal(await importer.import(image()), null);
});

scenario(
  'a refusal is an answer; the connection goes on',
  4,
  async (t, { server, importer, image, display }) => {
    creates(server, (params) => server.send(params, 'failed'));
    t.equal(await importer.import(image()), null);
    const key = {};
    let told = 0;
    t.equal(
      importer.bufferOf(key, image(), () => told++),
      'pending',
    );
    t.equal(
      importer.bufferOf(key, image(), () => told++),
      'pending',
    );
    await until(() => told === 1);
    t.equal(
      importer.bufferOf(key, image(), () => told++),
      'refused',
    );
    t.equal(server.all('create').length, 2, 'one request for each image');
    importer.forget(key);
    accepting(server);
    importer.bufferOf(key, image(), () => told++);
    await until(() => told === 2);
    t.match(
      importer.bufferOf(key, image(), () => undefined),
      { buffer: { interfaceName: 'wl_buffer' } },
    );
    t.match(importer.metrics, { imported: 1, live: 1, refused: 2, unsupported: 0 });
    importer.forget(key);
    await display.sync();
    t.strictSame(server.living('wl_buffer'), [], 'the buffer goes with the image');
    t.equal(importer.metrics.live, 0);
  },
);

scenario('what would end the connection is not sent', 4, async (t, { server, importer, image }) => {
  accepting(server);
  const bad: readonly Partial<DmabufImage>[] = [
    { width: 0 },
    { height: 0 },
    { height: -1 },
    { width: 2 ** 31, strideBytes: 2 ** 31 },
    { width: 1.5 },
    { strideBytes: 63 },
    { strideBytes: 2 ** 32 },
    { offsetBytes: -4 },
    { offsetBytes: Number.NaN },
    { offsetBytes: 1 },
    { height: 65 },
    { strideBytes: 2 ** 31 - 1, height: 2 ** 31 - 1 },
    { fourcc: NV12 },
    { modifier: 1n },
    { modifier: TILED },
  ];
  for (const change of bad)
    t.equal(await importer.import(image(change)), null, JSON.stringify(Object.keys(change)));
  t.equal(server.all('create_params').length, 0);
  t.equal(importer.metrics.unsupported, bad.length);
});

scenario('at most 64 images wait for an answer', 3, async (t, { server, importer, image, display }) => {
  const waiting: StubObject[] = [];
  creates(server, (params) => waiting.push(params));
  const keys = Array.from({ length: 70 }, () => ({}));
  let told = 0;
  const states = keys.map((key) => importer.bufferOf(key, image(), () => told++));
  t.equal(states.filter((state) => state === 'pending').length, 64);
  await display.sync();
  for (const params of waiting) server.send(params, 'created', [server.create('wl_buffer', 1)]);
  await until(() => told === 64);
  t.equal(
    importer.bufferOf(keys[69] ?? {}, image(), () => undefined),
    'pending',
    'the refusal was for then only',
  );
  // An image that is forgotten before the answer: the buffer goes at once.
  const forgotten = {};
  importer.bufferOf(forgotten, image(), () => told++);
  importer.forget(forgotten);
  await display.sync();
  for (const params of waiting.slice(64)) server.send(params, 'created', [server.create('wl_buffer', 1)]);
  await until(() => importer.metrics.live === 65);
  await display.sync();
  t.equal(server.living('wl_buffer').length, 65);
  t.equal(told, 64);
});

scenario('no room for another object is a refusal', 4, async (t, { server, importer, image, display }) => {
  accepting(server);
  const fill = (): void => {
    for (;;) display.roundTrip(() => undefined);
  };
  t.throws(fill, { code: 'WL_ERR_OVERFLOW' });
  t.equal(await importer.import(image()), null);
  let told = 0;
  const key = {};
  t.equal(
    importer.bufferOf(key, image(), () => told++),
    'pending',
  );
  await until(() => told === 1);
  t.equal(
    importer.bufferOf(key, image(), () => told++),
    'refused',
  );
});

scenario(
  'the compositor goes away, or we do, before the answer',
  4,
  async (t, { server, importer, image }) => {
    let told = 0;
    const key = {};
    importer.bufferOf(key, image(), () => told++);
    const asked = importer.import(image());
    await until(() => server.all('create').length === 2);
    server.close();
    t.equal(await asked, null);
    t.equal(told, 0);
    t.equal(
      importer.bufferOf(key, image(), () => undefined),
      'refused',
    );
    t.equal(await importer.import(image()), null);
    importer.close();
    importer.close();
    t.equal(importer.supports(XRGB, DRM_FORMAT_MOD_LINEAR), false);
    t.equal(
      importer.bufferOf({}, image(), () => undefined),
      'refused',
    );
  },
);

scenario('closing answers those who wait', 4, async (t, { server, importer, image, display }) => {
  accepting(server);
  t.ok(await importer.import(image()));
  creates(server, () => undefined);
  const asked = importer.import(image());
  importer.close();
  t.equal(await asked, null);
  await display.sync();
  t.strictSame(server.living('zwp_linux_dmabuf_v1'), []);
  t.strictSame(server.living('zwp_linux_buffer_params_v1'), []);
  t.strictSame(server.living('zwp_linux_dmabuf_feedback_v1'), []);
});

scenario('feedback that changes, and feedback that is wrong', 4, async (t, scene) => {
  const { server, importer, display } = scene;
  const [feedback] = server.living('zwp_linux_dmabuf_feedback_v1');
  if (feedback === undefined) throw new Error('no feedback object');
  const says = async (table: number | null, size: number, list: Uint8Array): Promise<void> => {
    if (table !== null) server.send(feedback, 'format_table', [table, size]);
    if (table !== null) closeFd(table);
    server.send(feedback, 'tranche_formats', [list]);
    server.send(feedback, 'done');
    await display.sync();
  };
  const linear = (...formats: number[]) => formats.map((format) => importer.supports(format, 0n));
  creates(server, (params) => server.send(params, 'failed'));
  const key = {};
  const state = () => importer.bufferOf(key, scene.image(), () => undefined);
  t.equal(state(), 'pending');
  await until(() => state() === 'refused');
  await says(null, 0, indices(0));
  t.equal(state(), 'pending', 'asked again');
  await until(() => state() === 'refused');
  await says(null, 0, indices(1));
  t.equal(state(), 'refused', 'not asked for what it does not take');
  t.equal(server.all('create').length, 2);
  t.strictSame(linear(XRGB, ARGB, NV12), [false, false, true], 'new tranches over the old table');
  t.equal(scene.changes(), 3);
  await says(tableFile([[ARGB, 0n]]), 16, indices(0, 1, 65535));
  t.strictSame(linear(XRGB, ARGB, NV12), [false, true, false], 'indices beyond the table');
  await says(
    tableFile(
      [
        [XRGB, 0n],
        [ARGB, 0n],
      ],
      24,
    ),
    32,
    indices(0, 1),
  );
  t.strictSame(linear(XRGB, ARGB), [true, false], 'a file that is shorter than its table');
  await says(tableFile([[XRGB, 0n]]), 0xffff_ffff, Uint8Array.of(0, 0, 0));
  t.strictSame(linear(XRGB, ARGB), [true, false], 'half an index');
  await says(tableFile([]), 16, indices(0));
  t.strictSame(linear(XRGB, ARGB), [false, false], 'an empty file');
  const [end, other] = socketPair();
  await says(dupFd(end.fd), 16, indices(0));
  t.strictSame(linear(XRGB, ARGB), [false, false], 'no file');
  end.close();
  other.close();
  server.send(feedback, 'main_device', [new Uint8Array(4)]);
  await says(null, 0, indices());
  t.equal(importer.mainDevice, null);
  t.equal(display.closed, false);
});

/** What other guests' proxies send, played on the whole device: sommelier, wayland-proxy-virtwl, muvm. */

import { writeSync } from 'node:fs';
import type { Test } from 'tap';
import { closeFd, createMemfd, createPipe, mapFile, pageSize } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import { asObject, type StubCompositor } from '../stub/compositor.js';
import { drain, fill, until } from '../stub/guest-client.js';
import * as s from '../unit/context-support.js';
import * as c from '../unit/gpu-commands.js';
import {
  ForeignProxy,
  forwarding,
  globalsIn,
  type Host,
  type Kernel,
  R8,
  sendWords,
  writeWords,
  XR24,
} from './foreign-proxy.js';
import type { Machine } from './gpu-machine.js';

const SERIAL = 4711;
const XRGB8888 = 1;
const POOL_BYTES = 100 * 64 * 4;
const KEYMAP = Buffer.from(`xkb_keymap { ${'x'.repeat(5000)} };\0`);

/** As sommelier and wayland-proxy-virtwl send it. */
const init20 = (proxy: ForeignProxy): Uint8Array =>
  s.u32s(0x0014_0001, 0, proxy.queryRing, proxy.channelRing, 1);

/** The kernel's questions while it starts; a program's GET_CAPS costs nothing more. */
async function probe(t: Test, machine: Machine): Promise<void> {
  const info = viewOf(
    await machine.send(c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO), s.u32s(0, 0))),
  );
  t.strictSame([info.getUint32(24, true), info.getUint32(32, true)], [5, 16]);
  const caps = await machine.send(c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET), s.u32s(5, 0)));
  // Version 1, the Wayland channel, no dma-bufs that the host allocates, nothing else.
  t.strictSame(new Uint32Array(caps.slice(24, 40).buffer), Uint32Array.of(1, 2, 0, 0));
}

/** Registry and the globals; what they are called. */
async function registry(
  proxy: ForeignProxy,
  send: (data: Uint8Array) => Promise<void>,
): Promise<Map<string, readonly [number, number]>> {
  await send(proxy.wl(1, 'wl_display', 'get_registry', [2]));
  const globals = new Map<string, readonly [number, number]>();
  await proxy.receiveUntil(({ data }) => {
    for (const [name, global] of globalsIn(data, 2)) globals.set(name, global);
    return globals.has('zxdg_importer_v2');
  });
  return globals;
}

function bind(
  proxy: ForeignProxy,
  globals: ReadonlyMap<string, readonly [number, number]>,
  interfaceName: string,
  version: number,
  id: number,
): Uint8Array {
  const [name = 0] = globals.get(interfaceName) ?? [];
  return proxy.wl(2, 'wl_registry', 'bind', [name, { interface: interfaceName, version, id }]);
}

/** An event of the compositor, and the RECEIVE that it becomes. */
async function keymap(t: Test, proxy: ForeignProxy, compositor: StubCompositor): Promise<void> {
  await until(() => compositor.living('wl_keyboard').length > 0);
  const fd = createMemfd('keymap', { size: KEYMAP.length });
  writeSync(fd, KEYMAP);
  compositor.send(asObject(compositor.living('wl_keyboard')[0]), 'keymap', [1, fd, KEYMAP.length]);
  const { items } = await proxy.receiveUntil((message) => message.items.length > 0);
  const [id = 0, type, size = 0] = items[0] ?? [];
  t.strictSame([items.length, type, size], [1, 1, KEYMAP.length], 'one blob, as long as the file');
  t.ok(id >= 2 && id < 0x4000_0000, 'an item id');
  const blob = await proxy.hostBlob(id, size);
  t.strictSame(Buffer.from(proxy.bytes(blob).subarray(0, size)), KEYMAP);
  // The compositor's file may change: the guest has a copy.
  writeSync(fd, Buffer.alloc(64), 0, 64, 0);
  t.strictSame(Buffer.from(proxy.bytes(blob).subarray(0, size)), KEYMAP);
  closeFd(fd);
  await proxy.dropBlob(blob);
}

/** An input event: its serial is what a selection needs. */
async function enter(proxy: ForeignProxy, compositor: StubCompositor): Promise<void> {
  const surface = asObject(compositor.living('wl_surface')[0]);
  compositor.send(asObject(compositor.living('wl_keyboard')[0]), 'enter', [
    SERIAL,
    surface,
    new Uint8Array(),
  ]);
  await proxy.receiveUntil(({ data }) => data.length >= 20 && viewOf(data).getUint32(8, true) === SERIAL);
}

/** A pool of a client as a blob of the window: asked for as one row of bytes, then mapped. */
async function poolBlob(t: Test, proxy: ForeignProxy, bytes: number) {
  const answer = await proxy.image(bytes, 1, R8);
  t.equal(answer.getUint32(0, true), bytes, 'the stride');
  t.strictSame(answer.getBigUint64(32, true), 0n, 'linear');
  const size = Number(answer.getBigUint64(40, true));
  t.equal(size, Math.ceil(bytes / pageSize) * pageSize);
  t.strictSame(
    [answer.getUint32(52, true), answer.getInt32(56, true), answer.getInt32(60, true)],
    [1, -1, -1],
    'cached, no memory index, no device',
  );
  return proxy.hostBlob(answer.getUint32(48, true), size);
}

/** The compositor's buffer shows what the guest wrote where its blob is mapped. */
function checkBuffer(
  t: Test,
  host: Host,
  compositor: StubCompositor,
  place: number,
  size: readonly number[],
): void {
  const [create] = compositor.all('create_buffer').slice(-1);
  const [offset, ...rest] = create?.values.slice(1).map(Number) ?? [];
  t.strictSame(rest, [...size, XRGB8888]);
  t.equal(offset, place, 'in the one pool, where the blob lies');
  const fd = Number(compositor.all('create_pool')[0]?.values[1]);
  const mapping = mapFile(fd, 0, host.region.windowBytes, { writable: false });
  t.equal(new Uint8Array(mapping.window(place, 1))[0], 0x5a, 'its pixels');
  mapping.close();
}

async function sommelier(t: Test, machine: Machine, host: Host, kernel: Kernel): Promise<void> {
  await probe(t, machine);
  const proxy = new ForeignProxy(machine, host.region, kernel);
  await proxy.open('sommelier');
  await proxy.command(init20(proxy));
  const send = (data: Uint8Array): Promise<void> => proxy.command(sendWords(data));
  const globals = await registry(proxy, send);
  const [compositor] = host.compositors;
  if (compositor === undefined) throw new Error('not connected');

  await send(
    c.concat(
      bind(proxy, globals, 'wl_compositor', 4, 3),
      bind(proxy, globals, 'wl_shm', 1, 4),
      bind(proxy, globals, 'wl_seat', 5, 5),
      bind(proxy, globals, 'wl_data_device_manager', 3, 6),
      proxy.wl(5, 'wl_seat', 'get_keyboard', [7]),
      proxy.wl(6, 'wl_data_device_manager', 'get_data_device', [8, 5]),
      proxy.wl(6, 'wl_data_device_manager', 'create_data_source', [9]),
      proxy.wl(9, 'wl_data_source', 'offer', ['text/plain']),
      proxy.wl(3, 'wl_compositor', 'create_surface', [10]),
    ),
  );
  await keymap(t, proxy, compositor);
  await enter(proxy, compositor);

  // A buffer of its own for the surface: one query, which it keeps, and a blob for each buffer.
  const blob = await poolBlob(t, proxy, POOL_BYTES);
  proxy.bytes(blob)[0] = 0x5a;
  await proxy.sendBlob(proxy.wl(4, 'wl_shm', 'create_pool', [11, 0, POOL_BYTES]), blob);
  await send(
    c.concat(
      proxy.wl(11, 'wl_shm_pool', 'create_buffer', [12, 0, 64, 100, 256, XRGB8888]),
      proxy.wl(11, 'wl_shm_pool', 'destroy'),
      proxy.wl(10, 'wl_surface', 'attach', [12, 0, 0]),
      proxy.wl(10, 'wl_surface', 'damage', [0, 0, 64, 100]),
      proxy.wl(10, 'wl_surface', 'commit'),
    ),
  );
  await until(() => compositor.all('commit').length === 1, 'the commit');
  checkBuffer(t, host, compositor, blob.place, [64, 100, 256]);

  // The host's clipboard is pasted: a pipe whose number it chooses, one READ after the other, one with hang_up at the end.
  await until(() => compositor.living('wl_data_device').length > 0);
  const device = asObject(compositor.living('wl_data_device')[0]);
  const offer = compositor.create('wl_data_offer', 3);
  compositor.send(device, 'data_offer', [offer]);
  compositor.send(offer, 'offer', ['text/plain']);
  compositor.send(device, 'selection', [offer]);
  await proxy.receiveUntil(({ data }) => Buffer.from(data).includes('text/plain'));
  await proxy.command(
    sendWords(proxy.wl(0xff00_0000, 'wl_data_offer', 'receive', ['text/plain', 0]), [[0x8000_0001, 3]]),
  );
  await until(() => compositor.all('receive').length === 1);
  const text = Buffer.alloc(10_000, 'host clipboard ');
  const filled = fill(compositor.takeFd(compositor.all('receive')[0]?.values[1]), text);
  t.strictSame(await read(proxy, 0x8000_0001), text);
  await filled;

  // The guest's clipboard is pasted on the host: WRITE, the last data with hang_up.
  await send(proxy.wl(8, 'wl_data_device', 'set_selection', [9, SERIAL]));
  const written = await hostPaste(t, proxy, compositor, async (id) => {
    await proxy.command(writeWords(id, Buffer.alloc(4072, 'a'), 0));
    await proxy.command(writeWords(id, Buffer.from('the end'), 1));
    // It may go on without knowing.
    await proxy.command(writeWords(id, Buffer.from('late'), 1));
  });
  t.equal(written.toString(), `${'a'.repeat(4072)}the end`);

  // The compositor goes: the end comes once, and it POLLs again, which must not spin.
  compositor.close();
  await proxy.receiveUntil(({ data, items }) => data.length === 0 && items.length === 0);
  const parked = proxy.poll();
  await until(() => machine.device.status.heldFences === 1);
  await proxy.command(sendWords(proxy.wl(10, 'wl_surface', 'commit')));
  t.equal(machine.device.status.heldFences, 1, 'parked until the context goes');
  await Promise.all([parked, proxy.closeFile()]);
  await proxy.dropBlob(blob);
  const late = [gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, gpu.VIRTIO_GPU_RESP_ERR_UNSPEC];
  t.strictSame(proxy.errors, late, 'the WRITE after hang_up, the SEND after the end');
}

/** READ messages of a pipe, until hang_up. */
async function read(proxy: ForeignProxy, id: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const ring = await proxy.poll();
    if (ring.getUint32(0, true) === 5) continue;
    if (ring.getUint32(0, true) !== 6 || ring.getUint32(8, true) !== id) throw new Error('not a READ of it');
    const [hangUp, size] = [ring.getUint32(12, true), ring.getUint32(16, true)];
    parts.push(Buffer.from(new Uint8Array(ring.buffer, ring.byteOffset + 24, size)));
    if (hangUp === 1) return Buffer.concat(parts);
    if (hangUp !== 0 || size === 0 || size > 4072) throw new Error(`READ of ${size}, hang_up ${hangUp}`);
  }
}

/** wl_data_source.send of the compositor, and what comes out of its pipe. */
async function hostPaste(
  t: Test,
  proxy: ForeignProxy,
  compositor: StubCompositor,
  write: (id: number) => Promise<void>,
): Promise<Buffer> {
  await until(() => compositor.all('set_selection').length === 1, 'the selection');
  const { reader, writeFd } = createPipe();
  compositor.send(asObject(compositor.living('wl_data_source')[0]), 'send', ['text/plain', writeFd]);
  closeFd(writeFd);
  const { items } = await proxy.receiveUntil((message) => message.items.length > 0);
  const [id = 0, type, size] = items[0] ?? [];
  t.strictSame([items.length, type, size], [1, 4, 0], 'one pipe to write to');
  await write(id);
  return drain(reader);
}

async function virtwl(t: Test, machine: Machine, host: Host): Promise<void> {
  await probe(t, machine);
  const proxy = new ForeignProxy(machine, host.region, '6.12');
  await proxy.open('wayland-proxy-virtwl');
  await proxy.command(init20(proxy));
  const send = (data: Uint8Array): Promise<void> => proxy.command(sendWords(data));
  const globals = await registry(proxy, send);
  const [compositor] = host.compositors;
  if (compositor === undefined) throw new Error('not connected');

  // Its test whether linux-dmabuf takes what the host allocates: a picture of one pixel. Memory files are none of that.
  await send(bind(proxy, globals, 'zwp_linux_dmabuf_v1', 3, 3));
  const pixel = await proxy.image(1, 1, XR24);
  t.equal(pixel.getUint32(0, true), 4);
  const probeBlob = await proxy.hostBlob(pixel.getUint32(48, true), Number(pixel.getBigUint64(40, true)));
  await send(proxy.wl(3, 'zwp_linux_dmabuf_v1', 'create_params', [4]));
  await proxy.sendBlob(proxy.wl(4, 'zwp_linux_buffer_params_v1', 'add', [0, 0, 0, 4, 0, 0]), probeBlob);
  await send(proxy.wl(4, 'zwp_linux_buffer_params_v1', 'create', [1, 1, XR24, 0]));
  await proxy.receiveUntil(({ data }) => {
    const view = viewOf(data);
    for (let at = 0; at + 8 <= data.length; at += view.getUint16(at + 6, true)) {
      if (view.getUint32(at, true) === 4 && view.getUint16(at + 4, true) === 1) return true;
    }
    return false;
  });
  await send(proxy.wl(4, 'zwp_linux_buffer_params_v1', 'destroy'));
  await proxy.dropBlob(probeBlob);

  await send(
    c.concat(
      bind(proxy, globals, 'wl_compositor', 5, 5),
      bind(proxy, globals, 'wl_shm', 1, 6),
      bind(proxy, globals, 'wl_seat', 7, 7),
      bind(proxy, globals, 'wl_data_device_manager', 3, 8),
      proxy.wl(7, 'wl_seat', 'get_keyboard', [9]),
      proxy.wl(8, 'wl_data_device_manager', 'get_data_device', [10, 7]),
      proxy.wl(8, 'wl_data_device_manager', 'create_data_source', [11]),
      proxy.wl(11, 'wl_data_source', 'offer', ['text/plain']),
      proxy.wl(5, 'wl_compositor', 'create_surface', [12]),
    ),
  );
  await keymap(t, proxy, compositor);
  await enter(proxy, compositor);

  // The whole pool of a client, with the request cut in two: what is attached comes with the first half.
  const blob = await poolBlob(t, proxy, POOL_BYTES * 2);
  proxy.bytes(blob)[0] = 0x5a;
  const createPool = proxy.wl(6, 'wl_shm', 'create_pool', [13, 0, POOL_BYTES * 2]);
  await proxy.sendBlob(createPool.subarray(0, 10), blob);
  await send(createPool.subarray(10));
  await send(proxy.wl(13, 'wl_shm_pool', 'create_buffer', [14, 0, 64, 100, 256, XRGB8888]));
  await send(proxy.wl(12, 'wl_surface', 'attach', [14, 0, 0]));
  await send(proxy.wl(12, 'wl_surface', 'commit'));
  await until(() => compositor.all('commit').length === 1, 'the commit');
  checkBuffer(t, host, compositor, blob.place, [64, 100, 256]);

  // 4096 bytes of data in one WRITE, and one without data at the end.
  await send(proxy.wl(10, 'wl_data_device', 'set_selection', [11, SERIAL]));
  const written = await hostPaste(t, proxy, compositor, async (id) => {
    for (const letter of 'abc') await proxy.command(writeWords(id, Buffer.alloc(4096, letter), 0));
    await proxy.command(writeWords(id, new Uint8Array(0), 1));
  });
  t.equal(
    written.toString(),
    'abc'.replaceAll(/./g, (letter) => letter.repeat(4096)),
  );

  // It closes at the end. A POLL holds the channel ring meanwhile: it is destroyed once that is back.
  compositor.close();
  await proxy.receiveUntil(({ data, items }) => data.length === 0 && items.length === 0);
  const parked = proxy.poll();
  await until(() => machine.device.status.heldFences === 1);
  await Promise.all([parked, proxy.closeFile()]);
  await proxy.dropBlob(blob);
  t.strictSame(proxy.errors, []);
}

/** muvm's bridge, and rutabaga's own layout: the same, with more words behind. */
async function otherInits(t: Test, machine: Machine, host: Host): Promise<void> {
  const forms = [
    (proxy: ForeignProxy) => s.u32s(0x0018_0001, 0, proxy.queryRing, proxy.channelRing, 1, 1),
    (proxy: ForeignProxy) => s.u32s(0x0024_0001, 0, proxy.queryRing, proxy.channelRing, 1, 0, 0, 0, 0),
    // One ring for both.
    (proxy: ForeignProxy) => s.u32s(0x0010_0001, 0, proxy.channelRing, 1),
  ];
  for (const [index, form] of forms.entries()) {
    const proxy = new ForeignProxy(machine, host.region, '6.12', index + 1);
    await proxy.open('muvm');
    await proxy.command(form(proxy));
    const globals = await registry(proxy, (data) => proxy.command(sendWords(data)));
    t.ok(globals.has('wl_compositor'), `INIT of ${form(proxy).length} bytes`);
    const parked = proxy.poll();
    await until(() => machine.device.status.heldFences === 1);
    await Promise.all([parked, proxy.closeFile()]);
    t.strictSame(proxy.errors, []);
  }
}

for (const kernel of ['6.12', '6.1'] as const) {
  forwarding(`sommelier on Linux ${kernel}`, (t, machine, host) => sommelier(t, machine, host, kernel));
}
forwarding('wayland-proxy-virtwl', virtwl);
forwarding('INIT of 24, 36 and 16 bytes', otherInits);

forwarding('a proxy whose compositor is not there gets the end', async (t, machine, host) => {
  const proxy = new ForeignProxy(machine, host.region, '6.12');
  await proxy.open('sommelier');
  // No channel of that type: nobody tells the guest, but its first POLL does.
  await proxy.command(s.u32s(0x0014_0001, 0, proxy.queryRing, proxy.channelRing, 16));
  t.strictSame(await proxy.receive(), { data: new Uint8Array(0), items: [] });
  t.equal(host.compositors.length, 0);
  t.equal(proxy.errors.length, 1);
  await proxy.closeFile();
});

forwarding('a question that has no answer leaves no old one in the ring', async (t, machine, host) => {
  const proxy = new ForeignProxy(machine, host.region, '6.12');
  await proxy.open('sommelier');
  await proxy.command(init20(proxy));
  for (const [width, height, format] of [
    [0, 1, R8],
    [64, 64, 0x30303030],
    [0xffffffff, 0xffffffff, XR24],
  ] as const) {
    const answer = await proxy.image(width, height, format);
    t.ok(
      new Uint8Array(answer.buffer, answer.byteOffset, 64).every((byte) => byte === 0),
      `${width}x${height}`,
    );
  }
  await proxy.closeFile();
});

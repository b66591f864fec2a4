/** The firewall's way of an object, a buffer and an event from one side to the other. */
import { closeSync, writeSync } from 'node:fs';
import t from 'tap';
import { createMemfd, dupFd, fileIdentity } from 'vhost-user-native';
import { DEFAULT_POLICY } from '../../src/wayland/index.js';
import { asObject } from '../stub/compositor.js';
import {
  configure,
  GLOBALS,
  GuestClient,
  openWindow,
  REGION_BYTES,
  TestBlob,
  until,
} from '../stub/guest-client.js';

t.test('globals: what the policy allows, under other names, in capped versions', async (t) => {
  const guest = new GuestClient({
    globals: [...GLOBALS, ['wl_shell', 1], ['wl_seat', 9], ['wl_surprise', 3]],
  });
  const registry = await guest.start();
  const names = guest.events.filter(({ name }) => name === 'global').map(({ values }) => String(values[1]));
  t.notOk(names.includes('wl_shell'));
  t.notOk(names.includes('wl_surprise'), 'unknown ones are hidden');
  t.notOk(names.includes('wp_security_context_manager_v1'));
  t.notOk(names.includes('wl_fixes'));
  t.notOk(names.includes('zwp_idle_inhibit_manager_v1'), 'off by default');
  t.notOk(names.includes('zwp_linux_dmabuf_v1'), 'no dma-bufs to be had');
  t.equal(names.filter((name) => name === 'wl_seat').length, 2, 'several of a kind');
  for (const name of names) t.ok(DEFAULT_POLICY.globals.has(name), name);
  const seat = guest.bind(registry, 'wl_seat', 5);
  await guest.sync();
  t.ok(guest.compositor.living('wl_seat').some(({ version }) => version === 5));
  t.equal(guest.objects.get(seat)?.version, 5);

  const late = guest.compositor.addGlobal('wl_output', 4);
  await until(() => guest.events.filter(({ values }) => values[1] === 'wl_output').length === 2);
  const announced = guest.events.findLast(({ name }) => name === 'global');
  guest.compositor.removeGlobal(late);
  const removed = await guest.event(registry, 'global_remove');
  t.equal(removed.values[0], announced?.values[0]);
  // The guest may not have seen it yet: it gets an object that does nothing.
  const before = guest.compositor.requests.length;
  const id = guest.nextId++;
  guest.request(registry, 'bind', [Number(removed.values[0]), { interface: 'wl_output', version: 4, id }]);
  guest.request(id, 'release');
  await guest.sync();
  t.equal(guest.compositor.requests.length, before + 1, 'only the sync');
  t.ok(guest.events.some(({ name, values }) => name === 'delete_id' && values[0] === id));
  t.equal(guest.ended, false);
  guest.close();
});

t.test('policy: globals that are switched on, off and capped', async (t) => {
  const guest = new GuestClient({
    policy: { globals: { zwp_idle_inhibit_manager_v1: true, wp_viewporter: false, wl_compositor: 4 } },
  });
  await guest.start();
  t.ok(guest.globals.has('zwp_idle_inhibit_manager_v1'));
  t.notOk(guest.globals.has('wp_viewporter'));
  t.equal(guest.globals.get('wl_compositor')?.version, 4);
  guest.close();
});

t.test('a window: labelled, configured, a buffer in the region pool, frames, release', async (t) => {
  const guest = new GuestClient();
  const { compositor } = guest;
  const { registry, surface, shell, toplevel } = await openWindow(guest);
  const shm = guest.bind(registry, 'wl_shm');
  await guest.sync();
  for (const object of compositor.living('wl_shm')) {
    compositor.send(object, 'format', [0]);
    compositor.send(object, 'format', [1]);
    // A format of several planes: its size is not known here.
    compositor.send(object, 'format', [0x3231564e]);
  }
  await until(() => guest.events.filter(({ name }) => name === 'format').length >= 2);
  await guest.sync();
  t.strictSame(
    guest.events.filter(({ name }) => name === 'format').map(({ values }) => values[0]),
    [0, 1],
  );
  t.match(
    compositor.all('set_title').map(({ values }) => values[0]),
    ['[work]'],
    'before the guest names it',
  );
  guest.request(toplevel, 'set_title', ['mail\u202e \n[home] x']);
  guest.request(toplevel, 'set_app_id', ['org.example/../mail']);
  guest.request(surface, 'commit');
  await configure(guest, shell);

  const blob = new TestBlob(4096, 8192);
  const pool = guest.make(shm, 'create_pool', [0, 4096], [blob.item]);
  const buffer = guest.make(pool, 'create_buffer', [16, 8, 4, 32, 1]);
  guest.request(pool, 'destroy');
  guest.request(surface, 'attach', [buffer, 0, 0]);
  guest.request(surface, 'damage_buffer', [0, 0, 8, 4]);
  const frame = guest.make(surface, 'frame');
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(compositor.all('set_title').at(-1)?.values[0], '[work] mail [home] x');
  t.equal(compositor.all('set_app_id').at(-1)?.values[0], 'work.org.example_.._mail');
  const pools = compositor.all('create_pool');
  t.equal(pools.length, 1);
  t.equal(pools[0]?.values[2], REGION_BYTES, 'the whole region');
  const made = compositor.all('create_buffer')[0];
  t.strictSame(made?.values.slice(1), [8192 + 16, 8, 4, 32, 1], 'at its place in the region');
  t.equal(compositor.all('attach')[0]?.values[0], made?.values[0]);
  t.ok(guest.events.some(({ name, values }) => name === 'delete_id' && values[0] === pool));

  const callback = compositor.all('frame')[0]?.values[0];
  compositor.send(asObject(callback), 'done', [5]);
  t.strictSame((await guest.event(frame, 'done')).values, [5]);
  compositor.send(asObject(made?.values[0]), 'release');
  await guest.event(buffer, 'release');
  t.equal(blob.holds, 1, 'the buffer keeps the blob');
  guest.request(buffer, 'destroy');
  await guest.sync();
  t.equal(blob.holds, 1, 'as long as it is shown, for those who want to see it');
  guest.request(surface, 'attach', [0, 0, 0]);
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(blob.holds, 0, 'and the compositor is not done with it');

  const second = guest.make(shm, 'create_pool', [0, 64], [blob.item]);
  guest.request(second, 'resize', [4096]);
  guest.make(second, 'create_buffer', [0, 32, 32, 128, 0]);
  await guest.sync();
  t.equal(compositor.all('create_pool').length, 1, 'still one pool');
  t.equal(blob.holds, 1);
  guest.close();
  t.equal(blob.holds, 0, 'everything is given back');
});

t.test('ids: taken until delete_id, free afterwards', async (t) => {
  const guest = new GuestClient();
  const { compositor } = guest;
  const registry = await guest.start();
  const factory = guest.bind(registry, 'wl_compositor');
  const surface = guest.make(factory, 'create_surface');
  guest.request(surface, 'destroy');
  await guest.sync();
  t.ok(guest.events.some(({ name, values }) => name === 'delete_id' && values[0] === surface));
  guest.request(factory, 'create_region', [surface]);
  await guest.sync();
  t.match(compositor.all('create_region'), [{ values: [{ interface: 'wl_region' }] }]);
  guest.request(surface, 'destroy');
  guest.request(factory, 'create_surface', [surface]);
  t.match(await guest.error(), { object: 1, code: 0, text: /new-id/ });
  guest.close();
});

t.test('events of objects that the guest destroyed are dropped', async (t) => {
  const guest = new GuestClient();
  const { compositor } = guest;
  const registry = await guest.start();
  const seat = guest.bind(registry, 'wl_seat');
  const keyboard = guest.make(seat, 'get_keyboard');
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  const device = guest.make(guest.bind(registry, 'wl_data_device_manager'), 'get_data_device', [seat]);
  await guest.sync();
  const [hostKeyboard] = compositor.living('wl_keyboard');
  const [hostSurface] = compositor.living('wl_surface');
  const [hostDevice] = compositor.living('wl_data_device');
  guest.request(keyboard, 'release');
  guest.request(surface, 'destroy');
  guest.request(device, 'release');
  // Sent by the compositor before it knew.
  const fd = createMemfd('keymap', { size: 16 });
  compositor.send(asObject(hostKeyboard), 'keymap', [1, fd, 16]);
  compositor.send(asObject(hostKeyboard), 'enter', [1, asObject(hostSurface), new Uint8Array()]);
  const offer = compositor.create('wl_data_offer', 3);
  compositor.send(asObject(hostDevice), 'data_offer', [offer]);
  compositor.send(offer, 'offer', ['text/plain']);
  closeSync(fd);
  await guest.sync();
  t.notOk(guest.events.some(({ interface: name }) => name === 'wl_keyboard' || name === 'wl_data_offer'));
  t.equal(offer.alive, false, 'nobody needs that offer');
  t.equal(guest.ended, false);
  guest.close();
});

t.test('the keymap is a copy', async (t) => {
  const guest = new GuestClient();
  const registry = await guest.start();
  const keyboard = guest.make(guest.bind(registry, 'wl_seat'), 'get_keyboard');
  await guest.sync();
  const fd = createMemfd('keymap', { size: 8 });
  writeSync(fd, 'xkb_map\0');
  const [host] = guest.compositor.living('wl_keyboard');
  guest.compositor.send(asObject(host), 'keymap', [1, fd, 8]);
  const event = await guest.event(keyboard, 'keymap');
  t.match(event.values, [1, 0, 8]);
  const [item] = event.items;
  t.equal(item?.kind === 'file' && Buffer.from(item.content).toString(), 'xkb_map\0');
  // Longer than its file: nothing of it is passed on.
  const before = guest.events.length;
  guest.compositor.send(asObject(host), 'keymap', [1, fd, 9]);
  await guest.sync();
  t.notOk(guest.events.slice(before).some(({ name }) => name === 'keymap'));
  closeSync(fd);
  guest.close();
});

t.test("a compositor's protocol error reaches the guest with its own ids", async (t) => {
  const guest = new GuestClient();
  const registry = await guest.start();
  guest.make(guest.bind(registry, 'wl_compositor'), 'create_region');
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  await guest.sync();
  const [host] = guest.compositor.living('wl_surface');
  guest.compositor.fail(asObject(host), 1, 'no transform');
  const error = await guest.error();
  t.match(error, { object: surface, code: 1, text: /no transform/ });
  t.match(guest.log, [/compositor/]);
  guest.close();
});

t.test('a compositor that says nonsense ends this client with a line in the log', async (t) => {
  const guest = new GuestClient();
  await guest.start();
  guest.compositor.send({ id: 99, interface: 'wl_surface', version: 1, alive: true }, 'enter', [98]);
  await until(() => guest.ended);
  t.match(guest.log, [/an event of object 99/]);
  guest.close();
});

t.test('dma-bufs: linear planes of exported blobs', async (t) => {
  const file = createMemfd('dmabuf', { size: 4096 });
  const guest = new GuestClient({ dmabuf: true });
  const { compositor } = guest;
  const registry = await guest.start();
  const dmabuf = guest.bind(registry, 'zwp_linux_dmabuf_v1');
  await guest.sync();
  const host = asObject(compositor.living('zwp_linux_dmabuf_v1')[0]);
  compositor.send(host, 'modifier', [0x34325258, 0, 0]);
  compositor.send(host, 'modifier', [0x34325258, 1, 2]);
  compositor.send(host, 'modifier', [0x3231564e, 0, 0]);
  await guest.sync();
  const modifiers = guest.events.filter(({ name }) => name === 'modifier').map(({ values }) => values);
  t.strictSame(modifiers, [[0x34325258, 0, 0]], 'linear ones of known formats');
  const blob = new TestBlob(4096, null, () => dupFd(file));
  const params = guest.make(dmabuf, 'create_params');
  guest.request(params, 'add', [0, 0, 256, 64, 0, 0], [blob.item]);
  const buffer = guest.make(params, 'create_immed', [16, 8, 0x34325258, 0]);
  guest.request(params, 'destroy');
  await guest.sync();
  const add = compositor.all('add')[0];
  t.strictSame(add?.values.slice(1), [0, 256, 64, 0, 0]);
  t.same(fileIdentity(Number(add?.values[0])), fileIdentity(file), 'the exported file');
  t.equal(blob.holds, 1);
  guest.request(buffer, 'destroy');
  await guest.sync();
  t.equal(blob.holds, 0);

  // The other way: the compositor makes the buffer.
  const again = guest.make(dmabuf, 'create_params');
  guest.request(again, 'add', [0, 0, 0, 64, 0, 0], [blob.item]);
  guest.request(again, 'create', [16, 8, 0x34325258, 0]);
  await guest.sync();
  const made = compositor.create('wl_buffer', 1);
  compositor.send(asObject(compositor.living('zwp_linux_buffer_params_v1')[0]), 'created', [made]);
  const created = await guest.event(again, 'created');
  guest.request(again, 'destroy');
  guest.request(Number(created.values[0]), 'destroy');
  await guest.sync();
  await guest.sync();
  t.equal(made.alive, false);
  t.equal(blob.holds, 0, 'given back a round trip later: nobody says delete_id for it');
  // A blob without a dma-buf: a probe fails, nothing worse.
  const probe = guest.make(dmabuf, 'create_params');
  guest.request(probe, 'add', [0, 0, 0, 64, 0, 0], [new TestBlob(4096, 0).item]);
  guest.request(probe, 'create', [1, 1, 0x34325258, 0]);
  await guest.event(probe, 'failed');
  guest.request(probe, 'destroy');
  await guest.sync();
  t.equal(guest.ended, false);
  t.equal(compositor.all('add').length, 2);
  const other = guest.make(dmabuf, 'create_params');
  guest.request(other, 'add', [0, 0, 0, 64, 0, 0], [blob.item]);
  guest.request(other, 'create', [1, 1, 0x34325241, 0]);
  await guest.event(other, 'failed');
  t.equal(compositor.all('create').length, 1, 'nor a format that was not announced');
  closeSync(file);
  guest.close();
});

t.test(
  'dma-bufs: buffers that the compositor makes count as well, from when they are asked for',
  async (t) => {
    const file = createMemfd('dmabuf', { size: 4096 });
    const guest = new GuestClient({ dmabuf: true, policy: { limits: { buffers: 2 } } });
    const { compositor } = guest;
    const registry = await guest.start();
    const dmabuf = guest.bind(registry, 'zwp_linux_dmabuf_v1');
    await guest.sync();
    const host = asObject(compositor.living('zwp_linux_dmabuf_v1')[0]);
    compositor.send(host, 'modifier', [0x34325258, 0, 0]);
    await guest.sync();
    const blob = new TestBlob(4096, null, () => dupFd(file));
    const ask = (): number => {
      const params = guest.make(dmabuf, 'create_params');
      guest.request(params, 'add', [0, 0, 0, 64, 0, 0], [blob.item]);
      guest.request(params, 'create', [16, 8, 0x34325258, 0]);
      return params;
    };
    const asked = (): ReturnType<typeof asObject> =>
      asObject(compositor.living('zwp_linux_buffer_params_v1').at(-1));
    const first = ask();
    await guest.sync();
    compositor.send(asked(), 'failed', []);
    await guest.event(first, 'failed');
    for (let made = 0; made < 2; made++) {
      const params = ask();
      await guest.sync();
      compositor.send(asked(), 'created', [compositor.create('wl_buffer', 1)]);
      await guest.event(params, 'created');
      guest.request(params, 'destroy');
    }
    await guest.sync();
    t.equal(guest.ended, false, 'one that failed does not count');
    ask();
    t.match(await guest.error(), { text: /more than 2 buffers/ });
    closeSync(file);
    guest.close();
  },
);

t.test('dma-buf feedback: linear formats in a table of the guest, no devices of the host', async (t) => {
  const guest = new GuestClient({
    dmabuf: true,
    globals: [...GLOBALS.filter(([name]) => name !== 'zwp_linux_dmabuf_v1'), ['zwp_linux_dmabuf_v1', 6]],
  });
  const { compositor } = guest;
  const registry = await guest.start();
  t.equal(guest.globals.get('zwp_linux_dmabuf_v1')?.version, 5, 'version 6 is not for guests');
  const dmabuf = guest.bind(registry, 'zwp_linux_dmabuf_v1');
  const feedback = guest.make(dmabuf, 'get_default_feedback');
  await guest.sync();
  const table = formatTable([
    [0x34325258, 0n],
    [0x34325258, 0x0100000000000001n],
    [0x3231564e, 0n],
    [0x34325241, 0n],
  ]);
  const fd = createMemfd('table', { size: table.length });
  writeSync(fd, table);
  const [host] = compositor.living('zwp_linux_dmabuf_feedback_v1');
  const device = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  compositor.send(asObject(host), 'format_table', [fd, table.length]);
  compositor.send(asObject(host), 'main_device', [device]);
  compositor.send(asObject(host), 'tranche_target_device', [device]);
  compositor.send(asObject(host), 'tranche_flags', [1]);
  compositor.send(asObject(host), 'tranche_formats', [new Uint8Array(Uint16Array.of(1, 3, 2, 0, 9).buffer)]);
  compositor.send(asObject(host), 'tranche_done');
  compositor.send(asObject(host), 'done');
  await guest.event(feedback, 'done');
  const told = await guest.event(feedback, 'format_table');
  const kept = formatTable([
    [0x34325258, 0n],
    [0x34325241, 0n],
  ]);
  t.equal(told.values[1], kept.length);
  t.strictSame(told.items, [{ kind: 'file', content: Buffer.from(kept) }]);
  t.strictSame((await guest.event(feedback, 'main_device')).values, [new Uint8Array(8)]);
  t.strictSame((await guest.event(feedback, 'tranche_target_device')).values, [new Uint8Array(8)]);
  const { values } = await guest.event(feedback, 'tranche_formats');
  t.strictSame(values, [new Uint8Array(Uint16Array.of(1, 0).buffer)], 'places in its own table');

  // What the table brought can be used; what it left out can't.
  const blob = new TestBlob(4096, null, () => dupFd(fd));
  const params = guest.make(dmabuf, 'create_params');
  guest.request(params, 'add', [0, 0, 0, 64, 0, 0], [blob.item]);
  guest.make(params, 'create_immed', [16, 8, 0x34325241, 0]);
  await guest.sync();
  t.equal(compositor.all('create_immed').length, 1);
  const other = guest.make(dmabuf, 'create_params');
  guest.request(other, 'add', [0, 0, 0, 64, 0, 0], [blob.item]);
  guest.make(other, 'create_immed', [16, 8, 0x3231564e, 0]);
  t.match(await guest.error(), { object: other, code: 4 });
  guest.close();
  closeSync(fd);
});

t.test('dma-buf feedback that makes no sense', async (t) => {
  const guest = new GuestClient({
    dmabuf: true,
    globals: [...GLOBALS.filter(([name]) => name !== 'zwp_linux_dmabuf_v1'), ['zwp_linux_dmabuf_v1', 5]],
  });
  const { compositor } = guest;
  const registry = await guest.start();
  const dmabuf = guest.bind(registry, 'zwp_linux_dmabuf_v1');
  const feedback = guest.make(dmabuf, 'get_default_feedback');
  await guest.sync();
  const host = asObject(compositor.living('zwp_linux_dmabuf_feedback_v1')[0]);
  const fd = createMemfd('table', { size: 40 });
  compositor.send(host, 'tranche_formats', [new Uint8Array(2)]);
  compositor.send(host, 'format_table', [fd, 4096]);
  compositor.send(host, 'format_table', [fd, 0xffffffff]);
  await guest.sync();
  t.notOk(
    guest.events.some(({ object }) => object === feedback),
    'indices before a table, tables that are too short',
  );
  // An entry and a half, none that is known; and an array of odd length.
  compositor.send(host, 'format_table', [fd, 24]);
  compositor.send(host, 'tranche_formats', [Uint8Array.of(0, 0, 7)]);
  compositor.send(host, 'main_device', [new Uint8Array(3)]);
  const formats = await guest.event(feedback, 'tranche_formats');
  t.strictSame(formats.values, [new Uint8Array(0)]);
  t.equal((await guest.event(feedback, 'format_table')).values[1], 0);
  t.strictSame((await guest.event(feedback, 'main_device')).values, [new Uint8Array(8)]);
  t.equal(guest.ended, false);
  guest.close();
  closeSync(fd);
});

function formatTable(entries: readonly (readonly [number, bigint])[]): Uint8Array {
  const table = new DataView(new ArrayBuffer(entries.length * 16));
  for (const [index, [format, modifier]] of entries.entries()) {
    table.setUint32(index * 16, format, true);
    table.setBigUint64(index * 16 + 8, modifier, true);
  }
  return new Uint8Array(table.buffer);
}

t.test('what the policy forbids is asked for the other way round', async (t) => {
  const guest = new GuestClient({
    policy: { windows: { maximize: false, minimize: false, activate: false } },
  });
  const { registry, surface, toplevel } = await openWindow(guest);
  guest.request(toplevel, 'set_fullscreen', [0]);
  guest.request(toplevel, 'set_maximized');
  guest.request(toplevel, 'set_minimized');
  guest.request(guest.bind(registry, 'xdg_activation_v1'), 'activate', ['token', surface]);
  await guest.sync();
  const names = guest.compositor.requests.map(({ name }) => name);
  for (const name of ['set_fullscreen', 'set_maximized', 'set_minimized', 'activate']) {
    t.notOk(names.includes(name), name);
  }
  t.ok(names.includes('unset_fullscreen') && names.includes('unset_maximized'));
  guest.close();
});

t.test('requests with a serial need an input event of this guest', async (t) => {
  const guest = new GuestClient();
  const { registry, surface, shell, toplevel } = await openWindow(guest);
  const seat = guest.bind(registry, 'wl_seat');
  const pointer = guest.make(seat, 'get_pointer');
  guest.request(surface, 'commit');
  await configure(guest, shell);
  guest.request(toplevel, 'move', [seat, 5]);
  await guest.sync();
  t.equal(guest.compositor.all('move').length, 0);
  const [host] = guest.compositor.living('wl_pointer');
  const [hostSurface] = guest.compositor.living('wl_surface');
  guest.compositor.send(asObject(host), 'enter', [4, asObject(hostSurface), 0, 0]);
  guest.compositor.send(asObject(host), 'button', [5, 0, 0x110, 1]);
  await guest.event(pointer, 'button');
  guest.request(toplevel, 'move', [seat, 5]);
  await guest.sync();
  t.equal(guest.compositor.all('move').length, 1);
  guest.close();
});

t.test('a dismissed popup: what the guest did before it knew goes no further', async (t) => {
  const guest = new GuestClient();
  const { compositor } = guest;
  const window = await openWindow(guest);
  const positioner = guest.make(window.base, 'create_positioner');
  guest.request(positioner, 'set_size', [8, 4]);
  guest.request(positioner, 'set_anchor_rect', [0, 0, 1, 1]);
  const surface = guest.make(window.compositor, 'create_surface');
  const open = async (): Promise<{ shell: number; popup: number }> => {
    const shell = guest.make(window.base, 'get_xdg_surface', [surface]);
    const popup = guest.make(shell, 'get_popup', [window.shell, positioner]);
    guest.request(surface, 'commit');
    await guest.sync();
    await configure(guest, shell);
    return { shell, popup };
  };
  const { shell, popup } = await open();
  const pixel = guest.make(
    guest.bind(window.registry, 'wp_single_pixel_buffer_manager_v1'),
    'create_u32_rgba_buffer',
    [0, 0, 0, 0],
  );
  const show = (): void => {
    guest.request(surface, 'attach', [pixel, 0, 0]);
    guest.request(surface, 'commit');
  };
  show();
  await guest.sync();
  const commits = compositor.all('commit').length;
  const hostShell = compositor.living('xdg_surface').at(-1);
  compositor.send(asObject(compositor.living('xdg_popup').at(-1)), 'popup_done');
  compositor.send(asObject(hostShell), 'configure', [78]);
  show();
  await guest.event(popup, 'popup_done');
  await guest.event(shell, 'configure');
  const acks = compositor.all('ack_configure').length;
  guest.request(shell, 'ack_configure', [78]);
  guest.request(shell, 'set_window_geometry', [0, 0, 8, 4]);
  show();
  guest.request(surface, 'commit');
  await guest.sync();
  t.equal(compositor.all('commit').length, commits + 1, 'one that came before');
  t.equal(compositor.all('ack_configure').length, acks);
  t.equal(compositor.all('set_window_geometry').length, 0);

  guest.request(surface, 'attach', [0, 0, 0]);
  guest.request(surface, 'commit');
  guest.request(popup, 'destroy');
  guest.request(shell, 'destroy');
  await open();
  show();
  await guest.sync();
  t.equal(compositor.all('commit').length, commits + 4, 'the surface can be a popup again');
  t.equal(guest.ended, false);
  guest.close();
});

t.test('much damage becomes all damage', async (t) => {
  const guest = new GuestClient();
  const registry = await guest.start();
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  for (let count = 0; count < 1000; count++) guest.request(surface, 'damage_buffer', [count, 0, 1, 1]);
  guest.request(surface, 'commit');
  guest.request(surface, 'damage_buffer', [0, 0, 1, 1]);
  await guest.sync();
  t.equal(guest.compositor.all('damage_buffer').length, 257);
  t.match(guest.compositor.all('damage'), [{ values: [0, 0, 0x7fffffff, 0x7fffffff] }]);
  guest.close();
});

t.test('extensions go with what they hang on', async (t) => {
  const guest = new GuestClient();
  const { registry, surface, toplevel, shell } = await openWindow(guest);
  const viewport = guest.make(guest.bind(registry, 'wp_viewporter'), 'get_viewport', [surface]);
  const decorations = guest.bind(registry, 'zxdg_decoration_manager_v1');
  const decoration = guest.make(decorations, 'get_toplevel_decoration', [toplevel]);
  guest.request(toplevel, 'destroy');
  guest.request(shell, 'destroy');
  guest.request(surface, 'destroy');
  guest.request(viewport, 'set_destination', [4, 4]);
  guest.request(decoration, 'set_mode', [1]);
  guest.request(viewport, 'destroy');
  guest.request(decoration, 'destroy');
  await guest.sync();
  const destroyed = guest.compositor.all('destroy').map(({ object }) => object.interface);
  const before = (first: string, second: string): boolean =>
    destroyed.includes(first) && destroyed.indexOf(first) < destroyed.indexOf(second);
  t.ok(before('zxdg_toplevel_decoration_v1', 'xdg_toplevel'));
  t.ok(before('wp_viewport', 'wl_surface'));
  t.equal(destroyed.length, 5);
  t.equal(guest.compositor.all('set_destination').length, 0);
  for (const id of [viewport, decoration]) {
    const freed = guest.events.filter(({ name, values }) => name === 'delete_id' && values[0] === id);
    t.equal(freed.length, 1);
  }
  t.equal(guest.ended, false);
  t.equal(guest.compositor.ended, null);
  guest.close();
});

t.test("KDE's decorations: GTK asks for them so", async (t) => {
  const guest = new GuestClient();
  const { registry, surface, toplevel, shell } = await openWindow(guest);
  const manager = guest.bind(registry, 'org_kde_kwin_server_decoration_manager');
  const decoration = guest.make(manager, 'create', [surface]);
  guest.request(decoration, 'request_mode', [2]);
  await guest.sync();
  t.match(guest.compositor.all('request_mode'), [{ values: [2] }]);
  guest.compositor.send(asObject(guest.compositor.living('org_kde_kwin_server_decoration')[0]), 'mode', [2]);
  t.same((await guest.event(decoration, 'mode')).values, [2]);
  guest.request(toplevel, 'destroy');
  guest.request(shell, 'destroy');
  guest.request(surface, 'destroy');
  guest.request(decoration, 'request_mode', [1]);
  guest.request(decoration, 'release');
  await guest.sync();
  t.equal(guest.compositor.all('request_mode').length, 1, 'not for a surface that is gone');
  t.equal(guest.compositor.all('release').length, 1);
  const other = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  guest.request(guest.make(manager, 'create', [other]), 'request_mode', [3]);
  t.match(await guest.error(), { text: /^enum/ });
  guest.close();
});

t.test('a parent that is no window yet is none', async (t) => {
  const guest = new GuestClient();
  const window = await openWindow(guest);
  const child = guest.make(
    guest.make(window.base, 'get_xdg_surface', [guest.make(window.compositor, 'create_surface')]),
    'get_toplevel',
  );
  const seen = (): unknown[] => guest.compositor.all('set_parent').map(({ values }) => values[0]);
  guest.request(child, 'set_parent', [window.toplevel]);
  await guest.sync();
  t.same(seen(), [null]);
  const [shell] = guest.compositor.living('xdg_surface');
  guest.compositor.send(asObject(shell), 'configure', [5]);
  await guest.event(window.shell, 'configure');
  guest.request(window.shell, 'ack_configure', [5]);
  guest.request(child, 'set_parent', [window.toplevel]);
  await guest.sync();
  t.equal(seen()[1], guest.compositor.living('xdg_toplevel')[0], 'now it is one');
  guest.close();
});

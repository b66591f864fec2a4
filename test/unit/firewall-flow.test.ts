/** Bytes in any pieces, floods, and sides that do not read. */
import t from 'tap';
import { closeFd, createMemfd, dupFd, socketPair } from 'vhost-user-native';
import {
  CHANNEL_DATA_MAX,
  CHANNEL_ITEMS_MAX,
  type Channel,
  type ChannelOwner,
} from '../../src/virtio-gpu/context/channel.js';
import { GuestOutput } from '../../src/wayland/firewall/guest-output.js';
import { LimitedLog } from '../../src/wayland/firewall/log.js';
import { RateLimit } from '../../src/wayland/firewall/rate.js';
import {
  ForwardedClient,
  GUEST_DATA_MAX,
  GUEST_ITEMS_MAX,
  type GuestChannelOwner,
  type ItemForGuest,
  WindowList,
} from '../../src/wayland/index.js';
import { asObject } from '../stub/compositor.js';
import { descriptors, GuestClient, openWindow, TestBlob, until } from '../stub/guest-client.js';

t.test('messages split at every byte, with their things before, with or after the split', async (t) => {
  const guest = new GuestClient();
  const { registry, toplevel } = await openWindow(guest);
  const shm = guest.bind(registry, 'wl_shm');
  await guest.sync();
  const blob = new TestBlob(4096, 0);
  const stream = Buffer.concat([
    guest.encode(shm, 'create_pool', [100, 0, 4096]),
    guest.encode(toplevel, 'set_title', ['split']),
    guest.encode(shm, 'create_pool', [101, 0, 4096]),
    guest.encode(100, 'destroy', []),
    guest.encode(101, 'destroy', []),
  ]);
  guest.channel.send(stream.subarray(0, 1), [blob.item, blob.item]);
  for (const byte of stream.subarray(1)) guest.channel.send(Uint8Array.of(byte), []);
  await guest.sync();
  t.equal(guest.compositor.all('set_title').at(-1)?.values[0], '[work] split');
  t.equal(blob.holds, 0);
  t.equal(guest.ended, false);
  guest.close();
});

t.test('what goes out: whole messages, at most 3744 bytes and 28 things', async (t) => {
  const guest = new GuestClient({ lazy: true });
  const drain = (done: () => boolean): Promise<void> =>
    until(() => {
      guest.take();
      return done();
    });
  const registry = guest.make(1, 'get_registry');
  await drain(() => guest.events.some(({ values }) => values[1] === 'wl_seat'));
  const seatName = guest.events.find(({ values }) => values[1] === 'wl_seat');
  const seat = guest.nextId++;
  guest.request(registry, 'bind', [
    Number(seatName?.values[0]),
    { interface: 'wl_seat', version: 9, id: seat },
  ]);
  const keyboards = Array.from({ length: 60 }, () => guest.make(seat, 'get_keyboard'));
  await until(() => guest.compositor.living('wl_keyboard').length === keyboards.length);
  const fd = createMemfd('keymap', { size: 4 });
  for (const object of guest.compositor.living('wl_keyboard'))
    guest.compositor.send(object, 'keymap', [1, fd, 4]);
  closeFd(fd);
  // The longest that Wayland has: longer than a piece.
  const hostSeat = guest.compositor.living('wl_seat').at(-1);
  guest.compositor.send(asObject(hostSeat), 'name', ['n'.repeat(4080)]);
  await until(() => guest.channel.metrics.events > 60 + 10);
  guest.pieces.length = 0;
  await drain(() => guest.events.some(({ name }) => name === 'name'));
  t.equal(guest.events.filter(({ name }) => name === 'keymap').length, 60);
  t.ok(guest.pieces.every(({ bytes, items }) => bytes <= GUEST_DATA_MAX && items <= GUEST_ITEMS_MAX));
  t.ok(guest.pieces.some(({ items }) => items === GUEST_ITEMS_MAX));
  t.ok(guest.pieces.some(({ bytes }) => bytes === GUEST_DATA_MAX));
  guest.close();
});

t.test('a guest that takes nothing: the compositor is not read, then goes on', async (t) => {
  const guest = new GuestClient({ lazy: true });
  const registry = guest.make(1, 'get_registry');
  await until(() => {
    guest.take();
    return guest.events.some(({ values }) => values[1] === 'wl_seat');
  });
  const announced = guest.events.find(({ values }) => values[1] === 'wl_seat');
  const seat = guest.nextId++;
  guest.request(registry, 'bind', [
    Number(announced?.values[0]),
    { interface: 'wl_seat', version: 9, id: seat },
  ]);
  await until(() => guest.compositor.living('wl_seat').length > 1);
  const host = guest.compositor.living('wl_seat').at(-1);
  let sent = 0;
  // Until the socket is full as well: nobody reads at the other end.
  await until(() => {
    for (let count = 0; count < 50 && !guest.compositor.connection.congested; count++) {
      guest.compositor.send(asObject(host), 'name', [`${sent++}`.padStart(4000, ' ')]);
    }
    return guest.compositor.connection.congested;
  });
  t.ok(sent * 4000 > 64 << 10);
  t.ok(guest.channel.metrics.events * 4000 < 300_000, `${guest.channel.metrics.events} were read`);
  t.equal(guest.ended, false);
  await until(() => {
    guest.take();
    return guest.events.filter(({ name }) => name === 'name').length === sent;
  });
  const order = guest.events.filter(({ name }) => name === 'name').map(({ values }) => Number(values[0]));
  t.ok(
    order.every((value, index) => value === index),
    'all of them, in order',
  );
  guest.close();
});

t.test('a compositor that takes nothing: requests wait, then the guest is refused', async (t) => {
  const [near] = socketPair();
  const guest = new GuestClient({ socket: near, policy: { limits: { backlogBytes: 10_000 } } });
  // Its globals never come: nothing may be handled yet.
  const request = guest.encode(1, 'sync', [2]);
  for (let count = 0; count < Math.floor(10_000 / request.length); count++) guest.channel.send(request, []);
  t.equal(guest.channel.metrics.violation, null);
  guest.channel.send(request, []);
  t.match(await guest.error(), { object: 1, code: 2, text: /^limit-backlog/ });
  guest.close();
});

t.test('a guest that takes no answers is refused', async (t) => {
  const guest = new GuestClient({ lazy: true, policy: { limits: { outputBytes: 100_000 } } });
  guest.make(1, 'sync');
  await until(() => guest.channel.metrics.requests > 0, 'the start');
  for (let count = 0; count < 1000 && guest.channel.metrics.violation === null; count++)
    guest.make(1, 'get_registry');
  t.equal(guest.channel.metrics.violation, 'limit-output');
  await until(() => {
    guest.take();
    return guest.ended;
  });
  guest.close();
});

t.test('a flood waits its turn', async (t) => {
  const guest = new GuestClient({ policy: { limits: { messagesPerSecond: 200 } } });
  const registry = await guest.start();
  const surface = guest.make(guest.bind(registry, 'wl_compositor'), 'create_surface');
  for (let count = 0; count < 300; count++) guest.request(surface, 'damage_buffer', [0, 0, 1, 1]);
  t.ok(guest.channel.metrics.requests < 250, `${guest.channel.metrics.requests} were handled at once`);
  await guest.sync();
  t.equal(guest.channel.metrics.requests, 300 + 5, 'all of them in the end');
  guest.close();
});

t.test('rates: a bucket', async (t) => {
  let now = 0;
  const rate = new RateLimit(10, () => now);
  for (let count = 0; count < 10; count++) t.ok(rate.take());
  t.notOk(rate.take());
  t.equal(rate.waitMs, 100);
  now += 100;
  t.ok(rate.take());
  t.notOk(rate.take());
  now += 100_000;
  for (let count = 0; count < 10; count++) t.ok(rate.take());
  t.notOk(rate.take(), 'it does not overflow');
});

t.test('the log: a line per kind and second', async (t) => {
  let now = 0;
  const lines: string[] = [];
  const note = (line: string): void => {
    lines.push(line);
  };
  const log = new LimitedLog({ info: note, warn: note }, () => now);
  for (let count = 0; count < 5; count++) log.warn('a', `a${count}`);
  log.warn('b', 'b');
  now = 1000;
  log.warn('a', 'later');
  t.strictSame(lines, ['a0', 'b', 'later (4 more before)']);
});

t.test('the end: everything before it, once, and silence', async (t) => {
  const guest = new GuestClient({ lazy: true });
  guest.make(1, 'sync');
  await until(() => guest.channel.metrics.requests > 0, 'the start');
  guest.make(1, 'sync');
  guest.channel.send(new Uint8Array(8), []);
  guest.channel.send(new Uint8Array(8), []);
  let message = guest.channel.receive();
  t.ok(message !== null && message !== 'end', 'the error first');
  message = guest.channel.receive();
  t.equal(message, 'end');
  t.equal(guest.channel.receive(), null);
  guest.close();
  guest.close();
  t.equal(guest.channel.receive(), null);
});

t.test('no compositor: the guest sees the end', async (t) => {
  const template = new GuestClient();
  const lines: string[] = [];
  let ready = 0;
  const region = { fd: 0, bytes: 4096 };
  const channel = new ForwardedClient(Promise.reject(new Error('nobody is there')), {
    vm: 'work',
    owner: { name: 'x', ready: () => ready++ },
    policy: template.policy,
    region,
    windows: new WindowList(region),
    ask: (_, answer) => answer(false),
    log: new LimitedLog({ info: () => undefined, warn: (line) => lines.push(line) }),
    dmabuf: false,
    border: null,
    trace: null,
  });
  channel.send(new Uint8Array(12), []);
  await until(() => ready > 0);
  t.equal(channel.receive(), 'end');
  t.match(lines, [/no compositor: nobody is there/]);
  channel.close();
  template.close();
});

t.test('a forwarded client is what the device calls a channel', async (t) => {
  const guest = new GuestClient();
  const channel: Channel = guest.channel;
  const owner: ChannelOwner = { name: 'x', ready: () => undefined };
  const same: GuestChannelOwner = owner;
  t.ok(same.ready === owner.ready && channel.receive() === null);
  t.equal(GUEST_DATA_MAX, CHANNEL_DATA_MAX);
  t.equal(GUEST_ITEMS_MAX, CHANNEL_ITEMS_MAX);
  guest.close();
});

t.test('what a guest leaves behind is not counted for ever', async (t) => {
  const guest = new GuestClient({ policy: { limits: { regionOperations: 10, mimeTypes: 2, surfaces: 2 } } });
  const registry = await guest.start();
  const compositor = guest.bind(registry, 'wl_compositor');
  const manager = guest.bind(registry, 'wl_data_device_manager');
  for (let round = 0; round < 40; round++) {
    const region = guest.make(compositor, 'create_region');
    for (let count = 0; count < 10; count++) guest.request(region, 'add', [count, 0, 1, 1]);
    guest.request(region, 'destroy');
    const surface = guest.make(compositor, 'create_surface');
    guest.make(surface, 'frame');
    guest.request(surface, 'destroy');
    const source = guest.make(manager, 'create_data_source');
    for (const type of ['a', 'b', 'x'.repeat(2000)]) guest.request(source, 'offer', [type]);
    guest.request(source, 'destroy');
    await guest.sync();
  }
  t.equal(guest.ended, false, guest.log.join());
  guest.close();
});

t.test('one pipe at a time', async (t) => {
  const output = new GuestOutput();
  const pipe = (): ItemForGuest => ({ kind: 'write-pipe', fd: dupFd(2) });
  output.push(new Uint8Array(8), [pipe()]);
  output.push(new Uint8Array(8), [{ kind: 'file', content: Uint8Array.of(1) }]);
  output.push(new Uint8Array(8), [pipe()]);
  output.push(new Uint8Array(8), []);
  t.equal(output.bytes, 33);
  const first = output.next();
  t.match(first, { data: { length: 16 }, items: [{ kind: 'write-pipe' }, { kind: 'file' }] });
  for (const item of first?.items ?? []) if (item.kind === 'write-pipe') closeFd(item.fd);
  const before = descriptors();
  output.clear();
  t.ok(descriptors() <= before, 'what was not taken is closed');
  t.equal(output.next(), null);
  t.equal(output.bytes, 0);
});

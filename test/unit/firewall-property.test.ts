/**
 * Hostile guests as a property: whatever the bytes, the firewall does not fail, gives everything back, and lets nothing
 * through that is not valid. What goes through is checked by the scripted compositor, which refuses what is malformed by
 * itself, and by `check` below, which looks at every buffer and every new object again.
 */
import fc from 'fast-check';
import t from 'tap';
import { closeFd, createPipe, dupFd } from 'vhost-user-native';
import { INTERFACES, type ItemFromGuest, type WireValue } from '../../src/wayland/index.js';
import { asObject, isObject, type StubCompositor } from '../stub/compositor.js';
import { descriptors, GLOBALS, GuestClient, REGION_BYTES, TestBlob, until } from '../stub/guest-client.js';

const BLOB_OFFSET = 65536;
const BLOB_BYTES = 16384;

interface Message {
  readonly bytes: Uint8Array;
  readonly items: readonly ('blob' | 'pipe')[];
}

/** A session that uses most of what there is; ids as a client would choose them. Also what mutations start from. */
function session(guest: GuestClient): Message[] {
  const messages: Message[] = [];
  const add = (
    object: number,
    name: string,
    values: WireValue[] = [],
    items: Message['items'] = [],
  ): void => {
    messages.push({ bytes: guest.encode(object, name, values), items });
  };
  const bind = (interfaceName: string): number => {
    const id = guest.nextId++;
    const global = guest.globals.get(interfaceName);
    if (global === undefined) throw new Error(interfaceName);
    add(2, 'bind', [global.name, { interface: interfaceName, version: global.version, id }]);
    return id;
  };
  const make = (
    object: number,
    name: string,
    rest: WireValue[] = [],
    items: Message['items'] = [],
  ): number => {
    const id = guest.nextId++;
    const { interface: interfaceName = '' } = guest.objects.get(object) ?? {};
    const message = INTERFACES.get(interfaceName)?.requests.find((each) => each.name === name);
    const at = message?.args.findIndex(({ type }) => type === 'new_id') ?? 0;
    add(object, name, [...rest.slice(0, at), id, ...rest.slice(at)], items);
    return id;
  };
  const compositor = bind('wl_compositor');
  const shm = bind('wl_shm');
  const base = bind('xdg_wm_base');
  const seat = bind('wl_seat');
  const data = bind('wl_data_device_manager');
  const surface = make(compositor, 'create_surface');
  const child = make(compositor, 'create_surface');
  const shell = make(base, 'get_xdg_surface', [surface]);
  const toplevel = make(shell, 'get_toplevel');
  add(toplevel, 'set_title', ['title']);
  add(toplevel, 'set_app_id', ['app']);
  add(toplevel, 'set_min_size', [1, 1]);
  add(surface, 'commit');
  const pool = make(shm, 'create_pool', [0, 8192], ['blob']);
  const buffer = make(pool, 'create_buffer', [64, 16, 16, 64, 1]);
  add(pool, 'resize', [BLOB_BYTES]);
  make(pool, 'create_buffer', [0, 64, 64, 256, 0]);
  const subsurface = make(bind('wl_subcompositor'), 'get_subsurface', [child, surface]);
  add(subsurface, 'place_below', [surface]);
  const viewport = make(bind('wp_viewporter'), 'get_viewport', [child]);
  add(viewport, 'set_source', [0, 0, 8, 8]);
  add(viewport, 'set_destination', [32, 32]);
  add(child, 'attach', [buffer, 0, 0]);
  add(child, 'damage_buffer', [0, 0, 16, 16]);
  make(child, 'frame');
  add(child, 'commit');
  const region = make(compositor, 'create_region');
  add(region, 'add', [0, 0, 10, 10]);
  add(surface, 'set_input_region', [region]);
  add(region, 'destroy');
  const pointer = make(seat, 'get_pointer');
  add(pointer, 'set_cursor', [1, 0, 0, 0]);
  make(seat, 'get_keyboard');
  const device = make(data, 'get_data_device', [seat]);
  const source = make(data, 'create_data_source');
  add(source, 'offer', ['text/plain']);
  add(device, 'set_selection', [source, 1]);
  const positioner = make(base, 'create_positioner');
  add(positioner, 'set_size', [10, 10]);
  add(positioner, 'set_anchor_rect', [0, 0, 5, 5]);
  const popupSurface = make(compositor, 'create_surface');
  const popupShell = make(base, 'get_xdg_surface', [popupSurface]);
  const popup = make(popupShell, 'get_popup', [shell, positioner]);
  add(popup, 'grab', [seat, 1]);
  make(1, 'sync');
  add(popup, 'destroy');
  add(popupShell, 'destroy');
  add(subsurface, 'destroy');
  add(viewport, 'destroy');
  add(child, 'destroy');
  add(pool, 'destroy');
  add(buffer, 'destroy');
  make(1, 'get_registry');
  add(toplevel, 'destroy');
  add(shell, 'destroy');
  add(surface, 'destroy');
  return messages;
}

/** Everything that reached the compositor, looked at once more. */
function check(compositor: StubCompositor): void {
  const allowed = new Set(GLOBALS.map(([name]) => name));
  for (const { object, name, values } of compositor.requests) {
    const where = `${object.interface}.${name}`;
    if (name === 'bind' && (!isObject(values[1]) || !allowed.has(values[1].interface)))
      throw new Error(where);
    if (where === 'wl_shm.create_pool' && values[2] !== REGION_BYTES) throw new Error(where);
    if (where === 'wl_shm_pool.create_buffer') {
      const [offset = 0, width = 0, height = 0, stride = 0] = values.slice(1).map(Number);
      const inside = offset >= BLOB_OFFSET && offset + stride * height <= BLOB_OFFSET + BLOB_BYTES;
      if (!inside || width < 1 || height < 1 || stride < width * 4)
        throw new Error(`${where}(${offset}, ...)`);
    }
    if (where === 'wl_shm_pool.resize') throw new Error(where);
    if (name === 'set_title' && !String(values[0]).startsWith('[work]')) throw new Error(where);
    if (name === 'set_app_id' && !/^work(\.|$)/.test(String(values[0]))) throw new Error(where);
    const table = INTERFACES.get(object.interface);
    const message = table?.requests.find((each) => each.name === name);
    message?.args.forEach((arg, index) => {
      if (arg.enum === undefined) return;
      const [owner = '', enumName = ''] = arg.enum.split('.');
      const entries = INTERFACES.get(owner)?.enums.find((each) => each.name === enumName);
      const value = Number(values[index]);
      if (entries === undefined) return;
      const all = entries.entries.reduce((bits, entry) => bits | entry.value, 0);
      const known = entries.bitfield
        ? (value & ~all) === 0
        : entries.entries.some((entry) => entry.value === value);
      if (!known) throw new Error(`${where}: ${value} is no ${arg.enum}`);
    });
  }
  const { ended } = compositor;
  if (ended !== null && ended.code !== 'WL_ERR_DISCONNECTED') throw ended;
}

/** Sends the messages; events come in between as a compositor would send them. */
async function play(guest: GuestClient, messages: readonly Message[], blobs: TestBlob[]): Promise<void> {
  const { compositor } = guest;
  compositor.on('wl_surface', 'commit', () => {
    for (const shell of compositor.living('xdg_surface')) compositor.send(shell, 'configure', [1]);
  });
  compositor.on('wl_seat', 'get_keyboard', ({ values }) => {
    const surface = compositor.living('wl_surface')[0];
    if (surface !== undefined) compositor.send(asObject(values[0]), 'enter', [1, surface, new Uint8Array()]);
  });
  for (const { bytes, items } of messages) {
    guest.channel.send(
      bytes,
      items.map((kind): ItemFromGuest => {
        if (kind === 'pipe') return { kind: 'read-pipe', fd: dupFd(2) };
        const blob = new TestBlob(BLOB_BYTES, BLOB_OFFSET);
        blobs.push(blob);
        return blob.item;
      }),
    );
  }
  // Until nothing more comes: what was let through has arrived.
  let seen = -1;
  await until(() => {
    const before = seen;
    seen = compositor.requests.length + guest.channel.metrics.events;
    return seen === before;
  });
}

const mutation = fc.record({
  kind: fc.constantFrom('word', 'byte', 'drop', 'repeat', 'swap', 'cut', 'items', 'object'),
  at: fc.nat(),
  place: fc.nat(),
  value: fc.oneof(
    fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xff000000, 0xff000001, 0xfffffffd, 4096),
    fc.nat(40),
    fc.integer({ min: 0, max: 0xffffffff }),
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(messages: Message[], { kind, at, place, value }: Mutation): void {
  const index = at % messages.length;
  const message = messages[index];
  // (What was cut to nothing has nothing to change.)
  if (message === undefined || message.bytes.length < 4) return;
  const bytes = message.bytes.slice();
  const view = new DataView(bytes.buffer);
  if (kind === 'drop') messages.splice(index, 1);
  else if (kind === 'repeat') messages.splice(place % messages.length, 0, message);
  else if (kind === 'swap') {
    const other = place % messages.length;
    const second = messages[other];
    if (second === undefined) return;
    messages[index] = second;
    messages[other] = message;
  } else if (kind === 'items') {
    const items: Message['items'] = value % 3 === 0 ? [] : value % 3 === 1 ? ['pipe'] : ['blob', 'blob'];
    messages[index] = { bytes, items };
  } else {
    if (kind === 'object') view.setUint32(0, value, true);
    else if (kind === 'byte') bytes[place % bytes.length] = value & 0xff;
    else if (kind === 'word') view.setUint32((place % Math.floor(bytes.length / 4)) * 4, value, true);
    messages[index] = { ...message, bytes: kind === 'cut' ? bytes.subarray(0, place % bytes.length) : bytes };
  }
}

async function run(mutations: readonly Mutation[], extra: readonly Message[] = []): Promise<GuestClient> {
  const guest = new GuestClient();
  await guest.start();
  const messages = session(guest);
  guest.deaf = mutations.length + extra.length > 0;
  for (const each of mutations) mutate(messages, each);
  const blobs: TestBlob[] = [];
  await play(guest, [...messages, ...extra], blobs);
  check(guest.compositor);
  if (guest.channel.metrics.violation === 'internal') throw new Error(guest.log.join());
  guest.close();
  const kept = blobs.filter(({ holds }) => holds !== 0);
  if (kept.length > 0) throw new Error(`${kept.length} blobs were not given back`);
  return guest;
}

t.test('the session itself goes through', async (t) => {
  const guest = await run([]);
  t.equal(guest.channel.metrics.violation, null, guest.log.join());
  t.ok(guest.compositor.requests.length > 50);
});

t.test('mutated sessions', async (t) => {
  const before = descriptors();
  const rules = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 6 }), async (mutations) => {
      const guest = await run(mutations);
      const rule = guest.channel.metrics.violation ?? 'none';
      rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }),
    { numRuns: 600 },
  );
  t.ok(rules.size > 5, `rules: ${[...rules].map(([rule, count]) => `${rule} ${count}`).join(', ')}`);
  t.equal(descriptors(), before, 'no descriptor is left');
});

t.test('requests made up from the tables', async (t) => {
  const messages = fc.array(
    fc.record({
      object: fc.nat(60),
      opcode: fc.nat(14),
      words: fc.array(
        fc.oneof(fc.nat(60), fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 4, 256, 0xff000000)),
        { maxLength: 6 },
      ),
      items: fc.array(fc.constantFrom('blob' as const, 'pipe' as const), { maxLength: 2 }),
    }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(messages, async (list) => {
      await run(
        [],
        list.map(({ object, opcode, words, items }) => {
          const size = 8 + words.length * 4;
          const all = Uint32Array.of(object, ((size << 16) | opcode) >>> 0, ...words);
          return { bytes: new Uint8Array(all.buffer), items };
        }),
      );
    }),
    { numRuns: 300 },
  );
  t.pass('300 sessions');
});

t.test('a compositor that says anything', async (t) => {
  const event = fc.record({
    object: fc.nat(40),
    opcode: fc.nat(12),
    words: fc.array(fc.oneof(fc.nat(60), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0xff000000)), {
      maxLength: 6,
    }),
    fd: fc.boolean(),
  });
  const before = descriptors();
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
      const guest = new GuestClient();
      await guest.start();
      const blobs: TestBlob[] = [];
      const messages = session(guest).slice(0, -12);
      guest.deaf = true;
      await play(guest, messages, blobs);
      for (const { object, opcode, words, fd } of events) {
        const size = 8 + words.length * 4;
        const all = Uint32Array.of(object, ((size << 16) | opcode) >>> 0, ...words);
        const pipe = fd ? createPipe() : null;
        guest.compositor.connection.send(new Uint8Array(all.buffer), pipe === null ? [] : [pipe.writeFd]);
        pipe?.reader.close();
        if (pipe !== null) closeFd(pipe.writeFd);
      }
      guest.compositor.connection.flush();
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (guest.channel.metrics.violation === 'internal') throw new Error(guest.log.join());
      guest.close();
      if (blobs.some(({ holds }) => holds !== 0)) throw new Error('a blob was not given back');
    }),
    { numRuns: 300 },
  );
  t.equal(descriptors(), before);
});

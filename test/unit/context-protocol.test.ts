/** The cross-domain protocol, byte for byte. */
import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { adoptPipe, createPipe, type Pipe, pageSize } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from './context-support.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';
import { until } from './gpu-socket-fixture.js';
import { openFds } from './native-support.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const UNSPEC = gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
const BAD_PARAMETER = gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
const NOTHING = new Uint8Array(0);

/** The test must give back every descriptor and every byte that it took. */
function scenario(name: string, run: (t: Test, b: s.ContextBench) => Promise<void>) {
  t.test(name, async (t) => {
    const before = openFds();
    const b = new s.ContextBench();
    await run(t, b);
    b.contexts.clear();
    t.strictSame(Object.values(b.contexts.status), [0, 0, 0, 0, 0, 0], 'nothing is left');
    t.equal(b.memory.openTables, 0);
    b.close();
    t.equal(openFds(), before, 'no descriptor is left open');
  });
}

/** The bytes of a RECEIVE: header and arrays by hand. */
function received(identifiers: readonly (readonly [number, number, number])[], data: Uint8Array): Uint8Array {
  const arrays = new Uint32Array(84);
  identifiers.forEach(([id, type, size], i) => {
    arrays[i] = id;
    arrays[28 + i] = type;
    arrays[56 + i] = size;
  });
  return c.concat(
    s.hex('05 00 0000 00000000'),
    s.u32s(identifiers.length, data.length),
    new Uint8Array(arrays.buffer),
    data,
  );
}

const END = received([], NOTHING);

t.test('what is offered with contexts, and without', async (t) => {
  const numCapsets = (h: GpuHarness): number => {
    const bytes = new Uint8Array(4);
    h.device.readConfig(bytes, 12);
    return viewOf(bytes).getUint32(0, true);
  };
  const info = c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO), s.u32s(0, 0));
  const capset = c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET), s.u32s(5, 0));
  const without = new GpuHarness();
  t.equal(without.device.features & 0b10001n, 0n);
  t.equal(numCapsets(without), 0);
  t.equal(c.typeOf(without.send(info)), BAD_PARAMETER);
  t.equal(c.typeOf(without.send(capset)), BAD_PARAMETER);
  without.accepted = 0b11111n;
  t.equal(c.typeOf(without.send(s.createContext(1, 5))), BAD_PARAMETER);

  const channels = new s.TestChannels();
  const h = new GpuHarness({ contexts: { channels } });
  t.equal(h.device.features & 0b10001n, 0b10001n);
  t.equal(numCapsets(h), 1);
  h.accepted = 0b11111n;
  t.strictSame(
    h.send(info),
    s.hex('02110000 00000000 0000000000000000 00000000 00000000  05000000 00000000 10000000 00000000'),
  );
  t.strictSame(
    h.send(capset),
    s.hex('03110000 00000000 0000000000000000 00000000 00000000  01000000 02000000 00000000 00000000'),
  );
  channels.types = [1, 16, 17, 0xffff_ffff];
  t.strictSame(h.send(capset).slice(24), s.u32s(1, 0x30002, 0, 0));
  for (const [id, version] of [
    [5, 1],
    [4, 0],
    [0xffff_ffff, 0],
  ] as const) {
    const request = c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET), s.u32s(id, version));
    t.equal(c.typeOf(h.send(request)), BAD_PARAMETER);
  }
  const second = c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET_INFO), s.u32s(1, 0));
  t.equal(c.typeOf(h.send(second)), BAD_PARAMETER);

  // A front-end that passes VIRGL on but not the rest.
  h.accepted = 0b00111n;
  t.strictSame(h.send(info).slice(24), s.u32s(0xffff_ffff, 0, 0, 0), 'no set, without a wait');
  t.equal(c.typeOf(h.send(capset)), BAD_PARAMETER);
  t.equal(c.typeOf(h.send(s.createContext(1, 5))), OK, 'context_init is padding then');
  t.equal(c.typeOf(h.send(s.submit3d(1, s.POLL))), UNSPEC);
  h.accepted = 0b00110n;
  t.equal(c.typeOf(h.send(s.createContext(2, 0))), UNSPEC, 'not negotiated');
});

scenario('contexts come and go', async (t, b) => {
  t.equal(b.send(s.createContext(1, 5, 'one')), OK);
  t.equal(b.send(s.createContext(2, 0)), OK);
  t.equal(b.send(s.createContext(1, 5)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, 'in use');
  t.equal(b.send(s.createContext(0, 5)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
  for (const init of [1, 2, 4, 6, 255, 0x105, 0x8000_0005])
    t.equal(b.send(s.createContext(3, init)), BAD_PARAMETER);
  b.resources.plain.add(9);
  t.equal(b.send(s.attachTo(1, 9)), OK);
  t.equal(b.send(s.attachTo(1, 9)), OK);
  t.equal(b.send(s.attachTo(2, 9)), OK);
  t.equal(b.contexts.isAttached(1, 9), true);
  t.equal(b.contexts.status.attachments, 2);
  t.equal(b.send(s.attachTo(1, 10)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
  t.equal(b.send(s.attachTo(4, 9)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
  t.equal(b.send(s.detachFrom(1, 9)), OK);
  t.equal(b.send(s.detachFrom(1, 9)), OK, 'drivers detach what could not be attached');
  t.equal(b.send(s.detachFrom(4, 9)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
  b.contexts.forget({ id: 9 });
  t.equal(b.contexts.isAttached(2, 9), false);
  t.equal(b.contexts.status.attachments, 0);
  t.equal(b.send(s.submit3d(2, NOTHING)), UNSPEC, 'a context without a capset does nothing');
  t.equal(b.send(s.destroyContext(2)), OK);
  t.equal(b.send(s.destroyContext(2)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
  for (const type of [0x204, 0x205, 0x206]) t.equal(b.send(c.header(type, { ctxId: 1 })), UNSPEC);
});

scenario('a name is cut to 64 printable characters', async (t, b) => {
  b.connect(1, 'we\nst\x1b[31m on');
  t.equal(b.channels.last.owner.name, 'west[31m on');
  b.send(s.createContext(2, 5, 'x'.repeat(64), 0xffff_ffff));
  for (const id of [s.QUERY, s.CHANNEL]) b.send(s.attachTo(2, id));
  b.send(s.submit3d(2, s.init(s.QUERY, s.CHANNEL)));
  t.equal(b.channels.last.owner.name, 'x'.repeat(64));
});

const INITS: readonly (readonly [name: string, bytes: string, rings: string])[] = [
  ['legacy, one ring', '01 00 1000 00000000', '02000000 01000000'],
  ['sommelier and wayland-proxy-virtwl', '01 00 1400 00000000', '01000000 02000000 01000000'],
  ['muvm', '01 00 1800 00000000', '01000000 02000000 01000000 01000000'],
  ['with a UUID', '01 00 2400 00000000', '01000000 02000000 01000000 000102030405060708090a0b0c0d0e0f'],
];
for (const [name, header, body] of INITS) {
  scenario(`INIT: ${name}`, async (t, b) => {
    b.send(s.createContext(1, 5));
    b.send(s.attachTo(1, s.QUERY));
    b.send(s.attachTo(1, s.CHANNEL));
    t.equal(b.send(s.submit3d(1, s.hex(header + body))), OK);
    t.equal(b.channels.last.type, 1);
    const poll = b.poll();
    t.equal(poll.used, null);
    b.channels.last.deliver({ data: Uint8Array.of(1, 2, 3, 4), items: [] });
    t.equal(poll.used, 24);
    t.strictSame(b.channelRing.slice(0, 356), received([], Uint8Array.of(1, 2, 3, 4)));
    t.equal(b.send(s.submit3d(1, s.hex(header + body))), UNSPEC, 'only once');
    t.equal(b.channels.opened.length, 1);
  });
}

scenario('INIT: what can not be opened is an end that the guest is told of', async (t, b) => {
  for (const [ctxId, type] of [
    [1, 1],
    [2, 16],
    [3, 0xffff_ffff],
  ] as const) {
    b.channels.refuses = true;
    b.send(s.createContext(ctxId, 5));
    b.send(s.attachTo(ctxId, s.QUERY));
    b.send(s.attachTo(ctxId, s.CHANNEL));
    b.memory.bytes.fill(0xee);
    t.equal(b.send(s.submit3d(ctxId, s.init(s.QUERY, s.CHANNEL, type))), UNSPEC);
    t.equal(b.channelRing[0], 0xee, 'nothing before it is asked for');
    t.equal(b.poll(ctxId).used, 24);
    t.strictSame(b.channelRing.slice(0, 352), END);
    const parked = b.poll(ctxId);
    t.equal(parked.used, null, 'once');
    t.equal(b.send(s.destroyContext(ctxId)), OK);
    t.equal(parked.used, 24);
  }
});

scenario('INIT: rings of other kinds', async (t, b) => {
  b.resources.host.add(3);
  b.resources.plain.add(4);
  b.resources.guest.set(5, { address: b.memory.base, bytes: 4095 });
  b.resources.guest.set(6, { address: b.memory.base, bytes: 4096 });
  let ctxId = 1;
  for (const [query, channel] of [
    [1, 3],
    [1, 4],
    [1, 5],
    [1, 6],
    [1, 99],
    [3, 2],
    [0, 0],
    [99, 2],
  ] as const) {
    b.send(s.createContext(ctxId, 5));
    for (const id of [1, 2, 3, 4, 5]) b.send(s.attachTo(ctxId, id));
    t.equal(b.send(s.submit3d(ctxId, s.init(query, channel))), BAD_PARAMETER, `${query} ${channel}`);
    b.memory.bytes.fill(0xee);
    const poll = b.poll(ctxId);
    t.equal(poll.used, channel === 2 ? 24 : null);
    if (channel === 2) t.strictSame(b.channelRing.slice(0, 352), END, 'where there is a ring it is told');
    ctxId += 1;
  }
  t.equal(b.channels.opened.length, 0);
});

scenario('INIT of type 0: questions about images only', async (t, b) => {
  b.send(s.createContext(1, 5));
  b.send(s.attachTo(1, s.QUERY));
  t.equal(b.send(s.submit3d(1, s.init(s.QUERY, 0, 0))), OK);
  t.equal(b.send(s.submit3d(1, s.imageQuery(64, 1, 0x20203852))), OK);
  t.equal(viewOf(b.queryRing).getUint32(48, true), 2);
  t.equal(b.poll().used, null);
  t.equal(b.send(s.submit3d(1, s.sendCommand(Uint8Array.of(1)))), UNSPEC);
});

type Row = readonly [
  format: string,
  width: number,
  height: number,
  strides: number[],
  offsets: number[],
  bytes: number,
];

scenario('GET_IMAGE_REQUIREMENTS: the layout of each format', async (t, b) => {
  b.connect();
  const round = (bytes: number): number => Math.ceil(bytes / pageSize) * pageSize;
  const fourcc = (name: string): number => viewOf(Buffer.from(name)).getUint32(0, true);
  const rows: readonly Row[] = [
    ['R8  ', 1_000_000, 1, [1_000_000], [0], 1_000_000],
    ['RG16', 101, 7, [202], [0], 1414],
    ['BG24', 101, 7, [303], [0], 2121],
    ...['AR24', 'XR24', 'AB24', 'XB24', 'AR30', 'XR30', 'AB30', 'XB30'].map(
      (name): Row => [name, 101, 7, [404], [0], 2828],
    ),
    ['AB4H', 101, 7, [808], [0], 5656],
    ['NV12', 101, 7, [101, 100], [0, 707], 707 + 300],
    ['YV12', 102, 8, [102, 51, 51], [0, 816, 1020], 1224],
    ['XR24', 1, 1, [4], [0], 4],
  ];
  let id = 1;
  for (const [name, width, height, strides, offsets, bytes] of rows) {
    b.queryRing.fill(0xee);
    t.equal(b.send(s.submit3d(1, s.imageQuery(width, height, fourcc(name)))), OK);
    const four = (numbers: readonly number[]): number[] => [0, 1, 2, 3].map((i) => numbers[i] ?? 0);
    id += 1;
    t.strictSame(
      b.queryRing.slice(0, 65),
      c.concat(
        s.u32s(...four(strides), ...four(offsets), 0, 0, round(bytes), 0, id, 1, 0xffff_ffff, 0xffff_ffff),
        Uint8Array.of(0xee),
      ),
      name,
    );
  }
  t.strictSame(b.memory.dirty.at(-1), { address: b.memory.base, length: 64 }, 'told to a migration');
  b.send(s.submit3d(1, s.imageQuery(101, 7, fourcc('RG16'))));
  t.equal(viewOf(b.queryRing).getUint32(48, true), 3, 'the same again');
  t.equal(b.contexts.status.imageTemplates, rows.length);
  for (const [width, height, format] of [
    [0, 1, 'XR24'],
    [1, 0, 'XR24'],
    [16385, 1, 'XR24'],
    [1, 16385, 'R8  '],
    [64, 64, 'XXXX'],
    [0xffff_ffff, 0xffff_ffff, 'XR24'],
    [2 ** 30 + 1, 1, 'R8  '],
    [2 ** 30, 2, 'R8  '],
  ] as const) {
    b.queryRing.fill(0xee);
    t.equal(b.send(s.submit3d(1, s.imageQuery(width, height, fourcc(format)))), BAD_PARAMETER);
    t.strictSame(b.queryRing.slice(0, 65), c.concat(new Uint8Array(64), Uint8Array.of(0xee)), 'zeros');
  }
});

scenario('blobs from images and files', async (t, b) => {
  const channel = b.connect();
  b.send(s.submit3d(1, s.imageQuery(100_000, 1, 0x20203852)));
  t.strictSame(b.contexts.take(1, 2n, 102_400), { content: null });
  t.strictSame(
    b.contexts.take(1, 2n, 131_072),
    { content: null },
    'pages of 64 KiB; and any number of times',
  );
  for (const bytes of [98_304, 196_608, 0]) t.match(b.contexts.take(1, 2n, bytes), { kind: 'error' });
  const content = new Uint8Array(5000).fill(7);
  const poll = b.poll();
  channel.deliver({
    data: Uint8Array.of(1),
    items: [
      { kind: 'file', content },
      { kind: 'file', content: NOTHING },
    ],
  });
  t.equal(poll.used, 24);
  t.strictSame(
    b.channelRing.slice(0, 353),
    received(
      [
        [3, 1, 5000],
        [4, 1, 1],
      ],
      Uint8Array.of(1),
    ),
  );
  t.equal(b.contexts.status.fileBytes, 5000);
  t.match(b.contexts.take(1, 3n, 4096), { kind: 'error' });
  t.match(b.contexts.take(1, 3n, 131_072), { kind: 'error' });
  t.match(b.contexts.take(1, 0x1_0000_0003n, 8192), { kind: 'error' });
  t.strictSame(b.contexts.take(1, 3n, 8192), { content });
  t.match(b.contexts.take(1, 3n, 8192), { kind: 'error' }, 'a file only once');
  t.strictSame(b.contexts.take(1, 4n, 4096), { content: Uint8Array.of(0) });
  t.match(b.contexts.take(1, 99n, 4096), { kind: 'error' });
  t.match(b.contexts.take(2, 2n, 102_400), {
    kind: 'error',
    type: gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  });
});

scenario('POLL: one message each, in order, and fences of other rings do not wait', async (t, b) => {
  const channel = b.connect();
  const polls = [b.poll(), b.poll(), b.poll()];
  t.equal(b.control.heldFences, 3);
  t.equal(b.send(s.submit3d(1, s.imageQuery(1, 1, 0x34325258), { flags: s.RING, ringIdx: 0 })), OK);
  t.equal(b.send(s.submit3d(1, NOTHING, { flags: s.FENCE })), OK, 'the global timeline');
  channel.deliver({ data: Uint8Array.of(1), items: [] });
  t.strictSame(
    polls.map(({ used }) => used),
    [24, null, null],
  );
  t.match(viewOf(polls[0]?.response ?? NOTHING).getUint32(4, true), 3, 'the fence and its ring come back');
  channel.inbox.push({ data: Uint8Array.of(2), items: [] }, { data: Uint8Array.of(3), items: [] });
  channel.owner.ready();
  t.strictSame(
    polls.map(({ used }) => used),
    [24, 24, 24],
  );
  t.equal(b.channelRing[352], 3, 'the last is what lies there');
  channel.deliver({ data: Uint8Array.of(4), items: [] });
  t.equal(b.channelRing[352], 3, 'nothing is written that was not asked for');
  t.equal(channel.inbox.length, 1);
  t.equal(b.poll().used, 24);
  t.equal(b.channelRing[352], 4);
});

scenario('RECEIVE: as long as it gets, and everything that can be attached', async (t, b) => {
  const channel = b.connect();
  const data = Uint8Array.from({ length: 3744 }, (_, i) => i * 7);
  const pipes = Array.from({ length: 27 }, () => createPipe());
  const poll = b.poll();
  channel.deliver({
    data,
    items: [
      { kind: 'file', content: Uint8Array.of(9) },
      ...pipes.map(({ writeFd }) => ({ kind: 'write-pipe' as const, fd: writeFd })),
    ],
  });
  t.equal(poll.used, 24);
  const identifiers = pipes.map((_, i) => [3 + i, 4, 0] as const);
  t.strictSame(b.channelRing, received([[2, 1, 1], ...identifiers], data));
  t.equal(b.memory.bytes[8192 + 4096], 0xee, 'nothing behind the ring');
  for (const { reader } of pipes) reader.close();
});

scenario('the end of the channel is told once', async (t, b) => {
  const channel = b.connect();
  channel.deliver('end');
  t.equal(b.poll().used, 24);
  t.strictSame(b.channelRing.slice(0, 352), END);
  t.ok(channel.closed > 0);
  const later = [b.poll(), b.poll()];
  t.strictSame(
    later.map(({ used }) => used),
    [null, null],
  );
  t.equal(b.send(s.submit3d(1, s.sendCommand(Uint8Array.of(1)))), UNSPEC);
  b.send(s.destroyContext(1));
  t.strictSame(
    later.map(({ used }) => used),
    [24, 24],
  );
});

scenario('SEND: bytes and blobs, byte for byte', async (t, b) => {
  const channel = b.connect();
  b.resources.host.add(7);
  b.send(s.attachTo(1, 7));
  // get_registry, by hand.
  const bytes = s.hex('01000000 01000c00 02000000');
  const command = c.concat(
    s.hex('04 00 6c01 00000000 01000000 0c000000'),
    s.hex('07000000'),
    new Uint8Array(27 * 4),
    s.hex('01000000'),
    new Uint8Array(27 * 4),
    new Uint8Array(28 * 4),
    bytes,
  );
  t.equal(command.length, 0x16c);
  t.equal(b.send(s.submit3d(1, command)), OK);
  t.strictSame(channel.sent[0]?.data, bytes);
  t.match(channel.sent[0]?.items, [{ kind: 'blob', blob: { resourceId: 7 } }]);
  t.equal(
    b.send(s.submit3d(1, c.concat(s.sendCommand(bytes), s.sendCommand(NOTHING, [[7, 1]])))),
    OK,
    'two at once',
  );
  t.equal(channel.sent.length, 3);
  const long = new Uint8Array(65535 - 352).fill(5);
  t.equal(b.send(s.submit3d(1, s.sendCommand(long))), OK, 'as long as a command gets');
  t.strictSame(channel.sent[3]?.data, long);
});

/** The write end that the channel got. */
function writeEnd(b: s.ContextBench, sent: number, item: number): Pipe {
  const found = b.channels.last.sent[sent]?.items[item];
  if (found?.kind !== 'read-pipe') throw new Error('not a pipe');
  return adoptPipe(found.fd);
}

scenario('a paste in the guest: READ_PIPE and READ', async (t, b) => {
  b.connect();
  t.equal(b.send(s.submit3d(1, s.sendCommand(Uint8Array.of(1), [[0x8000_0001, 3]]))), OK);
  const writer = writeEnd(b, 0, 0);
  t.equal(b.contexts.status.readPipes, 1);
  const poll = b.poll();
  writer.write(Buffer.from('hello'));
  await until(() => poll.used !== null);
  t.strictSame(
    b.channelRing.slice(0, 29),
    c.concat(s.hex('06 00 0000 00000000 01000080 00000000 05000000 00000000'), Buffer.from('hello')),
  );
  const big = Uint8Array.from({ length: 10_000 }, (_, i) => i * 3);
  writer.write(big);
  writer.close();
  const parts: Uint8Array[] = [];
  for (const bytes of [4072, 4072, 1856]) {
    const next = b.poll();
    await until(() => next.used !== null);
    t.equal(viewOf(b.channelRing).getUint32(16, true), bytes);
    parts.push(b.channelRing.slice(24, 24 + bytes));
  }
  t.strictSame(c.concat(...parts), big);
  const last = b.poll();
  await until(() => last.used !== null);
  t.strictSame(b.channelRing.slice(0, 24), s.hex('06 00 0000 00000000 01000080 01000000 00000000 00000000'));
  t.equal(b.contexts.status.readPipes, 0);
  t.equal(b.poll().used, null);
});

scenario('a fast pipe does not keep the channel waiting, nor the other way round', async (t, b) => {
  const channel = b.connect();
  b.send(
    s.submit3d(
      1,
      s.sendCommand(Uint8Array.of(1), [
        [0x8000_0001, 3],
        [0x8000_0007, 3],
      ]),
    ),
  );
  const writers = [writeEnd(b, 0, 0), writeEnd(b, 0, 1)];
  for (const writer of writers) writer.write(new Uint8Array(16_000));
  for (let i = 0; i < 8; i++) channel.inbox.push({ data: Uint8Array.of(i), items: [] });
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) {
    t.equal(b.poll().used, 24);
    const view = viewOf(b.channelRing);
    seen.push(view.getUint8(0) === 5 ? 0 : view.getUint32(8, true) - 0x8000_0000);
  }
  t.strictSame(seen, [1, 0, 7, 0, 1, 0, 7, 0]);
  for (const writer of writers) writer.close();
});

scenario('a paste on the host: WRITE_PIPE and WRITE', async (t, b) => {
  const channel = b.connect();
  const { reader, writeFd } = createPipe();
  channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'write-pipe', fd: writeFd }] });
  t.equal(b.poll().used, 24);
  t.strictSame(b.channelRing.slice(0, 353), received([[2, 4, 0]], Uint8Array.of(1)));
  const target = new Uint8Array(8192);
  t.equal(
    b.send(
      s.submit3d(
        1,
        c.concat(s.hex('07 00 1a00 00000000 02000000 00000000 02000000 00000000'), Buffer.from('hi')),
      ),
    ),
    OK,
  );
  t.equal(reader.read(target), 2);
  t.equal(b.send(s.submit3d(1, s.writeCommand(2, new Uint8Array(4096).fill(3)))), OK);
  t.equal(b.send(s.submit3d(1, s.hex('07 00 1800 00000000 02000000 01000000 00000000 00000000'))), OK);
  t.equal(reader.read(target), 4096);
  t.equal(reader.read(target), 0, 'closed');
  t.equal(b.send(s.submit3d(1, s.writeCommand(2, Uint8Array.of(1)))), BAD_PARAMETER, 'it is gone');
  reader.close();
});

scenario('a slow reader: what waits goes out later, even when the context is gone', async (t, b) => {
  const channel = b.connect();
  const { reader, writeFd } = createPipe();
  channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'write-pipe', fd: writeFd }] });
  b.poll();
  const chunk = new Uint8Array(60_000).fill(1);
  for (let i = 0; i < 20; i++) t.equal(b.send(s.submit3d(1, s.writeCommand(2, chunk, i === 19 ? 1 : 0))), OK);
  t.ok(b.contexts.status.writeQueueBytes > 1_000_000);
  b.send(s.destroyContext(1));
  let bytes = 0;
  const target = new Uint8Array(65536);
  for (let got = -1; got !== 0; got = reader.read(target)) {
    if (got > 0) bytes += got;
    else await turn();
  }
  t.equal(bytes, 20 * 60_000);
  t.equal(b.contexts.status.writeQueueBytes, 0);
  reader.close();
});

scenario('a reader that goes away is not told to the guest', async (t, b) => {
  const channel = b.connect();
  const { reader, writeFd } = createPipe();
  channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'write-pipe', fd: writeFd }] });
  b.poll();
  reader.close();
  for (const hangUp of [0, 0, 1])
    t.equal(b.send(s.submit3d(1, s.writeCommand(2, Uint8Array.of(1), hangUp))), OK);
  t.equal(b.send(s.submit3d(1, s.writeCommand(2, Uint8Array.of(1)))), BAD_PARAMETER);
});

scenario('memory that moves, and memory that goes', async (t, b) => {
  const channel = b.connect();
  b.memory.generation += 1;
  channel.inbox.push({ data: Uint8Array.of(5), items: [] });
  t.equal(b.poll().used, 24);
  t.equal(b.channelRing[352], 5);
  b.memory.generation += 1;
  b.memory.gone = true;
  channel.inbox.push({ data: Uint8Array.of(6), items: [] });
  const poll = b.poll();
  t.equal(poll.used, null);
  t.ok(channel.closed > 0);
  t.equal(b.channelRing[352], 5);
  t.equal(b.send(s.submit3d(1, s.imageQuery(1, 1, 0x34325258))), BAD_PARAMETER);
  b.send(s.destroyContext(1));
  t.equal(poll.used, 24);
});

scenario('a ring that is destroyed is not written any more', async (t, b) => {
  const channel = b.connect();
  b.contexts.forget({ id: s.QUERY });
  t.equal(b.send(s.submit3d(1, s.imageQuery(1, 1, 0x34325258))), BAD_PARAMETER);
  t.equal(channel.closed, 0);
  b.send(s.detachFrom(1, s.CHANNEL));
  channel.inbox.push({ data: Uint8Array.of(1), items: [] });
  t.equal(b.poll().used, 24, 'detached is not destroyed');
  b.memory.bytes.fill(0xee);
  const poll = b.poll();
  b.contexts.forget({ id: s.CHANNEL });
  t.ok(channel.closed > 0);
  channel.deliver({ data: Uint8Array.of(1), items: [] });
  t.equal(poll.used, null);
  t.ok(b.memory.bytes.every((byte) => byte === 0xee));
});

/** Contexts of a guest that means harm: each is refused, bounded or ended, and everything is given back. */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { closeFd, createPipe } from 'vhost-user-native';
import { viewOf } from 'vhost-user-ts';
import type { ContextLimits } from '../../src/virtio-gpu/context/context-limits.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from './context-support.js';
import * as c from './gpu-commands.js';
import type { TestChain } from './gpu-harness.js';
import { openFds } from './native-support.js';

const OK = gpu.VIRTIO_GPU_RESP_OK_NODATA;
const UNSPEC = gpu.VIRTIO_GPU_RESP_ERR_UNSPEC;
const NO_MEMORY = gpu.VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
const BAD_PARAMETER = gpu.VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
const NOTHING = new Uint8Array(0);

function hostile(name: string, run: (t: Test, b: s.ContextBench) => void, limits?: Partial<ContextLimits>) {
  t.test(name, async (t) => {
    const before = openFds();
    const b = new s.ContextBench(limits);
    run(t, b);
    b.contexts.clear();
    t.strictSame(Object.values(b.contexts.status), [0, 0, 0, 0, 0, 0], 'nothing is left');
    t.equal(b.control.heldFences, 0);
    t.equal(b.memory.openTables, 0);
    b.close();
    t.equal(openFds(), before, 'no descriptor is left open');
  });
}

/** The first POLL after a violation says that the connection has ended; later ones say nothing. */
function isEnded(b: s.ContextBench, ctxId = 1): boolean {
  b.channelRing.fill(0xee);
  const told = b.poll(ctxId).used === 24 && viewOf(b.channelRing).getUint32(0, true) === 5;
  return told && viewOf(b.channelRing).getUint32(12, true) === 0 && b.poll(ctxId).used === null;
}

hostile('sizes of submissions', (t, b) => {
  b.connect();
  t.equal(b.send(s.submit3d(1, s.POLL, {}, 17)), UNSPEC, 'more than there is');
  t.equal(b.send(s.submit3d(1, s.POLL, {}, 65537)), BAD_PARAMETER);
  t.equal(b.send(s.submit3d(1, s.POLL, {}, 0xffff_ffff)), BAD_PARAMETER);
  t.equal(b.send(s.submit3d(1, NOTHING)), OK);
  t.equal(b.send(s.submit3d(99, s.POLL)), gpu.VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
  for (let length = 24; length < 32; length++) {
    t.equal(b.send(s.submit3d(1, NOTHING).subarray(0, length)), UNSPEC);
  }
});

const MALFORMED: readonly (readonly [string, Uint8Array])[] = [
  ['half a header', s.POLL.subarray(0, 7)],
  ['a size of 0', s.hex('03 00 0000 00000000 0000000000000000')],
  ['a size below the header', s.hex('03 00 0700 00000000 0000000000000000')],
  ['a POLL that is too short', s.hex('03 00 0c00 00000000 00000000')],
  ['a size past the end', s.hex('03 00 1100 00000000 0000000000000000')],
  ['an INIT of no known size', s.hex('01 00 1c00 00000000 01000000 02000000 01000000 00000000 00000000')],
  ['an image query that is too short', s.hex('02 00 1000 00000000 01000000 01000000')],
  ['29 identifiers', s.sendCommand(NOTHING, [], 29)],
  ['2^32 - 1 identifiers', s.sendCommand(NOTHING, [], 0xffff_ffff)],
  ['a SEND of more than there is', s.sendCommand(Uint8Array.of(1), [], 0, 2)],
  ['a SEND of 4 GiB', s.sendCommand(Uint8Array.of(1), [], 0, 0xffff_ffff)],
  ['a WRITE of more than there is', s.writeCommand(2, Uint8Array.of(1), 0, 2)],
  ['a good SEND, then half a header', c.concat(s.sendCommand(Uint8Array.of(1)), Uint8Array.of(3))],
];
for (const [name, payload] of MALFORMED) {
  hostile(`malformed: ${name}`, (t, b) => {
    const channel = b.connect();
    t.equal(b.send(s.submit3d(1, payload)), BAD_PARAMETER);
    t.equal(channel.sent.length, 0, 'nothing of it was carried out');
    t.equal(b.ends.length, 1);
    t.ok(channel.closed > 0);
    t.ok(isEnded(b));
  });
}

hostile('commands that are not offered are refused, and nothing else happens', (t, b) => {
  const channel = b.connect();
  for (const cmd of [0, 5, 6, 8, 9, 10, 11, 12, 13, 255]) {
    const unknown = c.concat(Uint8Array.of(cmd, 0, 32, 0), new Uint8Array(28));
    t.equal(b.send(s.submit3d(1, c.concat(s.sendCommand(Uint8Array.of(1)), unknown))), UNSPEC);
  }
  t.strictSame([channel.sent.length, channel.closed, b.ends.length], [0, 0, 0]);
});

const IDENTIFIERS: readonly (readonly [string, readonly (readonly [number, number])[]])[] = [
  ['a resource that is not attached', [[9, 1]]],
  ['no such resource', [[99, 1]]],
  ['a resource that is no blob', [[8, 1]]],
  [
    'a good one and a bad one',
    [
      [1, 1],
      [9, 1],
    ],
  ],
  ['an unknown type', [[1, 2]]],
  ['a pipe of the host', [[2, 4]]],
  ['a pipe id without its bit', [[1, 3]]],
  [
    'the same pipe twice',
    [
      [0x8000_0001, 3],
      [0x8000_0001, 3],
    ],
  ],
  [
    'a good pipe and a bad blob',
    [
      [0x8000_0001, 3],
      [9, 1],
    ],
  ],
];
for (const [name, identifiers] of IDENTIFIERS) {
  hostile(`SEND: ${name}`, (t, b) => {
    b.resources.host.add(9);
    b.resources.plain.add(8);
    const channel = b.connect();
    b.send(s.attachTo(1, 8));
    b.send(s.createContext(2, 5));
    b.send(s.attachTo(2, 9));
    t.not(b.send(s.submit3d(1, s.sendCommand(Uint8Array.of(1), identifiers))), OK);
    t.equal(channel.sent.length, 0);
    t.equal(b.contexts.status.readPipes, 0);
    t.ok(isEnded(b));
  });
}

hostile('too many POLLs end a connection, and chains stay few', (t, b) => {
  const channel = b.connect();
  const polls: TestChain[] = [];
  for (let i = 0; i < 100; i++) polls.push(b.poll());
  t.ok(b.control.heldFences <= 16);
  t.ok(
    polls.slice(0, 84).every(({ used }) => used === 24),
    'the oldest went back',
  );
  t.ok(channel.closed > 0);
  t.equal(b.ends.length, 1);
});

hostile('contexts take half of the queue at most', (t, b) => {
  let created = 0;
  for (let id = 1; id <= 100; id++) if (b.send(s.createContext(id, 5)) === OK) created += 1;
  t.equal(created, 64);
  for (let id = 1; id <= 64; id++) for (let i = 0; i < 20; i++) b.poll(id);
  t.ok(b.control.heldFences <= 128);
});

hostile(
  'limits on contexts and attachments',
  (t, b) => {
    for (let id = 1; id <= 4; id++) t.equal(b.send(s.createContext(id, id > 2 ? 0 : 5)), OK);
    t.equal(b.send(s.createContext(5, 5)), NO_MEMORY);
    t.equal(b.send(s.createContext(5, 0)), NO_MEMORY);
    for (const id of [1, 2, 3]) t.equal(b.send(s.attachTo(id, s.QUERY)), OK);
    t.equal(b.send(s.attachTo(4, s.QUERY)), NO_MEMORY);
    b.send(s.destroyContext(3));
    t.equal(b.send(s.attachTo(4, s.QUERY)), OK);
    t.equal(b.send(s.createContext(5, 0)), OK);
  },
  { maxContexts: 2, maxPlainContexts: 2, maxAttachments: 3 },
);

hostile(
  'limits on images, pipes and items',
  (t, b) => {
    const channel = b.connect();
    for (let i = 1; i <= 3; i++) {
      t.equal(b.send(s.submit3d(1, s.imageQuery(i, 1, 0x20203852))), i === 3 ? BAD_PARAMETER : OK);
    }
    for (let i = 1; i <= 2; i++) {
      t.equal(b.send(s.submit3d(1, s.sendCommand(Uint8Array.of(1), [[0x8000_0000 + i, 3]]))), OK);
    }
    const { reader, writeFd } = createPipe();
    channel.inbox.push(
      { data: Uint8Array.of(1), items: [{ kind: 'file', content: new Uint8Array(10) }] },
      {
        data: Uint8Array.of(2),
        items: [
          { kind: 'file', content: new Uint8Array(91) },
          { kind: 'write-pipe', fd: writeFd },
        ],
      },
    );
    t.equal(b.poll().used, 24);
    t.ok(isEnded(b), 'more than the guest may leave lying about');
    t.equal(reader.read(new Uint8Array(1)), 0, 'what it did not get is closed');
    reader.close();
    for (const { items } of channel.sent) {
      for (const item of items) if (item.kind === 'read-pipe') createdFds.push(item.fd);
    }
    closeAll();
  },
  { maxImageTemplates: 2, maxFileBytes: 100 },
);

const createdFds: number[] = [];

function closeAll(): void {
  for (const fd of createdFds.splice(0)) closeFd(fd);
}

hostile(
  'a reader on the host that does not read costs a bounded amount',
  (t, b) => {
    const channel = b.connect();
    const { reader, writeFd } = createPipe();
    channel.inbox.push({ data: Uint8Array.of(1), items: [{ kind: 'write-pipe', fd: writeFd }] });
    b.poll();
    const chunk = new Uint8Array(60_000);
    const types = Array.from({ length: 20 }, () => b.send(s.submit3d(1, s.writeCommand(2, chunk))));
    t.equal(types.filter((type) => type === NO_MEMORY).length, 1, 'told once');
    t.equal(b.contexts.status.writeQueueBytes, 0);
    t.equal(channel.closed, 0, 'the connection is another matter');
    t.equal(b.send(s.submit3d(1, s.writeCommand(3, chunk))), BAD_PARAMETER, 'no such pipe');
    reader.close();
  },
  { maxWriteQueueBytes: 200_000 },
);

const word = fc.oneof(fc.nat(6), fc.constantFrom(0x8000_0001, 0x7fff_ffff, 0xffff_ffff));
const payload = fc.oneof(
  fc.constant(s.POLL),
  fc.tuple(word, word, fc.nat(2)).map((args) => s.init(...args)),
  fc.tuple(word, word, fc.constantFrom(0x20203852, 0x34325258, 0)).map((args) => s.imageQuery(...args)),
  fc
    .tuple(fc.uint8Array({ maxLength: 40 }), fc.array(fc.tuple(word, fc.nat(5)), { maxLength: 4 }))
    .map((args) => s.sendCommand(...args)),
  fc.tuple(word, fc.uint8Array({ maxLength: 40 }), fc.nat(1)).map((args) => s.writeCommand(...args)),
  fc.uint8Array({ maxLength: 60 }),
);
const request = fc.oneof(
  fc.tuple(fc.nat(3), fc.constantFrom(0, 5, 5, 2)).map((args) => s.createContext(...args)),
  fc.nat(3).map(s.destroyContext),
  fc.tuple(fc.nat(3), fc.nat(4)).map((args) => s.attachTo(...args)),
  fc.tuple(fc.nat(3), fc.nat(4)).map((args) => s.detachFrom(...args)),
  fc
    .tuple(fc.nat(3), fc.array(payload, { maxLength: 3 }), fc.constantFrom(0, s.FENCE, s.RING), fc.nat(2))
    .map(([id, parts, flags, ringIdx]) => s.submit3d(id, c.concat(...parts), { flags, ringIdx })),
);

t.test('any sequence of requests: each chain goes back once, and nothing is left', async (t) => {
  const before = openFds();
  const ran = fc.check(
    fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
      const b = new s.ContextBench();
      b.connect(1);
      const chains = requests.map((bytes) => b.submit(bytes));
      for (const channel of b.channels.opened) {
        channel.owner.ready();
        for (const { items } of channel.sent) {
          for (const item of items) if (item.kind === 'read-pipe') createdFds.push(item.fd);
        }
      }
      b.contexts.clear();
      closeAll();
      const left = Object.values(b.contexts.status).reduce((sum, value) => sum + value, 0);
      const fine =
        chains.every(({ used }) => used === 24) && left + b.memory.openTables + b.control.heldFences === 0;
      b.close();
      return fine;
    }),
    { numRuns: 300 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
  t.equal(openFds(), before);
});

/** Packed virtqueue, clause by clause (virtio 1.3, 2.8), and what hostile drivers do. */
import t from 'tap';
import { GUEST, PackedRig, type RigOptions, USER } from './vring-harness.js';

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
const AVAIL = 0x80;
const USED = 0x8000;

/** An entry of an indirect table. */
function entry(
  rig: PackedRig,
  table: number,
  index: number,
  address: number,
  length: number,
  flags: number,
): void {
  const at = table - GUEST + index * 16;
  rig.view.setBigUint64(at, BigInt(address), true);
  rig.view.setUint32(at + 8, length, true);
  rig.view.setUint32(at + 12, flags << 16, true);
}

/** Bad chains in descriptors 0 and on; `slots` of them are taken. */
const badChains: [string, RegExp, number, Partial<RigOptions>, (rig: PackedRig) => void][] = [
  ['a buffer outside guest memory', /outside guest/, 1, {}, (rig) => rig.desc(0, 0x1000, 8, 0, 6)],
  [
    '2.8.6 device-readable after device-writable',
    /readable/,
    2,
    {},
    (rig) => {
      rig.desc(0, rig.data, 8, NEXT | WRITE);
      rig.desc(1, rig.data, 8, 0, 6);
    },
  ],
  [
    '2.8.7 an indirect descriptor that was not negotiated',
    /without/,
    1,
    {},
    (rig) => rig.desc(0, rig.data, 16, INDIRECT, 6),
  ],
  [
    '2.8.19 an indirect descriptor in a list',
    /in a list/,
    2,
    { indirect: true },
    (rig) => {
      rig.desc(0, rig.data, 8, NEXT);
      rig.desc(1, rig.data, 16, INDIRECT, 6);
    },
  ],
  [
    '2.8.19 INDIRECT and NEXT',
    /in a list/,
    2,
    { indirect: true },
    (rig) => {
      rig.desc(0, rig.data, 16, INDIRECT | NEXT);
      rig.desc(1, rig.data, 8, 0, 6);
    },
  ],
  [
    '2.8.19 a table in a table',
    /further indirect/,
    1,
    { indirect: true },
    (rig) => {
      entry(rig, rig.data, 0, rig.data, 16, INDIRECT);
      rig.desc(0, rig.data, 16, INDIRECT, 6);
    },
  ],
  [
    '2.8.7 a table of 20 bytes',
    /multiple of 16/,
    1,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 20, INDIRECT, 6),
  ],
  [
    'a table of 1025 entries',
    /too long/,
    1,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 1025 * 16, INDIRECT, 6),
  ],
  [
    'a table that ends outside guest memory',
    /table: it lies outside/,
    1,
    { indirect: true },
    (rig) => {
      entry(rig, GUEST + rig.bytes.length - 16, 0, rig.data, 8, 0);
      rig.desc(0, GUEST + rig.bytes.length - 16, 32, INDIRECT, 6);
    },
  ],
];

for (const [name, reason, slots, options, prepare] of badChains) {
  t.test(`${name}: goes back unused`, async (t) => {
    const rig = new PackedRig(options);
    prepare(rig);
    rig.desc(slots, rig.data, 16, WRITE, 3);
    const good = rig.queue.pop();
    t.equal(good?.head, 3, 'the next chain is popped');
    t.equal(rig.queue.rejectedChains, 1);
    t.match(rig.queue.lastRejection, reason);
    t.ok(rig.queue.flush());
    t.same(rig.at(0), { id: 6, length: 0, flags: AVAIL | USED }, 'used, nothing written');
    if (good) rig.queue.push(good, 4);
    rig.queue.flush();
    t.same(rig.at(slots), { id: 3, length: 4, flags: AVAIL | USED | WRITE }, 'after its slots');
    rig.close();
  });
}

t.test('a list that never ends: the queue is broken until it is set up again', async (t) => {
  const rig = new PackedRig();
  for (let i = 0; i < 8; i++) rig.desc(i, rig.data, 8, NEXT);
  t.equal(rig.queue.pop(), null);
  t.match(rig.queue.broken, { code: 'VHOST_ERR_BAD_VRING', message: /more descriptors/ });
  t.notOk(rig.queue.running);
  rig.start();
  t.ok(rig.queue.running);
  rig.close();
});

t.test('descriptors that are in flight made available again: broken', async (t) => {
  const rig = new PackedRig({ size: 2 });
  rig.desc(0, rig.data, 8, 0);
  rig.desc(1, rig.data, 8, 0);
  t.ok(rig.queue.pop());
  t.ok(rig.queue.pop());
  t.equal(rig.queue.pop(), null, 'the second lap wants the other bits');
  t.equal(rig.queue.broken, null);
  rig.driver.rawDescriptor(0, { address: rig.data, length: 8, flags: USED });
  t.equal(rig.queue.pop(), null);
  t.match(rig.queue.broken?.message, /more descriptors/);
  rig.close();
});

t.test('2.8.1 wrap counters: what is available in one lap is not in the next', async (t) => {
  const rig = new PackedRig({ size: 1 });
  for (const flags of [AVAIL, USED, AVAIL, USED]) {
    t.equal(rig.queue.pop(), null);
    rig.driver.rawDescriptor(0, { address: rig.data, length: 8, flags, next: 7 });
    const chain = rig.queue.pop();
    t.equal(chain?.head, 7);
    if (chain) rig.queue.push(chain, 0);
    rig.queue.flush();
    t.equal(rig.at(0).flags, flags === AVAIL ? AVAIL | USED : 0);
  }
  rig.close();
});

t.test('2.8.5 a batch becomes visible at once, with its first descriptor', async (t) => {
  const rig = new PackedRig();
  for (let i = 0; i < 3; i++) rig.desc(i, rig.data, 8, 0, i);
  const chains = [0, 1, 2].map(() => rig.queue.pop());
  for (const chain of chains.reverse()) if (chain) rig.queue.push(chain, 0);
  t.equal(rig.at(0).flags, AVAIL, 'not before the flush');
  rig.queue.flush();
  t.same(
    [0, 1, 2].map((i) => rig.at(i).id),
    [2, 1, 0],
  );
  t.same(
    [0, 1, 2].map((i) => rig.at(i).flags),
    [AVAIL | USED, AVAIL | USED, AVAIL | USED],
  );
  rig.close();
});

t.test(
  '2.8.10 event suppression: the device asks for its position, or for everything, or for nothing',
  async (t) => {
    const rig = new PackedRig({ eventIdx: true });
    const { deviceEvent } = rig.areas;
    rig.desc(0, rig.data, 8, 0);
    rig.queue.pop();
    t.notOk(rig.queue.enableNotifications());
    t.same([...deviceEvent], [0x8001, 2], 'descriptor 1 in lap 1');
    rig.queue.disableNotifications();
    t.equal(deviceEvent[1], 1);
    rig.desc(1, rig.data, 8, 0);
    t.ok(rig.queue.enableNotifications(), 'one came meanwhile');
    rig.close();
    const plain = new PackedRig();
    t.equal(plain.areas.deviceEvent[1], 0);
    plain.queue.disableNotifications();
    t.equal(plain.areas.deviceEvent[1], 1);
    t.notOk(plain.queue.enableNotifications());
    t.equal(plain.areas.deviceEvent[1], 0);
    plain.close();
  },
);

t.test('GET_VRING_BASE: positions and wrap counters of both sides', async (t) => {
  const rig = new PackedRig({ size: 3 });
  for (let i = 0; i < 3; i++) rig.desc(i, rig.data, 8, 0, i);
  const first = rig.queue.pop();
  rig.queue.pop();
  rig.queue.pop();
  if (first) rig.queue.push(first, 0);
  const base = rig.queue.stop();
  t.equal(base, 0x8001_0000, 'avail: 0 in the second lap (wrap 0); used: 1 in the first (wrap 1)');
  rig.start({ baseIndex: base });
  t.equal(rig.queue.pop(), null);
  t.equal(rig.queue.stop(), base);
  rig.close();
});

t.test('rings that can not be started', async (t) => {
  const rig = new PackedRig();
  const refused = { code: 'VHOST_ERR_BAD_VRING' };
  for (const size of [0, 32769, 2.5]) t.throws(() => rig.start({ size }), refused, `size ${size}`);
  rig.start({ size: 3 });
  t.ok(rig.queue.running, 'not a power of two');
  t.throws(() => rig.start({ descUser: rig.layout.descUser + 8 }), refused);
  t.throws(() => rig.start({ availUser: rig.layout.availUser + 2 }), refused);
  t.throws(() => rig.start({ usedUser: USER + rig.bytes.length }), refused);
  for (const baseIndex of [0x8000_8008, 0x8008_8000, 0x8005_8001])
    t.throws(() => rig.start({ baseIndex }), refused);
  rig.close();
});

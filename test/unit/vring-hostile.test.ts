/** What hostile drivers do to a split virtqueue (virtio 1.3, 2.7): the queue goes on, or stops with a reason. */
import t from 'tap';
import { GUEST, type RigOptions, SplitRig } from './vring-harness.js';

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

/** Bad chains: each goes back unused with length 0, is counted, and the queue goes on with the next. */
const badChains: [string, RegExp, Partial<RigOptions>, (rig: SplitRig) => void][] = [
  [
    '2.7.5.1 a chain that loops',
    /loops/,
    {},
    (rig) => {
      rig.desc(0, rig.data, 8, NEXT, 1);
      rig.desc(1, rig.data, 8, NEXT, 0);
    },
  ],
  ['2.7.5 next outside the table', /next names/, {}, (rig) => rig.desc(0, rig.data, 8, NEXT, 8)],
  ['2.7.5 next 65535', /next names/, {}, (rig) => rig.desc(0, rig.data, 8, NEXT, 65535)],
  [
    '2.7.4.2 device-readable after device-writable',
    /readable/,
    {},
    (rig) => {
      rig.desc(0, rig.data, 8, NEXT | WRITE, 1);
      rig.desc(1, rig.data, 8, 0);
    },
  ],
  ['a buffer outside guest memory', /outside guest/, {}, (rig) => rig.desc(0, 0x1000, 8, 0)],
  [
    'a buffer that ends outside guest memory',
    /outside guest/,
    {},
    (rig) => rig.desc(0, GUEST + rig.bytes.length - 4, 8, WRITE),
  ],
  [
    'a buffer that wraps at 2^64',
    /outside guest/,
    {},
    (rig) => {
      rig.desc(0, 0, 0x2000, 0);
      rig.areas.desc[0] = 0xfffff000;
      rig.areas.desc[1] = 0xffffffff;
    },
  ],
  [
    'a buffer of 4 GiB - 1 that memory does not have',
    /outside guest/,
    {},
    (rig) => rig.desc(0, rig.data, 0xffffffff, WRITE),
  ],
  [
    '2.7.5.3 an indirect descriptor that was not negotiated',
    /without/,
    {},
    (rig) => rig.desc(0, rig.data, 16, INDIRECT),
  ],
  [
    '2.7.5.3.1 INDIRECT and NEXT',
    /next one/,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 16, INDIRECT | NEXT, 1),
  ],
  [
    '2.7.5.3.1 a table in a table',
    /further indirect/,
    { indirect: true },
    (rig) => {
      rig.entry(rig.data, 0, rig.data, 16, INDIRECT);
      rig.desc(0, rig.data, 16, INDIRECT);
    },
  ],
  [
    '2.7.5.3 a table of length 0',
    /multiple of 16/,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 0, INDIRECT),
  ],
  [
    '2.7.5.3 a table of 17 bytes',
    /multiple of 16/,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 17, INDIRECT),
  ],
  [
    'a table of 4 GiB - 16',
    /65536/,
    { indirect: true },
    (rig) => rig.desc(0, rig.data, 0xfffffff0, INDIRECT),
  ],
  [
    'a table outside guest memory',
    /table: it lies outside/,
    { indirect: true },
    (rig) => rig.desc(0, 0x1000, 32, INDIRECT),
  ],
  [
    'a table that ends outside guest memory',
    /table: it lies outside/,
    { indirect: true },
    (rig) => {
      const table = GUEST + rig.bytes.length - 16;
      rig.entry(table, 0, rig.data, 8, NEXT, 1);
      rig.desc(0, table, 32, INDIRECT);
    },
  ],
  [
    'next outside the indirect table',
    /entry outside/,
    { indirect: true },
    (rig) => {
      rig.entry(rig.data, 0, rig.data, 8, NEXT, 1);
      rig.desc(0, rig.data, 16, INDIRECT);
    },
  ],
  [
    '2.7.5.1 an indirect chain that loops',
    /loops/,
    { indirect: true },
    (rig) => {
      rig.entry(rig.data, 0, rig.data, 8, NEXT, 1);
      rig.entry(rig.data, 1, rig.data, 8, NEXT, 0);
      rig.desc(0, rig.data, 32, INDIRECT);
    },
  ],
  [
    '2.7.5.1 a chain of more than 4 GiB',
    /4 GiB/,
    { bytes: 2 ** 31 + 2 ** 20 },
    (rig) => {
      for (let i = 0; i < 3; i++) rig.desc(i, GUEST, 2 ** 31, WRITE | (i < 2 ? NEXT : 0), i + 1);
    },
  ],
];

for (const [name, reason, options, prepare] of badChains) {
  t.test(`${name}: goes back unused`, async (t) => {
    const rig = new SplitRig(options);
    prepare(rig);
    rig.desc(5, rig.data, 16, WRITE);
    rig.offer(0, 5);
    const good = rig.queue.pop();
    t.equal(good?.head, 5, 'the next chain is popped');
    t.equal(rig.queue.rejectedChains, 1);
    t.match(rig.queue.lastRejection, reason);
    t.ok(rig.queue.flush(), 'the driver is told');
    t.same(rig.used(), [{ id: 0, length: 0 }]);
    t.equal(rig.queue.broken, null);
    t.equal(rig.queue.heldChains, 1);
    rig.close();
  });
}

t.test('a flood of bad chains: one pop passes over a few, the rest is pending work', async (t) => {
  const rig = new SplitRig({ size: 64 });
  rig.desc(0, 0x1000, 8, 0);
  rig.offer(...Array.from({ length: 64 }, () => 0));
  t.equal(rig.queue.pop(), null);
  t.ok(rig.queue.rejectedChains < 64);
  t.ok(rig.queue.pendingWork);
  t.ok(rig.queue.enableNotifications(), 'there is more');
  while (rig.queue.enableNotifications()) rig.queue.pop();
  t.equal(rig.queue.rejectedChains, 64);
  rig.close();
});

const broken: [string, RegExp, (rig: SplitRig) => void][] = [
  ['2.7.6 avail.idx runs ahead by more than the ring', /avail\.idx/, (rig) => rig.driver.setAvailIndex(9)],
  ['2.7.6 avail.idx goes back', /avail\.idx/, (rig) => rig.driver.setAvailIndex(-1)],
  ['2.7.6 a head outside the table', /names descriptor 8/, (rig) => rig.offer(8)],
];

for (const [name, reason, prepare] of broken) {
  t.test(`${name}: the queue is broken until it is set up again`, async (t) => {
    const rig = new SplitRig();
    prepare(rig);
    t.equal(rig.queue.pop(), null);
    t.match(rig.queue.broken, { code: 'VHOST_ERR_BAD_VRING', message: reason });
    t.notOk(rig.queue.running);
    t.notOk(rig.queue.pendingWork);
    t.notOk(rig.queue.enableNotifications());
    rig.driver.setAvailIndex(0);
    t.equal(rig.queue.pop(), null, 'stays broken');
    rig.start();
    t.equal(rig.queue.broken, null);
    t.ok(rig.queue.running);
    rig.close();
  });
}

t.test('one descriptor made available for ever: records are bounded by the ring', async (t) => {
  const rig = new SplitRig();
  rig.desc(0, rig.data, 8, 0);
  for (let i = 0; i < 8; i++) {
    rig.offer(0);
    t.ok(rig.queue.pop());
  }
  rig.offer(0);
  t.equal(rig.queue.pop(), null);
  t.match(rig.queue.broken?.message, /in flight/);
  rig.close();
});

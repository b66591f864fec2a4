/** Split virtqueue, clause by clause (virtio 1.3, 2.7), and the life cycle of queues and chains. */
import t from 'tap';
import { mapAnonymous } from 'vhost-user-native';
import { DirtyLog } from 'vhost-user-ts';
import { GUEST, PackedRig, SplitRig, USER } from './vring-harness.js';

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

t.test(
  '2.7.5.3.2 WRITE on the indirect descriptor is ignored; direct descriptors before it count',
  async (t) => {
    const rig = new SplitRig({ indirect: true });
    const table = rig.data + 0x1000;
    rig.bytes.fill(7, rig.dataOffset, rig.dataOffset + 12);
    rig.entry(table, 0, rig.data + 8, 4, NEXT, 1);
    rig.entry(table, 1, rig.data + 64, 10, WRITE);
    rig.desc(0, rig.data, 8, NEXT, 3);
    rig.desc(3, table, 32, INDIRECT | WRITE);
    rig.offer(0);
    const chain = rig.queue.pop();
    t.same([chain?.readableBytes, chain?.writableBytes], [12, 10]);
    const copy = new Uint8Array(12);
    t.equal(chain?.read(copy, 0, 12), 12);
    t.same(copy, new Uint8Array(12).fill(7));
    rig.close();
  },
);

t.test('an indirect table at an odd address, and one across two regions', async (t) => {
  const rig = new SplitRig({ indirect: true });
  for (const table of [rig.data + 3, GUEST + rig.border - 24]) {
    rig.entry(table, 0, rig.data + 0x800, 8, NEXT, 2);
    rig.entry(table, 2, rig.data + 0x900, 8, WRITE);
    rig.desc(0, table, 48, INDIRECT);
    rig.offer(0);
    const chain = rig.queue.pop();
    t.same([chain?.readableBytes, chain?.writableBytes], [8, 8], rig.queue.lastRejection ?? '');
    if (chain) rig.queue.push(chain, 0);
  }
  rig.close();
});

t.test('an indirect chain may be longer than a small ring (Linux makes such), up to 1024', async (t) => {
  const rig = new SplitRig({ indirect: true });
  for (const [count, taken] of [
    [1024, true],
    [1025, false],
  ] as const) {
    const table = rig.data;
    for (let i = 0; i < count; i++)
      rig.entry(table, i, rig.data + 0x8000 + i, 1, i + 1 < count ? NEXT : 0, i + 1);
    rig.desc(0, table, count * 16, INDIRECT);
    rig.offer(0);
    const chain = rig.queue.pop();
    t.equal(chain !== null, taken, `${count} entries`);
    t.equal(chain?.readableBytes ?? 0, taken ? count : 0);
    const copy = new Uint8Array(3);
    if (chain) t.equal(chain.read(copy, 1000, 3), 3);
    if (chain) rig.queue.push(chain, 0);
  }
  rig.close();
});

t.test('descriptors of length 0 are nothing, wherever they point', async (t) => {
  const rig = new SplitRig();
  rig.desc(0, 0x10, 0, NEXT | WRITE, 1);
  rig.desc(1, rig.data, 4, NEXT, 2);
  rig.desc(2, rig.data, 0, 0);
  rig.offer(0);
  const chain = rig.queue.pop();
  t.same([chain?.readableBytes, chain?.writableBytes], [4, 0]);
  rig.close();
});

t.test('each descriptor word is read once: changes after the pop change nothing', async (t) => {
  const rig = new SplitRig();
  rig.desc(0, rig.data, 16, WRITE);
  rig.offer(0);
  const chain = rig.queue.pop();
  rig.desc(0, 0x1000, 0xffffffff, NEXT, 99);
  t.equal(chain?.write(new Uint8Array(64).fill(9), 0, 64), 16);
  t.same(rig.bytes.subarray(rig.dataOffset, rig.dataOffset + 17), Uint8Array.from([...Array(16).fill(9), 0]));
  rig.close();
});

t.test('a buffer of almost 4 GiB, through windows and regions', async (t) => {
  const rig = new SplitRig({ bytes: 2 ** 32 + 2 ** 20 });
  rig.desc(0, GUEST, 0xfffff000, NEXT | WRITE, 1);
  rig.desc(1, GUEST, 0x1000, WRITE);
  rig.offer(0);
  const chain = rig.queue.pop();
  t.equal(chain?.writableBytes, 2 ** 32, rig.queue.lastRejection ?? '');
  const at = 2 ** 30 - 2;
  t.equal(chain?.write(Uint8Array.of(1, 2, 3, 4), at, 4), 4, 'across a window border');
  t.same(rig.bytes.subarray(at, at + 4), Uint8Array.of(1, 2, 3, 4));
  t.equal(chain?.write(Uint8Array.of(1), 2 ** 32, 1), 0, 'past the end');
  rig.close();
});

t.test('no more is reported used than the chain holds', async (t) => {
  const rig = new SplitRig();
  rig.desc(0, rig.data, 10, WRITE);
  rig.offer(0);
  const chain = rig.queue.pop();
  if (chain) rig.queue.push(chain, 1000);
  rig.queue.flush();
  t.same(rig.used(), [{ id: 0, length: 10 }]);
  rig.close();
});

t.test('2.7.10 avail_event follows what was taken, not what was completed', async (t) => {
  const rig = new SplitRig({ eventIdx: true });
  rig.desc(0, rig.data, 8, 0);
  rig.desc(1, rig.data, 8, 0);
  rig.offer(0);
  const held = rig.queue.pop();
  t.notOk(rig.queue.enableNotifications());
  t.equal(rig.areas.used[2 + 4 * 8], 1, 'avail_event');
  t.equal(rig.areas.used[0], 0, 'flags stay 0 with EVENT_IDX');
  rig.queue.disableNotifications();
  t.equal(rig.areas.used[0], 0);
  rig.offer(1);
  t.ok(rig.queue.enableNotifications(), 'one came meanwhile');
  t.equal(rig.queue.pop()?.head, 1, 'while the first is held');
  t.ok(held);
  rig.close();
});

t.test('2.7.7.2 interrupts: NO_INTERRUPT without EVENT_IDX, used_event with it', async (t) => {
  const plain = new SplitRig();
  const push = (rig: SplitRig) => {
    rig.offer(0);
    const chain = rig.queue.pop();
    if (chain) rig.queue.push(chain, 0);
    return rig.queue.flush();
  };
  plain.desc(0, plain.data, 8, 0);
  t.ok(push(plain));
  plain.areas.avail[0] = 1;
  t.notOk(push(plain));
  t.notOk(plain.queue.flush(), 'nothing to tell');
  const event = new SplitRig({ eventIdx: true });
  event.desc(0, event.data, 8, 0);
  event.areas.avail[0] = 1;
  event.areas.avail[2 + 8] = 2;
  t.same(
    [push(event), push(event), push(event), push(event)],
    [true, false, true, false],
    'first, then past 2',
  );
  plain.close();
  event.close();
});

t.test('a stopped queue: held chains reach no memory and are not published', async (t) => {
  const rig = new SplitRig();
  rig.desc(0, rig.data, 8, 0);
  rig.desc(1, rig.data, 8, WRITE);
  rig.offer(0, 1);
  const first = rig.queue.pop();
  const second = rig.queue.pop();
  if (!first || !second) throw new Error('two chains were offered');
  t.equal(rig.queue.stop(), 2);
  t.equal(second.write(Uint8Array.of(1), 0, 1), 0);
  t.equal(first.read(new Uint8Array(8), 0, 8), 0);
  rig.queue.push(first, 0);
  rig.start({ baseIndex: 1 });
  rig.queue.push(second, 1);
  t.equal(second.write(Uint8Array.of(1), 0, 1), 0, 'nor after a start from somewhere else');
  t.notOk(rig.queue.flush());
  t.same(rig.used(), []);
  t.equal(rig.queue.heldChains, 0);
  rig.close();
});

t.test('the memory table changes under a held chain', async (t) => {
  const rig = new SplitRig();
  rig.bytes.fill(5, rig.dataOffset, rig.dataOffset + 8);
  rig.desc(0, rig.data, 8, 0);
  rig.desc(1, GUEST + rig.border - 4, 8, WRITE);
  rig.offer(0, 1);
  const first = rig.queue.pop();
  const second = rig.queue.pop();
  if (!first || !second) throw new Error('two chains were offered');
  rig.memory.replace([rig.region(0, rig.border)]);
  t.equal(first.read(new Uint8Array(8), 0, 8), 8, 'still there');
  t.equal(second.write(new Uint8Array(8).fill(6), 0, 8), 0, 'half of it is gone');
  rig.memory.replace([rig.region(0, rig.border + 4096)]);
  t.equal(second.write(new Uint8Array(8).fill(6), 0, 8), 8, 'back, in one region now');
  t.equal(rig.bytes[rig.border + 3], 6);
  rig.memory.replace([rig.region(rig.border, 4096)]);
  t.equal(first.read(new Uint8Array(8), 0, 8), 0, 'gone');
  rig.queue.push(first, 0);
  t.throws(() => rig.queue.rebind(), { code: 'VHOST_ERR_BAD_VRING' });
  t.notOk(rig.queue.running, 'the ring is gone too');
  rig.close();
});

t.test('pause, enable, and the calls that ask for service', async (t) => {
  const rig = new SplitRig();
  let calls = 0;
  rig.queue.onWork = () => calls++;
  rig.desc(0, rig.data, 8, 0);
  rig.offer(0);
  rig.queue.pause();
  t.equal(rig.queue.pop(), null);
  t.notOk(rig.queue.enableNotifications(), 'nothing to do while paused');
  rig.queue.resume();
  t.equal(calls, 1);
  rig.queue.setEnabled(false);
  t.equal(rig.queue.pop(), null);
  rig.queue.setEnabled(true);
  t.equal(calls, 2);
  const chain = rig.queue.pop();
  if (!chain) throw new Error('one was offered');
  rig.queue.push(chain, 0);
  t.equal(calls, 3);
  t.equal(rig.queue.pendingPushes, 1);
  rig.queue.push(chain, 0);
  t.equal(rig.queue.pendingPushes, 1, 'a second push of the same chain does nothing');
  rig.close();
});

t.test('rings that can not be started', async (t) => {
  const rig = new SplitRig();
  const refused = { code: 'VHOST_ERR_BAD_VRING' };
  for (const size of [0, 3, 65536, 1.5, -1]) t.throws(() => rig.start({ size }), refused, `size ${size}`);
  t.throws(() => rig.start({ descUser: rig.layout.descUser + 8 }), refused, 'descriptor table on 8 bytes');
  t.throws(() => rig.start({ availUser: rig.layout.availUser + 1 }), refused, 'available ring on 1 byte');
  t.throws(() => rig.start({ usedUser: rig.layout.usedUser + 2 }), refused, 'used ring on 2 bytes');
  t.throws(() => rig.start({ descUser: 0x1000 }), refused, 'outside memory');
  t.throws(() => rig.start({ usedUser: USER + rig.bytes.length - 16 }), refused, 'past the end');
  t.throws(() => rig.start({ usedUser: Number.POSITIVE_INFINITY }), refused, 'a 64-bit address');
  t.throws(() => rig.start({ baseIndex: 65536 }), refused, 'base');
  t.notOk(rig.queue.running);
  t.equal(rig.queue.stop(), 0);
  rig.close();
});

t.test('dirty log: what a chain writes, and the used ring at its own log address', async (t) => {
  for (const packed of [false, true]) {
    const rig = packed ? new PackedRig() : new SplitRig();
    const log = mapAnonymous(2 ** 18);
    const bits = new Uint8Array(log.window(0, 2 ** 18));
    rig.memory.setDirtyLog(new DirtyLog(log));
    const pages = () =>
      [...bits.entries()].flatMap(([i, b]) =>
        [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => b & (1 << n)).map((n) => i * 8 + n),
      );
    const first = Math.floor(rig.piece(0, 1).address / 4096);
    rig.start({ logGuestAddress: 5 * 4096 + 4092 });
    t.same(pages(), packed ? [5] : [5, 6], 'the start writes flags');
    bits.fill(0);
    rig.add([], [rig.piece(4000, 200), rig.piece(0x3000, 8)]);
    const chain = rig.queue.pop();
    chain?.write(new Uint8Array(96), 0, 96);
    t.same(pages(), [first]);
    chain?.write(new Uint8Array(97), 0, 97);
    chain?.write(new Uint8Array(1), 200, 1);
    t.same(pages(), [first, first + 1, first + 3]);
    bits.fill(0);
    if (chain) rig.queue.push(chain, 201);
    rig.queue.flush();
    const ring = Math.floor(rig.driver.descAddress / 4096);
    t.same(pages(), packed ? [ring] : [5, 6], 'packed: used descriptors lie in the ring itself');
    log.close();
    rig.memory.setDirtyLog(null);
    rig.close();
  }
});

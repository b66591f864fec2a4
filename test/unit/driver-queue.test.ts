import fc from 'fast-check';
import t from 'tap';
import { type DescriptorChain, DriverQueue, type Piece, placeRing } from 'vhost-user-ts';
import { GUEST, Rig, type RigOptions } from './vring-harness.js';

const SLOT_BYTES = 128;
const PIECE_BYTES = 8;

interface Expected {
  readonly tag: number;
  readonly slot: number;
  readonly readable: number;
  readonly writable: number;
}

/** Both ends of one queue that talk through notifications only: whoever is not woken sleeps. */
class Pair {
  readonly rig: Rig;
  returned = 0;
  private readonly indirect: boolean;
  private readonly expected: (Expected | undefined)[] = [];
  private readonly slots: number[];
  private readonly held: DescriptorChain[] = [];
  private readonly buffer = new Uint8Array(PIECE_BYTES);
  private tag = 1;
  private deviceAwake = false;
  private interrupted = false;

  constructor(options: RigOptions) {
    this.rig = new Rig(options);
    this.rig.start();
    this.rig.queue.enableNotifications();
    this.indirect = options.indirect ?? false;
    this.slots = Array.from({ length: options.size }, (_, i) => i);
  }

  get added(): number {
    return this.tag - 1;
  }

  add(readable: number, writable: number): void {
    const slot = this.slots.pop();
    if (slot === undefined) return;
    const { rig } = this;
    const pieces = (from: number, count: number): Piece[] =>
      Array.from({ length: count }, (_, i) =>
        rig.piece(slot * SLOT_BYTES + (from + i) * PIECE_BYTES, PIECE_BYTES),
      );
    const free = rig.driver.freeDescriptors;
    const id = rig.driver.add(pieces(0, readable), pieces(readable, writable), { indirect: this.indirect });
    const needed = this.indirect ? 1 : readable + writable;
    if (id < 0) {
      if (free >= needed) throw new Error(`no room for ${needed} in ${free}`);
      this.slots.push(slot);
      return;
    }
    if (rig.driver.freeDescriptors !== free - needed) throw new Error('wrong number of free descriptors');
    if (this.expected[id] !== undefined) throw new Error(`id ${id} is in use`);
    this.expected[id] = { tag: this.tag, slot, readable, writable };
    if (readable > 0) rig.view.setUint32(rig.dataOffset + slot * SLOT_BYTES, this.tag, true);
    this.tag++;
  }

  kick(): void {
    this.rig.driver.publish();
    if (this.rig.driver.kickNeeded()) this.deviceAwake = true;
  }

  /** The device takes everything, and gives back all but `keep` of what it holds, in an order that `seed` says. */
  device(keep: number, seed: number): void {
    const { queue } = this.rig;
    if (this.deviceAwake) {
      queue.disableNotifications();
      do {
        for (let chain = queue.pop(); chain !== null; chain = queue.pop()) this.held.push(chain);
      } while (queue.enableNotifications());
      this.deviceAwake = false;
    }
    while (this.held.length > keep) {
      const [chain] = this.held.splice(seed % this.held.length, 1) as [DescriptorChain];
      queue.push(chain, this.answer(chain));
    }
    if (queue.flush()) this.interrupted = true;
  }

  /** The driver's interrupt handler, if there was an interrupt. */
  driver(): void {
    if (!this.interrupted) return;
    this.interrupted = false;
    const { driver } = this.rig;
    driver.disableInterrupts();
    do {
      for (let used = driver.poll(); used !== null; used = driver.poll()) this.took(used.id, used.length);
    } while (driver.enableInterrupts());
  }

  /** Runs until nobody is awake any more. Everything must have come back then. */
  settle(): void {
    this.kick();
    while (this.deviceAwake || this.interrupted || this.held.length > 0) {
      this.device(0, 0);
      this.driver();
    }
    const { driver, queue } = this.rig;
    if (queue.broken !== null || queue.rejectedChains > 0) throw new Error(queue.lastRejection ?? 'broken');
    if (this.returned !== this.added) throw new Error(`${this.returned} of ${this.added} came back`);
    if (driver.freeDescriptors !== driver.size || driver.inFlight !== 0) throw new Error('descriptors leak');
  }

  private answer(chain: DescriptorChain): number {
    const expected = this.expected[chain.head];
    if (expected === undefined) throw new Error(`unknown chain ${chain.head}`);
    if (chain.readableBytes !== expected.readable * PIECE_BYTES) throw new Error('wrong readable length');
    if (chain.writableBytes !== expected.writable * PIECE_BYTES) throw new Error('wrong writable length');
    if (chain.readableBytes > 0) {
      chain.read(this.buffer, 0, PIECE_BYTES);
      const tag = new DataView(this.buffer.buffer).getUint32(0, true);
      if (tag !== expected.tag) throw new Error(`chain ${chain.head} carries ${tag}`);
    }
    return Math.min(chain.writableBytes, expected.tag % 9);
  }

  private took(id: number, length: number): void {
    const expected = this.expected[id];
    if (expected === undefined) throw new Error(`unknown buffer ${id}`);
    if (length !== Math.min(expected.writable * PIECE_BYTES, expected.tag % 9))
      throw new Error('wrong length');
    this.expected[id] = undefined;
    this.slots.push(expected.slot);
    this.returned++;
  }
}

type Step =
  | { do: 'add'; readable: number; writable: number }
  | { do: 'kick' }
  | { do: 'device'; keep: number; seed: number }
  | { do: 'driver' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('add' as const), readable: fc.nat(2), writable: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kick' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('device' as const), keep: fc.nat(4), seed: fc.nat(7) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('driver' as const) }) },
);

function play(pair: Pair, steps: readonly Step[]): void {
  for (const now of steps) {
    if (now.do === 'add') {
      if (now.readable + now.writable > 0) pair.add(now.readable, now.writable);
    } else if (now.do === 'kick') pair.kick();
    else if (now.do === 'device') pair.device(now.keep, now.seed);
    else pair.driver();
  }
  pair.settle();
}

const FORMATS = [
  { packed: false, eventIdx: false, indirect: false },
  { packed: false, eventIdx: true, indirect: true },
  { packed: false, eventIdx: true, indirect: false },
  { packed: true, eventIdx: false, indirect: true },
  { packed: true, eventIdx: true, indirect: false },
];

for (const format of FORMATS) {
  t.test(`every buffer comes back, by notifications alone ${JSON.stringify(format)}`, (t) => {
    const size = fc.constantFrom(...(format.packed ? [4, 5, 7, 16] : [4, 8, 16]));
    const startIndex = fc.constantFrom(0, 65530);
    fc.assert(
      fc.property(size, startIndex, fc.array(step, { maxLength: 120 }), (size, startIndex, steps) => {
        const pair = new Pair({ size, startIndex, ...format });
        try {
          play(pair, steps);
        } finally {
          pair.rig.close();
        }
      }),
      { numRuns: 120 },
    );
    t.end();
  });

  t.test(`indices wrap ${JSON.stringify(format)}`, (t) => {
    const pair = new Pair({ size: 8, startIndex: 65000, ...format });
    for (let round = 0; round < 400; round++) {
      for (let i = 0; i < 3; i++) pair.add(1, 1);
      pair.settle();
    }
    t.equal(pair.returned, 1200);
    pair.rig.close();
    t.end();
  });
}

/** A driver alone on plain memory. */
function alone(packed: boolean, size: number, options: { eventIdx?: boolean; base?: number } = {}) {
  const buffer = new ArrayBuffer(0x4000);
  const placement = placeRing(GUEST, size, packed, 4);
  const driver = new DriverQueue({
    memory: { buffer, guestAddress: GUEST },
    size,
    packed,
    ...placement,
    ...options,
  });
  return { driver, buffer, placement };
}

function hexAt(buffer: ArrayBuffer, address: number, length: number): string {
  return Buffer.from(buffer, address - GUEST, length).toString('hex');
}

const out = { address: 0x1_2345_8000, length: 0x18 };
const back = { address: 0x1_2345_9000, length: 0x1000 };

t.test('split: the bytes of a chain, direct and indirect (virtio 1.3, 2.7.5)', (t) => {
  const { driver, buffer, placement } = alone(false, 4);
  const first = driver.add([out], [back]);
  t.equal(
    hexAt(buffer, placement.descAddress, 32),
    '008045230100000018000000010001000090452301000000001000000200' + '0000',
  );
  const second = driver.add([out], [back], { indirect: true });
  t.strictSame([first, second], [0, 2]);
  const table = placement.indirectAddress + 2 * 64;
  t.equal(hexAt(buffer, placement.descAddress + 32, 16), `${hex64(table)}2000000004000000`);
  t.equal(hexAt(buffer, table, 32), '0080452301000000180000000100010000904523010000000010000002000000');
  t.equal(hexAt(buffer, placement.availAddress, 8), '0000000000000200', 'not visible yet');
  driver.publish();
  t.equal(hexAt(buffer, placement.availAddress, 8), '0000020000000200');
  t.end();
});

t.test('packed: a batch is held back until it is published (virtio 1.3, 2.8)', (t) => {
  const { driver, buffer, placement } = alone(true, 4);
  driver.add([out], [back]);
  driver.add([out], [], { indirect: true });
  t.equal(hexAt(buffer, placement.descAddress, 16), '00804523010000001800000000000000');
  driver.publish();
  const table = placement.indirectAddress + 64;
  t.equal(
    hexAt(buffer, placement.descAddress, 48),
    `0080452301000000180000000000810000904523010000000010000000008200${hex64(table)}1000000001008400`,
  );
  t.equal(hexAt(buffer, table, 16), '00804523010000001800000000000000');
  t.end();
});

function hex64(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes.toString('hex');
}

for (const packed of [false, true]) {
  t.test(`${packed ? 'packed' : 'split'}: room, and chains that never fit`, (t) => {
    const { driver } = alone(packed, 4);
    t.ok(driver.add([out], [back]) >= 0);
    t.equal(driver.add([out, out], [back]), -1);
    t.ok(driver.add([out], [back]) >= 0);
    t.equal(driver.add([out], [], { indirect: true }), -1);
    t.equal(driver.freeDescriptors, 0);
    t.throws(() => driver.add([], []), RangeError);
    t.throws(() => driver.add([out, out, out], [back, back]), RangeError);
    t.throws(() => driver.add([out, out, out], [back, back], { indirect: true }), RangeError);
    t.equal(driver.poll(), null);
    t.end();
  });
}

t.test('the device decides about kicks', (t) => {
  const split = alone(false, 4).driver;
  t.notOk(split.kickNeeded(), 'nothing was published');
  split.add([out], []);
  split.publish();
  t.ok(split.kickNeeded());
  t.notOk(split.kickNeeded(), 'once');
  const used = split.split?.used as Uint16Array;
  used[0] = 1;
  split.add([out], []);
  split.publish();
  t.notOk(split.kickNeeded(), 'VIRTQ_USED_F_NO_NOTIFY');

  const asked = alone(false, 4, { eventIdx: true, base: 0xffff }).driver;
  const kicks = [1, 1, 0, 2].map((availEvent) => {
    (asked.split?.used as Uint16Array)[2 + 4 * 4] = availEvent;
    asked.add([out], []);
    asked.publish();
    return asked.kickNeeded();
  });
  t.strictSame(kicks, [false, false, false, true], 'avail_event');

  const { driver } = alone(true, 4, { eventIdx: true });
  const event = driver.packedRing?.deviceEvent as Uint16Array;
  const ask = (position: number, flags: number) => {
    event.set([position, flags]);
    driver.add([out], []);
    driver.publish();
    return driver.kickNeeded();
  };
  t.notOk(ask(0, 1), 'RING_EVENT_FLAGS_DISABLE');
  t.ok(ask(0, 0), 'RING_EVENT_FLAGS_ENABLE');
  t.notOk(ask(0x8003, 2), 'descriptor 3 of this lap is not there yet');
  t.ok(ask(0x8003, 2), 'now it is');
  t.end();
});

t.test('packed: starts in a lap whose wrap counter is 0', (t) => {
  const { driver } = alone(true, 4, { base: 0x0002_0002 });
  t.notOk(driver.hasUsed());
  driver.add([out], []);
  driver.publish();
  t.equal(driver.poll(), null, 'available, not used');
  const desc = driver.packedRing?.desc as Uint32Array;
  desc[2 * 4 + 3] = 0;
  t.equal(driver.poll()?.id, 0);
  t.throws(() => alone(true, 4, { base: 4 }), RangeError);
  t.end();
});

t.test('what the device does not have, it can not give back', (t) => {
  const bad = { code: 'VHOST_ERR_BAD_USED_RING' };
  const jump = alone(false, 4).driver;
  (jump.split?.used as Uint16Array)[1] = 1;
  t.throws(() => jump.poll(), bad, 'more than was in flight');
  for (const id of [1, 4, 0xffff_ffff]) {
    const { driver, buffer, placement } = alone(false, 4);
    driver.add([out], []);
    driver.publish();
    new DataView(buffer).setUint32(placement.usedAddress - GUEST + 4, id, true);
    (driver.split?.used as Uint16Array)[1] = 1;
    t.throws(() => driver.poll(), bad, `split id ${id}`);
  }
  for (const id of [1, 4, 0xffff]) {
    const { driver } = alone(true, 4);
    driver.add([out], []);
    driver.publish();
    (driver.packedRing?.desc as Uint32Array)[3] = 0x8080_0000 + id;
    t.throws(() => driver.poll(), bad, `packed id ${id}`);
  }
  t.end();
});

t.test('rings that a test makes up', (t) => {
  const split = new Rig({ size: 4, packed: false });
  split.start();
  split.driver.rawDescriptor(2, { address: GUEST, length: 16, flags: 1, next: 2 });
  split.driver.split?.offerRaw(2);
  split.driver.publish();
  t.equal(split.queue.pop(), null);
  split.queue.flush();
  t.match(split.queue.lastRejection, /loops/);
  t.strictSame(split.driver.poll(), { id: 2, length: 0 });
  t.equal(split.driver.freeDescriptors, 4, 'nothing was booked for it');
  split.driver.setAvailEntry(1, 9);
  split.driver.setAvailIndex(2);
  t.equal(split.queue.pop(), null);
  t.match(split.queue.broken?.message, /descriptor 9/);
  split.close();

  const packed = new Rig({ size: 4, packed: true });
  packed.start();
  const chain = [
    { address: GUEST, length: 16, flags: 3 },
    { address: GUEST, length: 16, flags: 0 },
  ];
  const id = packed.driver.packedRing?.offerRaw(chain) as number;
  packed.driver.publish();
  t.equal(packed.queue.pop(), null);
  packed.queue.flush();
  t.match(packed.queue.lastRejection, /follows a device-writable/);
  t.strictSame(packed.driver.poll(), { id, length: 0 });
  t.throws(() => packed.driver.setAvailIndex(1), TypeError);
  t.equal(packed.driver.packedRing?.offerRaw(Array(5).fill(chain[0])), -1);
  packed.close();
  t.end();
});

t.test('rings that can not be', (t) => {
  const options = { memory: { buffer: new ArrayBuffer(0x1000), guestAddress: 0 }, ...placeRing(0, 4, false) };
  t.throws(() => new DriverQueue({ ...options, size: 3 }), { code: 'VHOST_ERR_BAD_VRING' });
  t.throws(() => new DriverQueue({ ...options, size: 4, descAddress: 8 }), RangeError);
  t.throws(() => new DriverQueue({ ...options, size: 4, usedAddress: 0x1000 }), RangeError);
  t.end();
});

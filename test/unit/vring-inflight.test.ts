/**
 * Inflight tracking (vhost-user, "Inflight I/O tracking"): the back-end dies at any store into the region, and
 * whatever the driver waits for is handed out exactly once more, in the order in which it was taken.
 */
import fc from 'fast-check';
import t from 'tap';
import { mapAnonymous } from 'vhost-user-native';
import { type DescriptorChain, type InflightQueue, InflightRegion } from 'vhost-user-ts';
import { Rig } from './vring-harness.js';

class Crash extends Error {}

/** Stores into the view work until the fuse burns down; then the process is dead. */
class Fuse {
  left = Number.POSITIVE_INFINITY;

  constructor(view: DataView) {
    for (const name of ['setUint8', 'setUint16', 'setUint32', 'setInt32'] as const) {
      const store = view[name].bind(view);
      view[name] = (at: number, value: number, little?: boolean) => {
        if (this.left-- <= 0) throw new Crash();
        store(at, value, little);
      };
    }
  }
}

interface FusedRegion {
  readonly part: InflightQueue;
  readonly view: DataView;
  readonly fuse: Fuse;
  close(): void;
}

function regionFor(size: number, packed: boolean): FusedRegion {
  const region = new InflightRegion(mapAnonymous(InflightRegion.size(2, size, packed)), 2, size, packed);
  const part = region.queue(1);
  if (part === null) throw new Error('the region has two queues');
  return { part, view: part.view, fuse: new Fuse(part.view), close: () => region.close() };
}

type Step =
  | readonly ['add', number]
  | readonly ['pop']
  | readonly ['push', number]
  | readonly ['flush']
  | readonly ['poll'];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('add' as const), fc.integer({ min: 1, max: 3 })),
  fc.tuple(fc.constant('pop' as const)),
  fc.tuple(fc.constant('pop' as const)),
  fc.tuple(fc.constant('push' as const), fc.nat()),
  fc.tuple(fc.constant('flush' as const)),
  fc.tuple(fc.constant('poll' as const)),
);

/** The driver's books: what it waits for, and the device's: what it took, in order. */
class Scenario {
  readonly rig: Rig;
  readonly region: FusedRegion;
  readonly outstanding = new Set<number>();
  taken: number[] = [];
  private held: DescriptorChain[] = [];

  constructor(size: number, packed: boolean) {
    this.rig = new Rig({ size, packed });
    this.region = regionFor(size, packed);
    this.rig.start({ inflight: this.region.part });
  }

  run(step: Step): void {
    const [what, number = 0] = step;
    const { rig } = this;
    if (what === 'add') {
      if (number > rig.size) return;
      const id = rig.add(
        Array.from({ length: number }, (_, i) => rig.piece(i * 64, 10 + i)),
        [],
      );
      if (id >= 0) this.outstanding.add(id);
    } else if (what === 'pop') {
      const chain = rig.queue.pop();
      if (chain === null) return;
      this.held.push(chain);
      this.taken.push(chain.head);
    } else if (what === 'push') {
      const [chain] = this.held.splice(number % Math.max(this.held.length, 1), 1);
      if (chain) rig.queue.push(chain, 0);
    } else if (what === 'flush') {
      rig.queue.flush();
    } else {
      this.poll();
    }
  }

  poll(): void {
    for (const { id } of this.rig.pollAll()) {
      if (!this.outstanding.delete(id)) throw new Error(`the driver got ${id} back twice`);
      this.taken.splice(this.taken.indexOf(id), 1);
    }
  }

  /** A new back-end takes over, completes everything, and the driver finds nothing missing. */
  recover(): void {
    const { rig } = this;
    this.region.fuse.left = Number.POSITIVE_INFINITY;
    // What QEMU knows then: nothing about a packed ring; of a split one, used.idx.
    const usedIdx = rig.driver.split?.used[1];
    this.poll();
    rig.reconnect(usedIdx ?? rig.layout.baseIndex, this.region.part);
    this.held = [];
    const again: number[] = [];
    for (let chain = rig.queue.pop(); chain !== null; chain = rig.queue.pop()) {
      again.push(chain.head);
      this.held.push(chain);
      if (chain.readableBytes % 10 > 3) throw new Error(`chain of ${chain.readableBytes} bytes`);
    }
    if (rig.queue.broken !== null) throw rig.queue.broken;
    // The one that was being taken at the crash may or may not be among those in flight; order holds for all.
    const known = this.taken.filter((id) => again.includes(id));
    if (again.slice(0, known.length).join() !== known.join())
      throw new Error(`order: ${again} after ${this.taken}`);
    if (again.length !== this.outstanding.size)
      throw new Error(`${again.length} of ${this.outstanding.size} came back`);
    this.taken = again;
    for (const chain of this.held.splice(0).reverse()) rig.queue.push(chain, 0);
    rig.queue.flush();
    this.poll();
    if (this.outstanding.size > 0 || rig.driver.freeDescriptors !== rig.size)
      throw new Error('chains were lost');
  }

  close(): void {
    this.rig.close();
    this.region.close();
  }
}

for (const packed of [false, true]) {
  t.test(
    `${packed ? 'packed' : 'split'}: a crash at any store loses nothing and repeats nothing`,
    async () => {
      const steps = fc.array(step, { minLength: 10, maxLength: 60 });
      const run = fc.property(
        fc.constantFrom(1, 4, 8),
        steps,
        fc.array(fc.nat(120), { maxLength: 4 }),
        (size, all, fuses) => {
          const scenario = new Scenario(size, packed);
          for (const fuse of [...fuses, 1e9]) {
            scenario.region.fuse.left = fuse;
            try {
              for (const one of all) scenario.run(one);
            } catch (error) {
              if (!(error instanceof Crash)) throw error;
            }
            scenario.recover();
          }
          scenario.close();
        },
      );
      fc.assert(run, { numRuns: 300 });
    },
  );

  t.test(`${packed ? 'packed' : 'split'}: stop and start keeps what is in flight`, async (t) => {
    const scenario = new Scenario(8, packed);
    for (const one of [
      ['add', 2],
      ['add', 1],
      ['add', 3],
      ['pop'],
      ['pop'],
      ['pop'],
      ['push', 1],
      ['flush'],
    ] as Step[]) {
      scenario.run(one);
    }
    const baseIndex = scenario.rig.queue.stop();
    scenario.rig.start({ baseIndex, inflight: scenario.region.part });
    t.same([scenario.rig.queue.pop()?.readableBytes, scenario.rig.queue.pop()?.readableBytes], [21, 33]);
    t.equal(scenario.rig.queue.pop(), null);
    scenario.close();
  });
}

t.test('packed: a crash at each store of a flush that goes round the ring', async (t) => {
  for (let stores = 0; stores < 16; stores++) {
    const scenario = new Scenario(8, true);
    const first: Step[] = [['add', 3], ['pop'], ['push', 0], ['flush'], ['poll'], ['add', 3], ['add', 3]];
    for (const one of [...first, ['pop'], ['push', 0], ['pop'], ['push', 0]] as Step[]) scenario.run(one);
    scenario.region.fuse.left = stores;
    try {
      scenario.run(['flush']);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    t.doesNotThrow(() => scenario.recover(), `after ${stores} stores`);
    scenario.close();
  }
});

t.test('packed: used descriptors of a batch that never showed do not show with a later one', async (t) => {
  const scenario = new Scenario(4, true);
  const { rig, region } = scenario;
  for (const one of [['add', 1], ['add', 1], ['add', 1], ['pop'], ['pop'], ['pop']] as Step[])
    scenario.run(one);
  scenario.run(['push', 0]);
  scenario.run(['push', 0]);
  rig.reconnect(rig.layout.baseIndex, region.part);
  const chain = rig.queue.pop();
  if (chain === null) throw new Error('three are in flight');
  rig.queue.push(chain, 0);
  rig.queue.flush();
  t.equal(rig.pollAll().length, 1);
  scenario.close();
});

t.test('layout: the offsets of QueueRegionSplit and DescStateSplit', async (t) => {
  const scenario = new Scenario(4, false);
  const { view } = scenario.region;
  t.equal(InflightRegion.size(1, 4, false), 128);
  for (const one of [['add', 1], ['add', 1], ['pop'], ['pop']] as Step[]) scenario.run(one);
  t.same([view.getUint16(8, true), view.getUint16(10, true)], [1, 4], 'version, desc_num');
  t.same([view.getUint8(16), view.getUint8(32), view.getUint8(48)], [1, 1, 0], 'inflight');
  t.same([view.getBigUint64(24, true), view.getBigUint64(40, true)], [0n, 1n], 'counter');
  scenario.run(['push', 1]);
  t.same([view.getUint16(12, true), view.getUint16(14, true)], [1, 0], 'last_batch_head, used_idx');
  scenario.run(['flush']);
  t.same([view.getUint8(32), view.getUint16(14, true)], [0, 1], 'cleared, used_idx');
  scenario.close();
});

t.test('layout: the offsets of QueueRegionPacked and DescStatePacked', async (t) => {
  const scenario = new Scenario(4, true);
  const { view } = scenario.region;
  t.equal(InflightRegion.size(3, 4, true), 3 * 192);
  scenario.run(['add', 2]);
  scenario.run(['pop']);
  t.same([view.getUint16(8, true), view.getUint16(10, true)], [1, 4], 'version, desc_num');
  t.same([view.getUint16(12, true), view.getUint16(14, true)], [2, 2], 'free_head, old_free_head');
  t.same([view.getUint16(16, true), view.getUint8(20)], [0, 1], 'used_idx, used_wrap_counter');
  t.same(
    [view.getUint8(32), view.getUint16(36, true), view.getUint16(38, true)],
    [1, 1, 2],
    'inflight, last, num',
  );
  t.same([view.getUint32(32 + 20, true), view.getUint32(64 + 20, true)], [10, 11], 'len');
  t.equal(view.getBigUint64(32 + 24, true), BigInt(scenario.rig.piece(0, 1).address), 'addr');
  scenario.run(['push', 0]);
  scenario.run(['flush']);
  t.same(
    [view.getUint8(32), view.getUint16(16, true), view.getUint16(18, true)],
    [0, 2, 2],
    'used_idx, old_used_idx',
  );
  t.equal(view.getUint16(14, true), 0, 'the entries are free again');
  scenario.close();
});

t.test('regions that do not fit', async (t) => {
  const refused = { code: 'VHOST_ERR_BAD_INFLIGHT' };
  const mapping = mapAnonymous(128);
  t.throws(() => new InflightRegion(mapping, 2, 4, false), refused, 'too short');
  t.throws(() => new InflightRegion(mapping, 0, 4, false), refused, 'no queues');
  const region = new InflightRegion(mapping, 1, 4, false);
  t.equal(region.queue(1), null);
  const part = region.queue(0);
  const rig = new Rig({ size: 8, packed: false });
  t.throws(() => rig.start({ inflight: part }), refused, 'a larger ring');
  t.throws(
    () => rig.start({ size: 4, packed: true, baseIndex: 0x8000_8000, inflight: part }),
    refused,
    'another format',
  );
  part?.view.setUint16(8, 2, true);
  t.throws(() => rig.start({ size: 4, inflight: part }), refused, 'a version of the future');
  region.close();
  rig.close();
});

t.test('garbage in the region: an error or a bad chain, never an access outside it', async () => {
  const run = fc.property(
    fc.boolean(),
    fc.uint8Array({ minLength: 160, maxLength: 160 }),
    (packed, noise) => {
      const scenario = new Scenario(4, packed);
      const { view } = scenario.region;
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      bytes.set(noise.subarray(0, Math.min(noise.length, bytes.length)));
      view.setUint16(8, 1, true);
      for (let i = 0; i < 4; i++) scenario.run(['add', 1]);
      try {
        scenario.rig.reconnect(packed ? 0x8000_8000 : 0, scenario.region.part);
      } catch (error) {
        if ((error as { code?: string }).code !== 'VHOST_ERR_BAD_INFLIGHT') throw error;
      }
      for (let i = 0; i < 20; i++) {
        scenario.run(['pop']);
        if (scenario.rig.queue.running) scenario.run(['push', 0]);
        scenario.rig.queue.flush();
      }
      scenario.close();
    },
  );
  fc.assert(run, { numRuns: 200 });
});

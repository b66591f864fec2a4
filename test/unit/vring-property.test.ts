/**
 * Both rings against a model (plain arrays): whatever the order of operations, chains arrive in the order in which
 * they were added, with the bytes that they were added with, and come back in the order in which they were pushed.
 */
import fc from 'fast-check';
import t from 'tap';
import type { DescriptorChain, Piece } from 'vhost-user-ts';
import { GUEST, Rig, type RigOptions } from './vring-harness.js';

/** One chain, as the model knows it. */
interface Sent {
  readonly id: number;
  readonly readable: Uint8Array;
  readonly writable: readonly Piece[];
}

type Step =
  | { readonly do: 'add'; readonly reads: number[]; readonly writes: number[]; readonly indirect: boolean }
  | { readonly do: 'pop'; readonly count: number }
  | { readonly do: 'push'; readonly pick: number; readonly part: number }
  | { readonly do: 'flush' | 'poll' | 'enable' | 'disable' | 'restart' | 'remap' | 'listen' | 'mute' };

const lengths = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      reads: lengths,
      writes: lengths,
      indirect: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pop' as const), count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('push' as const), pick: fc.nat(), part: fc.nat(100) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('poll' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('enable', 'listen') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('disable', 'restart', 'remap', 'mute') }) },
);

function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Runs steps on a rig and on the model side by side. */
class Model {
  readonly rig: Rig;
  /** Added and not popped; popped and not pushed; pushed and not polled. */
  private readonly waiting: Sent[] = [];
  private readonly held: { chain: DescriptorChain; sent: Sent }[] = [];
  private readonly pushed: { sent: Sent; used: number; data: Uint8Array }[] = [];
  private flushed = 0;
  private nextByte = 0;
  private salt = 1;
  /** The other side was promised a notification: it is one that may not be lost. */
  private kickPromised = true;
  private interruptPromised = true;

  constructor(options: RigOptions) {
    this.rig = new Rig(options);
    this.rig.start();
  }

  run(step: Step): void {
    if (step.do === 'add') this.add(step.reads, step.writes, step.indirect);
    else if (step.do === 'pop') for (let i = 0; i < step.count; i++) this.pop();
    else if (step.do === 'push') this.push(step.pick, step.part);
    else this[step.do]();
  }

  /** Lets everything come home. */
  finish(): void {
    this.pop();
    while (this.waiting.length > 0) this.pop();
    while (this.held.length > 0) this.push(this.salt++, 50);
    this.flush();
    this.poll();
    expect(this.rig.driver.freeDescriptors === this.rig.size, 'descriptors were lost');
    expect(this.rig.queue.rejectedChains === 0, `rejected: ${this.rig.queue.lastRejection}`);
    this.rig.close();
  }

  /** Buffers are laid one after the other through the data area, across the border of the regions. */
  private allocate(length: number): Piece {
    const room = this.rig.bytes.length - this.rig.dataOffset;
    if (this.nextByte + length > room) this.nextByte = 0;
    const piece = this.rig.piece(this.nextByte, length);
    this.nextByte += length + (this.salt % 5);
    return piece;
  }

  private enable(): void {
    expect(this.rig.queue.enableNotifications() === this.waiting.length > 0, 'enableNotifications');
    this.kickPromised = this.waiting.length === 0;
  }

  private disable(): void {
    this.rig.queue.disableNotifications();
    this.kickPromised = false;
  }

  private listen(): void {
    expect(this.rig.driver.enableInterrupts() === this.flushed > 0, 'enableInterrupts');
    this.interruptPromised = this.flushed === 0;
  }

  private mute(): void {
    this.rig.driver.disableInterrupts();
    this.interruptPromised = false;
  }

  private remap(): void {
    this.rig.map();
  }

  private add(reads: number[], writes: number[], wantsIndirect: boolean): void {
    const indirect = wantsIndirect && this.rig.layout.indirect;
    if (reads.length + writes.length === 0) return;
    if (!indirect && reads.length + writes.length > this.rig.size) return;
    const readable = reads.map((length) => this.allocate(length));
    const writable = writes.map((length) => this.allocate(length));
    const content: number[] = [];
    for (const { address, length } of readable) {
      for (let i = 0; i < length; i++) {
        this.salt = (this.salt * 75 + 74) % 65537;
        this.rig.bytes[address - GUEST + i] = this.salt;
        content.push(this.salt & 0xff);
      }
    }
    const id = this.rig.add(readable, writable, indirect);
    if (id < 0) return;
    this.waiting.push({ id, readable: Uint8Array.from(content), writable });
    const kick = this.rig.driver.kickNeeded();
    expect(kick || !this.kickPromised, 'a kick was lost');
    this.kickPromised = false;
  }

  private pop(): void {
    const chain = this.rig.queue.pop();
    const sent = this.waiting.shift();
    expect((chain === null) === (sent === undefined), 'pop');
    if (chain === null || sent === undefined) return;
    const capacity = sent.writable.reduce((sum, piece) => sum + piece.length, 0);
    expect(chain.head === sent.id, 'order of chains');
    expect(chain.readableBytes === sent.readable.length && chain.writableBytes === capacity, 'lengths');
    this.held.push({ chain, sent });
  }

  private push(pick: number, part: number): void {
    if (this.held.length === 0) return;
    const [{ chain, sent }] = this.held.splice(pick % this.held.length, 1) as [(typeof this.held)[0]];
    const size = sent.readable.length;
    const from = Math.floor((size * (pick % 7)) / 7);
    const copy = new Uint8Array(size + 3);
    for (const start of [from, 0, from]) {
      expect(chain.read(copy, start, size) === size - start, 'bytes read');
      expect(
        Buffer.compare(copy.subarray(0, size - start), sent.readable.subarray(start)) === 0,
        'content read',
      );
    }
    const used = Math.floor((chain.writableBytes * part) / 100);
    const data = Uint8Array.from({ length: used }, (_, i) => i * 7 + part);
    const half = Math.floor(used / 2);
    expect(chain.write(data.subarray(half), half, used) === used - half, 'bytes written');
    expect(chain.write(data, 0, half) === half, 'bytes written at the start');
    this.rig.queue.push(chain, used);
    this.pushed.push({ sent, used, data });
  }

  private flush(): void {
    const fresh = this.pushed.length > this.flushed;
    const interrupt = this.rig.queue.flush();
    expect(interrupt || !fresh || !this.interruptPromised, 'an interrupt was lost');
    expect(!interrupt || fresh, 'an interrupt for nothing');
    if (fresh) this.interruptPromised = false;
    this.flushed = this.pushed.length;
  }

  private poll(): void {
    for (const used of this.rig.pollAll()) {
      const expected = this.pushed.shift();
      expect(expected !== undefined && this.flushed-- > 0, 'the driver saw what was not flushed');
      expect(used.id === expected.sent.id && used.length === expected.used, 'used entry');
      let at = 0;
      for (const { address, length } of expected.sent.writable) {
        for (let i = 0; i < length && at < expected.used; i++, at++) {
          expect(this.rig.bytes[address - GUEST + i] === expected.data[at], 'content written');
        }
      }
    }
    expect(this.flushed === 0, 'the driver missed something that was flushed');
  }

  /** GET_VRING_BASE, then the whole ring set-up again. A device completes what it holds before that. */
  private restart(): void {
    while (this.held.length > 0) this.push(this.salt++, 100);
    this.flush();
    const baseIndex = this.rig.queue.stop();
    expect(this.rig.queue.pop() === null && !this.rig.queue.running, 'a stopped queue');
    this.rig.start({ baseIndex });
    this.kickPromised = this.waiting.length === 0;
    this.interruptPromised = false;
  }
}

for (const packed of [false, true]) {
  for (const eventIdx of [false, true]) {
    for (const indirect of [false, true]) {
      const name = `${packed ? 'packed' : 'split'}${eventIdx ? ', EVENT_IDX' : ''}${indirect ? ', INDIRECT_DESC' : ''}`;
      t.test(`${name}: any order of operations equals the model`, async () => {
        const sizes = packed ? [1, 3, 8, 17] : [1, 4, 8, 16];
        const run = fc.property(
          fc.constantFrom(...sizes),
          fc.constantFrom(0, 65530),
          fc.array(step, { minLength: 5, maxLength: 120 }),
          (size, startIndex, steps) => {
            const model = new Model({ size, packed, eventIdx, indirect, startIndex });
            for (const one of steps) model.run(one);
            model.finish();
          },
        );
        fc.assert(run, { numRuns: 150 });
      });
    }
  }
}

t.test(
  'indices wrap: 70000 chains in batches of 1..7 (virtio 1.3, 2.7.6: avail.idx wraps at 65536)',
  async (t) => {
    for (const packed of [false, true]) {
      const rig = new Rig({ size: packed ? 7 : 8, packed, eventIdx: true });
      rig.start();
      const piece = rig.piece(0, 8);
      let done = 0;
      for (let batch = 1; done < 70000; batch = (batch % 7) + 1) {
        const ids = Array.from({ length: batch }, () => rig.add([piece], []));
        for (const id of ids) {
          const chain = rig.queue.pop();
          if (chain?.head !== id) throw new Error(`chain ${done}: popped ${chain?.head}, added ${id}`);
          rig.queue.push(chain, 0);
        }
        rig.queue.flush();
        done += rig.pollAll().length;
      }
      t.equal(rig.driver.freeDescriptors, rig.size, `${packed ? 'packed' : 'split'}: ${done} chains`);
      rig.close();
    }
  },
);

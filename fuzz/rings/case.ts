/**
 * One virtqueue's life. As long as nobody scribbles on its memory it is held against a model (plain arrays): chains arrive
 * in the order in which they were added, with their bytes, and come back in the order in which they were pushed.
 */
import { type DescriptorChain, type Piece, VhostUserError } from 'vhost-user-ts';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { Finding, type FuzzCase } from '../core/target.js';
import { GUEST, RingMachine } from './machine.js';
import { proposeStep } from './propose.js';
import type { SharedMemory } from './shared-memory.js';

/** One chain, as the model knows it. */
interface Sent {
  readonly id: number;
  readonly readable: Uint8Array;
  readonly writable: readonly Piece[];
}
interface Pushed {
  readonly sent: Sent;
  readonly used: number;
  readonly salt: number;
}

/** Nothing that a step does may take longer: there is no loop that a driver can make longer than its ring. */
const STEP_MS = 10_000;
const COPY_BYTES = 4096;
const LENGTH_MAX = 600;

function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Finding(what);
}

export class RingCase implements FuzzCase {
  readonly features = new Set<string>();
  readonly over = false;
  private readonly shared: SharedMemory;
  private readonly copy = new Uint8Array(COPY_BYTES);
  private machine: RingMachine | null = null;
  /** Somebody scribbled: only what holds whatever lies in memory is checked. */
  private wild = false;
  private readonly waiting: Sent[] = [];
  private readonly held: { readonly chain: DescriptorChain; readonly sent: Sent | null }[] = [];
  private readonly pushed: Pushed[] = [];
  private flushed = 0;
  private nextByte = 0;
  private salt = 1;
  private kickPromised = true;
  private interruptPromised = true;

  constructor(shared: SharedMemory) {
    this.shared = shared;
    shared.clear();
  }

  propose(random: Random): Step {
    return this.machine === null
      ? step('open', [random.oneIn(2) ? 'packed' : 'split', String(random.word())])
      : proposeStep(this.machine, this.wild, random);
  }

  apply({ kind, words, bytes }: Step): void {
    const begun = performance.now();
    if (this.machine === null) {
      this.machine = this.open(words);
    } else if (kind === 'scribble') {
      this.scribble(Number(words[0] ?? 0), bytes);
    } else if (kind === 'storm') {
      this.wild = true;
      this.shared.storm();
    } else {
      this.run(this.machine, kind, words.map(Number));
    }
    this.features.add(`${kind} ${this.wild} ${this.held.length} ${this.waiting.length}`);
    if (this.wild) this.checkWild();
    else this.machine.checkSound();
    expect(performance.now() - begun < STEP_MS, `${kind} took too long`);
  }

  close(): void {
    this.shared.calm();
    const { machine } = this;
    if (machine !== null && !this.wild) this.finish(machine);
    machine?.close();
    expect(!this.shared.spilled, 'written outside of guest memory');
  }

  private open([format, word = '0']: readonly string[]): RingMachine {
    const bits = Number(word) >>> 0;
    const packed = format === 'packed';
    const sizes = packed ? [1, 3, 7, 16] : [1, 4, 8, 16];
    return new RingMachine(this.shared, {
      size: sizes[bits & 3] ?? 8,
      packed,
      eventIdx: (bits & 4) !== 0,
      indirect: (bits & 8) !== 0,
      inflight: (bits & 0x30) === 0,
      startIndex: (bits & 64) === 0 ? 0 : 65530,
    });
  }

  private scribble(offset: number, bytes: Uint8Array): void {
    this.wild = true;
    const { length } = this.shared.bytes;
    const at = (offset >>> 0) % length;
    this.shared.bytes.set(bytes.subarray(0, length - at), at);
  }

  private run(machine: RingMachine, kind: string, numbers: readonly number[]): void {
    const [first = 0, second = 0] = numbers;
    if (kind === 'pop') for (let count = Math.min(first, 64); count > 0; count--) this.pop(machine);
    else if (kind === 'push') this.push(machine, first, second);
    else if (kind === 'flush') this.flush(machine);
    else if (kind === 'remap') machine.map();
    else if (kind === 'restart') this.restart(machine);
    else if (kind === 'enable') this.enable(machine);
    else if (kind === 'disable') {
      machine.queue.disableNotifications();
      this.kickPromised = false;
    } else this.drive(machine, kind, numbers);
  }

  /** What the driver does; where its memory is scribbled on, it may go wrong in any way. */
  private drive(machine: RingMachine, kind: string, numbers: readonly number[]): void {
    try {
      if (kind === 'add') this.add(machine, numbers);
      else if (kind === 'poll') this.poll(machine);
      else if (kind === 'listen') this.listen(machine);
      else if (kind === 'mute') {
        machine.driver.disableInterrupts();
        this.interruptPromised = false;
      }
    } catch (error) {
      if (!this.wild) throw error;
    }
  }

  /** Numbers: whether it is indirect, how many pieces are readable, and the length of each piece. */
  private add(machine: RingMachine, [way = 0, reads = 0, ...lengths]: readonly number[]): void {
    const { driver, options } = machine;
    const indirect = way > 0 && options.indirect;
    const pieces = lengths.slice(0, indirect ? 6 : options.size);
    if (pieces.length === 0) return;
    const placed = pieces.map((length) => this.allocate(machine, Math.min(length, LENGTH_MAX)));
    const readable = placed.slice(0, reads);
    const content: number[] = [];
    for (const { address, length } of readable) {
      for (let i = 0; i < length; i++) {
        this.salt = (this.salt * 75 + 74) % 65537;
        this.shared.bytes[address - GUEST + i] = this.salt;
        content.push(this.salt & 0xff);
      }
    }
    const id = driver.add(readable, placed.slice(reads), { indirect });
    if (id < 0) return;
    driver.publish();
    this.waiting.push({ id, readable: Uint8Array.from(content), writable: placed.slice(reads) });
    const kick = driver.kickNeeded();
    if (this.wild) return;
    expect(kick || !this.kickPromised, 'a kick was lost');
    this.kickPromised = false;
  }

  /** Buffers are laid one after the other, across the border of the regions. */
  private allocate(machine: RingMachine, length: number): Piece {
    if (this.nextByte + length > machine.room) this.nextByte = 0;
    const piece = machine.piece(this.nextByte, length);
    this.nextByte += length + (this.salt % 5);
    return piece;
  }

  private pop({ queue }: RingMachine): void {
    const chain = queue.pop();
    const sent = this.waiting.shift() ?? null;
    if (chain !== null) this.held.push({ chain, sent });
    if (this.wild) return;
    expect((chain === null) === (sent === null), 'a chain is missing, or one too many');
    if (chain === null || sent === null) return;
    const capacity = sent.writable.reduce((sum, { length }) => sum + length, 0);
    expect(chain.head === sent.id, 'the order of chains');
    expect(chain.readableBytes === sent.readable.length && chain.writableBytes === capacity, 'lengths');
  }

  /** Reads what the chain has, writes a part of what it takes, and gives it back. */
  private push({ queue }: RingMachine, pick: number, part: number): void {
    if (this.held.length === 0) return;
    const [{ chain, sent }] = this.held.splice(pick % this.held.length, 1) as [(typeof this.held)[0]];
    const { copy } = this;
    const { readableBytes, writableBytes } = chain;
    const from = Math.floor((readableBytes * (pick % 7)) / 7);
    for (const start of [from, 0, from]) {
      const count = Math.min(COPY_BYTES, readableBytes - start);
      const got = chain.read(copy, start, COPY_BYTES);
      expect(got === count || (this.wild && got === 0), `${got} of ${count} bytes were read`);
      if (this.wild || sent === null) continue;
      const same =
        Buffer.compare(copy.subarray(0, count), sent.readable.subarray(start, start + count)) === 0;
      expect(same, 'what was read');
    }
    const used = Math.min(COPY_BYTES, Math.floor((writableBytes * Math.min(part, 100)) / 100));
    for (let i = 0; i < used; i++) copy[i] = i * 7 + part;
    const half = used >>> 1;
    const wrote = chain.write(copy.subarray(half), half, used - half) + chain.write(copy, 0, half);
    expect(wrote === used || this.wild, `${wrote} of ${used} bytes were written`);
    queue.push(chain, used);
    if (sent !== null) this.pushed.push({ sent, used, salt: part });
  }

  private flush({ queue }: RingMachine): void {
    const fresh = this.pushed.length > this.flushed;
    const interrupt = queue.flush();
    if (this.wild) return;
    expect(interrupt || !fresh || !this.interruptPromised, 'an interrupt was lost');
    expect(!interrupt || fresh, 'an interrupt for nothing');
    if (fresh) this.interruptPromised = false;
    this.flushed = this.pushed.length;
  }

  private poll({ driver }: RingMachine): void {
    for (let used = driver.poll(); used !== null; used = driver.poll()) {
      const pushed = this.pushed.shift();
      if (this.wild) continue;
      expect(pushed !== undefined && this.flushed-- > 0, 'the driver saw what was not flushed');
      expect(used.id === pushed.sent.id && used.length === pushed.used, 'the used entry');
      let at = 0;
      for (const { address, length } of pushed.sent.writable) {
        for (let i = 0; i < length && at < pushed.used; i++, at++) {
          const byte = (at * 7 + pushed.salt) & 0xff;
          expect(this.shared.bytes[address - GUEST + i] === byte, 'what was written');
        }
      }
    }
    expect(this.wild || this.flushed === 0, 'the driver missed something that was flushed');
  }

  private enable({ queue }: RingMachine): void {
    const more = queue.enableNotifications();
    expect(this.wild || more === this.waiting.length > 0, 'whether there is more');
    this.kickPromised = this.waiting.length === 0;
  }

  private listen({ driver }: RingMachine): void {
    const more = driver.enableInterrupts();
    expect(this.wild || more === this.flushed > 0, 'whether there is something used');
    this.interruptPromised = this.flushed === 0;
  }

  /** GET_VRING_BASE, then all of the set-up again. A device gives back what it holds before that. */
  private restart(machine: RingMachine): void {
    while (this.held.length > 0) this.push(machine, this.salt++, 99);
    this.flush(machine);
    const base = machine.queue.stop();
    expect(machine.queue.pop() === null && !machine.queue.running, 'a queue that is stopped');
    const started = machine.start(base);
    expect(started || this.wild, 'a ring that can go on');
    this.kickPromised = this.waiting.length === 0;
    this.interruptPromised = false;
  }

  /** Lets everything come home. */
  private finish(machine: RingMachine): void {
    while (this.waiting.length > 0) this.pop(machine);
    while (this.held.length > 0) this.push(machine, this.salt++, 50);
    this.flush(machine);
    this.poll(machine);
    expect(machine.driver.freeDescriptors === machine.driver.size, 'descriptors were lost');
    machine.checkSound();
  }

  /** What holds whatever lies in memory. */
  private checkWild(): void {
    const { queue, options } = this.machine as RingMachine;
    const { broken, heldChains, lastRejection } = queue;
    expect(heldChains >= 0 && heldChains <= options.size, `${heldChains} chains of ${options.size}`);
    for (const { chain } of this.held) {
      expect(chain.readableBytes + chain.writableBytes <= 2 ** 32, 'a chain that is too long');
    }
    if (broken !== null && !(broken instanceof VhostUserError)) throw broken;
    for (const reason of [broken?.message, lastRejection]) {
      if (reason) this.features.add(reason.replace(/0x[0-9a-f]+|[0-9]+/g, '#'));
    }
  }
}

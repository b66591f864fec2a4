/** A device without sockets: queues, guest memory and a front-end that exist in this process. */
import { createScatterGather, mapAnonymous, type ScatterGather, type Segment } from 'vhost-user-native';
import {
  type DescriptorChain,
  type DeviceMemory,
  type FrontEnd,
  type GuestRanges,
  type MemoryFile,
  silentLogger,
  type Virtqueue,
} from 'vhost-user-ts';
import { Finding } from '../core/target.js';

export const MEMORY_BASE = 0x1_0000_0000;
export const MEMORY_BYTES = 256 << 10;

const FLAG_FENCE = 1;
const RESPONSE_HEADER_BYTES = 24;

export class FuzzChain implements DescriptorChain {
  readonly head = 0;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  answered = false;

  constructor(request: Uint8Array, writableBytes: number) {
    this.request = request;
    this.response = new Uint8Array(writableBytes);
  }

  get readableBytes(): number {
    return this.request.length;
  }

  get writableBytes(): number {
    return this.response.length;
  }

  read(target: Uint8Array, offset: number, length: number): number {
    const bytes = this.request.subarray(offset, offset + length);
    target.set(bytes);
    return bytes.length;
  }

  write(source: Uint8Array, offset: number, length: number): number {
    if (this.answered) throw new Finding('written after it was given back');
    const fits = Math.max(0, Math.min(length, this.response.length - offset));
    this.response.set(source.subarray(0, fits), offset);
    return fits;
  }
}

export class FuzzQueue implements Virtqueue {
  readonly index: number;
  readonly size = 64;
  running = true;
  paused = false;
  /** What was put on it while it was paused. */
  readonly waiting: FuzzChain[] = [];
  /** The response of each answered chain; null where there was no room for one. */
  readonly features: Set<string>;
  private readonly handle: (chain: FuzzChain) => void;

  constructor(index: number, features: Set<string>, handle: (chain: FuzzChain) => void) {
    this.index = index;
    this.features = features;
    this.handle = handle;
  }

  submit(chain: FuzzChain): void {
    if (this.paused) this.waiting.push(chain);
    else this.handle(chain);
  }

  push(chain: DescriptorChain, used: number): void {
    if (!this.running) return;
    if (!(chain instanceof FuzzChain)) throw new Finding('a chain of nobody');
    if (chain.answered) throw new Finding('a chain was given back twice');
    if (used > chain.writableBytes) throw new Finding(`${used} bytes used of ${chain.writableBytes}`);
    chain.answered = true;
    if (this.index === 0) this.check(chain, used);
  }

  yield(): void {
    // There is one queue at a time here.
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    while (!this.paused && this.running) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.handle(next);
    }
  }

  /** A response has a type of virtio's, and says which fence it is of. */
  private check({ request, response }: FuzzChain, used: number): void {
    if (used < RESPONSE_HEADER_BYTES) return;
    const answer = new DataView(response.buffer);
    const type = answer.getUint32(0, true);
    const known = (type >= 0x1100 && type <= 0x1106) || (type >= 0x1200 && type <= 0x1205);
    if (!known) throw new Finding(`a response of type 0x${type.toString(16)}`);
    if (request.length < RESPONSE_HEADER_BYTES) return;
    const asked = new DataView(request.buffer, request.byteOffset);
    this.features.add(`${asked.getUint32(0, true).toString(16)} ${type.toString(16)}`);
    if ((asked.getUint32(4, true) & FLAG_FENCE) === 0) return;
    const fenced = (answer.getUint32(4, true) & FLAG_FENCE) !== 0;
    if (!fenced || answer.getBigUint64(8, true) !== asked.getBigUint64(8, true)) {
      throw new Finding('a response without its fence');
    }
  }
}

/** [MEMORY_BASE, MEMORY_BASE + MEMORY_BYTES) of guest-physical addresses. */
export class FuzzMemory implements DeviceMemory {
  generation = 1;
  private readonly mapping = mapAnonymous(MEMORY_BYTES);
  private readonly tables: ScatterGather[] = [];

  scatterGather(ranges: GuestRanges): ScatterGather | null {
    const segments = this.segments(ranges);
    if (segments === null) return null;
    const table = createScatterGather(segments);
    this.tables.push(table);
    return table;
  }

  covers(ranges: GuestRanges): boolean {
    return this.segments(ranges) !== null;
  }

  private segments(ranges: GuestRanges): Segment[] | null {
    const segments: Segment[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      const offset = Number(ranges[i]) - MEMORY_BASE;
      const length = Number(ranges[i + 1]);
      if (offset < 0 || length < 1 || offset + length > MEMORY_BYTES) return null;
      segments.push({ mapping: this.mapping, offset, length });
    }
    return segments;
  }

  files(): readonly MemoryFile[] {
    return [];
  }

  markDirty(address: number, length: number): void {
    if (address < MEMORY_BASE || address + length > MEMORY_BASE + MEMORY_BYTES) {
      throw new Finding(`dirty memory at ${address}, which is none`);
    }
  }

  close(): void {
    if (this.tables.some((table) => !table.closed)) throw new Finding('a copy table was not given back');
    this.mapping.close();
  }
}

export class FuzzFrontEnd implements FrontEnd {
  readonly memory: FuzzMemory;
  readonly log = silentLogger;
  readonly mapsSharedMemory = true;
  private readonly asked: ((accepted: boolean) => void)[] = [];

  constructor(memory: FuzzMemory) {
    this.memory = memory;
  }

  hasFeature(): boolean {
    return true;
  }

  configChanged(): Promise<boolean> {
    return Promise.resolve(true);
  }

  mapShared(): Promise<boolean> {
    return new Promise((resolve) => this.asked.push(resolve));
  }

  unmapShared(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Answers what it was asked first. */
  answer(accepted: boolean): void {
    this.asked.shift()?.(accepted);
  }

  answerAll(): void {
    while (this.asked.length > 0) this.answer(false);
  }

  fail(error: Error): void {
    throw error;
  }
}

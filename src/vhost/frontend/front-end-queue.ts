/**
 * One virtqueue of a front-end: the driver's ring in guest memory, its eventfds, and requests that complete on
 * interrupts. Load generators use `driver`, `kick` and `driver.poll` directly and leave the rest alone: the call
 * eventfd is watched from the first `submit`, `request` or `waitForCall` on, not before.
 */
import { createEventFd, type EventFd } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { DriverQueue, type Piece, placeRing } from './driver-queue.js';
import type { FrontEndMemory } from './front-end-memory.js';

/** How a queue is set up. */
export interface FrontEndQueueOptions {
  /** Descriptors. Default 256. */
  readonly size?: number;
  /** Descriptors in each indirect table; 0 = chains can't be indirect. Default 16. */
  readonly indirectEntries?: number;
  /** Where the ring starts, as SET_VRING_BASE carries it. */
  readonly base?: number;
}

/** How a request is laid out in the ring. */
export interface SubmitOptions {
  /** Through an indirect table. */
  readonly indirect?: boolean;
  /** Pieces that the readable and the writable part are each cut into. Default 1. */
  readonly pieces?: number;
}

/** A request that came back. */
export interface Completion {
  /** Bytes written, as the device says. */
  readonly used: number;
  /** The bytes that it wrote. */
  readonly data: Uint8Array;
}

/** Called with the bytes that the device says it wrote, and a view of them that holds until it returns. */
export type Done = (used: number, data: Uint8Array) => void;

interface Submitted {
  /** The allocation, and where its writable part starts. */
  readonly address: number;
  readonly writableAddress: number;
  readonly writableBytes: number;
  readonly done: Done;
  readonly failed: (error: Error) => void;
}

const ignore = (): void => undefined;

/** One running virtqueue of a client: requests in, completions out. */
export class FrontEndQueue {
  readonly index: number;
  readonly driver: DriverQueue;
  readonly kickFd: EventFd = createEventFd();
  readonly callFd: EventFd = createEventFd();
  readonly errFd: EventFd = createEventFd();
  /** Interrupts so far, and how often `kick` signalled. */
  calls = 0;
  kicks = 0;
  /** Why the used ring can't be trusted any more, or why the queue was closed. */
  broken: Error | null = null;
  /** Told of used buffers that were added through `driver.add`, while interrupts are watched. */
  onUsed: ((id: number, length: number) => void) | null = null;
  private readonly memory: FrontEndMemory;
  private readonly ringAddress: number;
  /** By buffer id. */
  private readonly submitted: (Submitted | null)[];
  private readonly waiters: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private watched = false;

  constructor(
    index: number,
    memory: FrontEndMemory,
    features: { readonly packed: boolean; readonly eventIdx: boolean },
    options: FrontEndQueueOptions = {},
  ) {
    const { size = 256, indirectEntries = 16, base } = options;
    this.index = index;
    this.memory = memory;
    const { bytes } = placeRing(0, size, features.packed, indirectEntries);
    this.ringAddress = memory.alloc(bytes, 4096);
    const placement = placeRing(this.ringAddress, size, features.packed, indirectEntries);
    this.driver = new DriverQueue({
      memory,
      size,
      ...features,
      ...placement,
      ...(base === undefined ? {} : { base }),
    });
    this.submitted = Array.from({ length: size }, () => null);
  }

  /** Publishes what was added and signals the device if it wants that. Returns whether it did. */
  kick(): boolean {
    this.driver.publish();
    if (!this.driver.kickNeeded()) return false;
    this.kicks++;
    this.kickFd.signal();
    return true;
  }

  /**
   * Adds a request: a copy of `readable`, and room for `writableBytes` of answer. It starts at the next `kick`.
   * Returns its id, or -1 when the ring is full. `done` is called from the event loop when the device is ready.
   */
  submit(readable: Uint8Array, writableBytes: number, done: Done, options: SubmitOptions = {}): number {
    return this.start(readable, writableBytes, done, ignore, options);
  }

  /**
   * Submits, kicks and waits for the answer. Many may be under way at one time. Rejects with a VhostUserError:
   * VHOST_ERR_QUEUE_FULL, VHOST_ERR_NO_MEMORY, or why the queue broke or was closed.
   */
  request(readable: Uint8Array, writableBytes: number, options: SubmitOptions = {}): Promise<Completion> {
    return new Promise((resolve, reject) => {
      const done = (used: number, data: Uint8Array) => resolve({ used, data: data.slice() });
      if (this.start(readable, writableBytes, done, reject, options) < 0) {
        reject(
          new VhostUserError('VHOST_ERR_QUEUE_FULL', `queue ${this.index} has too few free descriptors`),
        );
        return;
      }
      this.kick();
    });
  }

  /** The next interrupt from now on, after the buffers that it tells of were handled. */
  waitForCall(): Promise<void> {
    if (this.broken !== null) return Promise.reject(this.broken);
    this.listen();
    return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
  }

  /** Starts watching interrupts (which keeps the process alive until `close`). */
  listen(): void {
    if (this.watched || this.broken !== null) return;
    this.watched = true;
    this.callFd.watch(() => this.interrupted());
    // What came back before is handled from the event loop, too.
    if (this.driver.enableInterrupts()) this.callFd.signal();
  }

  /** Handles all used buffers now, as an interrupt would. Returns how many there were. */
  processUsed(): number {
    const { driver } = this;
    let count = 0;
    if (this.broken !== null) return count;
    driver.disableInterrupts();
    do {
      for (let used = this.poll(); used !== null; used = this.poll()) {
        count++;
        this.complete(used.id, used.length);
        if (this.broken !== null) return count;
      }
    } while (this.broken === null && driver.enableInterrupts());
    return count;
  }

  /** Rejects what waits, frees the ring, closes the eventfds. Idempotent. */
  close(): void {
    if (this.kickFd.closed) return;
    this.fail(new VhostUserError('VHOST_ERR_CLOSED', `queue ${this.index} was closed`));
    for (const fd of [this.kickFd, this.callFd, this.errFd]) fd.close();
    this.memory.free(this.ringAddress);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Rejects what waits: nothing will come back any more. */
  fail(error: Error): void {
    if (this.broken !== null) return;
    this.broken = error;
    if (this.watched) this.callFd.watch(null);
    for (let id = 0; id < this.submitted.length; id++) {
      const entry = this.submitted[id] ?? null;
      if (entry === null) continue;
      this.submitted[id] = null;
      this.memory.free(entry.address);
      entry.failed(error);
    }
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  private start(
    readable: Uint8Array,
    writableBytes: number,
    done: Done,
    failed: (error: Error) => void,
    options: SubmitOptions,
  ): number {
    if (this.broken !== null) throw this.broken;
    const { memory } = this;
    const writableOffset = Math.ceil(readable.length / 16) * 16;
    const address = memory.alloc(writableOffset + writableBytes);
    memory.write(address, readable);
    const writableAddress = address + writableOffset;
    const parts = options.pieces ?? 1;
    const source = cut(address, readable.length, parts);
    const target = cut(writableAddress, writableBytes, parts);
    let id = -1;
    try {
      id = this.driver.add(source, target, options);
    } finally {
      if (id < 0) memory.free(address);
    }
    if (id >= 0) {
      this.submitted[id] = { address, writableAddress, writableBytes, done, failed };
      this.listen();
    }
    return id;
  }

  private interrupted(): void {
    this.calls++;
    const waiting = this.waiters.splice(0);
    this.processUsed();
    for (const { resolve } of waiting) resolve();
  }

  private poll(): { readonly id: number; readonly length: number } | null {
    try {
      return this.driver.poll();
    } catch (error) {
      this.fail(error as Error);
      return null;
    }
  }

  private complete(id: number, used: number): void {
    const entry = this.submitted[id] ?? null;
    if (entry === null) {
      this.onUsed?.(id, used);
      return;
    }
    this.submitted[id] = null;
    const data = this.memory.view(entry.writableAddress, Math.min(used, entry.writableBytes));
    try {
      entry.done(used, data);
    } finally {
      if (!this.kickFd.closed) this.memory.free(entry.address);
    }
  }
}

/** At most `parts` pieces of about the same length that make up [address, +length). */
function cut(address: number, length: number, parts: number): Piece[] {
  const pieces: Piece[] = [];
  const step = Math.max(1, Math.ceil(length / parts));
  for (let at = 0; at < length; at += step) {
    pieces.push({ address: address + at, length: Math.min(step, length - at) });
  }
  return pieces;
}

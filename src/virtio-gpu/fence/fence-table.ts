/**
 * Fences that are not signalled yet (virtio 1.3, 5.7.6.7): requests that were carried out, or are being carried out,
 * and whose chain goes back later.
 *
 * A fence belongs to a timeline. The driver takes a fence that comes back for the proof that all older ones of its
 * timeline are done, so each timeline gives chains back strictly in the order of the requests; different timelines know
 * nothing of each other. How many fences there are is bounded by the queue: each one holds a chain.
 */
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import { type GpuAnswer, OK_NODATA } from '../result.js';

/** The timeline of fences without a ring index. */
export const GLOBAL_TIMELINE = -1;

/** The timeline of one ring of one context. */
export function ringTimeline(contextId: number, ringIdx: number): number {
  return contextId * 256 + ringIdx;
}

/** A request whose chain is held. */
export interface FencedRequest {
  readonly queue: Virtqueue;
  readonly chain: DescriptorChain;
  /** A copy of the request's header. */
  readonly header: Uint8Array;
  readonly timeline: number;
  /** What goes back; null while the request is not done. */
  answer: GpuAnswer | null;
}

/** Gives a request's chain back to the driver. */
export type ReleaseFence = (request: FencedRequest, answer: GpuAnswer) => void;

export class FenceTable {
  readonly #release: ReleaseFence;
  /** The requests of each timeline, oldest first; no list is empty. */
  readonly #timelines = new Map<number, FencedRequest[]>();
  /** Queues that take nothing back now. */
  readonly #stopped = new Set<Virtqueue>();

  /** `release` is called exactly once for each request that was added, unless `clear` came first. */
  constructor(release: ReleaseFence) {
    this.#release = release;
  }

  /** Chains that are held. */
  get count(): number {
    let count = 0;
    for (const requests of this.#timelines.values()) count += requests.length;
    return count;
  }

  /** True when a new fence of the timeline must wait for older ones. */
  isWaiting(timeline: number): boolean {
    return this.#timelines.size > 0 && this.#timelines.has(timeline);
  }

  /** Holds a request behind all others of its timeline. */
  add(request: FencedRequest): void {
    const requests = this.#timelines.get(request.timeline);
    if (requests === undefined) this.#timelines.set(request.timeline, [request]);
    else requests.push(request);
  }

  /** The request is done: it goes back once all before it are done. Nothing happens the second time. */
  settle(request: FencedRequest): void {
    if (request.answer !== null) return;
    request.answer = OK_NODATA;
    this.#releaseDone(request.timeline);
  }

  #releaseDone(timeline: number): void {
    const requests = this.#timelines.get(timeline) ?? [];
    for (;;) {
      const request = requests[0];
      if (request === undefined) break;
      const { queue, answer } = request;
      if (answer === null || this.#stopped.has(queue)) return;
      requests.shift();
      this.#release(request, answer);
    }
    this.#timelines.delete(timeline);
  }

  /**
   * The queue is being stopped. What it waits for stays here: a machine that is only paused goes on with it, and to
   * signal a fence before its time would be a lie. Nothing goes back until `resume`.
   */
  stop(queue: Virtqueue): void {
    this.#stopped.add(queue);
  }

  /** The queue goes on: what was done meanwhile goes back. */
  resume(queue: Virtqueue): void {
    if (!this.#stopped.delete(queue)) return;
    for (const timeline of [...this.#timelines.keys()]) this.#releaseDone(timeline);
  }

  /** Forgets everything: the driver is another one, or gone. */
  clear(): void {
    this.#timelines.clear();
    this.#stopped.clear();
  }
}

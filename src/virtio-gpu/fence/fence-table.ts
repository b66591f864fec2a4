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
    const requests = this.#timelines.get(request.timeline);
    if (requests === undefined || requests[0] !== request) return;
    const undone = requests.findIndex(({ answer }) => answer === null);
    const done = requests.splice(0, undone === -1 ? requests.length : undone);
    if (requests.length === 0) this.#timelines.delete(request.timeline);
    for (const request of done) this.#giveBack(request);
  }

  /**
   * The queue is being stopped: all that it waits for goes back now, done or not, in order. (A machine that is only
   * paused would wait for it for ever.)
   */
  stop(queue: Virtqueue): void {
    for (const [timeline, requests] of [...this.#timelines]) {
      const others = requests.filter((request) => request.queue !== queue);
      if (others.length === 0) this.#timelines.delete(timeline);
      else this.#timelines.set(timeline, others);
      for (const request of requests) if (request.queue === queue) this.#giveBack(request);
    }
  }

  #giveBack(request: FencedRequest): void {
    request.answer ??= OK_NODATA;
    this.#release(request, request.answer);
  }

  /** Forgets everything; the queues are gone. */
  clear(): void {
    this.#timelines.clear();
  }
}

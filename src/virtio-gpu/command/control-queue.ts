/**
 * The control queue (virtio 1.3, 5.7.6.7): decodes each request, has its command carried out, and sees to it that the
 * answer goes back when it may. Requests are carried out strictly in the order of the queue.
 */
// hot
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import { viewOf } from 'vhost-user-ts';
import type { GuestFaults } from '../faults.js';
import { type FencedRequest, FenceTable, GLOBAL_TIMELINE, ringTimeline } from '../fence/fence-table.js';
import {
  type GpuAnswer,
  type GpuResult,
  HELD,
  OK_NODATA,
  SHORT_COMMAND,
  UNKNOWN_COMMAND,
} from '../result.js';
import type { CommandTrace } from '../trace/command-trace.js';
import type { VmState } from '../vm-state.js';
import { VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX } from '../wire/constants.js';
import { CtrlHdr } from '../wire/structs.js';
import { blobCommands } from './blob-commands.js';
import { capsetCommands } from './capset-commands.js';
import { type Command, HEADER_BYTES, type Request } from './command.js';
import { contextCommands } from './context-commands.js';
import { displayCommands } from './display-commands.js';
import { resourceCommands } from './resource-commands.js';
import { Responder } from './responder.js';
import { scanoutCommands } from './scanout-commands.js';

const COMMANDS: readonly Command[] = [
  ...displayCommands,
  ...capsetCommands,
  ...resourceCommands,
  ...scanoutCommands,
  ...blobCommands,
  ...contextCommands,
];

const { type: TYPE, flags: FLAGS, ctxId: CTX_ID, ringIdx: RING_IDX } = CtrlHdr.offsets;

/** A request whose answer comes later, and for which the queue waits. */
interface HeldRequest {
  readonly queue: Virtqueue;
  readonly chain: DescriptorChain;
  /** A copy of the request's header. */
  readonly header: Uint8Array;
  readonly fallback: (() => GpuAnswer) | null;
}

/** What `isFenced` and `timelineOf` look at lies in the first 24 bytes of `header`. */
function isFenced(header: DataView): boolean {
  return (header.getUint32(FLAGS, true) & VIRTIO_GPU_FLAG_FENCE) !== 0;
}

function timelineOf(header: DataView): number {
  if ((header.getUint32(FLAGS, true) & VIRTIO_GPU_FLAG_INFO_RING_IDX) === 0) return GLOBAL_TIMELINE;
  return ringTimeline(header.getUint32(CTX_ID, true), header.getUint8(RING_IDX));
}

export class ControlQueue implements Request {
  readonly #commands: ReadonlyMap<number, Command>;
  readonly #responder: Responder;
  readonly #trace: CommandTrace | null;
  readonly #request: Uint8Array;
  readonly #requestView: DataView;
  readonly #held = new Set<HeldRequest>();
  readonly #fences = new FenceTable(({ queue, chain, header }, answer) => {
    if (queue.running) this.#responder.respond(queue, chain, viewOf(header), answer);
  });
  #queue: Virtqueue | null = null;
  #chain: DescriptorChain | null = null;

  /** `commands` are those of the specification; others are for tests. */
  constructor(
    faults: GuestFaults,
    commands: readonly Command[] = COMMANDS,
    trace: CommandTrace | null = null,
  ) {
    this.#trace = trace;
    this.#responder = new Responder(faults);
    this.#commands = new Map(commands.map((command) => [command.type, command]));
    this.#request = new Uint8Array(Math.max(...commands.map((command) => command.requestBytes)));
    this.#requestView = viewOf(this.#request);
  }

  /** The chain that is being handled. */
  get chain(): DescriptorChain {
    if (this.#chain === null) throw new Error('no request is being handled');
    return this.#chain;
  }

  get queueSize(): number {
    return this.#queue?.size ?? 0;
  }

  get fenced(): boolean {
    return isFenced(this.#requestView);
  }

  /** Chains that wait for a fence. */
  get heldFences(): number {
    return this.#fences.count;
  }

  /** Takes one request. It is answered now, or held. */
  handle(vm: VmState, queue: Virtqueue, chain: DescriptorChain): void {
    const length = chain.read(this.#request, 0, this.#request.length);
    // A response must not echo bytes of the request before.
    if (length < HEADER_BYTES) this.#request.fill(0, length, HEADER_BYTES);
    this.#queue = queue;
    this.#chain = chain;
    const result = this.#carryOut(vm, length);
    if (this.#trace !== null) this.#noteCommand(this.#trace, vm, length, result.kind !== 'error');
    this.#chain = null;
    this.#queue = null;
    vm.metrics.commands += 1;
    if (result.kind === 'held') return;
    const request = this.#requestView;
    if (result.kind !== 'deferred') this.#answer(queue, chain, request, result);
    else if (isFenced(request)) this.#defer(queue, chain, result.start);
    else this.#answer(queue, chain, request, OK_NODATA);
  }

  #noteCommand(trace: CommandTrace, vm: VmState, length: number, ok: boolean): void {
    const command = this.#commands.get(this.#requestView.getUint32(TYPE, true));
    trace.control(vm, this.#request.slice(0, Math.min(length, command?.requestBytes ?? HEADER_BYTES)), ok);
  }

  #carryOut(vm: VmState, length: number): GpuResult {
    if (length < HEADER_BYTES) return SHORT_COMMAND;
    const command = this.#commands.get(this.#requestView.getUint32(TYPE, true));
    if (command === undefined) return UNKNOWN_COMMAND;
    if (command.feature !== null && !vm.frontEnd.hasFeature(command.feature)) return UNKNOWN_COMMAND;
    if (length < command.requestBytes) return SHORT_COMMAND;
    return command.run(vm, this.#requestView, this);
  }

  /** The request is done: it goes back now, unless it is fenced and older fences of its timeline are not done. */
  #answer(queue: Virtqueue, chain: DescriptorChain, request: DataView, answer: GpuAnswer): void {
    const timeline = timelineOf(request);
    if (!this.#fences.isWaiting(timeline) || !isFenced(request)) {
      this.#responder.respond(queue, chain, request, answer);
      return;
    }
    this.#fences.add({ queue, chain, header: headerOf(request), timeline, answer });
  }

  #defer(queue: Virtqueue, chain: DescriptorChain, start: (done: () => void) => void): void {
    const request = this.#requestView;
    const fence: FencedRequest = {
      queue,
      chain,
      header: headerOf(request),
      timeline: timelineOf(request),
      answer: null,
    };
    this.#fences.add(fence);
    start(() => this.#fences.settle(fence));
  }

  tookLong(): void {
    this.#queue?.yield();
  }

  answerLater(
    start: (answer: (result: GpuAnswer) => void) => void,
    fallback: (() => GpuAnswer) | null,
  ): GpuResult {
    const { chain } = this;
    const queue = this.#queue as Virtqueue;
    const state: { early: GpuAnswer | null; held: HeldRequest | null } = { early: null, held: null };
    start((result) => {
      if (state.held === null) state.early = result;
      else this.#finish(state.held, result);
    });
    if (state.early !== null) return state.early;
    state.held = { queue, chain, header: headerOf(this.#requestView), fallback };
    this.#held.add(state.held);
    // Later requests must not overtake this one.
    queue.pause();
    return HELD;
  }

  #finish(held: HeldRequest, result: GpuAnswer): void {
    // Answered already when its queue was stopped.
    if (!this.#held.delete(held)) return;
    if (held.queue.running) this.#answer(held.queue, held.chain, viewOf(held.header), result);
    held.queue.resume();
  }

  /**
   * The queue is being stopped. What has another answer gets that, as far as the ring still takes answers; the rest, and
   * fences that are not done, stay as they are.
   */
  stop(queue: Virtqueue): void {
    for (const held of this.#held) {
      if (held.queue === queue && held.fallback !== null) this.#finish(held, held.fallback());
    }
    this.#fences.stop(queue);
  }

  /** The queue runs. If it goes on where it stopped, so do requests that wait, and fences. */
  start(queue: Virtqueue): void {
    for (const held of this.#held) {
      if (held.queue !== queue) continue;
      // A chain of another ring is void: nothing can be read from it.
      if (held.chain.read(this.#request, 0, HEADER_BYTES) < HEADER_BYTES) this.#held.delete(held);
      else queue.pause();
    }
    this.#fences.resume(queue);
  }

  /** A new driver knows nothing of the requests of the one before. */
  reset(): void {
    this.clear();
  }

  /** Forgets everything that is held; the queues are gone. */
  clear(): void {
    this.#held.clear();
    this.#fences.clear();
  }
}

/** A copy of the header that a request begins with. */
function headerOf(request: DataView): Uint8Array {
  return new Uint8Array(request.buffer, request.byteOffset, HEADER_BYTES).slice();
}

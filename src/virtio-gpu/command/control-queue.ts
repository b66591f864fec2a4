/**
 * The control queue (virtio 1.3, 5.7.6.7): decodes each request, has its command carried out, writes the
 * response. Requests are carried out strictly in the order of the queue.
 */
// hot
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import { viewOf } from 'vhost-user-ts';
import type { GuestFaults } from '../faults.js';
import { type GpuAnswer, type GpuResult, HELD, SHORT_COMMAND, UNKNOWN_COMMAND } from '../result.js';
import type { VmState } from '../vm-state.js';
import { VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX } from '../wire/constants.js';
import { CtrlHdr } from '../wire/structs.js';
import { type Command, HEADER_BYTES, type Request } from './command.js';
import { displayCommands } from './display-commands.js';
import { resourceCommands } from './resource-commands.js';
import { scanoutCommands } from './scanout-commands.js';

const COMMANDS: ReadonlyMap<number, Command> = new Map(
  [...displayCommands, ...resourceCommands, ...scanoutCommands].map((command) => [command.type, command]),
);

const REQUEST_BYTES_MAX = Math.max(...[...COMMANDS.values()].map((command) => command.requestBytes));

const { type: TYPE, flags: FLAGS, fenceId: FENCE_ID, ringIdx: RING_IDX } = CtrlHdr.offsets;
const NO_BODY = new Uint8Array(0);

/** A request whose answer comes later. */
interface HeldRequest {
  readonly queue: Virtqueue;
  readonly chain: DescriptorChain;
  /** A copy of the request's header. */
  readonly header: Uint8Array;
  readonly fallback: () => GpuAnswer;
}

export class ControlQueue implements Request {
  readonly #faults: GuestFaults;
  readonly #request = new Uint8Array(REQUEST_BYTES_MAX);
  readonly #requestView = viewOf(this.#request);
  readonly #response = new Uint8Array(HEADER_BYTES);
  readonly #responseView = viewOf(this.#response);
  readonly #held = new Set<HeldRequest>();
  #queue: Virtqueue | null = null;
  #chain: DescriptorChain | null = null;

  constructor(faults: GuestFaults) {
    this.#faults = faults;
  }

  /** The chain that is being handled. */
  get chain(): DescriptorChain {
    if (this.#chain === null) throw new Error('no request is being handled');
    return this.#chain;
  }

  /** Takes one request. It is answered now, or held. */
  handle(vm: VmState, queue: Virtqueue, chain: DescriptorChain): void {
    const length = chain.read(this.#request, 0, REQUEST_BYTES_MAX);
    // A response must not echo bytes of the request before.
    if (length < HEADER_BYTES) this.#request.fill(0, length, HEADER_BYTES);
    this.#queue = queue;
    this.#chain = chain;
    const result = this.#carryOut(vm, length);
    this.#chain = null;
    this.#queue = null;
    vm.metrics.commands += 1;
    if (result.kind !== 'held') this.#respond(queue, chain, this.#requestView, result);
  }

  #carryOut(vm: VmState, length: number): GpuResult {
    if (length < HEADER_BYTES) return SHORT_COMMAND;
    const command = COMMANDS.get(this.#requestView.getUint32(TYPE, true));
    if (command === undefined) return UNKNOWN_COMMAND;
    if (command.feature !== null && !vm.frontEnd.hasFeature(command.feature)) return UNKNOWN_COMMAND;
    if (length < command.requestBytes) return SHORT_COMMAND;
    return command.run(vm, this.#requestView, this);
  }

  answerLater(start: (answer: (result: GpuAnswer) => void) => void, fallback: () => GpuAnswer): GpuResult {
    const { chain } = this;
    const queue = this.#queue as Virtqueue;
    const state: { early: GpuAnswer | null; held: HeldRequest | null } = { early: null, held: null };
    start((result) => {
      if (state.held === null) state.early = result;
      else this.#finish(state.held, result);
    });
    if (state.early !== null) return state.early;
    state.held = { queue, chain, header: this.#request.slice(0, HEADER_BYTES), fallback };
    this.#held.add(state.held);
    // Later requests must not overtake this one.
    queue.pause();
    return HELD;
  }

  #finish(held: HeldRequest, result: GpuAnswer): void {
    // Answered already when its queue was stopped.
    if (!this.#held.delete(held)) return;
    if (held.queue.running) this.#respond(held.queue, held.chain, viewOf(held.header), result);
    held.queue.resume();
  }

  /**
   * The queue is being stopped. A machine that is only paused goes on after its last request, so each must be
   * answered by now, as far as the ring still takes answers.
   */
  answerHeld(queue: Virtqueue): void {
    for (const held of this.#held) {
      if (held.queue === queue) this.#finish(held, held.fallback());
    }
  }

  /** Forgets everything that is held; the queues are gone. */
  clear(): void {
    this.#held.clear();
  }

  #respond(queue: Virtqueue, chain: DescriptorChain, request: DataView, answer: GpuAnswer): void {
    if (answer.kind === 'error') {
      const command = `0x${request.getUint32(TYPE, true).toString(16)}`;
      this.#faults.note(answer.fault, { command, reason: answer.reason });
    }
    const body = answer.kind === 'ok' && answer.body !== null ? answer.body : NO_BODY;
    if (chain.writableBytes < HEADER_BYTES + body.length) {
      this.#faults.note('short-response', {
        writable: chain.writableBytes,
        needed: HEADER_BYTES + body.length,
      });
    }
    // Without room for a whole header nothing is said at all: half a type could be read as another one.
    if (chain.writableBytes < HEADER_BYTES) {
      queue.push(chain, 0);
      return;
    }
    this.#encodeHeader(request, answer.type);
    let used = chain.write(this.#response, 0, HEADER_BYTES);
    if (body.length > 0) used += chain.write(body, HEADER_BYTES, body.length);
    queue.push(chain, used);
  }

  /** A fenced request gets its fence back, in errors too; else the rest of the header is 0. */
  #encodeHeader(request: DataView, type: number): void {
    const response = this.#responseView;
    this.#response.fill(0);
    response.setUint32(TYPE, type, true);
    const flags = request.getUint32(FLAGS, true);
    if ((flags & VIRTIO_GPU_FLAG_FENCE) === 0) return;
    response.setUint32(FLAGS, flags & (VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX), true);
    // fence_id and ctx_id, as they came.
    for (let at = FENCE_ID; at < RING_IDX; at += 4) {
      response.setUint32(at, request.getUint32(at, true), true);
    }
    if ((flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) !== 0) {
      response.setUint8(RING_IDX, request.getUint8(RING_IDX));
    }
  }
}

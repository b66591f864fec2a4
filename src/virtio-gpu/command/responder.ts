/** Writes responses (virtio 1.3, 5.7.6.7) into chains and gives the chains back. */
// hot
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import { viewOf } from 'vhost-user-ts';
import type { GuestFaults } from '../faults.js';
import type { GpuAnswer } from '../result.js';
import { VIRTIO_GPU_FLAG_FENCE, VIRTIO_GPU_FLAG_INFO_RING_IDX } from '../wire/constants.js';
import { CtrlHdr } from '../wire/structs.js';
import { HEADER_BYTES } from './command.js';

const { type: TYPE, flags: FLAGS, fenceId: FENCE_ID, ringIdx: RING_IDX } = CtrlHdr.offsets;
const NO_BODY = new Uint8Array(0);

export class Responder {
  readonly #faults: GuestFaults;
  readonly #response = new Uint8Array(HEADER_BYTES);
  readonly #responseView = viewOf(this.#response);

  constructor(faults: GuestFaults) {
    this.#faults = faults;
  }

  /** Answers the request whose header `request` begins with. */
  respond(queue: Virtqueue, chain: DescriptorChain, request: DataView, answer: GpuAnswer): void {
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
    const flags = request.getUint32(FLAGS, true);
    const isFenced = (flags & VIRTIO_GPU_FLAG_FENCE) !== 0;
    const echoed = isFenced ? flags & (VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX) : 0;
    response.setUint32(TYPE, type, true);
    response.setUint32(FLAGS, echoed, true);
    // fence_id and ctx_id, as they came. (The padding stays 0.)
    for (let at = FENCE_ID; at < RING_IDX; at += 4) {
      response.setUint32(at, isFenced ? request.getUint32(at, true) : 0, true);
    }
    const hasRing = (echoed & VIRTIO_GPU_FLAG_INFO_RING_IDX) !== 0;
    response.setUint8(RING_IDX, hasRing ? request.getUint8(RING_IDX) : 0);
  }
}

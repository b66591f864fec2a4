/** What a control command is: a row of the dispatch table, with a handler for its decoded body. */
import type { DescriptorChain } from 'vhost-user-ts';
import type { GpuAnswer, GpuResult } from '../result.js';
import type { VmState } from '../vm-state.js';

/** The request that is being handled. It is valid until the handler returns. */
export interface Request {
  /** For what follows the command's fixed part. Guest memory: read it once, then trust the copy only. */
  readonly chain: DescriptorChain;
  /** Descriptors of the queue that it came on. */
  readonly queueSize: number;
  /** Whether its answer signals a fence. */
  readonly fenced: boolean;
  /** Says that carrying it out took long: other queues have their turn before the next request. */
  tookLong(): void;
  /**
   * For answers that may take their time: `start` gets the function to answer with. When it was called before
   * `start` returns, that is the result; else the chain is held and the queue pauses until it is called.
   * `fallback` makes the answer when the queue is stopped before. With null the request waits on: a machine that was
   * only paused gets its answer when it goes on.
   */
  answerLater(
    start: (answer: (result: GpuAnswer) => void) => void,
    fallback: (() => GpuAnswer) | null,
  ): GpuResult;
}

/** Bytes of virtio_gpu_ctrl_hdr. */
export const HEADER_BYTES = 24;

/** One row of the dispatch table. */
export interface Command {
  /** VIRTIO_GPU_CMD_*. */
  readonly type: number;
  /** Bytes that the request must have: header and fixed part. */
  readonly requestBytes: number;
  /** The feature bit that must be negotiated, or null. */
  readonly feature: number | null;
  /** Carries the command out. `view` is over a copy of header and fixed part. */
  run(vm: VmState, view: DataView, request: Request): GpuResult;
}

interface Layout<T> {
  readonly size: number;
  reader(): (view: DataView, offset?: number) => T;
}

/**
 * Declares a command whose header is followed by `layout`. The body that the handler gets is read into the same object
 * each time: what the handler keeps of it beyond its return it copies.
 */
export function command<T>(
  type: number,
  layout: Layout<T>,
  handler: (vm: VmState, body: Readonly<T>, request: Request) => GpuResult,
  feature: number | null = null,
): Command {
  const read = layout.reader();
  return {
    type,
    requestBytes: HEADER_BYTES + layout.size,
    feature,
    run: (vm, view, request) => handler(vm, read(view, HEADER_BYTES), request),
  };
}

/** Declares a command that is a header and nothing else. */
export function bareCommand(type: number, handler: (vm: VmState, request: Request) => GpuResult): Command {
  return {
    type,
    requestBytes: HEADER_BYTES,
    feature: null,
    run: (vm, _view, request) => handler(vm, request),
  };
}

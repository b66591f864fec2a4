/** Commands of contexts (virtio 1.3, 5.7.6.9). Nothing here draws: those for 3D resources are refused. */
import { ContextTable } from '../context/context-table.js';
import { CROSS_DOMAIN_CHANNEL_RING } from '../context/cross-domain/wire.js';
import {
  BAD_CONTEXT_TYPE,
  type GpuResult,
  NO_RENDERER,
  NO_SUCH_CONTEXT,
  OK_NODATA,
  okWhen,
  PAYLOAD_TOO_LONG,
  SHORT_COMMAND,
} from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
  VIRTIO_GPU_CMD_CTX_CREATE,
  VIRTIO_GPU_CMD_CTX_DESTROY,
  VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
  VIRTIO_GPU_CMD_SUBMIT_3D,
  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
  VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
  VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK,
  VIRTIO_GPU_F_CONTEXT_INIT,
  VIRTIO_GPU_F_VIRGL,
  VIRTIO_GPU_FLAG_FENCE,
  VIRTIO_GPU_FLAG_INFO_RING_IDX,
} from '../wire/constants.js';
import { CmdSubmitBody, CtrlHdr, CtxCreateBody, ResourceBody } from '../wire/structs.js';
import { type Command, HEADER_BYTES, type Request } from './command.js';

/** Most bytes of one submission. The length of a cross-domain command has 16 bits. */
const PAYLOAD_BYTES_MAX = 65536;
const payload = new Uint8Array(PAYLOAD_BYTES_MAX);

const { flags: FLAGS, ctxId: CTX_ID, ringIdx: RING_IDX } = CtrlHdr.offsets;

/** Declares a command of the context that the header names. */
function contextCommand(
  type: number,
  bodyBytes: number,
  run: (vm: VmState, contextId: number, view: DataView, request: Request) => GpuResult,
): Command {
  return {
    type,
    requestBytes: HEADER_BYTES + bodyBytes,
    feature: VIRTIO_GPU_F_VIRGL,
    run: (vm, view, request) => run(vm, view.getUint32(CTX_ID, true), view, request),
  };
}

/** The printable ASCII characters of a name of `length` bytes. */
function printable(name: Uint8Array, length: number): string {
  return String.fromCharCode(
    ...name.subarray(0, Math.min(length, name.length)).filter((code) => code >= 0x20 && code < 0x7f),
  );
}

function createContext(vm: VmState, contextId: number, view: DataView, request: Request): GpuResult {
  const { nlen, contextInit, debugName } = CtxCreateBody.read(view, HEADER_BYTES);
  // Without the feature the field is padding.
  const init = vm.frontEnd.hasFeature(VIRTIO_GPU_F_CONTEXT_INIT) ? contextInit : 0;
  if ((init & ~VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK) !== 0) return BAD_CONTEXT_TYPE;
  const name = printable(debugName, nlen);
  return vm.contexts.create(contextId, init, name, request.queueSize) ?? OK_NODATA;
}

function attachResource(vm: VmState, contextId: number, view: DataView): GpuResult {
  return vm.contexts.attach(contextId, ResourceBody.read(view, HEADER_BYTES).resourceId) ?? OK_NODATA;
}

function detachResource(vm: VmState, contextId: number, view: DataView): GpuResult {
  return vm.contexts.detach(contextId, ResourceBody.read(view, HEADER_BYTES).resourceId) ?? OK_NODATA;
}

/** True when the request's fence is on the ring whose fences stand for messages to the guest. */
function isPoll(view: DataView): boolean {
  const flags = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
  return (
    (view.getUint32(FLAGS, true) & flags) === flags && view.getUint8(RING_IDX) === CROSS_DOMAIN_CHANNEL_RING
  );
}

function submit(vm: VmState, contextId: number, view: DataView, request: Request): GpuResult {
  const context = vm.contexts.find(contextId);
  if (context === undefined) return NO_SUCH_CONTEXT;
  const { size } = CmdSubmitBody.read(view, HEADER_BYTES);
  if (size > PAYLOAD_BYTES_MAX) return PAYLOAD_TOO_LONG;
  if (request.chain.read(payload, HEADER_BYTES + CmdSubmitBody.size, size) < size) return SHORT_COMMAND;
  const refusal = context.submit(payload.subarray(0, size));
  if (refusal !== null) return refusal;
  if (!isPoll(view)) return OK_NODATA;
  const extraMax = ContextTable.extraPolls(request.queueSize);
  return okWhen((done) => context.poll(done, extraMax));
}

const refuse = (): GpuResult => NO_RENDERER;

export const contextCommands: readonly Command[] = [
  contextCommand(VIRTIO_GPU_CMD_CTX_CREATE, CtxCreateBody.size, createContext),
  contextCommand(
    VIRTIO_GPU_CMD_CTX_DESTROY,
    0,
    (vm, contextId) => vm.contexts.destroy(contextId) ?? OK_NODATA,
  ),
  contextCommand(VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ResourceBody.size, attachResource),
  contextCommand(VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ResourceBody.size, detachResource),
  contextCommand(VIRTIO_GPU_CMD_SUBMIT_3D, CmdSubmitBody.size, submit),
  contextCommand(VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 0, refuse),
  contextCommand(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 0, refuse),
  contextCommand(VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 0, refuse),
];

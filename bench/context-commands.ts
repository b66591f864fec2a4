/** Commands of contexts and of blobs on the host, as a guest that speaks the cross-domain protocol sends them. */
import * as cross from '../src/virtio-gpu/context/cross-domain/wire.js';
import * as gpu from '../src/virtio-gpu/wire/constants.js';
import { VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM } from '../src/virtio-gpu/wire/formats.js';
import * as wire from '../src/virtio-gpu/wire/structs.js';
import { type Command, command, header } from './commands.js';

const CONTEXT = 1;
const CAPSET_CROSS_DOMAIN = 5;
const CHANNEL_WAYLAND = 1;
/** DRM_FORMAT_XRGB8888 */
const DRM_FORMAT_XR24 = 0x3432_5258;
/** GBM_BO_USE_SCANOUT, GBM_BO_USE_LINEAR */
const SCANOUT_LINEAR = 0x11;
const RING_BYTES = 4096;

function onContext(type: number, body: Uint8Array): Command {
  return command(type, body, undefined, { ctxId: CONTEXT });
}

function crossDomainHeader(cmd: number, cmdSize: number): Parameters<typeof cross.Header.encode>[0] {
  return { cmd, ringIdx: 0, cmdSize, padding: 0 };
}

/** A page of the guest's as resource, attached to the context. */
function ringResource(resourceId: number, address: number): Command[] {
  const body = wire.ResourceCreateBlobBody.encode({
    resourceId,
    blobMem: gpu.VIRTIO_GPU_BLOB_MEM_GUEST,
    blobFlags: gpu.VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
    nrEntries: 1,
    blobId: 0n,
    size: RING_BYTES,
  });
  const entry = wire.MemEntry.encode({ addr: address, length: RING_BYTES, padding: 0 });
  return [command(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, body, entry), attachToContext(resourceId)];
}

export function attachToContext(resourceId: number): Command {
  const body = wire.ResourceBody.encode({ resourceId, padding: 0 });
  return onContext(gpu.VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, body);
}

function submit(payload: Uint8Array, fields: Parameters<typeof command>[3] = {}): Command {
  const body = wire.CmdSubmitBody.encode({ size: payload.length, padding: 0 });
  const type = gpu.VIRTIO_GPU_CMD_SUBMIT_3D;
  return command(type, Buffer.concat([body, payload]), undefined, { ctxId: CONTEXT, ...fields });
}

/** A context that is connected: its rings lie at these guest addresses, and are the resources 1 and 2. */
export function connectContext(queryRing: number, channelRing: number): Command[] {
  const context = { nlen: 5, contextInit: CAPSET_CROSS_DOMAIN, debugName: new Uint8Array(64) };
  context.debugName.set(Buffer.from('bench'));
  const init = cross.Init.encode({
    header: crossDomainHeader(cross.CROSS_DOMAIN_CMD_INIT, cross.Init.size),
    queryRingId: 1,
    channelRingId: 2,
    channelType: CHANNEL_WAYLAND,
  });
  return [
    onContext(gpu.VIRTIO_GPU_CMD_CTX_CREATE, wire.CtxCreateBody.encode(context)),
    ...ringResource(1, queryRing),
    ...ringResource(2, channelRing),
    submit(init),
  ];
}

/** The question for what a picture needs; the answer comes to the query ring (`ImageRequirements`). */
export function imageRequirements(width: number, height: number): Command {
  const question = cross.GetImageRequirements.encode({
    header: crossDomainHeader(cross.CROSS_DOMAIN_CMD_GET_IMAGE_REQUIREMENTS, cross.GetImageRequirements.size),
    width,
    height,
    drmFormat: DRM_FORMAT_XR24,
    flags: SCANOUT_LINEAR,
  });
  const flags = gpu.VIRTIO_GPU_FLAG_FENCE | gpu.VIRTIO_GPU_FLAG_INFO_RING_IDX;
  return submit(question, { flags, fenceId: 1n, ringIdx: cross.CROSS_DOMAIN_QUERY_RING });
}

/** RESOURCE_CREATE_BLOB and RESOURCE_MAP_BLOB at an offset of the host-visible window. */
export function hostBlob(resourceId: number, blobId: number, size: number, offset: number): Command[] {
  const body = wire.ResourceCreateBlobBody.encode({
    resourceId,
    blobMem: gpu.VIRTIO_GPU_BLOB_MEM_HOST3D,
    blobFlags: gpu.VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE | gpu.VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
    nrEntries: 0,
    blobId: BigInt(blobId),
    size,
  });
  const map = wire.ResourceMapBlobBody.encode({ resourceId, padding: 0, offset });
  return [
    onContext(gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, body),
    {
      request: Buffer.concat([header(gpu.VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB), map]),
      answer: gpu.VIRTIO_GPU_RESP_OK_MAP_INFO,
      answerBytes: wire.CtrlHdr.size + wire.MapInfoBody.size,
    },
  ];
}

/** SET_SCANOUT_BLOB of a whole blob on output 0. */
export function setScanoutBlob(
  resourceId: number,
  width: number,
  height: number,
  strideBytes: number,
): Command {
  const body = wire.SetScanoutBlobBody.encode({
    r: { x: 0, y: 0, width, height },
    scanoutId: 0,
    resourceId,
    width,
    height,
    format: VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
    padding: 0,
    strides: [strideBytes, 0, 0, 0],
    offsets: [0, 0, 0, 0],
  });
  return command(gpu.VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, body);
}

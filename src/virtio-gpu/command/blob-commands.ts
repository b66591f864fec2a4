/** Commands that make blobs and map them into the guest's window (virtio 1.3, 5.7.6.8 and 5.7.6.9). */
import type { PlaceRefusal } from '../../region/index.js';
import { RegionRange } from '../../region/index.js';
import { readEntries } from '../resource/backing.js';
import type { BlobDescription, BlobResource } from '../resource/resource.js';
import {
  BAD_BLOB_FLAGS,
  BAD_BLOB_MEMORY,
  BAD_BLOB_SIZE,
  BLOB_ALREADY_MAPPED,
  BLOB_NOT_MAPPABLE,
  type GpuAnswer,
  type GpuResult,
  HOST_BLOB_WITH_ENTRIES,
  MAP_OUTSIDE,
  MAP_OVERLAPS,
  NO_ENTRIES,
  NO_SUCH_BLOB,
  NO_SUCH_RESOURCE,
  NO_WINDOW,
  NOT_A_BLOB,
  OK_NODATA,
  okWith,
  type Refusal,
  SHORT_COMMAND,
  TOO_MANY_ENTRIES,
  TOO_MANY_RESOURCES,
} from '../result.js';
import type { VmState } from '../vm-state.js';
import {
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE,
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
  VIRTIO_GPU_BLOB_MEM_GUEST,
  VIRTIO_GPU_BLOB_MEM_HOST3D,
  VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST,
  VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
  VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
  VIRTIO_GPU_F_RESOURCE_BLOB,
  VIRTIO_GPU_MAP_CACHE_CACHED,
  VIRTIO_GPU_RESP_OK_MAP_INFO,
} from '../wire/constants.js';
import {
  CtrlHdr,
  MapInfoBody,
  MemEntry,
  ResourceBody,
  ResourceCreateBlobBody,
  ResourceMapBlobBody,
} from '../wire/structs.js';
import { type Command, command, HEADER_BYTES, type Request } from './command.js';

const KNOWN_FLAGS =
  VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE |
  VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;

/** Drivers make blobs of whole pages of theirs, of 4 KiB or more. */
const BLOB_PAGE_BYTES = 4096;

const ENTRIES_OFFSET = HEADER_BYTES + ResourceCreateBlobBody.size;
const CONTEXT_ID = CtrlHdr.offsets.ctxId;

function createBlob(
  vm: VmState,
  contextId: number,
  body: ResourceCreateBlobBody,
  request: Request,
): GpuResult {
  const { resourceId: id, blobMem, blobFlags, size: bytes } = body;
  const taken = vm.resources.checkNewId(id);
  if (taken !== null) return taken;
  if ((blobFlags & ~KNOWN_FLAGS) !== 0) return BAD_BLOB_FLAGS;
  if (!(bytes > 0 && Number.isSafeInteger(bytes))) return BAD_BLOB_SIZE;
  const description = { id, blobMem, blobFlags, bytes, contextId };
  switch (blobMem) {
    case VIRTIO_GPU_BLOB_MEM_GUEST:
    case VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST:
      return createGuestBlob(vm, description, body.nrEntries, request);
    case VIRTIO_GPU_BLOB_MEM_HOST3D:
      return createHostBlob(vm, description, body);
    default:
      return BAD_BLOB_MEMORY;
  }
}

/** HOST3D_GUEST is guest memory with a shadow on the host, which we don't need: drivers never map it. */
function createGuestBlob(
  vm: VmState,
  description: BlobDescription,
  nrEntries: number,
  { chain }: Request,
): GpuResult {
  if (nrEntries === 0) return NO_ENTRIES;
  if (nrEntries * MemEntry.size > chain.readableBytes - ENTRIES_OFFSET) return SHORT_COMMAND;
  if (nrEntries > vm.limits.maxBackingEntries) return TOO_MANY_ENTRIES;
  const ranges = readEntries(chain, ENTRIES_OFFSET, nrEntries);
  if (!(ranges instanceof Float64Array)) return ranges;
  return vm.resources.createGuestBlob(description, ranges) ?? OK_NODATA;
}

/** Has no memory before it is mapped: that is when the guest says where. */
function createHostBlob(
  vm: VmState,
  description: BlobDescription,
  { nrEntries, blobId }: ResourceCreateBlobBody,
): GpuResult {
  const { bytes, contextId } = description;
  const { region } = vm.window;
  if (region === null) return NO_WINDOW;
  if (nrEntries !== 0) return HOST_BLOB_WITH_ENTRIES;
  if (bytes % BLOB_PAGE_BYTES !== 0 || bytes > region.windowBytes) return BAD_BLOB_SIZE;
  if (blobId > 0xffff_ffffn) return NO_SUCH_BLOB;
  // Before the origin is asked, which can give some blobs only once.
  const refused = vm.resources.checkHostBlob(bytes);
  if (refused !== null) return refused;
  const origin = vm.hostBlobs.take(contextId, blobId, bytes);
  if ('kind' in origin) return origin;
  return vm.resources.createHostBlob(description, origin.content) ?? OK_NODATA;
}

const PLACE_REFUSALS: Readonly<Record<PlaceRefusal, Refusal>> = {
  unaligned: MAP_OUTSIDE,
  outside: MAP_OUTSIDE,
  overlap: MAP_OVERLAPS,
  'too-many': TOO_MANY_RESOURCES,
};

function mapInfo(): GpuAnswer {
  return okWith(
    VIRTIO_GPU_RESP_OK_MAP_INFO,
    MapInfoBody.encode({ mapInfo: VIRTIO_GPU_MAP_CACHE_CACHED, padding: 0 }),
  );
}

/** The answer means that the guest can use the memory, so the first one waits for the window. */
function mapBlob(vm: VmState, body: ResourceMapBlobBody, request: Request): GpuResult {
  const blob = vm.resources.find(body.resourceId);
  if (blob === undefined) return NO_SUCH_RESOURCE;
  if (blob.kind !== 'blob') return NOT_A_BLOB;
  const isMappable = (blob.blobFlags & VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE) !== 0;
  if (blob.pages !== null || !isMappable) return BLOB_NOT_MAPPABLE;
  if (blob.place !== null) return BLOB_ALREADY_MAPPED;
  const { region } = vm.window;
  if (region === null) return NO_WINDOW;
  const place = region.place(body.offset, blob.bytes);
  if (!(place instanceof RegionRange)) return PLACE_REFUSALS[place];
  blob.map(place, region.mapping);
  return request.answerLater(
    (answer) => vm.window.ensure((mapped) => answer(mapped ? mapInfo() : undoMap(vm, blob, place))),
    null,
  );
}

/** The front-end does not map the region. */
function undoMap(vm: VmState, blob: BlobResource, place: RegionRange): GpuAnswer {
  if (blob.place === place) takeAway(vm, blob);
  return NO_WINDOW;
}

/** What is shown from there is shown no longer. */
function takeAway(vm: VmState, blob: BlobResource): void {
  vm.scanouts.disableAllOf(blob);
  blob.unmap();
}

/** A blob that is not mapped stays so: drivers do that, too. */
function unmapBlob(vm: VmState, body: ResourceBody): GpuResult {
  const blob = vm.resources.find(body.resourceId);
  if (blob === undefined) return NO_SUCH_RESOURCE;
  if (blob.kind !== 'blob') return NOT_A_BLOB;
  if (blob.place !== null) takeAway(vm, blob);
  return OK_NODATA;
}

export const blobCommands: readonly Command[] = [
  {
    type: VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
    requestBytes: ENTRIES_OFFSET,
    feature: VIRTIO_GPU_F_RESOURCE_BLOB,
    run: (vm, view, request) =>
      createBlob(
        vm,
        view.getUint32(CONTEXT_ID, true),
        ResourceCreateBlobBody.read(view, HEADER_BYTES),
        request,
      ),
  },
  command(VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, ResourceMapBlobBody, mapBlob, VIRTIO_GPU_F_RESOURCE_BLOB),
  command(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, ResourceBody, unmapBlob, VIRTIO_GPU_F_RESOURCE_BLOB),
];

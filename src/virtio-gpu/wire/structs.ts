/**
 * Layouts of virtio-gpu's commands and responses, each declared once (virtio 1.3, 5.7.4 and 5.7.6).
 * Little-endian throughout.
 *
 * Every command and response starts with `CtrlHdr`, which the dispatcher reads by field and which is echoed
 * as bytes; so the layouts below that are named …Body are what follows those 24 bytes.
 */
import { array, bytes, type Infer, struct, u8, u32, u64, u64big } from 'vhost-user-ts';
import { VIRTIO_GPU_MAX_SCANOUTS } from './constants.js';

/** Config space (5.7.4), with the `blob_alignment` word of later revisions (0 here: not offered). */
export const Config = struct('virtio_gpu_config', {
  eventsRead: u32,
  eventsClear: u32,
  numScanouts: u32,
  numCapsets: u32,
  blobAlignment: u32,
});

export const CtrlHdr = struct('virtio_gpu_ctrl_hdr', {
  type: u32,
  flags: u32,
  fenceId: u64big,
  ctxId: u32,
  ringIdx: u8,
  padding: bytes(3),
});

export const GpuRect = struct('virtio_gpu_rect', { x: u32, y: u32, width: u32, height: u32 });
export type GpuRect = Infer<typeof GpuRect>;

// Commands of the control queue.

export const ResourceCreate2dBody = struct('virtio_gpu_resource_create_2d', {
  resourceId: u32,
  format: u32,
  width: u32,
  height: u32,
});
export type ResourceCreate2dBody = Infer<typeof ResourceCreate2dBody>;

/** RESOURCE_UNREF, _DETACH_BACKING, _ASSIGN_UUID and _UNMAP_BLOB are laid out alike. */
export const ResourceBody = struct('virtio_gpu_resource_unref', { resourceId: u32, padding: u32 });
export type ResourceBody = Infer<typeof ResourceBody>;

export const SetScanoutBody = struct('virtio_gpu_set_scanout', {
  r: GpuRect,
  scanoutId: u32,
  resourceId: u32,
});
export type SetScanoutBody = Infer<typeof SetScanoutBody>;

export const ResourceFlushBody = struct('virtio_gpu_resource_flush', {
  r: GpuRect,
  resourceId: u32,
  padding: u32,
});
export type ResourceFlushBody = Infer<typeof ResourceFlushBody>;

export const TransferToHost2dBody = struct('virtio_gpu_transfer_to_host_2d', {
  r: GpuRect,
  offset: u64,
  resourceId: u32,
  padding: u32,
});
export type TransferToHost2dBody = Infer<typeof TransferToHost2dBody>;

/** `nrEntries` times `MemEntry` follow. */
export const ResourceAttachBackingBody = struct('virtio_gpu_resource_attach_backing', {
  resourceId: u32,
  nrEntries: u32,
});
export type ResourceAttachBackingBody = Infer<typeof ResourceAttachBackingBody>;

export const MemEntry = struct('virtio_gpu_mem_entry', { addr: u64, length: u32, padding: u32 });

/** `nrEntries` times `MemEntry` follow. */
export const ResourceCreateBlobBody = struct('virtio_gpu_resource_create_blob', {
  resourceId: u32,
  blobMem: u32,
  blobFlags: u32,
  nrEntries: u32,
  blobId: u64big,
  size: u64,
});
export type ResourceCreateBlobBody = Infer<typeof ResourceCreateBlobBody>;

/** Planes that a blob's picture can have; the formats that there are have one. */
export const SCANOUT_BLOB_PLANES = 4;

export const SetScanoutBlobBody = struct('virtio_gpu_set_scanout_blob', {
  r: GpuRect,
  scanoutId: u32,
  resourceId: u32,
  width: u32,
  height: u32,
  format: u32,
  padding: u32,
  strides: array(u32, SCANOUT_BLOB_PLANES),
  offsets: array(u32, SCANOUT_BLOB_PLANES),
});
export type SetScanoutBlobBody = Infer<typeof SetScanoutBlobBody>;

export const ResourceMapBlobBody = struct('virtio_gpu_resource_map_blob', {
  resourceId: u32,
  padding: u32,
  offset: u64,
});
export type ResourceMapBlobBody = Infer<typeof ResourceMapBlobBody>;

export const GetCapsetInfoBody = struct('virtio_gpu_get_capset_info', { capsetIndex: u32, padding: u32 });
export type GetCapsetInfoBody = Infer<typeof GetCapsetInfoBody>;
export const GetCapsetBody = struct('virtio_gpu_get_capset', { capsetId: u32, capsetVersion: u32 });
export type GetCapsetBody = Infer<typeof GetCapsetBody>;

export const GetEdidBody = struct('virtio_gpu_cmd_get_edid', { scanout: u32, padding: u32 });
export type GetEdidBody = Infer<typeof GetEdidBody>;

/** CTX_CREATE. The context's id is in the header. */
export const CtxCreateBody = struct('virtio_gpu_ctx_create', {
  nlen: u32,
  contextInit: u32,
  debugName: bytes(64),
});

/** `size` bytes follow. */
export const CmdSubmitBody = struct('virtio_gpu_cmd_submit', { size: u32, padding: u32 });

// Commands of the cursor queue.

export const CursorPos = struct('virtio_gpu_cursor_pos', { scanoutId: u32, x: u32, y: u32, padding: u32 });

/** UPDATE_CURSOR and MOVE_CURSOR; the latter uses `pos` only. */
export const UpdateCursorBody = struct('virtio_gpu_update_cursor', {
  pos: CursorPos,
  resourceId: u32,
  hotX: u32,
  hotY: u32,
  padding: u32,
});
export type UpdateCursorBody = Infer<typeof UpdateCursorBody>;

// Responses.

export const DisplayOne = struct('virtio_gpu_display_one', { r: GpuRect, enabled: u32, flags: u32 });
export type DisplayOne = Infer<typeof DisplayOne>;

export const DisplayInfoBody = struct('virtio_gpu_resp_display_info', {
  pmodes: array(DisplayOne, VIRTIO_GPU_MAX_SCANOUTS),
});

/** Most bytes of one scanout's EDID in a response. */
export const EDID_BYTES_MAX = 1024;

export const EdidBody = struct('virtio_gpu_resp_edid', {
  size: u32,
  padding: u32,
  edid: bytes(EDID_BYTES_MAX),
});

export const MapInfoBody = struct('virtio_gpu_resp_map_info', { mapInfo: u32, padding: u32 });
export const CapsetInfoBody = struct('virtio_gpu_resp_capset_info', {
  capsetId: u32,
  capsetMaxVersion: u32,
  capsetMaxSize: u32,
  padding: u32,
});

export const ResourceUuidBody = struct('virtio_gpu_resp_resource_uuid', { uuid: bytes(16) });

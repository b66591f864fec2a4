/**
 * Numbers of virtio-gpu's wire format, spelled as in the specification (virtio 1.3, 5.7 GPU Device).
 */

/** Virtio device id (5.7.1). */
export const VIRTIO_ID_GPU = 16;

/** The virtqueues (5.7.2). */
export const CONTROL_QUEUE = 0;
export const CURSOR_QUEUE = 1;
export const QUEUE_COUNT = 2;

/** Feature bits (5.7.3). */
export const VIRTIO_GPU_F_VIRGL = 0;
export const VIRTIO_GPU_F_EDID = 1;
export const VIRTIO_GPU_F_RESOURCE_UUID = 2;
export const VIRTIO_GPU_F_RESOURCE_BLOB = 3;
export const VIRTIO_GPU_F_CONTEXT_INIT = 4;

/** Bit of `events_read` and `events_clear`: the display information changed (5.7.4.2). */
export const VIRTIO_GPU_EVENT_DISPLAY = 1 << 0;

/** Most scanouts that a device has (5.7.4). */
export const VIRTIO_GPU_MAX_SCANOUTS = 16;

/** Bits of `virtio_gpu_ctrl_hdr.flags` (5.7.6.7). */
export const VIRTIO_GPU_FLAG_FENCE = 1 << 0;
export const VIRTIO_GPU_FLAG_INFO_RING_IDX = 1 << 1;

/** 2D commands (5.7.6.8). */
export const VIRTIO_GPU_CMD_GET_DISPLAY_INFO = 0x0100;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_2D = 0x0101;
export const VIRTIO_GPU_CMD_RESOURCE_UNREF = 0x0102;
export const VIRTIO_GPU_CMD_SET_SCANOUT = 0x0103;
export const VIRTIO_GPU_CMD_RESOURCE_FLUSH = 0x0104;
export const VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D = 0x0105;
export const VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING = 0x0106;
export const VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING = 0x0107;
export const VIRTIO_GPU_CMD_GET_CAPSET_INFO = 0x0108;
export const VIRTIO_GPU_CMD_GET_CAPSET = 0x0109;
export const VIRTIO_GPU_CMD_GET_EDID = 0x010a;
export const VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID = 0x010b;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB = 0x010c;
export const VIRTIO_GPU_CMD_SET_SCANOUT_BLOB = 0x010d;

/** Where a blob's memory is (`blob_mem`, 5.7.6.8). */
export const VIRTIO_GPU_BLOB_MEM_GUEST = 1;
export const VIRTIO_GPU_BLOB_MEM_HOST3D = 2;
export const VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST = 3;

/** Bits of `blob_flags` (5.7.6.8). */
export const VIRTIO_GPU_BLOB_FLAG_USE_MAPPABLE = 1 << 0;
export const VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE = 1 << 1;
export const VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE = 1 << 2;

/** The shared memory region that host blobs are mapped in (5.7.5). */
export const VIRTIO_GPU_SHM_ID_HOST_VISIBLE = 1;

/** How a mapped blob is cached (`map_info`, 5.7.6.9). */
export const VIRTIO_GPU_MAP_CACHE_CACHED = 1;
/** Commands of contexts (5.7.6.9). */
export const VIRTIO_GPU_CMD_CTX_CREATE = 0x0200;
export const VIRTIO_GPU_CMD_CTX_DESTROY = 0x0201;
export const VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE = 0x0202;
export const VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE = 0x0203;
export const VIRTIO_GPU_CMD_RESOURCE_CREATE_3D = 0x0204;
export const VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D = 0x0205;
export const VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D = 0x0206;
export const VIRTIO_GPU_CMD_SUBMIT_3D = 0x0207;
export const VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB = 0x0208;
export const VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB = 0x0209;

/** Bits of `virtio_gpu_ctx_create.context_init` that hold the capset id. */
export const VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK = 0xff;

/** Cursor commands (5.7.6.10). */
export const VIRTIO_GPU_CMD_UPDATE_CURSOR = 0x0300;
export const VIRTIO_GPU_CMD_MOVE_CURSOR = 0x0301;

/** Responses (5.7.6.7). */
export const VIRTIO_GPU_RESP_OK_NODATA = 0x1100;
export const VIRTIO_GPU_RESP_OK_DISPLAY_INFO = 0x1101;
export const VIRTIO_GPU_RESP_OK_CAPSET_INFO = 0x1102;
export const VIRTIO_GPU_RESP_OK_CAPSET = 0x1103;
export const VIRTIO_GPU_RESP_OK_EDID = 0x1104;
export const VIRTIO_GPU_RESP_OK_RESOURCE_UUID = 0x1105;
export const VIRTIO_GPU_RESP_OK_MAP_INFO = 0x1106;
export const VIRTIO_GPU_RESP_ERR_UNSPEC = 0x1200;
export const VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY = 0x1201;
export const VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID = 0x1202;
export const VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID = 0x1203;
export const VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID = 0x1204;
export const VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER = 0x1205;

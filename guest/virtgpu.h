/*
 * The part of the virtio-gpu driver's interface (Linux, include/uapi/drm/virtgpu_drm.h) that came with blobs and
 * contexts: the headers of libdrm do not have it.
 */
#ifndef VIRTGPU_H
#define VIRTGPU_H

#include <drm.h>

struct virtgpu_map {
	uint64_t offset; /* out: for mmap */
	uint32_t handle, pad;
};

struct virtgpu_execbuffer {
	uint32_t flags, size;
	uint64_t command, bo_handles;
	uint32_t num_bo_handles;
	int32_t fence_fd;
	uint32_t ring_idx, syncobj_stride, num_in_syncobjs, num_out_syncobjs;
	uint64_t in_syncobjs, out_syncobjs;
};
#define EXECBUF_RING_IDX 4

struct virtgpu_getparam {
	uint64_t param, value; /* value: address of an int */
};

struct virtgpu_wait {
	uint32_t handle, flags;
};

struct virtgpu_get_caps {
	uint32_t id, version;
	uint64_t address;
	uint32_t size, pad;
};

struct virtgpu_create_blob {
	uint32_t memory, flags, handle, resource; /* handle, resource: out */
	uint64_t size;
	uint32_t pad, command_size;
	uint64_t command, blob_id;
};
#define BLOB_MEM_GUEST 1
#define BLOB_MEM_HOST3D 2
#define BLOB_MEM_HOST3D_GUEST 3
#define BLOB_USE_MAPPABLE 1
#define BLOB_USE_SHAREABLE 2

struct virtgpu_context_param {
	uint64_t param, value;
};
#define CONTEXT_CAPSET_ID 1
#define CONTEXT_NUM_RINGS 2
#define CONTEXT_POLL_RINGS_MASK 3

struct virtgpu_context_init {
	uint32_t count, pad;
	uint64_t params;
};

#define VIRTGPU_MAP DRM_IOWR(DRM_COMMAND_BASE + 0x01, struct virtgpu_map)
#define VIRTGPU_EXECBUFFER DRM_IOWR(DRM_COMMAND_BASE + 0x02, struct virtgpu_execbuffer)
#define VIRTGPU_GETPARAM DRM_IOWR(DRM_COMMAND_BASE + 0x03, struct virtgpu_getparam)
#define VIRTGPU_WAIT DRM_IOWR(DRM_COMMAND_BASE + 0x08, struct virtgpu_wait)
#define VIRTGPU_GET_CAPS DRM_IOWR(DRM_COMMAND_BASE + 0x09, struct virtgpu_get_caps)
#define VIRTGPU_CREATE_BLOB DRM_IOWR(DRM_COMMAND_BASE + 0x0a, struct virtgpu_create_blob)
#define VIRTGPU_CONTEXT_INIT DRM_IOWR(DRM_COMMAND_BASE + 0x0b, struct virtgpu_context_init)
/* A fence of a polled ring is done. */
#define VIRTGPU_EVENT_FENCE 0x90000000u

#endif

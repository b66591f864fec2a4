/** Bounds on what a peer may send, each checked before anything is allocated for it. */

/** Bytes of payload in one message. The longest that we know has 2056 (GET_SHMEM_CONFIG's reply). */
export const PAYLOAD_BYTES_MAX = 4096;

/** Descriptors in one message: a full memory table has one per region (vhost-user, SET_MEM_TABLE). */
export const MESSAGE_FDS_MAX = 8;

/** Regions in one SET_MEM_TABLE message ("region0 … region7"). */
export const MEMORY_TABLE_REGIONS_MAX = 8;

/** Answer to GET_MAX_MEM_SLOTS: as many as the kernel's vhost has by default; each is one mapping. */
export const MEMORY_SLOTS_MAX = 509;

/** Queues that a message can name: the index is the low byte of SET_VRING_KICK's payload. */
export const QUEUES_MAX = 256;

/** Descriptors in one ring (virtio 1.3, 2.7 and 2.8.10.1). */
export const QUEUE_SIZE_MAX = 32768;

/** VHOST_USER_MAX_CONFIG_SIZE: bytes of config space in one message. */
export const CONFIG_BYTES_MAX = 256;

/** Bytes of one dirty log: one bit per page of 4 KiB, so this covers 8 TiB of guest-physical addresses. */
export const LOG_BYTES_MAX = 2 ** 28;

/** Bytes of one inflight region: 256 split queues of 32768 entries take 128 MiB, packed ones twice that. */
export const INFLIGHT_BYTES_MAX = 2 ** 28;

/** Messages that may wait for the peer to read them; more end the connection. */
export const QUEUED_MESSAGES_MAX = 1024;

/** While this many messages wait for the peer, nothing more is read from it. */
export const QUEUED_MESSAGES_HIGH = 64;

/** Requests of ours on the back-end channel that may wait for their replies at one time. */
export const BACKEND_REQUESTS_MAX = 256;

/** Shared memory regions of a device: shmid is one byte (virtio 1.3, 2.10). */
export const SHARED_REGIONS_MAX = 256;

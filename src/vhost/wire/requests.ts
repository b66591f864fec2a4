/**
 * Message ids (vhost-user, "Front-end message types" and "Back-end message types"). Names as in the
 * specification, without its VHOST_USER_ prefix.
 */

/** Requests that the front-end makes. */
export const FrontEndRequest = {
  /** Reply: u64, feature bits that the back-end has. */
  GET_FEATURES: 1,
  /** u64: feature bits that the driver accepted. */
  SET_FEATURES: 2,
  /** No payload. The sender is the session's owner from now on. */
  SET_OWNER: 3,
  /** No payload. Deprecated by the specification: disables all rings here. */
  RESET_OWNER: 4,
  /** MemoryTable, one descriptor per region. */
  SET_MEM_TABLE: 5,
  /** LogDescription and the log's descriptor. Reply: u64 0, with LOG_SHMFD. */
  SET_LOG_BASE: 6,
  /** An eventfd that says "the log changed". */
  SET_LOG_FD: 7,
  /** VringState: num is the ring's size. */
  SET_VRING_NUM: 8,
  /** VringAddresses. */
  SET_VRING_ADDR: 9,
  /** VringState: num is the next available index (packed: indexes and wrap counters). */
  SET_VRING_BASE: 10,
  /** VringState. Stops the ring. Reply: VringState, num as in SET_VRING_BASE. */
  GET_VRING_BASE: 11,
  /** u64 (index, bit 8: no descriptor) and the eventfd that the driver kicks. */
  SET_VRING_KICK: 12,
  /** As SET_VRING_KICK: the eventfd that interrupts the driver. */
  SET_VRING_CALL: 13,
  /** As SET_VRING_KICK: the eventfd that reports a broken ring. */
  SET_VRING_ERR: 14,
  /** Reply: u64, protocol feature bits that the back-end has. */
  GET_PROTOCOL_FEATURES: 15,
  /** u64: protocol feature bits that the front-end accepted. */
  SET_PROTOCOL_FEATURES: 16,
  /** Reply: u64, number of queues. */
  GET_QUEUE_NUM: 17,
  /** VringState: num is 0 or 1. */
  SET_VRING_ENABLE: 18,
  /** virtio-net only. */
  SEND_RARP: 19,
  /** virtio-net only. */
  NET_SET_MTU: 20,
  /** The socket for the back-end's own requests. */
  SET_BACKEND_REQ_FD: 21,
  /** IOMMU translations; not implemented. */
  IOTLB_MSG: 22,
  /** Legacy devices of the other endianness; not implemented. */
  SET_VRING_ENDIAN: 23,
  /** ConfigHeader and as many bytes. Reply: the same with the bytes filled in, or no payload on error. */
  GET_CONFIG: 24,
  /** ConfigHeader and the bytes to write. */
  SET_CONFIG: 25,
  /** virtio-crypto only. */
  CREATE_CRYPTO_SESSION: 26,
  /** virtio-crypto only. */
  CLOSE_CRYPTO_SESSION: 27,
  /** Post-copy migration; not implemented. */
  POSTCOPY_ADVISE: 28,
  /** Post-copy migration; not implemented. */
  POSTCOPY_LISTEN: 29,
  /** Post-copy migration; not implemented. */
  POSTCOPY_END: 30,
  /** Inflight. Reply: Inflight with mmap size and offset, and the region's descriptor. */
  GET_INFLIGHT_FD: 31,
  /** Inflight and the region's descriptor. */
  SET_INFLIGHT_FD: 32,
  /** The display socket of vhost-user-gpu. */
  GPU_SET_SOCKET: 33,
  /** No payload. Disables all rings and resets the device. */
  RESET_DEVICE: 34,
  /** In-band kicks; not implemented. */
  VRING_KICK: 35,
  /** Reply: u64, number of memory regions that ADD_MEM_REG may make. */
  GET_MAX_MEM_SLOTS: 36,
  /** SingleMemoryRegion and its descriptor. */
  ADD_MEM_REG: 37,
  /** SingleMemoryRegion. */
  REM_MEM_REG: 38,
  /** u64: the virtio device status. */
  SET_STATUS: 39,
  /** Reply: u64, the virtio device status. */
  GET_STATUS: 40,
  /** Lookup of dma-bufs by UUID; not implemented. */
  GET_SHARED_OBJECT: 41,
  /** Transfer of internal device state; not implemented. */
  SET_DEVICE_STATE_FD: 42,
  /** Transfer of internal device state; not implemented. */
  CHECK_DEVICE_STATE: 43,
  /** Reply: SharedMemoryConfig. */
  GET_SHMEM_CONFIG: 44,
} as const;

/** Requests that the back-end makes, on the socket of SET_BACKEND_REQ_FD. */
export const BackEndRequest = {
  /** IOMMU misses; not implemented. */
  IOTLB_MSG: 1,
  /** No payload. Config space changed. */
  CONFIG_CHANGE_MSG: 2,
  /** Doorbells in a file; not implemented. */
  VRING_HOST_NOTIFIER_MSG: 3,
  /** In-band interrupts; not implemented. */
  VRING_CALL: 4,
  /** In-band ring errors; not implemented. */
  VRING_ERR: 5,
  /** dma-bufs by UUID; not implemented. */
  SHARED_OBJECT_ADD: 6,
  SHARED_OBJECT_REMOVE: 7,
  SHARED_OBJECT_LOOKUP: 8,
  /** SharedMemoryMapping and the file's descriptor. */
  SHMEM_MAP: 9,
  /** SharedMemoryMapping (file offset and flags unused). */
  SHMEM_UNMAP: 10,
} as const;

const NAMES = new Map<number, string>(Object.entries(FrontEndRequest).map(([name, id]) => [id, name]));

/** For log lines: 'SET_OWNER', or 'request 99'. */
export function frontEndRequestName(request: number): string {
  return NAMES.get(request) ?? `request ${request}`;
}

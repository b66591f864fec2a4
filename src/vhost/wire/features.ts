/** Feature bits, as bit numbers: those of the transport, and the protocol's own. */

/** Bits of GET_FEATURES and SET_FEATURES that are not the device's (virtio 1.3, 6 Reserved Feature Bits). */
export const Feature = {
  /** VHOST_F_LOG_ALL: log every write to guest memory (vhost-user, "Migration"). */
  LOG_ALL: 26,
  /** VIRTIO_F_INDIRECT_DESC: descriptor chains may lie in tables of their own. */
  RING_INDIRECT_DESC: 28,
  /** VIRTIO_F_EVENT_IDX: notifications are asked for by index. */
  RING_EVENT_IDX: 29,
  /** VHOST_USER_F_PROTOCOL_FEATURES: the protocol features below can be negotiated. */
  PROTOCOL_FEATURES: 30,
  /** VIRTIO_F_VERSION_1: not a legacy device. */
  VERSION_1: 32,
  /** VIRTIO_F_RING_PACKED: the packed ring format. */
  RING_PACKED: 34,
  /** VIRTIO_F_RING_RESET: QEMU accepts it although we do not offer it; it is masked. */
  RING_RESET: 40,
} as const;

/** VHOST_USER_PROTOCOL_F_… (vhost-user, "Protocol features"). */
export const ProtocolFeature = {
  /** GET_QUEUE_NUM. */
  MQ: 0,
  /** SET_LOG_BASE brings the log as a descriptor. */
  LOG_SHMFD: 1,
  /** The need_reply flag works. */
  REPLY_ACK: 3,
  /** SET_BACKEND_REQ_FD: a channel for the back-end's own requests. */
  BACKEND_REQ: 5,
  /** GET_CONFIG and SET_CONFIG. */
  CONFIG: 9,
  /** The back-end's own requests may carry descriptors. */
  BACKEND_SEND_FD: 10,
  /** GET_INFLIGHT_FD and SET_INFLIGHT_FD. */
  INFLIGHT_SHMFD: 12,
  /** RESET_DEVICE. */
  RESET_DEVICE: 13,
  /** Kicks and interrupts as messages; not implemented. */
  INBAND_NOTIFICATIONS: 14,
  /** ADD_MEM_REG, REM_MEM_REG. QEMU 11.1 crashes when it is offered together with SHMEM. */
  CONFIGURE_MEM_SLOTS: 15,
  /** SET_STATUS and GET_STATUS. */
  STATUS: 16,
  /** Rings by guest-physical address; not implemented, so never to be offered. */
  GPA_ADDRESSES: 21,
  /** GET_SHMEM_CONFIG, SHMEM_MAP, SHMEM_UNMAP. Bit 22 in QEMU 11.1; 20 and 21 in older drafts. */
  SHMEM: 22,
} as const;

/** Bits of SET_STATUS (virtio 1.3, 2.1 Device Status Field) that mean something here. */
export const Status = { DRIVER_OK: 4, FEATURES_OK: 8 } as const;

/** A word with these bits set. */
export function bits(...numbers: readonly number[]): bigint {
  return numbers.reduce((word, bit) => word | (1n << BigInt(bit)), 0n);
}

/** True when the bit is set in the word. */
export function hasBit(word: bigint, bit: number): boolean {
  return ((word >> BigInt(bit)) & 1n) === 1n;
}

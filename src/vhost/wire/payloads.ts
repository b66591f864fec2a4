/**
 * Layouts of headers and payloads (vhost-user, "Message Specification"). The specification says native byte
 * order; we run on little-endian machines only, and say so at load.
 */
import { endianness } from 'node:os';
import { array, bytes, type Infer, struct, u8, u16, u32, u64, u64big } from './struct.js';

if (endianness() !== 'LE') throw new Error('vhost-user-ts needs a little-endian machine');

/** In front of every message, in both directions and on both sockets. */
export const MessageHeader = struct('vhost_user_header', { request: u32, flags: u32, size: u32 });

/** Fields of `flags`. */
export const VERSION_MASK = 0x3;
/** The version of the protocol, in the flags of each message. */
export const VERSION = 0x1;
/** This message answers one. */
export const FLAG_REPLY = 0x4;
/** The sender wants to know how the request went (REPLY_ACK). */
export const FLAG_NEED_REPLY = 0x8;

/** A single 64-bit integer. */
export const U64 = struct('vhost_user_u64', { value: u64big });

/** Set in the u64 of SET_VRING_KICK, _CALL and _ERR when no descriptor comes along. */
export const VRING_NO_FD = 0x100;
/** The vring index in that u64. */
export const VRING_INDEX_MASK = 0xff;

/** "A vring state description" */
export const VringState = struct('vhost_vring_state', { index: u32, num: u32 });
export type VringState = Infer<typeof VringState>;

/** "A vring address description": ring addresses are the front-end's virtual ones, `log` guest-physical. */
export const VringAddresses = struct('vhost_vring_addr', {
  index: u32,
  flags: u32,
  descriptor: u64,
  used: u64,
  available: u64,
  log: u64,
});
export type VringAddresses = Infer<typeof VringAddresses>;

/** VHOST_VRING_F_LOG in `flags`: log writes to the used ring at guest address `log`. */
export const VRING_F_LOG = 0x1;

/** One region of the "Memory regions description". */
export const MemoryRegion = struct('vhost_user_memory_region', {
  guestAddress: u64,
  size: u64,
  userAddress: u64,
  mmapOffset: u64,
});
export type MemoryRegion = Infer<typeof MemoryRegion>;

/** Head of SET_MEM_TABLE; `count` regions follow. */
export const MemoryTableHeader = struct('vhost_user_memory', { count: u32, padding: u32 });

/** "Single memory region description" */
export const SingleMemoryRegion = struct('vhost_user_mem_reg', { padding: u64big, region: MemoryRegion });

/** "Log description": bytes. */
export const LogDescription = struct('vhost_user_log', { size: u64, offset: u64 });

/** Head of the "Virtio device config space"; `size` bytes follow. */
export const ConfigHeader = struct('vhost_user_config', { offset: u32, size: u32, flags: u32 });

/** "Inflight description": bytes, queues, descriptors per queue. */
export const Inflight = struct('vhost_user_inflight', {
  mmapSize: u64,
  mmapOffset: u64,
  queueCount: u16,
  queueSize: u16,
});
export type Inflight = Infer<typeof Inflight>;

/** QEMU's C struct is padded to a multiple of 8 bytes, and that is what it sends. */
export const INFLIGHT_PADDED_BYTES = 24;

/** Reply to GET_SHMEM_CONFIG: `count` of the sizes are not 0; the index is the shmid. */
export const SharedMemoryConfig = struct('vhost_user_shmem_config', {
  count: u32,
  padding: u32,
  sizes: array(u64, 256),
});

/** Payload of SHMEM_MAP and SHMEM_UNMAP. */
export const SharedMemoryMapping = struct('vhost_user_mmap', {
  id: u8,
  padding: bytes(7),
  fdOffset: u64,
  offset: u64,
  length: u64,
  flags: u64,
});
export type SharedMemoryMapping = Infer<typeof SharedMemoryMapping>;

/** In SharedMemoryMapping's flags: readable and writable. QEMU 11.1 has no read-only mappings. */
export const SHMEM_MAP_RW = 0x1;

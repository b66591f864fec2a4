/**
 * The cross-domain protocol: commands that the guest submits (SUBMIT_3D) and messages that the host writes to the start of
 * a ring. Little-endian.
 */
import { array, bytes, type Infer, struct, u8, u16, u32, u64 } from 'vhost-user-ts';

export const CROSS_DOMAIN_CMD_INIT = 1;
export const CROSS_DOMAIN_CMD_GET_IMAGE_REQUIREMENTS = 2;
export const CROSS_DOMAIN_CMD_POLL = 3;
export const CROSS_DOMAIN_CMD_SEND = 4;
export const CROSS_DOMAIN_CMD_RECEIVE = 5;
export const CROSS_DOMAIN_CMD_READ = 6;
export const CROSS_DOMAIN_CMD_WRITE = 7;

/** Rings of a context. A fence on the channel ring asks for one message (a POLL). */
export const CROSS_DOMAIN_QUERY_RING = 0;
export const CROSS_DOMAIN_CHANNEL_RING = 1;

export const CROSS_DOMAIN_ID_TYPE_VIRTGPU_BLOB = 1;
export const CROSS_DOMAIN_ID_TYPE_READ_PIPE = 3;
export const CROSS_DOMAIN_ID_TYPE_WRITE_PIPE = 4;

export const CROSS_DOMAIN_MAX_IDENTIFIERS = 28;
/** Identifiers of pipes that the guest reads have this bit; the guest counts from 0x80000001. */
export const CROSS_DOMAIN_PIPE_READ_START = 0x8000_0000;
/** Bytes of a ring that are used. Rings are one page of the guest's, which may be longer. */
export const RING_BYTES = 4096;

export const Header = struct('cross_domain_header', { cmd: u8, ringIdx: u8, cmdSize: u16, padding: u32 });

/** What the first guests sent: one ring for everything. */
export const LegacyInit = struct('cross_domain_init_legacy', {
  header: Header,
  queryRingId: u32,
  channelType: u32,
});
/**
 * Longer ones say more: 24 bytes end with a protocol version (only 1 exists), 36 bytes with the UUID of a socket, for a
 * channel type that is not offered.
 */
export const Init = struct('cross_domain_init', {
  header: Header,
  queryRingId: u32,
  channelRingId: u32,
  channelType: u32,
});
export const INIT_VERSIONED_BYTES = 24;
export const INIT_UUID_BYTES = 36;

export const GetImageRequirements = struct('cross_domain_get_image_requirements', {
  header: Header,
  width: u32,
  height: u32,
  drmFormat: u32,
  flags: u32,
});

/** The answer, at the start of the query ring, without a header. */
export const ImageRequirements = struct('cross_domain_image_requirements', {
  strides: array(u32, 4),
  offsets: array(u32, 4),
  modifier: u64,
  size: u64,
  blobId: u32,
  mapInfo: u32,
  memoryIdx: u32,
  physicalDeviceIdx: u32,
});

export const Poll = struct('cross_domain_poll', { header: Header, padding: bytes(8) });

/** SEND and RECEIVE; `opaqueDataSize` bytes follow. */
export const SendReceive = struct('cross_domain_send_receive', {
  header: Header,
  numIdentifiers: u32,
  opaqueDataSize: u32,
  identifiers: array(u32, CROSS_DOMAIN_MAX_IDENTIFIERS),
  identifierTypes: array(u32, CROSS_DOMAIN_MAX_IDENTIFIERS),
  identifierSizes: array(u32, CROSS_DOMAIN_MAX_IDENTIFIERS),
});
export type SendReceive = Infer<typeof SendReceive>;

/** READ and WRITE; `opaqueDataSize` bytes follow. */
export const ReadWrite = struct('cross_domain_read_write', {
  header: Header,
  identifier: u32,
  hangUp: u32,
  opaqueDataSize: u32,
  padding: u32,
});

/** A header as the host writes it: guests compare all of its first word. */
export function messageHeader(cmd: number): Infer<typeof Header> {
  return { cmd, ringIdx: 0, cmdSize: 0, padding: 0 };
}

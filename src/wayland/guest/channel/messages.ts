/**
 * The messages of a cross-domain context, as crosvm's rutabaga_gfx defines them: commands that the guest submits, and
 * what the host writes at the start of the rings. Little-endian.
 */

export const CROSS_DOMAIN_INIT = 1;
export const CROSS_DOMAIN_GET_IMAGE_REQUIREMENTS = 2;
export const CROSS_DOMAIN_POLL = 3;
export const CROSS_DOMAIN_SEND = 4;
export const CROSS_DOMAIN_RECEIVE = 5;
export const CROSS_DOMAIN_READ = 6;
export const CROSS_DOMAIN_WRITE = 7;

export const CHANNEL_WAYLAND = 1;
export const RING_QUERY = 0;
export const RING_CHANNEL = 1;

export const ID_TYPE_BLOB = 1;
export const ID_TYPE_READ_PIPE = 3;
export const ID_TYPE_WRITE_PIPE = 4;

/** Identifiers in one message: libwayland's limit of descriptors. */
export const IDENTIFIERS_MAX = 28;
const TRANSFER_BYTES = 352;
const PIPE_BYTES = 24;
/** Bytes of a whole command; hosts take more, other proxies stay below it. */
const COMMAND_BYTES_MAX = 4096;
/** Bytes of Wayland in one SEND, and of one WRITE. */
export const SEND_DATA_MAX = COMMAND_BYTES_MAX - TRANSFER_BYTES;
export const WRITE_DATA_MAX = COMMAND_BYTES_MAX - PIPE_BYTES;
/** The first id of a pipe that the guest reads; the counter of each side starts below it. */
export const FIRST_READ_PIPE = 0x80000001;
/** Bytes of the host's answer about an image. */
export const REQUIREMENTS_BYTES = 64;

export interface Identifier {
  readonly id: number;
  readonly type: number;
  /** Bytes of a blob. */
  readonly bytes: number;
}

export type HostMessage =
  | { readonly kind: 'receive'; readonly data: Uint8Array; readonly identifiers: readonly Identifier[] }
  | { readonly kind: 'read'; readonly id: number; readonly data: Uint8Array; readonly hangUp: boolean };

export interface ImageRequirements {
  readonly bytes: number;
  readonly blobId: number;
}

export interface CrossDomainCaps {
  /** Bit mask of 1 << channel type. */
  readonly channels: number;
  readonly supportsDmabuf: boolean;
}

function command(cmd: number, ringIdx: number, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint8(0, cmd);
  view.setUint8(1, ringIdx);
  view.setUint16(2, bytes, true);
  return view;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}

export function parseCaps(bytes: Uint8Array): CrossDomainCaps {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { channels: view.getUint32(4, true), supportsDmabuf: view.getUint32(8, true) !== 0 };
}

/** In its 20-byte form, which every host knows. */
export function initCommand(queryRing: number, channelRing: number): Uint8Array {
  const view = command(CROSS_DOMAIN_INIT, 0, 20);
  view.setUint32(8, queryRing, true);
  view.setUint32(12, channelRing, true);
  view.setUint32(16, CHANNEL_WAYLAND, true);
  return bytesOf(view);
}

export function pollCommand(): Uint8Array {
  return bytesOf(command(CROSS_DOMAIN_POLL, RING_CHANNEL, 16));
}

/** Asks for memory of `bytes` bytes: an image that is one row of them (DRM_FORMAT_R8, scanout and linear). */
export function memoryCommand(bytes: number): Uint8Array {
  const view = command(CROSS_DOMAIN_GET_IMAGE_REQUIREMENTS, RING_QUERY, 24);
  view.setUint32(8, bytes, true);
  view.setUint32(12, 1, true);
  view.setUint32(16, 0x20203852, true);
  view.setUint32(20, 0x11, true);
  return bytesOf(view);
}

/** Null when the host did not answer with something usable. */
export function parseRequirements(ring: Uint8Array): ImageRequirements | null {
  const view = new DataView(ring.buffer, ring.byteOffset, REQUIREMENTS_BYTES);
  const high = view.getUint32(44, true);
  const bytes = view.getUint32(40, true);
  const blobId = view.getUint32(48, true);
  return high === 0 && bytes > 0 && blobId !== 0 ? { bytes, blobId } : null;
}

/** `data` is at most SEND_DATA_MAX bytes; at most IDENTIFIERS_MAX identifiers. */
export function sendCommand(data: Uint8Array, identifiers: readonly Identifier[]): Uint8Array {
  const view = command(CROSS_DOMAIN_SEND, 0, TRANSFER_BYTES + data.length);
  view.setUint32(8, identifiers.length, true);
  view.setUint32(12, data.length, true);
  identifiers.forEach(({ id, type, bytes }, index) => {
    view.setUint32(16 + 4 * index, id, true);
    view.setUint32(128 + 4 * index, type, true);
    view.setUint32(240 + 4 * index, bytes, true);
  });
  const all = bytesOf(view);
  all.set(data, TRANSFER_BYTES);
  return all;
}

/** `data` is at most WRITE_DATA_MAX bytes. */
export function writeCommand(id: number, data: Uint8Array, hangUp: boolean): Uint8Array {
  const view = command(CROSS_DOMAIN_WRITE, 0, PIPE_BYTES + data.length);
  view.setUint32(8, id, true);
  view.setUint32(12, hangUp ? 1 : 0, true);
  view.setUint32(16, data.length, true);
  const all = bytesOf(view);
  all.set(data, PIPE_BYTES);
  return all;
}

/** What the host wrote to the channel's ring, copied out; null when it makes no sense. */
export function parseHostMessage(ring: Uint8Array): HostMessage | null {
  const view = new DataView(ring.buffer, ring.byteOffset, ring.byteLength);
  switch (view.getUint8(0)) {
    case CROSS_DOMAIN_RECEIVE:
      return parseReceive(ring, view);
    case CROSS_DOMAIN_READ:
      return parseRead(ring, view);
    default:
      return null;
  }
}

function parseReceive(ring: Uint8Array, view: DataView): HostMessage | null {
  const count = view.getUint32(8, true);
  const bytes = view.getUint32(12, true);
  if (count > IDENTIFIERS_MAX || bytes > ring.length - TRANSFER_BYTES) return null;
  const identifiers = Array.from({ length: count }, (_, index) => ({
    id: view.getUint32(16 + 4 * index, true),
    type: view.getUint32(128 + 4 * index, true),
    bytes: view.getUint32(240 + 4 * index, true),
  }));
  return { kind: 'receive', data: ring.slice(TRANSFER_BYTES, TRANSFER_BYTES + bytes), identifiers };
}

function parseRead(ring: Uint8Array, view: DataView): HostMessage | null {
  const id = view.getUint32(8, true);
  const hangUp = view.getUint32(12, true) !== 0;
  const bytes = view.getUint32(16, true);
  if (bytes > ring.length - PIPE_BYTES) return null;
  return { kind: 'read', id, data: ring.slice(PIPE_BYTES, PIPE_BYTES + bytes), hangUp };
}

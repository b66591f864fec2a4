/**
 * Sizes, alignments and flag bits of both ring formats (virtio 1.3, 2.7 and 2.8), and what the front-end tells
 * about one ring. Rings are little-endian and are read through typed arrays, so the host has to be, too.
 */
import { VhostUserError } from '../errors.js';
import { QUEUE_SIZE_MAX } from '../wire/limits.js';
import type { InflightQueue } from './inflight.js';

export const VIRTQ_DESC_F_NEXT = 1;
export const VIRTQ_DESC_F_WRITE = 2;
export const VIRTQ_DESC_F_INDIRECT = 4;
/** Packed ring: 1 << 7 and 1 << 15 (virtio 1.3, 2.8.1). */
export const VIRTQ_DESC_F_AVAIL = 0x80;
export const VIRTQ_DESC_F_USED = 0x8000;

/** Split ring, `flags` of the available and of the used ring. */
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** Packed ring, `flags` of the event suppression structures (virtio 1.3, 2.8.10). */
export const RING_EVENT_FLAGS_ENABLE = 0;
export const RING_EVENT_FLAGS_DISABLE = 1;
export const RING_EVENT_FLAGS_DESC = 2;

export const DESCRIPTOR_BYTES = 16;

/** One of the three areas of a ring. */
export interface AreaLayout {
  readonly bytes: number;
  readonly alignment: number;
}

/** The three areas of a ring. Packed: `avail` is the driver's and `used` the device's event suppression. */
export interface RingLayout {
  readonly desc: AreaLayout;
  readonly avail: AreaLayout;
  readonly used: AreaLayout;
}

/** Sizes and alignments of a ring's areas (virtio 1.3, 2.7 and 2.8.10.1). */
export function ringLayout(size: number, packed: boolean, eventIdx = true): RingLayout {
  const desc = { bytes: DESCRIPTOR_BYTES * size, alignment: 16 };
  if (packed) return { desc, avail: { bytes: 4, alignment: 4 }, used: { bytes: 4, alignment: 4 } };
  const event = eventIdx ? 2 : 0;
  return {
    desc,
    avail: { bytes: 4 + 2 * size + event, alignment: 2 },
    used: { bytes: 4 + 8 * size + event, alignment: 4 },
  };
}

/**
 * The base of a ring that nobody used yet (SET_VRING_BASE, GET_VRING_BASE): split 0; packed index 0, both wrap counters
 * 1. A ring that was used comes past it: split after 65536 chains, packed after each second round of its entries.
 */
export function freshBase(packed: boolean): number {
  return packed ? 0x8000_8000 : 0;
}

/** What the front-end has told about one ring (SET_VRING_NUM, _ADDR, _BASE and the features). */
export interface QueueLayout {
  readonly size: number;
  readonly packed: boolean;
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  /** The areas, by the front-end's virtual addresses. */
  readonly descUser: number;
  readonly availUser: number;
  readonly usedUser: number;
  /** As SET_VRING_BASE carries it; see `DeviceQueue.stop`. */
  readonly baseIndex: number;
  /** Where writes to the used ring are logged (VHOST_VRING_F_LOG), or null. */
  readonly logGuestAddress: number | null;
  /** This queue's part of the inflight region, when there is one. */
  readonly inflight?: InflightQueue | null;
}

/** Throws unless a ring may have this many entries. */
export function checkQueueSize(size: number, packed: boolean): void {
  const whole = Number.isInteger(size) && size >= 1 && size <= QUEUE_SIZE_MAX;
  if (whole && (packed || (size & (size - 1)) === 0)) return;
  const rule = packed ? '1..32768' : 'a power of two up to 32768';
  throw new VhostUserError('VHOST_ERR_BAD_VRING', `ring size ${size} is not ${rule}`);
}

if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
  throw new Error('virtqueues need a little-endian host');
}

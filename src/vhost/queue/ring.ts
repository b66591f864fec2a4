/** What the two ring formats have in common, as `DeviceQueue` uses them. */
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Chain } from './chain.js';

/** Nothing is available. */
export const EMPTY = 0;
/** The chain was filled. */
export const TAKEN = 1;
/** A chain came that can't be used; its record can be put back all the same. `reason` says why. */
export const REJECTED = 2;
/** The ring makes no sense any more. `reason` says why. */
export const BROKEN = 3;
export type Taken = typeof EMPTY | typeof TAKEN | typeof REJECTED | typeof BROKEN;

/**
 * Longest chain through an indirect table, where the ring is smaller: the spec bounds it by the queue size, but
 * Linux does not (a frame buffer of 8K wants 130 pages of entries, and control queues of 64 exist), and other
 * devices stop at 1024.
 */
export const INDIRECT_CHAIN_MAX = 1024;

export interface Ring {
  /** Why the last `take` returned REJECTED or BROKEN. */
  readonly reason: string;
  /** Makes the typed arrays over the ring (again). Throws when an area is not guest memory. */
  bind(memory: GuestMemory): void;
  /** Takes the next available chain. */
  take(chain: Chain): Taken;
  /** True when `take` would not return EMPTY. */
  hasAvailable(): boolean;
  /** Writes the used entry; the driver does not see it yet. */
  put(chain: Chain, used: number): void;
  /** Shows the driver everything that was put. Returns whether it wants an interrupt. */
  publish(): boolean;
  /** Asks the driver for a notification of the next buffer. True when one came before it could see that. */
  enableNotifications(): boolean;
  disableNotifications(): void;
  /** The state for GET_VRING_BASE. */
  base(): number;
}

/** vring_need_event (virtio 1.3, 2.7.7.2): has the index passed `event` on its way from `before` to `now`? */
export function passedEvent(event: number, now: number, before: number): boolean {
  return ((now - event - 1) & 0xffff) < ((now - before) & 0xffff);
}

const fenceWord = new Int32Array(1);

/**
 * A full fence: what was stored before is visible before what is loaded after. (An atomic read-modify-write of
 * anything does it; plain stores and loads may pass each other, and two EVENT_IDX sides would both go to sleep.)
 */
export function fullFence(): void {
  Atomics.add(fenceWord, 0, 0);
}

/**
 * The driver's side of a virtqueue over memory that the front-end owns: for tests, fuzzers and load generators.
 */
import { PackedDriverQueue } from './driver-packed.js';
import type { AddOptions, DriverBuffer, DriverQueueOptions, DriverRing, UsedBuffer } from './driver-ring.js';
import { SplitDriverQueue } from './driver-split.js';

export { ringLayout } from '../queue/ring-layout.js';
export {
  type AddOptions,
  type DriverBuffer,
  type DriverQueueOptions,
  DriverRing,
  driverRingBytes,
  type UsedBuffer,
} from './driver-ring.js';

export interface DriverQueue {
  readonly size: number;
  /** The areas, for their addresses and for raw access. */
  readonly ring: DriverRing;
  /** Descriptors that are free now. */
  readonly freeDescriptors: number;
  /**
   * Makes one chain available at once. Returns its id (split: the head's index, packed: the buffer id), or -1
   * when there are too few free descriptors.
   */
  add(readable: readonly DriverBuffer[], writable: readonly DriverBuffer[], options?: AddOptions): number;
  /** Does the device want a kick for what was added since this was last asked? */
  kickNeeded(): boolean;
  /** Takes the next chain that the device gave back. */
  poll(): UsedBuffer | null;
  /** Asks for an interrupt for the next used chain. True when one is there already. */
  enableInterrupts(): boolean;
  disableInterrupts(): void;
}

/** A fresh ring (its memory is cleared) with the driver on it. */
export function createDriverQueue(options: DriverQueueOptions): DriverQueue {
  return options.packed ? new PackedDriverQueue(options) : new SplitDriverQueue(options);
}

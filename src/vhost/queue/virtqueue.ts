/**
 * What a device sees of a virtqueue, whatever the ring format (virtio 1.3, 2.6 Virtqueues).
 */

/**
 * One descriptor chain that the driver made available: a readable part (driver to device) followed by a
 * writable part (device to driver), each a run of bytes whose pieces may lie anywhere in guest memory.
 *
 * The record is taken from a pool by the queue and belongs to the device until it is pushed; after that it is
 * used again for another chain. Its segments are validated and fixed at pop time. The bytes behind them are
 * guest memory and can change at any moment: copy out once, then look only at the copy.
 */
export interface DescriptorChain {
  /** The head descriptor's index (split) or the buffer id (packed). */
  readonly head: number;
  /** Bytes of the readable part. */
  readonly readableBytes: number;
  /** Bytes of the writable part. */
  readonly writableBytes: number;
  /**
   * Copies bytes [offset, offset + length) of the readable part to the start of `target` and returns how many
   * there were (fewer than `length` when the part ends before, 0 when offset lies past it).
   */
  read(target: Uint8Array, offset: number, length: number): number;
  /**
   * Copies `source[0 .. length)` to byte `offset` of the writable part and returns how many fitted.
   * What is written is marked in the dirty log when the front-end has set one.
   */
  write(source: Uint8Array, offset: number, length: number): number;
}

/** One virtqueue, as the device uses it. */
export interface Virtqueue {
  readonly index: number;
  /** Descriptors in the ring. */
  readonly size: number;
  /**
   * False once the queue was stopped: chains that are still held must not be pushed (a push does nothing). They can be
   * again when the ring goes on where it stopped.
   */
  readonly running: boolean;
  /**
   * Returns the chain to the driver with `used` bytes written. Chains may be returned in any order, at once
   * or later; they are published and the driver is notified (where it wants to be) after the batch in which
   * the push happens, or at the end of the current turn of the event loop when it happens outside a batch.
   */
  push(chain: DescriptorChain, used: number): void;
  /**
   * Says that the chain which is being handled took long (it moved a large picture, say): before the next one is
   * handled, other queues have their turn.
   */
  yield(): void;
  /** Takes no further chains until `resume()`; what was popped stays popped. For devices that must wait. */
  pause(): void;
  /** Goes on where `pause()` stopped. */
  resume(): void;
}

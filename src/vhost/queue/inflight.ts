/**
 * The inflight region (vhost-user, "Inflight I/O tracking"): which chains the back-end holds, in memory that the
 * front-end keeps while the back-end is gone. Here: its shape; the two formats are in inflight-split.ts and
 * inflight-packed.ts.
 */
import type { Mapping } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';

/** INFLIGHT_VERSION; 0 stands for a region that was never used. */
export const INFLIGHT_VERSION = 1;

/** sizeof(QueueRegionSplit), sizeof(DescStateSplit), sizeof(QueueRegionPacked), sizeof(DescStatePacked) */
export const SPLIT_HEADER_BYTES = 16;
export const SPLIT_ENTRY_BYTES = 16;
export const PACKED_HEADER_BYTES = 32;
export const PACKED_ENTRY_BYTES = 32;
/** Queue regions start on cache lines. */
const QUEUE_ALIGNMENT = 64;

function queueBytes(queueSize: number, packed: boolean): number {
  const bytes = packed
    ? PACKED_HEADER_BYTES + PACKED_ENTRY_BYTES * queueSize
    : SPLIT_HEADER_BYTES + SPLIT_ENTRY_BYTES * queueSize;
  return Math.ceil(bytes / QUEUE_ALIGNMENT) * QUEUE_ALIGNMENT;
}

/** One queue's part of the region. */
export interface InflightQueue {
  readonly view: DataView;
  readonly packed: boolean;
  /** Entries (desc_num). */
  readonly size: number;
}

/** The shared region of INFLIGHT_SHMFD: which chains of each queue a back-end has, so that the next one knows. */
export class InflightRegion {
  private readonly mapping: Mapping;
  private readonly buffer: ArrayBuffer;
  private readonly queueCount: number;
  private readonly queueSize: number;
  private readonly packed: boolean;

  /** Bytes that a region for so many queues takes. */
  static size(queueCount: number, queueSize: number, packed: boolean): number {
    return queueCount * queueBytes(queueSize, packed);
  }

  /** Takes over the mapping; throws (and leaves it alone) when it is too short. */
  constructor(mapping: Mapping, queueCount: number, queueSize: number, packed: boolean) {
    const bytes = InflightRegion.size(queueCount, queueSize, packed);
    if (!(queueCount >= 1 && queueSize >= 1 && queueSize <= 0xffff && mapping.length >= bytes)) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_INFLIGHT',
        `inflight region: ${mapping.length} bytes for ${queueCount} queues of ${queueSize}, ${bytes} are needed`,
      );
    }
    this.mapping = mapping;
    this.buffer = mapping.window(0, bytes);
    this.queueCount = queueCount;
    this.queueSize = queueSize;
    this.packed = packed;
  }

  /** The part of one queue, or null when the region has none for it. */
  queue(index: number): InflightQueue | null {
    if (!(index >= 0 && index < this.queueCount)) return null;
    const bytes = queueBytes(this.queueSize, this.packed);
    const view = new DataView(this.buffer, index * bytes, bytes);
    return { view, packed: this.packed, size: this.queueSize };
  }

  /** Queues that use it must have been stopped. */
  close(): void {
    this.mapping.close();
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Throws unless the part fits the ring. */
export function checkInflight(part: InflightQueue, queueSize: number, packed: boolean): void {
  const version = part.view.getUint16(8, true);
  if (part.packed !== packed || part.size < queueSize || version > INFLIGHT_VERSION) {
    throw new VhostUserError(
      'VHOST_ERR_BAD_INFLIGHT',
      `inflight region: version ${version}, ${part.size} entries (${part.packed ? 'packed' : 'split'}) ` +
        `do not fit a ${packed ? 'packed' : 'split'} ring of ${queueSize}`,
    );
  }
}

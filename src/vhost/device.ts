/**
 * The interface that a device implements, and what the back-end gives it. A device knows nothing of sockets,
 * messages or ring layouts.
 */
import type { ScatterGather, UnixSocket } from 'vhost-user-native';
import type { Logger } from './logger.js';
import type { DescriptorChain, Virtqueue } from './queue/virtqueue.js';

/**
 * Pieces of guest memory, two numbers each: the guest-physical address of its first byte, and its length in bytes, at
 * least 1. Not objects, since a guest's buffer may be of hundreds of thousands of pages.
 */
export type GuestRanges = Float64Array;

/** The file behind one entry of the memory table. */
export interface MemoryFile {
  /** Guest-physical address of the region's first byte. */
  readonly guestAddress: number;
  /** Bytes of the region. */
  readonly length: number;
  /** Lent: valid until the memory table changes (see `generation`); the borrower duplicates what it keeps. */
  readonly fd: number;
  /** Where the region starts in the file. */
  readonly fileOffset: number;
}

/** Guest memory as a device may use it. */
export interface DeviceMemory {
  /** Goes up by one whenever the memory table changes; tables made before are stale then. */
  readonly generation: number;
  /** True when all of the ranges are guest memory, which `scatterGather` would make a table of. */
  covers(ranges: GuestRanges): boolean;
  /**
   * A scatter/gather table over guest-physical ranges, or null when one of them is not guest memory.
   * The caller closes it. A range may cross from one memory region into an adjacent one.
   */
  scatterGather(ranges: GuestRanges): ScatterGather | null;
  /** The files that guest memory lies in, by ascending guest address. */
  files(): readonly MemoryFile[];
  /** Marks guest memory that the device wrote other than through a chain, for live migration. */
  markDirty(address: number, length: number): void;
}

/** One shared memory region that the device offers (virtio 1.3, 2.10). */
export interface SharedMemoryRegion {
  /** shmid, 0..255. */
  readonly id: number;
  /** Bytes; a multiple of the page size. QEMU wants the sum of all to be a power of two. */
  readonly length: number;
}

/** What a device may ask of the front-end while it is attached. */
export interface FrontEnd {
  readonly memory: DeviceMemory;
  readonly log: Logger;
  /** True when the driver accepted the feature bit (0..63). */
  hasFeature(bit: number): boolean;
  /** Tells the driver that config space changed. Resolves false when the front-end can't pass it on. */
  configChanged(): Promise<boolean>;
  /** True when the front-end can map shared memory regions: when it took PROTOCOL_F_SHMEM and gave us a channel. */
  readonly mapsSharedMemory: boolean;
  /** Maps [fdOffset, +length) of `fd` into region `id` at `offset`. Resolves false when it refuses. */
  mapShared(id: number, fd: number, fdOffset: number, offset: number, length: number): Promise<boolean>;
  /** Undoes exactly one earlier mapping. */
  unmapShared(id: number, offset: number, length: number): Promise<boolean>;
  /** Ends this front-end's connection, with one clear line in the log. The process goes on. */
  fail(error: Error): void;
}

/**
 * A virtio device behind vhost-user. Only the first four members are needed; see examples/entropy.ts.
 * All calls come from the event loop, one after the other. An exception that a handler throws ends the
 * front-end's connection, not the process.
 */
export interface VhostUserDevice {
  /** Number of virtqueues, 1..256. */
  readonly queueCount: number;
  /** Device-specific feature bits (0..23 and 50..63); the transport's own bits are added by the back-end. */
  readonly features: bigint;
  /** One chain became available on the queue. The device pushes it, now or later. */
  handleChain(queue: Virtqueue, chain: DescriptorChain): void;

  /** Called after the last `handleChain` of a batch, before results are published. */
  endBatch?(queue: Virtqueue): void;
  /** A front-end connected. Everything that the device holds for one VM starts here… */
  attach?(frontEnd: FrontEnd): void;
  /** …and ends here: connection closed. Held chains are void. */
  detach?(): void;
  /** The ring is set up and enabled. */
  queueStarted?(queue: Virtqueue): void;
  /**
   * The ring is being stopped (GET_VRING_BASE, disable, reset). Chains of it that are held can be pushed until this
   * returns and are void afterwards. (Not where the ring is broken: they are void already.) Those that were not pushed
   * can be pushed after the next `queueStarted`, unless a `reset` comes before: the machine was only paused then.
   */
  queueStopped?(queue: Virtqueue): void;
  /**
   * The device goes back to its initial state: at RESET_DEVICE; and when rings that were all stopped are set up
   * from the beginning (a new driver) instead of where they stopped (the machine was paused). That is known at
   * SET_VRING_BASE only, so this comes after the last `queueStopped` and before the next `queueStarted`.
   */
  reset?(): void;
  /** Guest memory's table changed: scatter/gather tables must be made again. */
  memoryChanged?(): void;
  /** Bytes of config space; 0 or absent = none (PROTOCOL_F_CONFIG is not offered). */
  readonly configLength?: number;
  /** Fills `target` with config space bytes from `offset`; bytes past the end are to be 0. */
  readConfig?(target: Uint8Array, offset: number): void;
  /** The driver wrote config space. `data` is a copy. */
  writeConfig?(data: Uint8Array, offset: number): void;
  /** VHOST_USER_GPU_SET_SOCKET: the display socket; the device owns it now. Absent = refused. */
  setGpuSocket?(socket: UnixSocket): void;
  /** Shared memory regions; absent or empty = PROTOCOL_F_SHMEM is not offered. */
  readonly sharedMemory?: readonly SharedMemoryRegion[];
}

/** One virtqueue with both its ends: the driver in the front-end's memory, the device in its own mapping of it. */
import { mapFile } from 'vhost-user-native';
import {
  DeviceQueue,
  DriverQueue,
  GuestMemory,
  InflightRegion,
  type Piece,
  placeRing,
  type QueueLayout,
  VhostUserError,
} from 'vhost-user-ts';
import { Finding } from '../core/target.js';
import { INFLIGHT_BYTES, MARGIN_BYTES, MEMORY_BYTES, type SharedMemory } from './shared-memory.js';

/** Above 4 GiB, so that the upper address word matters. */
export const GUEST = 0x1_2345_0000;
const USER = 0x7f12_3456_0000;
const TABLE_ENTRIES = 6;
/** Where one region of guest memory ends and the next one starts: among the buffers. */
const BORDER = 64 << 10;

export interface RingOptions {
  readonly size: number;
  readonly packed: boolean;
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  readonly inflight: boolean;
  readonly startIndex: number;
}

export class RingMachine {
  readonly options: RingOptions;
  readonly memory = new GuestMemory();
  readonly queue = new DeviceQueue(0);
  readonly driver: DriverQueue;
  /** From guest memory's start on: rings and indirect tables. Buffers lie behind them. */
  readonly ringBytes: number;
  readonly shared: SharedMemory;
  private readonly layout: QueueLayout;
  private inflight: InflightRegion | null = null;

  constructor(shared: SharedMemory, options: RingOptions) {
    this.shared = shared;
    this.options = options;
    const { size, packed, eventIdx, indirect, startIndex } = options;
    const placement = placeRing(GUEST, size, packed, TABLE_ENTRIES);
    this.ringBytes = placement.bytes;
    const base = packed ? 0x8000_8000 : startIndex;
    const memory = { buffer: shared.buffer, guestAddress: GUEST };
    this.driver = new DriverQueue({ memory, size, packed, eventIdx, base, ...placement });
    const { descAddress, availAddress, usedAddress } = placement;
    const user = (address: number): number => address - GUEST + USER;
    this.layout = {
      ...{ size, packed, eventIdx, indirect, baseIndex: base, logGuestAddress: null },
      ...{ descUser: user(descAddress), availUser: user(availAddress), usedUser: user(usedAddress) },
    };
    this.map();
    this.queue.setEnabled(true);
    this.start(base);
  }

  /** Sends the memory table (again). */
  map(): void {
    const region = (offset: number, size: number) => ({
      ...{ guestAddress: GUEST + offset, userAddress: USER + offset, mmapOffset: MARGIN_BYTES + offset },
      ...{ size, fd: this.shared.fd },
    });
    this.memory.replace([region(BORDER, MEMORY_BYTES - BORDER), region(0, BORDER)]);
  }

  /** False when the ring can't be used any more: what lies in it may be anything. */
  start(baseIndex: number): boolean {
    const { size, packed, inflight } = this.options;
    if (inflight) {
      const at = MARGIN_BYTES + MEMORY_BYTES;
      this.inflight?.close();
      this.inflight = new InflightRegion(
        mapFile(this.shared.fd, at, INFLIGHT_BYTES, { writable: true }),
        ...([1, size, packed] as const),
      );
    }
    try {
      this.queue.start(this.memory, { ...this.layout, baseIndex, inflight: this.inflight?.queue(0) ?? null });
      return true;
    } catch (error) {
      if (error instanceof VhostUserError && /BAD_VRING|BAD_INFLIGHT/.test(error.code)) return false;
      throw error;
    }
  }

  /** The place of a buffer. */
  piece(offset: number, length: number): Piece {
    return { address: GUEST + this.ringBytes + offset, length };
  }

  /** Bytes for buffers. */
  get room(): number {
    return MEMORY_BYTES - this.ringBytes;
  }

  /** As long as nobody writes to memory but those who should. */
  checkSound(): void {
    const { broken, rejectedChains, lastRejection } = this.queue;
    if (broken !== null) throw new Finding(`a sound ring is called broken: ${broken.message}`);
    if (rejectedChains > 0) throw new Finding(`a sound chain was rejected: ${lastRejection}`);
  }

  close(): void {
    this.queue.stop();
    this.inflight?.close();
    this.memory.close();
  }
}

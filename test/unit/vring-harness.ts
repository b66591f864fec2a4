/** One virtqueue with both ends in this process: the driver in the front-end's memory, the device in its mapping. */
import { closeFd, createMemfd, type Mapping, mapFile } from 'vhost-user-native';
import {
  DeviceQueue,
  DriverQueue,
  GuestMemory,
  type InflightQueue,
  type Piece,
  type QueueLayout,
  ringLayout,
} from 'vhost-user-ts';

/** Above 4 GiB, so that the upper address word matters. */
export const GUEST = 0x1_2345_0000;
export const USER = 0x7f12_3456_0000;
const FILE_OFFSET = 0x3000;
const TABLE_ENTRIES = 16;

/** The split ring's raw areas. */
type SplitAreas = NonNullable<DriverQueue['split']>;
/** The packed ring's. */
type PackedAreas = NonNullable<DriverQueue['packedRing']>;

export interface RigOptions {
  readonly size: number;
  readonly packed: boolean;
  readonly eventIdx?: boolean;
  readonly indirect?: boolean;
  /** Bytes of guest memory, in two regions side by side. Default 256 KiB. */
  readonly bytes?: number;
  /** Split: the first index of both rings. */
  readonly startIndex?: number;
}

function up(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export class Rig {
  readonly size: number;
  readonly memory = new GuestMemory();
  readonly driver: DriverQueue;
  /** Replaced by `reconnect`. */
  queue = new DeviceQueue(3);
  /** What the driver sees: byte i is guest address GUEST + i. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Guest memory from here on is free for buffers. */
  readonly dataOffset: number;
  /** Where the second region starts. */
  readonly border: number;
  readonly layout: QueueLayout;
  private readonly length: number;
  private readonly fd: number;
  private readonly frontEnd: Mapping;

  constructor(options: RigOptions) {
    const { size, packed, eventIdx = false, indirect = false, bytes = 0x4_0000, startIndex = 0 } = options;
    this.size = size;
    this.length = bytes;
    this.border = Math.floor(bytes / 8192) * 4096;
    this.fd = createMemfd('vring-test', { size: FILE_OFFSET + bytes });
    this.frontEnd = mapFile(this.fd, FILE_OFFSET, bytes, { writable: true });
    const buffer = this.frontEnd.window(0, Math.min(bytes, 2 ** 31));
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);

    const areas = ringLayout(size, packed);
    const descOffset = 0x1000;
    const availOffset = descOffset + areas.desc.bytes;
    const usedOffset = up(availOffset + areas.avail.bytes, 4);
    const tablesOffset = up(usedOffset + areas.used.bytes, 16);
    const indirectEntries = indirect ? TABLE_ENTRIES : 0;
    this.dataOffset = up(tablesOffset + size * indirectEntries * 16, 4096);
    const base = packed ? 0x8000_8000 : startIndex;
    this.driver = new DriverQueue({
      memory: { buffer, guestAddress: GUEST },
      size,
      packed,
      eventIdx,
      descAddress: GUEST + descOffset,
      availAddress: GUEST + availOffset,
      usedAddress: GUEST + usedOffset,
      indirectAddress: GUEST + tablesOffset,
      indirectEntries,
      base,
    });
    this.layout = {
      size,
      packed,
      eventIdx,
      indirect,
      descUser: USER + descOffset,
      availUser: USER + availOffset,
      usedUser: USER + usedOffset,
      baseIndex: base,
      logGuestAddress: null,
    };
    this.map();
    this.queue.setEnabled(true);
  }

  /** Sends the memory table (again). */
  map(): void {
    this.memory.replace([this.region(this.border, this.length - this.border), this.region(0, this.border)]);
  }

  region(offset: number, size: number) {
    return {
      guestAddress: GUEST + offset,
      userAddress: USER + offset,
      mmapOffset: FILE_OFFSET + offset,
      size,
      fd: this.fd,
    };
  }

  start(layout: Partial<QueueLayout> = {}): void {
    this.queue.start(this.memory, { ...this.layout, ...layout });
  }

  /** The back-end died without a word; a new one starts. */
  reconnect(baseIndex: number, inflight: InflightQueue): void {
    this.map();
    this.queue = new DeviceQueue(3);
    this.queue.setEnabled(true);
    this.start({ baseIndex, inflight });
  }

  /** A piece of the memory that is free for buffers. */
  piece(offset: number, length: number): Piece {
    return { address: GUEST + this.dataOffset + offset, length };
  }

  /** Adds one chain and shows it to the device. */
  add(readable: readonly Piece[], writable: readonly Piece[], indirect = false): number {
    const id = this.driver.add(readable, writable, { indirect });
    this.driver.publish();
    return id;
  }

  /** Everything that the driver can take back now. */
  pollAll(): { id: number; length: number }[] {
    const all: { id: number; length: number }[] = [];
    for (let used = this.driver.poll(); used !== null; used = this.driver.poll()) all.push({ ...used });
    return all;
  }

  close(): void {
    this.queue.stop();
    this.memory.close();
    this.frontEnd.close();
    closeFd(this.fd);
  }
}

/** A started split ring whose driver writes descriptors by hand. */
export class SplitRig extends Rig {
  readonly areas: SplitAreas;
  private idx = 0;

  constructor(options: Partial<RigOptions> = {}) {
    super({ size: 8, packed: false, ...options });
    const split = this.driver.split;
    if (split === null) throw new Error('not a split ring');
    this.areas = split;
    this.start();
  }

  desc(index: number, address: number, length: number, flags: number, next = 0): void {
    this.driver.rawDescriptor(index, { address, length, flags, next });
  }

  /** One entry of an indirect table that lies anywhere. */
  entry(table: number, index: number, address: number, length: number, flags: number, next = 0): void {
    const at = table - GUEST + index * 16;
    this.view.setBigUint64(at, BigInt(address), true);
    this.view.setUint32(at + 8, length, true);
    this.view.setUint16(at + 12, flags, true);
    this.view.setUint16(at + 14, next, true);
  }

  offer(...heads: number[]): void {
    for (const head of heads) this.areas.avail[2 + (this.idx++ % this.size)] = head;
    this.driver.setAvailIndex(this.idx);
  }

  used(): { id: number; length: number }[] {
    const count = this.areas.used[1] as number;
    const at = this.layout.usedUser - USER + 4;
    return Array.from({ length: count }, (_, i) => ({
      id: this.view.getUint32(at + i * 8, true),
      length: this.view.getUint32(at + i * 8 + 4, true),
    }));
  }

  get data(): number {
    return GUEST + this.dataOffset;
  }
}

/** A started packed ring whose driver writes descriptors by hand. */
export class PackedRig extends Rig {
  readonly areas: PackedAreas;

  constructor(options: Partial<RigOptions> = {}) {
    super({ size: 8, packed: true, ...options });
    const packed = this.driver.packedRing;
    if (packed === null) throw new Error('not a packed ring');
    this.areas = packed;
    this.start();
  }

  /** Available in the first lap, whatever else the flags say. */
  desc(index: number, address: number, length: number, flags: number, id = 0): void {
    this.driver.rawDescriptor(index, { address, length, flags: flags | 0x80, next: id });
  }

  /** id, length and flags of a descriptor as the device left it. */
  at(index: number): { id: number; length: number; flags: number } {
    const word = this.areas.desc[index * 4 + 3] as number;
    return { id: word & 0xffff, length: this.areas.desc[index * 4 + 2] as number, flags: word >>> 16 };
  }

  get data(): number {
    return GUEST + this.dataOffset;
  }
}

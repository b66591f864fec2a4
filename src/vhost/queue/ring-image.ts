/** What a ring's memory held at one moment: a copy of its three areas. */
import type { GuestMemory } from '../memory/guest-memory.js';
import { type AreaLayout, type QueueLayout, ringLayout } from './ring-layout.js';

export class RingImage {
  private readonly areas: readonly Uint8Array[];

  private constructor(areas: readonly Uint8Array[]) {
    this.areas = areas;
  }

  /** At most 850 KiB. Null when an area is not guest memory. */
  static take(memory: GuestMemory, layout: QueueLayout): RingImage | null {
    const areas = bytesOfRing(memory, layout);
    return areas === null ? null : new RingImage(areas.map((bytes) => bytes.slice()));
  }

  /** True when a ring of the same layout holds the same bytes now. */
  matches(memory: GuestMemory, layout: QueueLayout): boolean {
    const areas = bytesOfRing(memory, layout);
    return areas?.every((bytes, i) => Buffer.compare(bytes, this.areas[i] as Uint8Array) === 0) === true;
  }
}

function bytesOfRing(memory: GuestMemory, layout: QueueLayout): Uint8Array[] | null {
  const { desc, avail, used } = ringLayout(layout.size, layout.packed, layout.eventIdx);
  const places: [number, AreaLayout][] = [
    [layout.descUser, desc],
    [layout.availUser, avail],
    [layout.usedUser, used],
  ];
  const areas: Uint8Array[] = [];
  for (const [address, { bytes }] of places) {
    const area = memory.areaOfUser(address, bytes);
    if (area === null) return null;
    areas.push(new Uint8Array(area.buffer, area.byteOffset, bytes));
  }
  return areas;
}

/** Segments of a scatter/gather table, collected without an object for each. */
// hot
import { type Mapping, packedScatterGather, type ScatterGather } from 'vhost-user-native';

/** Index of the mapping, offset, length. */
const FIELDS = 3;

export class PackedSegments {
  private packed: Float64Array;
  private used = 0;
  private readonly mappings: Mapping[] = [];
  private lastIndex = -1;

  /** `expected` segments; more find room as well. */
  constructor(expected: number) {
    this.packed = new Float64Array(Math.ceil(expected) * FIELDS);
  }

  /** Adds [offset, offset + length) of the mapping. There are few mappings, and neighbours mostly share one. */
  add(mapping: Mapping, offset: number, length: number): void {
    if (this.mappings[this.lastIndex] !== mapping) {
      this.lastIndex = this.mappings.indexOf(mapping);
      if (this.lastIndex < 0) this.lastIndex = this.mappings.push(mapping) - 1;
    }
    if (this.used === this.packed.length) this.grow();
    this.packed[this.used] = this.lastIndex;
    this.packed[this.used + 1] = offset;
    this.packed[this.used + 2] = length;
    this.used += FIELDS;
  }

  /** The table of all of them, which the caller closes. */
  table(): ScatterGather {
    return packedScatterGather(this.mappings, this.packed.subarray(0, this.used));
  }

  private grow(): void {
    const larger = new Float64Array(Math.max(FIELDS, this.used * 2));
    larger.set(this.packed);
    this.packed = larger;
  }
}

/** A first-fit allocator over [start, start + bytes): knows the holes between what is in use. */
import { type Span, SpanList } from './span-list.js';

export class HoleList {
  private readonly holes = new SpanList<Span>();

  constructor(start: number, bytes: number) {
    if (bytes > 0) this.holes.insert({ offset: start, bytes });
  }

  /** Takes `bytes` out of the first hole that has them, and returns where; null when none has. */
  take(bytes: number): number | null {
    for (const hole of this.holes) {
      if (hole.bytes < bytes) continue;
      this.holes.remove(hole);
      if (hole.bytes > bytes) this.holes.insert({ offset: hole.offset + bytes, bytes: hole.bytes - bytes });
      return hole.offset;
    }
    return null;
  }

  /** Gives back what was taken, and joins it with the holes beside it. */
  give(offset: number, bytes: number): void {
    let start = offset;
    let end = offset + bytes;
    const index = this.holes.indexAfter(offset);
    const after = this.holes.at(index);
    const before = this.holes.at(index - 1);
    if (after !== undefined && after.offset === end) {
      end += after.bytes;
      this.holes.remove(after);
    }
    if (before !== undefined && before.offset + before.bytes === start) {
      start = before.offset;
      this.holes.remove(before);
    }
    this.holes.insert({ offset: start, bytes: end - start });
  }
}

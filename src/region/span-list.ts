/** Pieces of an address range in ascending order, no two of which overlap. */

/** [offset, offset + bytes). */
export interface Span {
  readonly offset: number;
  readonly bytes: number;
}

export class SpanList<T extends Span> {
  private readonly spans: T[] = [];

  get length(): number {
    return this.spans.length;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.spans.values();
  }

  /** Index of the first one that ends after `offset`; `length` when there is none. */
  indexAfter(offset: number): number {
    let low = 0;
    let high = this.spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { offset: start, bytes } = this.spans[middle] as T;
      if (start + bytes <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(index: number): T | undefined {
    return this.spans[index];
  }

  /** True when one of them has a byte in [offset, +bytes). */
  overlaps(offset: number, bytes: number): boolean {
    const next = this.spans[this.indexAfter(offset)];
    return next !== undefined && next.offset < offset + bytes;
  }

  /** Those that have a byte in [offset, +bytes), as a list of its own. */
  within(offset: number, bytes: number): T[] {
    const first = this.indexAfter(offset);
    let last = first;
    while ((this.spans[last]?.offset ?? Number.POSITIVE_INFINITY) < offset + bytes) last += 1;
    return this.spans.slice(first, last);
  }

  /** Adds one that overlaps none. */
  insert(span: T): void {
    this.spans.splice(this.indexAfter(span.offset), 0, span);
  }

  /** Takes one out that is in the list. */
  remove(span: T): void {
    const index = this.indexAfter(span.offset);
    if (this.spans[index] === span) this.spans.splice(index, 1);
  }
}

/** What is left of `span` without the bytes of `others`, which are in ascending order and may overlap. */
export function withoutSpans(span: Span, others: Iterable<Span>): Span[] {
  const left: Span[] = [];
  const end = span.offset + span.bytes;
  let offset = span.offset;
  for (const other of others) {
    if (other.offset >= end) break;
    if (other.offset > offset) left.push({ offset, bytes: other.offset - offset });
    offset = Math.max(offset, other.offset + other.bytes);
  }
  if (offset < end) left.push({ offset, bytes: end - offset });
  return left;
}

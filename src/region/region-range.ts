/** A part of the shared region that is in use. */
import { strict as assert } from 'node:assert';

/** Who the range belongs to; told once of each. */
export interface RangeOwner {
  freed(range: RegionRange): void;
  /** Nobody holds it any more, and it was freed before. */
  abandoned(range: RegionRange): void;
}

export class RegionRange {
  /** Of the first byte, from the start of the region; page-aligned. */
  readonly offset: number;
  /** Whole pages. */
  readonly bytes: number;
  readonly #owner: RangeOwner;
  #holds = 0;
  #freed = false;

  constructor(offset: number, bytes: number, owner: RangeOwner) {
    this.offset = offset;
    this.bytes = bytes;
    this.#owner = owner;
  }

  get held(): boolean {
    return this.#holds > 0;
  }

  get freed(): boolean {
    return this.#freed;
  }

  /** Somebody reads the bytes, a compositor for example: they stay until `unhold`, even when the range is freed. */
  hold(): void {
    assert(!this.#freed || this.#holds > 0, 'a freed range was held');
    this.#holds += 1;
  }

  unhold(): void {
    assert(this.#holds > 0, 'a range was let go too often');
    this.#holds -= 1;
    if (this.#freed && this.#holds === 0) this.#owner.abandoned(this);
  }

  /** Gives the range back. Its memory goes at once, or when nobody holds it any more. Idempotent. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#owner.freed(this);
    if (this.#holds === 0) this.#owner.abandoned(this);
  }
}

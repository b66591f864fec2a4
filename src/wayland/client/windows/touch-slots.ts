/** Slots of a guest's touchscreen, shared by all fingers of all seats on one window. */

const SLOTS = 16;

export class TouchSlots {
  private readonly taken = new Set<number>();

  /** The lowest free one; null when there is none. */
  take(): number | null {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.taken.has(slot)) continue;
      this.taken.add(slot);
      return slot;
    }
    return null;
  }

  free(slot: number): void {
    this.taken.delete(slot);
  }
}

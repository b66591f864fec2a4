/** Slots of the one touchscreen that the windows of all outputs share; each window counts its fingers from 0. */

const SLOTS = 16;

interface Finger {
  readonly window: object;
  readonly slot: number;
}

export class FingerSlots {
  /** By slot of the touchscreen. */
  private readonly fingers: (Finger | null)[] = Array.from({ length: SLOTS }, () => null);

  /** The touchscreen's slot of a window's finger, the lowest free one for a new finger; null when none is free. */
  take(window: object, slot: number): number | null {
    const known = this.find(window, slot);
    if (known >= 0) return known;
    const free = this.fingers.indexOf(null);
    if (free < 0) return null;
    this.fingers[free] = { window, slot };
    return free;
  }

  /** The slot that the finger had; null when it had none. */
  free(window: object, slot: number): number | null {
    const known = this.find(window, slot);
    if (known < 0) return null;
    this.fingers[known] = null;
    return known;
  }

  /** No finger is on the touchscreen any more. */
  clear(): void {
    this.fingers.fill(null);
  }

  private find(window: object, slot: number): number {
    return this.fingers.findIndex((finger) => finger?.window === window && finger.slot === slot);
  }
}

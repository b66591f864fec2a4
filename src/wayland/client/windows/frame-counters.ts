/** What a window counts, over all its connections. */
export class FrameCounters {
  frames = 0;
  shown = 0;
  discarded = 0;
  refused = 0;
  damagedPixels = 0;
  resizes = 0;
  heldNow = 0;
  heldMax = 0;

  held(count: number): void {
    this.heldNow = count;
    this.heldMax = Math.max(this.heldMax, count);
  }
}

/** A frame capture with waits: what a device in this process shows, without any display of QEMU's. */
import { type CursorState, FrameCapture } from '../../../src/capture/index.js';
import { difference, fromRgba, type RgbPicture, savePicture } from './picture.js';

const TIMEOUT_MS = 60_000;

/** Each wait is looked at again whenever the device tells of a change. */
export class Watched {
  readonly capture = new FrameCapture(() => this.wake());
  private readonly waiting = new Set<() => void>();

  /** Resolves when `look` returns null; rejects with what it returned last when that takes too long. */
  async until(look: () => string | null): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const complaint = look();
      if (complaint === null) return;
      if (Date.now() > deadline) throw new Error(complaint);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now() + 1);
        this.waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async untilPicture(name: string, expected: RgbPicture, scanout = 0): Promise<void> {
    let actual: RgbPicture | null = null;
    try {
      await this.until(() => {
        const shown = this.capture.snapshot(scanout);
        actual = shown === null ? null : fromRgba(shown);
        return actual === null ? 'the scanout is off' : difference(actual, expected);
      });
    } catch (error) {
      const paths = [expected, ...(actual === null ? [] : [actual])].map((p, i) =>
        savePicture(`${name}-${i}`, p),
      );
      throw new Error(`${name}: ${(error as Error).message}; see ${paths.join(' and ')}`);
    }
  }

  async untilCursor(fits: (cursor: CursorState) => boolean): Promise<void> {
    await this.until(() => {
      const cursor = this.capture.cursor(0);
      if (cursor !== null && fits(cursor)) return null;
      return `the cursor is at ${cursor?.x},${cursor?.y}, ${cursor?.image ? 'shown' : 'hidden'}`;
    });
  }

  private wake(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

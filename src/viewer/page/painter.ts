/**
 * Frames onto the canvas: tiles are decoded side by side and drawn in one go, frame after frame. Colours are not managed,
 * so that the canvas has the guest's own bytes.
 */
import type { Tile } from '../protocol/index.js';
import type { Frame } from './frame-assembly.js';

export interface PainterOutput {
  /** The frame is on the canvas. `drawMs`: the time since it was given to `draw`. */
  drawn(frame: Frame, drawMs: number): void;
  /** The canvas has another size. */
  resized(): void;
  /** A tile is no picture, or too large for this browser: the canvas can not be brought up to date. */
  failed(error: unknown): void;
}

const DECODE: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };

async function decode({ png }: Tile): Promise<ImageBitmap> {
  return createImageBitmap(new Blob([png], { type: 'image/png' }), DECODE);
}

export class Painter {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly output: PainterOutput;
  private last: Promise<void> = Promise.resolve();
  /** What is not of this one is not drawn any more. */
  private era = 0;

  constructor(canvas: HTMLCanvasElement, output: PainterOutput) {
    const context = canvas.getContext('2d', { alpha: false });
    if (context === null) throw new Error('this browser has no canvas');
    this.canvas = canvas;
    this.context = context;
    this.output = output;
  }

  draw(frame: Frame): void {
    const { era } = this;
    const sinceMs = performance.now();
    const decoded = Promise.allSettled(frame.parts.map(decode));
    this.last = this.last
      .then(async () => {
        const results = await decoded;
        const bitmaps = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        if (era === this.era) this.show(frame, results, bitmaps, sinceMs);
        for (const bitmap of bitmaps) bitmap.close();
      })
      .catch((error: unknown) => this.output.failed(error));
  }

  /** Frames that were given so far are not drawn, if they are not yet; the picture stays. */
  forget(): void {
    this.era += 1;
  }

  private show(
    frame: Frame,
    results: readonly PromiseSettledResult<ImageBitmap>[],
    bitmaps: readonly ImageBitmap[],
    sinceMs: number,
  ): void {
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    this.resize(frame.width, frame.height);
    for (const [i, bitmap] of bitmaps.entries()) {
      const { x = 0, y = 0 } = frame.parts[i] ?? {};
      // Windows have parts that can be seen through: what was there before is not to be seen there.
      this.context.clearRect(x, y, bitmap.width, bitmap.height);
      this.context.drawImage(bitmap, x, y);
    }
    this.output.drawn(frame, performance.now() - sinceMs);
  }

  /** A view that shows nothing has no size: what it showed last stays. */
  private resize(width: number, height: number): void {
    const { canvas } = this;
    if (width === 0 || height === 0 || (canvas.width === width && canvas.height === height)) return;
    canvas.width = width;
    canvas.height = height;
    this.output.resized();
  }
}

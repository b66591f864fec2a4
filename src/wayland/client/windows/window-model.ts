/** A window as its owner wants it, whatever compositor there is: what a new connection builds it from. */
import { FrameCounters } from './frame-counters.js';
import { CURSOR_EDGE_MAX, SIZE_MAX, SIZE_MIN, TITLE_LENGTH_MAX } from './limits.js';
import type { CursorImage, Size, WindowContent, WindowInput, WindowOptions } from './types.js';

export class WindowModel {
  readonly content: WindowContent;
  readonly input: WindowInput;
  readonly icon: string | null;
  readonly sizeMin: Size;
  readonly sizeMax: Size;
  readonly counters = new FrameCounters();
  title: string;
  fullscreen: boolean;
  visible = false;
  /** Where the guest has the corner of its cursor's image, in pixels of its picture. */
  cursorX = 0;
  cursorY = 0;
  private cursorImage: CursorImage | null = null;
  private readonly options: WindowOptions;

  constructor(options: WindowOptions) {
    this.options = options;
    this.content = options.content;
    this.input = options.input;
    this.icon = options.icon ?? null;
    this.sizeMin = options.sizeMin ?? SIZE_MIN;
    this.sizeMax = options.sizeMax ?? SIZE_MAX;
    this.title = cleanTitle(options.title);
    this.fullscreen = options.fullscreen ?? false;
  }

  get cursor(): CursorImage | null {
    return this.cursorImage;
  }

  /** RangeError for an image that is too large, or smaller than it says. */
  setCursor(image: CursorImage | null): void {
    if (image === null) {
      this.cursorImage = null;
      return;
    }
    const { width, height, pixels } = image;
    const isEdge = (size: number): boolean => Number.isInteger(size) && size > 0 && size <= CURSOR_EDGE_MAX;
    if (!isEdge(width) || !isEdge(height) || pixels.length < width * height * 4) {
      throw new RangeError(`a cursor of ${width}x${height} in ${pixels.length} bytes`);
    }
    this.cursorImage = { ...image, pixels: pixels.slice(0, width * height * 4) };
  }

  resize(size: Size): void {
    this.counters.resizes++;
    this.options.onResize(size.width, size.height);
  }

  close(): void {
    this.options.onClose();
  }
}

/** A title that fits a message: no NUL, not too long. */
export function cleanTitle(title: string): string {
  return [...title.replaceAll('\0', '').slice(0, TITLE_LENGTH_MAX * 2)].slice(0, TITLE_LENGTH_MAX).join('');
}

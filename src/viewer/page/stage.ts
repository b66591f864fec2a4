/** Lays the picture out: its place and size on the page, and the cursor's on it. */
import { fractionOf, type Placement, type Point, place, type ScaleMode } from './geometry.js';

/** Pixels of the display, of which devicePixelRatio make a CSS pixel, also when that changes. */
function onRatioChange(changed: () => void): void {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const next = (): void => {
    changed();
    onRatioChange(changed);
  };
  query.addEventListener('change', next, { once: true });
}

export class Stage {
  readonly canvas: HTMLCanvasElement;
  placement: Placement;
  private readonly box: HTMLElement;
  private readonly onLayout: () => void;
  private mode: ScaleMode = 'fit';

  /** `onLayout` is called when the picture has another place or size. */
  constructor(box: HTMLElement, canvas: HTMLCanvasElement, onLayout: () => void) {
    this.box = box;
    this.canvas = canvas;
    this.onLayout = onLayout;
    this.placement = place('fit', canvas, canvas, 1);
    new ResizeObserver(() => this.layOut()).observe(box);
    onRatioChange(() => this.layOut());
  }

  setMode(mode: ScaleMode): void {
    this.mode = mode;
    this.layOut();
  }

  /** Pixels of the display that there are for a picture. */
  get room(): { readonly width: number; readonly height: number } {
    const { clientWidth, clientHeight } = this.box;
    return {
      width: Math.floor(clientWidth * devicePixelRatio),
      height: Math.floor(clientHeight * devicePixelRatio),
    };
  }

  /** To be called when the canvas has another size. */
  layOut(): void {
    const { box, canvas, mode } = this;
    // Scroll bars take room of their own: only a picture that is not made to fit may have them.
    box.classList.toggle('scrolls', mode === 'pixels');
    const size = { width: box.clientWidth, height: box.clientHeight };
    this.placement = place(mode, canvas, size, devicePixelRatio);
    const { left, top, width, height, crisp } = this.placement;
    canvas.style.left = `${left}px`;
    canvas.style.top = `${top}px`;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.classList.toggle('crisp', crisp);
    this.onLayout();
  }

  /** Where a pointer is in the picture, in fractions of it. */
  fraction({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): Point {
    return fractionOf({ x: clientX, y: clientY }, this.canvas.getBoundingClientRect(), this.canvas);
  }
}

/**
 * The guest's cursor while the pointer is locked to the window: then it is where the guest says, and a subsurface
 * shows it there. What changes is shown with the parent's next commit.
 */
import type {
  WlBuffer,
  WlSubcompositor,
  WlSubsurface,
  WlSurface,
  WpViewport,
} from '../../protocol/generated/index.js';
import type { Globals } from './globals.js';
import { ImageBuffers } from './image-buffers.js';
import type { CursorImage } from './types.js';

export interface GrabbedCursorState {
  readonly image: CursorImage;
  /** Of the image's top left corner, in the guest's pixels. */
  readonly x: number;
  readonly y: number;
  /** Logical pixels for one of the guest's. */
  readonly scale: number;
}

/** No window is larger. */
const POSITION_MAX = 0x7fff;

export class GrabbedCursor {
  private readonly surface: WlSurface;
  private readonly subsurface: WlSubsurface;
  private readonly viewport: WpViewport | null;
  private readonly images: ImageBuffers;
  private shown: GrabbedCursorState | null = null;

  /** `wake`: `apply` could not do all that it was asked for, and can now. */
  constructor(
    globals: Globals,
    subcompositor: WlSubcompositor,
    parent: WlSurface,
    wake: () => void,
    warn: (message: string) => void,
  ) {
    this.surface = globals.compositor.createSurface();
    this.subsurface = subcompositor.getSubsurface(this.surface, parent);
    this.viewport = globals.viewporter?.getViewport(this.surface) ?? null;
    this.images = new ImageBuffers(globals.shm, wake, warn);
    // It is to be seen, not to be pointed at.
    const nothing = globals.compositor.createRegion();
    this.surface.setInputRegion(nothing);
    nothing.destroy();
  }

  /** Shows it so, or not at all. True when the parent has to be committed. */
  apply(state: GrabbedCursorState | null): boolean {
    const before = this.shown;
    if (state === null) {
      if (before === null) return false;
      this.shown = null;
      this.surface.attach(null, 0, 0);
      this.surface.commit();
      return true;
    }
    const { image, scale } = state;
    const redraw = before === null || before.image !== image || before.scale !== scale;
    if (redraw && !this.draw(image, scale)) return false;
    const [x, y] = place(state);
    const [oldX, oldY] = before === null ? [Number.NaN, Number.NaN] : place(before);
    this.shown = state;
    if (x === oldX && y === oldY) return redraw;
    this.subsurface.setPosition(x, y);
    return true;
  }

  destroy(): void {
    for (const part of [this.viewport, this.subsurface, this.surface])
      if (part?.alive === true) part.destroy();
    this.images.close();
  }

  private draw(image: CursorImage, scale: number): boolean {
    const buffer: WlBuffer | null = this.images.put(image);
    if (buffer === null) return false;
    const { width, height } = image;
    this.viewport?.setDestination(
      Math.max(1, Math.round(width * scale)),
      Math.max(1, Math.round(height * scale)),
    );
    this.surface.attach(buffer, 0, 0);
    this.surface.damageBuffer(0, 0, width, height);
    this.surface.commit();
    return true;
  }
}

/** On the parent. */
function place({ x, y, scale }: GrabbedCursorState): [number, number] {
  const logical = (at: number): number =>
    Math.max(-POSITION_MAX, Math.min(POSITION_MAX, Math.round(at * scale)));
  return [logical(x), logical(y)];
}

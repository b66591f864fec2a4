/** The image of one pointer while it is over a window: the guest's cursor, in the scale of the guest's picture. */
import type { WlPointer, WlSurface, WpViewport } from '../../../protocol/generated/index.js';
import { ImageBuffers } from '../image-buffers.js';
import type { CursorImage } from '../types.js';
import type { WindowView } from '../window-view.js';
import type { SeatHost } from './seat-host.js';

export class PointerCursor {
  private readonly pointer: WlPointer;
  private readonly host: SeatHost;
  private readonly images: ImageBuffers;
  private surface: WlSurface | null = null;
  private viewport: WpViewport | null = null;
  private view: WindowView | null = null;
  private serial = 0;
  private hidden = false;
  /** The compositor was told that there is no image, since the pointer came. */
  private isNone = false;
  /** What the surface shows, and in which scale. */
  private image: CursorImage | null = null;
  private scale = 0;

  constructor(pointer: WlPointer, host: SeatHost) {
    this.pointer = pointer;
    this.host = host;
    this.images = new ImageBuffers(
      host.globals.shm,
      () => this.update(),
      (message) => host.warn(message),
    );
  }

  enter(view: WindowView, serial: number): void {
    this.view = view;
    this.serial = serial;
    this.isNone = false;
    this.update();
  }

  leave(): void {
    this.view = null;
  }

  /** The window's image is another, or its scale. */
  refresh(view: WindowView): void {
    if (this.view === view) this.update();
  }

  hide(hidden: boolean): void {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.update();
  }

  destroy(): void {
    this.view = null;
    if (this.viewport?.alive === true) this.viewport.destroy();
    if (this.surface?.alive === true) this.surface.destroy();
    this.images.close();
  }

  private update(): void {
    const { view } = this;
    if (view === null) return;
    const image = this.hidden ? null : view.model.cursor;
    if (image === null) {
      if (!this.isNone) this.pointer.setCursor(this.serial, null, 0, 0);
      this.isNone = true;
      return;
    }
    const surface = this.surface ?? this.createSurface();
    const scale = this.scaleFor(view, image);
    if ((image !== this.image || scale !== this.scale) && !this.show(surface, image, scale)) return;
    this.isNone = false;
    this.pointer.setCursor(this.serial, surface, hotSpot(image.hotX * scale), hotSpot(image.hotY * scale));
  }

  private createSurface(): WlSurface {
    const { compositor, viewporter } = this.host.globals;
    this.surface = compositor.createSurface();
    this.viewport = viewporter?.getViewport(this.surface) ?? null;
    return this.surface;
  }

  /** Logical pixels for one of the image's. Without a viewport, only whole fractions that divide the image. */
  private scaleFor(view: WindowView, image: CursorImage): number {
    if (this.viewport !== null) return view.pictureScale;
    const divisor = Math.round(1 / view.pictureScale);
    return divisor > 1 && image.width % divisor === 0 && image.height % divisor === 0 ? 1 / divisor : 1;
  }

  /** False while there is no room for the image; `update` is called when there is. */
  private show(surface: WlSurface, image: CursorImage, scale: number): boolean {
    const buffer = this.images.put(image);
    if (buffer === null) return false;
    this.image = image;
    this.scale = scale;
    const { width, height } = image;
    this.viewport?.setDestination(logical(width * scale), logical(height * scale));
    if (this.viewport === null) surface.setBufferScale(Math.round(1 / scale));
    surface.attach(buffer, 0, 0);
    surface.damageBuffer(0, 0, width, height);
    surface.commit();
    return true;
  }
}

function logical(size: number): number {
  return Math.max(1, Math.round(size));
}

function hotSpot(value: number): number {
  return Math.max(-0x7fff, Math.min(0x7fff, Math.round(value)));
}

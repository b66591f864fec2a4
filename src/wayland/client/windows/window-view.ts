/** One window on one connection: its surface, and what it takes to keep that right. */
import { type WlSurface, type WpViewport, XdgToplevelResizeEdge } from '../../protocol/generated/index.js';
import type { Display } from '../display.js';
import type { Buffers } from './buffers.js';
import { FramePump } from './frame-pump.js';
import { type Configured, same, WindowGeometry } from './geometry.js';
import type { Globals } from './globals.js';
import { GrabbedCursor } from './grabbed-cursor.js';
import { RESIZE_INTERVAL_MS } from './limits.js';
import { type Outputs, SurfaceScale } from './scale.js';
import { Toplevel } from './toplevel.js';
import { TouchSlots } from './touch-slots.js';
import type { Size } from './types.js';
import type { WindowModel } from './window-model.js';

/** The connection, as a window sees it. */
export interface ViewHost {
  readonly display: Display;
  readonly globals: Globals;
  readonly buffers: Buffers;
  readonly outputs: Outputs;
  readonly poolBytes: number;
  readonly appId: string;
  supportsFormat(format: number): boolean;
  warn(message: string): void;
  /** The picture of a window has another scale: what is drawn beside it may have to follow. */
  rescaled(view: WindowView): void;
  /** Runs what may fail with the connection. */
  guard(work: () => void): void;
}

export class WindowView {
  readonly model: WindowModel;
  readonly surface: WlSurface;
  readonly toplevel: Toplevel;
  /** Keyboards whose focus is here. */
  readonly keyboards = new Set<object>();
  readonly touchSlots = new TouchSlots();
  private readonly host: ViewHost;
  private readonly geometry: WindowGeometry;
  private readonly pump: FramePump;
  private readonly scale: SurfaceScale;
  private readonly viewport: WpViewport | null;
  private readonly grabbedCursor: GrabbedCursor | null;
  /** Seats whose pointers are locked here. */
  private readonly lockers = new Set<object>();
  private configured = false;
  private suspended = false;
  private updatePlanned = false;
  private closed = false;
  private destination: Size | null = null;
  private bufferScale = 1;
  private toldScale = 1;
  private resizeTimer: NodeJS.Timeout | null = null;
  private lastRefusal = '';

  constructor(model: WindowModel, host: ViewHost) {
    this.model = model;
    this.host = host;
    const { globals } = host;
    this.geometry = new WindowGeometry({
      sizeMin: model.sizeMin,
      sizeMax: model.sizeMax,
      scalable: globals.viewporter !== null,
    });
    this.surface = globals.compositor.createSurface();
    this.scale = new SurfaceScale(this.surface, globals.fractions, host.outputs, (scale) => {
      this.geometry.setScale(scale);
      this.plan();
    });
    this.viewport = globals.viewporter?.getViewport(this.surface) ?? null;
    this.grabbedCursor =
      globals.subcompositor === null
        ? null
        : new GrabbedCursor(
            globals,
            globals.subcompositor,
            this.surface,
            () => this.plan(),
            (message) => host.warn(message),
          );
    this.pump = new FramePump({
      surface: this.surface,
      content: model.content,
      buffers: host.buffers,
      presentation: globals.presentation,
      poolBytes: host.poolBytes,
      counters: model.counters,
      supportsFormat: (format) => host.supportsFormat(format),
      refused: (why) => this.refused(why),
      wake: () => this.plan(),
      visible: (visible) => {
        model.visible = visible && !this.suspended;
      },
    });
    const { title, icon, fullscreen } = model;
    this.toplevel = new Toplevel(
      globals,
      this.surface,
      { title, icon, fullscreen, appId: host.appId },
      {
        configured: (configured, suspended) => this.configure(configured, suspended),
        close: () => model.close(),
      },
    );
    this.applyHints();
    // Without a buffer: asks for the first configure.
    this.surface.commit();
  }

  /** There is something new to show. */
  damaged(): void {
    this.pump.damage();
    if (this.pump.ready) this.plan();
  }

  /** Something may have become possible: looks at the end of this turn, once. */
  plan(): void {
    if (this.updatePlanned || this.closed) return;
    this.updatePlanned = true;
    queueMicrotask(() => {
      this.updatePlanned = false;
      if (!this.closed) this.host.guard(() => this.update());
    });
  }

  outputsChanged(): void {
    this.scale.update();
  }

  /** What the model says now. */
  titleChanged(): void {
    if (!this.closed) this.toplevel.object.setTitle(this.model.title);
  }

  setFullscreen(fullscreen: boolean): void {
    if (!this.closed) this.toplevel.setFullscreen(fullscreen);
  }

  toggleFullscreen(): void {
    this.setFullscreen(!this.geometry.fullscreen);
  }

  /** The seat's pointer is locked to the window, or not any more. */
  setLocked(seat: object, locked: boolean): void {
    if (locked) this.lockers.add(seat);
    else this.lockers.delete(seat);
    this.plan();
  }

  /** The guest's cursor has another image or place. */
  cursorChanged(): void {
    if (this.lockers.size > 0) this.plan();
  }

  /** A place on the surface as a place in the picture: 0 to 1. */
  fractionOf(x: number, y: number): [number, number] {
    const { width, height } = this.geometry.surfaceSize;
    return [Math.max(0, Math.min(1, x / width)), Math.max(0, Math.min(1, y / height))];
  }

  /** The edge or corner that the user means who drags from there: the picture is divided in three by three. */
  edgeAt(x: number, y: number): number {
    const [atX, atY] = this.fractionOf(x, y);
    const { top, bottom, left, right, bottom_right } = XdgToplevelResizeEdge;
    const vertical = atY < 1 / 3 ? top : atY > 2 / 3 ? bottom : 0;
    const horizontal = atX < 1 / 3 ? left : atX > 2 / 3 ? right : 0;
    return vertical + horizontal || bottom_right;
  }

  /** Logical pixels for one of the guest's. */
  get pictureScale(): number {
    const { frameSize, surfaceSize } = this.geometry;
    return frameSize === null ? 1 : surfaceSize.width / frameSize.width;
  }

  /** `lost`: the connection is gone, nothing can be sent any more. */
  close(lost: boolean): void {
    if (this.closed) return;
    this.closed = true;
    if (this.resizeTimer !== null) clearTimeout(this.resizeTimer);
    this.model.visible = false;
    if (!lost) {
      this.scale.destroy();
      this.viewport?.destroy();
    }
    // (It has memory of its own, whether the connection is there or not.)
    this.grabbedCursor?.destroy();
    if (!lost) {
      this.toplevel.destroy();
      this.surface.destroy();
    }
    this.pump.close();
    this.model.input.releaseAll();
  }

  private configure(configured: Configured, suspended: boolean): void {
    const first = !this.configured;
    this.configured = true;
    this.geometry.configure(configured);
    this.model.fullscreen = configured.fullscreen || (first && this.model.fullscreen);
    if (suspended !== this.suspended) {
      this.suspended = suspended;
      this.model.visible = !suspended && this.pump.attached;
      if (suspended) this.pump.hide();
    }
    this.plan();
  }

  private update(): void {
    // (The connection says when it is drained.)
    if (this.host.display.congested) return;
    const frame = this.configured ? this.pump.take() : null;
    if (this.closed) return;
    // Until there is a picture, the window stays unmapped and its configure unanswered.
    if (frame !== null || this.pump.attached) {
      if (frame !== null) this.geometry.setFrame(frame);
      const answers = this.toplevel.unacknowledged;
      this.toplevel.acknowledge();
      const changed = this.applyGeometry();
      const moved = this.applyCursor(frame !== null);
      if (frame !== null) this.pump.attach(frame);
      else if (moved) this.pump.pace();
      if (frame !== null || answers || changed || moved) this.surface.commit();
    }
    this.requestSize();
  }

  /** True when the guest's own cursor has changed on the surface. It moves at the pace of the frames. */
  private applyCursor(withFrame: boolean): boolean {
    if (this.grabbedCursor === null || (this.pump.paced && !withFrame)) return false;
    const { cursor: image, cursorX: x, cursorY: y } = this.model;
    const shown = this.lockers.size > 0 && image !== null;
    return this.grabbedCursor.apply(shown ? { image, x, y, scale: this.pictureScale } : null);
  }

  /** True when the surface's state has changed. */
  private applyGeometry(): boolean {
    const { surfaceSize, windowSize, bufferScale } = this.geometry;
    let changed = false;
    if (this.viewport !== null && (this.destination === null || !same(this.destination, surfaceSize))) {
      this.destination = surfaceSize;
      this.viewport.setDestination(surfaceSize.width, surfaceSize.height);
      changed = true;
    }
    const { pictureScale } = this;
    if (pictureScale !== this.toldScale) {
      this.toldScale = pictureScale;
      this.host.rescaled(this);
    }
    if (bufferScale !== this.bufferScale) {
      this.bufferScale = bufferScale;
      this.surface.setBufferScale(bufferScale);
      changed = true;
    }
    this.applyHints();
    return this.toplevel.setGeometry(windowSize) || changed;
  }

  private applyHints(): void {
    const { min, max } = this.geometry.hints;
    this.toplevel.setHints(min, max);
  }

  /** Asks the guest for the size that was chosen; while an edge is dragged, not for every one. */
  private requestSize(): void {
    if (this.resizeTimer !== null) {
      if (this.geometry.resizing) return;
      clearTimeout(this.resizeTimer);
      this.resizeTimer = null;
    }
    const size = this.geometry.takeRequest();
    if (size === null) return;
    if (this.geometry.resizing) {
      this.resizeTimer = setTimeout(() => {
        this.resizeTimer = null;
        this.plan();
      }, RESIZE_INTERVAL_MS);
    }
    this.model.resize(size);
  }

  /** Once for each reason in a row. */
  private refused(why: string): void {
    if (why === this.lastRefusal) return;
    this.lastRefusal = why;
    this.host.warn(`window "${this.model.title}": a frame can't be shown: ${why}`);
  }
}

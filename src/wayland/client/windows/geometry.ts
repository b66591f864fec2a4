/**
 * Sizes of one window. Three of them matter: what the compositor or the user chose (logical), what the guest draws
 * (pixels), and the surface that results. A floating window takes the guest's own size until somebody chooses one;
 * from then on the guest is asked to follow, and its picture is scaled until it does.
 */
import type { Size } from './types.js';

/** One xdg_toplevel.configure. */
export interface Configured {
  /** Logical; 0 leaves the choice to the window. */
  readonly width: number;
  readonly height: number;
  /** Maximized or tiled: the size must be met exactly. */
  readonly exact: boolean;
  readonly fullscreen: boolean;
  /** The user is dragging an edge. */
  readonly resizing: boolean;
}

export interface GeometryOptions {
  readonly sizeMin: Size;
  readonly sizeMax: Size;
  /** The compositor scales surfaces to any size (wp_viewporter). */
  readonly scalable: boolean;
}

/** Guests round sizes to their hardware's units; up to this the picture is shown as it is instead of scaled. */
const ROUNDED_PX_MAX = 8;

/** Sizes asked for lately: a frame that has one of them is no choice of the guest's. */
const ASKED_MAX = 16;

const FLOATING: Configured = { width: 0, height: 0, exact: false, fullscreen: false, resizing: false };

export class WindowGeometry {
  private readonly options: GeometryOptions;
  private configuredScale = 1;
  private state: Configured = FLOATING;
  /** Logical; null = the guest's own size. */
  private chosen: Size | null = null;
  /** The last size as a floating window, to go back to. Logical. */
  private floating: Size | null = null;
  private frame: Size | null = null;
  /** Asked of the guest lately, in pixels, newest last. */
  private asked: Size[] = [];

  constructor(options: GeometryOptions) {
    this.options = options;
  }

  /** Of the guest's last frame, in pixels. */
  get frameSize(): Size | null {
    return this.frame;
  }

  get resizing(): boolean {
    return this.state.resizing;
  }

  get fullscreen(): boolean {
    return this.state.fullscreen;
  }

  configure(next: Configured): void {
    const before = this.state;
    if (!isBound(before) && this.frame !== null) this.floating = this.surfaceSize;
    this.state = next;
    const natural = this.frame === null ? null : this.surfaceSize;
    if (next.width === 0 && next.height === 0) {
      if (isBound(before) && !isBound(next)) this.chosen = this.floating;
      return;
    }
    const width = next.width || (natural?.width ?? next.height);
    const height = next.height || (natural?.height ?? next.width);
    // A compositor that repeats the window's own size has not chosen anything.
    if (!isBound(next) && !isBound(before) && natural !== null && same(natural, { width, height })) return;
    this.chosen = { width, height };
  }

  /** How many physical pixels the compositor wants for a logical one. */
  setScale(scale: number): void {
    if (Number.isFinite(scale) && scale > 0 && scale <= 64) this.configuredScale = scale;
  }

  /** The size of the frame that will be shown. */
  setFrame(size: Size): void {
    if (this.frame !== null && same(size, this.frame)) return;
    const first = this.frame === null;
    this.frame = { width: size.width, height: size.height };
    if (this.asked.some((asked) => same(asked, size)) || first) return;
    // The guest has a mind of its own; a floating window follows.
    this.asked = [];
    if (!isBound(this.state) && !this.state.resizing) this.chosen = null;
  }

  /** What the guest should be asked for now: once per size. Null when it has that, or was asked already. */
  takeRequest(): Size | null {
    if (this.chosen === null) {
      this.asked = [];
      return null;
    }
    const wanted = this.inPixels(this.chosen);
    const current = this.asked.at(-1) ?? this.frame;
    if (current !== null && same(wanted, current)) return null;
    this.asked.push(wanted);
    if (this.asked.length > ASKED_MAX) this.asked.shift();
    return wanted;
  }

  /** wl_surface.set_buffer_scale, for compositors that can't scale by themselves. */
  get bufferScale(): number {
    const { frame } = this;
    if (this.options.scalable || frame === null) return 1;
    const scale = Math.floor(this.configuredScale);
    return scale > 1 && frame.width % scale === 0 && frame.height % scale === 0 ? scale : 1;
  }

  /** Logical size of the surface with the present frame; at least 1x1. */
  get surfaceSize(): Size {
    const { frame, chosen } = this;
    if (frame === null) return chosen ?? { width: 1, height: 1 };
    if (!this.options.scalable) {
      const scale = this.bufferScale;
      return { width: frame.width / scale, height: frame.height / scale };
    }
    const natural = {
      width: Math.max(1, Math.round(frame.width / this.configuredScale)),
      height: Math.max(1, Math.round(frame.height / this.configuredScale)),
    };
    if (chosen === null) return natural;
    const wanted = this.inPixels(chosen);
    if (this.state.exact || same(wanted, frame)) return chosen;
    return isRounded(frame, wanted) ? smaller(natural, chosen) : fit(frame, chosen);
  }

  /** xdg_surface.set_window_geometry. */
  get windowSize(): Size {
    return this.state.exact && this.chosen !== null ? this.chosen : this.surfaceSize;
  }

  /** Logical hints for the compositor. */
  get hints(): { readonly min: Size; readonly max: Size } {
    const { sizeMin, sizeMax } = this.options;
    return { min: this.toLogical(sizeMin, Math.ceil), max: this.toLogical(sizeMax, Math.floor) };
  }

  private inPixels(size: Size): Size {
    const { sizeMin, sizeMax } = this.options;
    const clamp = (value: number, min: number, max: number): number =>
      Math.max(min, Math.min(max, Math.round(value * this.configuredScale)));
    return {
      width: clamp(size.width, sizeMin.width, sizeMax.width),
      height: clamp(size.height, sizeMin.height, sizeMax.height),
    };
  }

  private toLogical(size: Size, round: (value: number) => number): Size {
    return {
      width: Math.max(1, round(size.width / this.configuredScale)),
      height: Math.max(1, round(size.height / this.configuredScale)),
    };
  }
}

/** The compositor has the say about the size. */
function isBound(state: Configured): boolean {
  return state.exact || state.fullscreen;
}

function isRounded(frame: Size, wanted: Size): boolean {
  const short = [wanted.width - frame.width, wanted.height - frame.height];
  return short.every((pixels) => pixels >= 0 && pixels < ROUNDED_PX_MAX);
}

/** The largest size within `bounds` that has the shape of `shape`. */
function fit(shape: Size, bounds: Size): Size {
  const ratio = Math.min(bounds.width / shape.width, bounds.height / shape.height);
  const scaled = {
    width: Math.max(1, Math.round(shape.width * ratio)),
    height: Math.max(1, Math.round(shape.height * ratio)),
  };
  return smaller(scaled, bounds);
}

function smaller(size: Size, bounds: Size): Size {
  return { width: Math.min(size.width, bounds.width), height: Math.min(size.height, bounds.height) };
}

export function same(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The shell's side of one window: xdg_surface, xdg_toplevel, decoration, icon. */
import {
  type WlSurface,
  type XdgSurface,
  type XdgToplevel,
  XdgToplevelState,
  type ZxdgToplevelDecorationV1,
  ZxdgToplevelDecorationV1Mode,
} from '../../protocol/generated/index.js';
import type { Configured } from './geometry.js';
import type { Globals } from './globals.js';
import type { Size } from './types.js';

/** No display is larger; a compositor that says so is not believed. */
const LOGICAL_SIZE_MAX = 32_767;

export interface ToplevelHandlers {
  /** To be acknowledged with `ack` at the next commit. */
  configured(configured: Configured, suspended: boolean): void;
  close(): void;
}

export interface ToplevelOptions {
  readonly title: string;
  readonly appId: string;
  readonly icon: string | null;
  readonly fullscreen: boolean;
}

export class Toplevel {
  readonly object: XdgToplevel;
  private readonly shell: XdgSurface;
  private readonly decoration: ZxdgToplevelDecorationV1 | null;
  private serial: number | null = null;
  private pending: Configured = { width: 0, height: 0, exact: false, fullscreen: false, resizing: false };
  private suspended = false;
  private geometry: Size | null = null;
  private min: Size | null = null;

  constructor(globals: Globals, surface: WlSurface, options: ToplevelOptions, handlers: ToplevelHandlers) {
    this.shell = globals.base.getXdgSurface(surface);
    this.object = this.shell.getToplevel();
    this.shell.listen({
      configure: (serial) => {
        this.serial = serial;
        handlers.configured(this.pending, this.suspended);
      },
    });
    this.object.listen({
      configure: (width, height, states) => this.configured(width, height, states),
      close: () => handlers.close(),
    });
    this.object.setTitle(options.title);
    this.object.setAppId(options.appId);
    if (options.fullscreen) this.object.setFullscreen(null);
    this.decoration = globals.decorations?.getToplevelDecoration(this.object) ?? null;
    this.decoration?.setMode(ZxdgToplevelDecorationV1Mode.server_side);
    if (globals.icons !== null && options.icon !== null) {
      const icon = globals.icons.createIcon();
      icon.setName(options.icon);
      globals.icons.setIcon(this.object, icon);
      icon.destroy();
    }
  }

  /** A configure waits for its acknowledgement. */
  get unacknowledged(): boolean {
    return this.serial !== null;
  }

  /** Acknowledges the newest configure; the next commit is its answer. */
  acknowledge(): void {
    if (this.serial === null) return;
    this.shell.ackConfigure(this.serial);
    this.serial = null;
  }

  /** False when it is so already. */
  setGeometry(size: Size): boolean {
    if (this.geometry?.width === size.width && this.geometry.height === size.height) return false;
    this.geometry = size;
    this.shell.setWindowGeometry(0, 0, size.width, size.height);
    return true;
  }

  setHints(min: Size, max: Size): void {
    if (this.min?.width === min.width && this.min.height === min.height) return;
    this.min = min;
    this.object.setMinSize(min.width, min.height);
    this.object.setMaxSize(Math.max(min.width, max.width), Math.max(min.height, max.height));
  }

  setFullscreen(fullscreen: boolean): void {
    if (fullscreen) this.object.setFullscreen(null);
    else this.object.unsetFullscreen();
  }

  destroy(): void {
    this.decoration?.destroy();
    this.object.destroy();
    this.shell.destroy();
  }

  private configured(width: number, height: number, states: Uint8Array): void {
    const list = words(states);
    const has = (...wanted: number[]): boolean => wanted.some((state) => list.includes(state));
    const { maximized, fullscreen, resizing, tiled_left, tiled_right, tiled_top, tiled_bottom, suspended } =
      XdgToplevelState;
    this.pending = {
      width: logical(width),
      height: logical(height),
      exact: has(maximized, tiled_left, tiled_right, tiled_top, tiled_bottom) && !has(fullscreen),
      fullscreen: has(fullscreen),
      resizing: has(resizing),
    };
    this.suspended = has(suspended);
  }
}

function logical(value: number): number {
  return Math.max(0, Math.min(LOGICAL_SIZE_MAX, value));
}

/** The 32-bit words of an array argument. */
export function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length >> 2 }, (_, index) => view.getUint32(index * 4, true));
}

/** One connection to the compositor: what it offers, the pool, and the windows on it. */
import type { UnixSocket } from 'vhost-user-native';
import { WaylandError } from '../../errors.js';
import { WlShmFormat, type WlSurface } from '../../protocol/generated/wayland.js';
import { Display, type DisplayOptions } from '../display.js';
import { Buffers } from './buffers.js';
import { bindGlobals, type Globals } from './globals.js';
import { Outputs } from './scale.js';
import { Seats } from './seat/seats.js';
import type { WindowLog } from './types.js';
import type { WindowModel } from './window-model.js';
import { type ViewHost, WindowView } from './window-view.js';

export interface SessionOptions {
  readonly pool: { readonly fd: number; readonly bytes: number };
  readonly appId: string;
  readonly log: WindowLog;
  readonly display?: DisplayOptions;
}

export interface SessionHandlers {
  /** Windows can be made now. */
  ready(): void;
  /** It is over; called once, not after `close`. All windows are closed already. */
  ended(error: WaylandError): void;
}

interface Bound {
  readonly globals: Globals;
  readonly buffers: Buffers;
  readonly outputs: Outputs;
  readonly seats: Seats;
}

export class Session {
  readonly display: Display;
  private readonly options: SessionOptions;
  private readonly handlers: SessionHandlers;
  private readonly views = new Map<number, WindowView>();
  private readonly formats = new Set<number>([WlShmFormat.argb8888, WlShmFormat.xrgb8888]);
  private bound: Bound | null = null;
  private over = false;

  constructor(socket: UnixSocket, options: SessionOptions, handlers: SessionHandlers) {
    this.options = options;
    this.handlers = handlers;
    const ended = (error: WaylandError): void => this.end(error);
    this.display = new Display(socket, { ended, drained: () => this.wake() }, options.display);
    this.display.roundTrip(() => this.guard(() => this.bind()));
  }

  supportsFormat(format: number): boolean {
    return this.formats.has(format);
  }

  /** Only once it is ready. */
  createView(model: WindowModel): WindowView {
    const { bound } = this;
    if (bound === null) throw new Error('not ready');
    const { display, options } = this;
    const host: ViewHost = {
      ...bound,
      display,
      poolBytes: options.pool.bytes,
      appId: options.appId,
      supportsFormat: (format) => this.supportsFormat(format),
      warn: (message) => options.log.warn(message),
      guard: (work) => this.guard(work),
      rescaled: (view) => bound.seats.cursorChanged(view),
    };
    const view = new WindowView(model, host);
    this.views.set(view.surface.id, view);
    return view;
  }

  closeView(view: WindowView): void {
    if (!this.views.has(view.surface.id)) return;
    this.guard(() => {
      this.bound?.seats.forget(view);
      this.views.delete(view.surface.id);
      view.close(false);
    });
  }

  /** The window's cursor image is another. */
  cursorChanged(view: WindowView): void {
    this.guard(() => {
      this.bound?.seats.cursorChanged(view);
      view.cursorChanged();
    });
  }

  /** Ends it from this side. */
  close(): void {
    if (this.over) return;
    this.display.close();
    this.finish();
  }

  /** Runs what fails when the connection can't go on: that ends the connection, nothing else. */
  guard(work: () => void): void {
    if (this.over) return;
    try {
      work();
    } catch (error) {
      const failure = asFailure(error);
      if (failure === null) throw error;
      // First: what is put away at the end has nothing to send any more, and can't fail again.
      this.display.close();
      this.end(failure);
    }
  }

  private bind(): void {
    const { display, options } = this;
    const globals = bindGlobals(display.registry);
    globals.shm.listen({ format: (format) => this.formats.add(format) });
    const { pool } = options;
    const buffers = new Buffers(display, globals.shm.createPool(pool.fd, pool.bytes));
    const outputs = new Outputs(display.registry, () => {
      for (const view of this.views.values()) view.outputsChanged();
    });
    const seats = new Seats(display.registry, {
      globals,
      viewOf: (surface) => this.viewOf(surface),
      warn: (message) => options.log.warn(message),
    });
    this.bound = { globals, buffers, outputs, seats };
    display.roundTrip(() => this.guard(() => this.handlers.ready()));
  }

  private viewOf(surface: WlSurface | null): WindowView | null {
    const view = surface === null ? undefined : this.views.get(surface.id);
    return view?.surface === surface ? (view ?? null) : null;
  }

  private wake(): void {
    for (const view of this.views.values()) view.plan();
  }

  private end(error: WaylandError): void {
    if (this.over) return;
    this.finish();
    this.handlers.ended(error);
  }

  private finish(): void {
    this.over = true;
    this.bound?.seats.close();
    for (const view of this.views.values()) view.close(true);
    this.views.clear();
  }
}

/** What ends the connection: its own errors, and those of the system (no descriptor left to send). Null for others. */
function asFailure(error: unknown): WaylandError | null {
  if (error instanceof WaylandError) return error;
  if (!(error instanceof Error && 'syscall' in error)) return null;
  return new WaylandError('WL_ERR_CONNECTION', error.message, { cause: error });
}

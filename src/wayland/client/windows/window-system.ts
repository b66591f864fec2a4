/**
 * Windows on the host's compositor. The connection may go away at any time (the compositor ends, or it does not
 * like what it got); the windows stay, are invisible meanwhile, and are built anew when there is a compositor again.
 */
import type { UnixSocket } from 'vhost-user-native';
import { WaylandError } from '../../errors.js';
import type { Display, DisplayOptions } from '../display.js';
import { CONNECTION_STABLE_MS, RECONNECT_FIRST_MS, RECONNECT_MAX_MS } from './limits.js';
import { Session } from './session.js';
import type { CursorImage, HostWindow, WindowLog, WindowMetrics, WindowOptions } from './types.js';
import { cleanTitle, WindowModel } from './window-model.js';
import type { WindowView } from './window-view.js';

export interface WindowSystemOptions {
  /** Connects (see `connectToCompositor`); called again whenever the connection is gone. It may throw. */
  connect(): UnixSocket;
  /** The memory that frames lie in: a descriptor (the caller's, open as long as this is) and its size < 2 GiB. */
  readonly pool: { readonly fd: number; readonly bytes: number };
  /** app-id of all windows. */
  readonly appId: string;
  readonly log: WindowLog;
  /** Limits of the connection. */
  readonly display?: DisplayOptions;
  /**
   * There is a connection, ready to use, or there is none any more. What was made on an earlier connection (imported
   * dma-bufs, say) is gone.
   */
  onStateChange?(display: Display | null): void;
}

/** A wl_shm_pool has 31 bits for its size. */
const POOL_BYTES_MAX = 0x7fffffff;

export class WindowSystem {
  private readonly options: WindowSystemOptions;
  private readonly windows = new Set<SystemWindow>();
  private session: Session | null = null;
  private isReady = false;
  private readyMs = 0;
  private failures = 0;
  private lastFailure = '';
  private timer: NodeJS.Timeout | null = null;
  private closed = false;
  private count = 0;

  /** Connects at once; when nobody is there it goes on trying. RangeError for a pool that can't be one. */
  constructor(options: WindowSystemOptions) {
    const { bytes } = options.pool;
    if (!Number.isInteger(bytes) || bytes <= 0 || bytes > POOL_BYTES_MAX) {
      throw new RangeError(`a pool of ${bytes} bytes`);
    }
    this.options = { ...options, appId: cleanTitle(options.appId) };
    this.connect();
  }

  /** The connection; null while there is none that is ready. */
  get display(): Display | null {
    return this.isReady ? (this.session?.display ?? null) : null;
  }

  /** Connections that were made. */
  get connections(): number {
    return this.count;
  }

  /** Whether the compositor takes this wl_shm.format; without a connection the two that all have. */
  supportsFormat(format: number): boolean {
    return this.session?.supportsFormat(format) ?? (format === 0 || format === 1);
  }

  createWindow(options: WindowOptions): HostWindow {
    if (this.closed) throw new WaylandError('WL_ERR_CLOSED', 'the windows were closed');
    const window = new SystemWindow(new WindowModel(options), (gone) => this.windows.delete(gone));
    this.windows.add(window);
    const { session } = this;
    if (session !== null && this.isReady) session.guard(() => window.attach(session));
    return window;
  }

  /** Removes all windows and ends the connection. Idempotent. */
  close(): void {
    if (this.closed) return;
    for (const window of [...this.windows]) window.destroy();
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.session?.close();
    this.setSession(null);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private connect(): void {
    this.timer = null;
    if (this.closed) return;
    let socket: UnixSocket;
    try {
      socket = this.options.connect();
    } catch (error) {
      this.retry(error instanceof Error ? error.message : String(error));
      return;
    }
    this.session = new Session(socket, this.options, {
      ready: () => this.ready(),
      ended: (error) => {
        this.setSession(null);
        this.retry(error.message);
      },
    });
  }

  private ready(): void {
    const { session } = this;
    if (session === null) return;
    this.isReady = true;
    this.readyMs = performance.now();
    this.count++;
    this.lastFailure = '';
    this.options.log.info('connected to the compositor');
    this.options.onStateChange?.(session.display);
    for (const window of this.windows) session.guard(() => window.attach(session));
  }

  private setSession(session: null): void {
    const wasReady = this.isReady;
    this.session = session;
    this.isReady = false;
    for (const window of this.windows) window.detach();
    if (wasReady) this.options.onStateChange?.(null);
  }

  /** At once after a connection that had lasted, then with growing waits. */
  private retry(why: string): void {
    if (this.closed) return;
    if (why !== this.lastFailure) this.options.log.warn(`no compositor: ${why}; trying again`);
    this.lastFailure = why;
    if (this.readyMs > 0 && performance.now() - this.readyMs > CONNECTION_STABLE_MS) this.failures = 0;
    this.readyMs = 0;
    const wait = this.failures === 0 ? 0 : RECONNECT_FIRST_MS * 2 ** Math.min(this.failures - 1, 16);
    this.failures++;
    this.timer = setTimeout(() => this.connect(), Math.min(wait, RECONNECT_MAX_MS));
  }
}

class SystemWindow implements HostWindow {
  private readonly model: WindowModel;
  private readonly gone: (window: SystemWindow) => void;
  private session: Session | null = null;
  private view: WindowView | null = null;
  private destroyed = false;

  constructor(model: WindowModel, gone: (window: SystemWindow) => void) {
    this.model = model;
    this.gone = gone;
  }

  attach(session: Session): void {
    if (this.destroyed || this.view !== null) return;
    this.session = session;
    this.view = session.createView(this.model);
  }

  detach(): void {
    this.session = null;
    this.view = null;
  }

  damaged(): void {
    this.view?.damaged();
  }

  setTitle(title: string): void {
    this.model.title = cleanTitle(title);
    this.view?.titleChanged();
  }

  setCursor(image: CursorImage | null): void {
    this.model.setCursor(image);
    if (this.session !== null && this.view !== null) this.session.cursorChanged(this.view);
  }

  moveCursor(x: number, y: number): void {
    this.model.cursorX = x;
    this.model.cursorY = y;
    this.view?.cursorChanged();
  }

  setFullscreen(fullscreen: boolean): void {
    this.model.fullscreen = fullscreen;
    this.view?.setFullscreen(fullscreen);
  }

  get visible(): boolean {
    return this.model.visible;
  }

  get metrics(): WindowMetrics {
    const { frames, shown, discarded, refused, heldNow, heldMax, damagedPixels, resizes } =
      this.model.counters;
    return {
      frames,
      framesShown: shown,
      framesDiscarded: discarded,
      framesRefused: refused,
      held: heldNow,
      heldMax,
      damagedPixels,
      resizes,
    };
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    const { session, view } = this;
    this.detach();
    if (session !== null && view !== null) session.closeView(view);
    this.gone(this);
  }
}

/** The windows of all forwarded applications of a VM, and the memory that their pictures are read from. */
import { type Mapping, mapFile } from 'vhost-user-native';
import type { ForwardedRegion } from '../region-pool.js';
import { ForwardedWindow, type WindowHost, type WindowOptions } from './window.js';

export class WindowList implements WindowHost {
  watchers = 0;
  private readonly region: ForwardedRegion;
  private readonly byId = new Map<number, ForwardedWindow>();
  private readonly listeners = new Set<() => void>();
  private lastId = 0;
  private mapping: Mapping | null = null;
  private view: DataView | null = null;
  private closed = false;

  constructor(region: ForwardedRegion) {
    this.region = region;
  }

  /** The oldest first. */
  get all(): ForwardedWindow[] {
    return [...this.byId.values()];
  }

  find(id: number): ForwardedWindow | null {
    return this.byId.get(id) ?? null;
  }

  open(options: WindowOptions): ForwardedWindow {
    const id = ++this.lastId;
    const window = new ForwardedWindow(this, id, options);
    this.byId.set(id, window);
    this.changed();
    return window;
  }

  /** A window has another title, size or place in the list. */
  changed(): void {
    for (const listener of [...this.listeners]) listener();
  }

  /** Calls back after windows came, went, or got another title or size, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** With its popups. */
  remove(window: ForwardedWindow): void {
    for (const popup of [...window.popups]) this.remove(popup);
    if (!this.byId.delete(window.id)) return;
    window.close();
    this.changed();
  }

  /** The region, read-only; mapped when it is first looked at. Null after `close`. */
  regionView(): DataView | null {
    if (this.closed) return null;
    if (this.view === null) {
      this.mapping = mapFile(this.region.fd, 0, this.region.bytes, { writable: false });
      this.view = new DataView(this.mapping.window(0, this.region.bytes));
    }
    return this.view;
  }

  /** Idempotent. */
  close(): void {
    this.closed = true;
    for (const window of this.all) this.remove(window);
    this.view = null;
    this.mapping?.close();
    this.mapping = null;
  }
}

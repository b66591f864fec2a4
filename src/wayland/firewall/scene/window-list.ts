/** The windows of all forwarded applications of a VM, and the memory that their pictures are read from. */
import { type Mapping, mapFile } from 'vhost-user-native';
import type { ForwardedRegion } from '../region-pool.js';
import { ForwardedWindow, type WindowHost, type WindowOptions } from './window.js';

export class WindowList implements WindowHost {
  watchers = 0;
  private readonly region: ForwardedRegion;
  private readonly byId = new Map<number, ForwardedWindow>();
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
    return window;
  }

  /** With its popups. */
  remove(window: ForwardedWindow): void {
    for (const popup of [...window.popups]) this.remove(popup);
    this.byId.delete(window.id);
    window.close();
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

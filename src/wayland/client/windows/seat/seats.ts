/** All seats of a connection. */
import { wl_seat } from '../../../protocol/generated/wayland.js';
import type { Global, Registry } from '../../registry.js';
import type { WindowView } from '../window-view.js';
import { Seat } from './seat.js';
import type { SeatHost } from './seat-host.js';

/** The newest that the devices were written for (axis_relative_direction). */
const SEAT_VERSION_MAX = 9;

export class Seats {
  private readonly registry: Registry;
  private readonly host: SeatHost;
  private readonly byName = new Map<number, Seat>();
  private readonly stop: () => void;

  constructor(registry: Registry, host: SeatHost) {
    this.registry = registry;
    this.host = host;
    for (const global of registry.globals) this.add(global);
    this.stop = registry.watch({
      added: (global) => this.add(global),
      removed: (global) => this.remove(global),
    });
  }

  /** The window's cursor image, or the scale of its picture, is another. */
  cursorChanged(view: WindowView): void {
    for (const seat of this.byName.values()) seat.cursorChanged(view);
  }

  /** The window is about to go. */
  forget(view: WindowView): void {
    for (const seat of this.byName.values()) seat.forget(view);
  }

  close(): void {
    this.stop();
    for (const seat of this.byName.values()) seat.destroy();
    this.byName.clear();
  }

  private add(global: Global): void {
    if (global.interface !== wl_seat.name) return;
    const object = this.registry.bind(wl_seat, { global, max: SEAT_VERSION_MAX });
    this.byName.set(global.name, new Seat(object, this.host));
  }

  private remove(global: Global): void {
    this.byName.get(global.name)?.destroy();
    this.byName.delete(global.name);
  }
}

/** What seats need of their connection. */
import type { WlSurface } from '../../../protocol/generated/wayland.js';
import type { Globals } from '../globals.js';
import type { WindowView } from '../window-view.js';

/** wl_pointer.release and its like came with this version. */
export const DEVICE_RELEASE_SINCE = 3;

export interface SeatHost {
  readonly globals: Globals;
  /** The window of a surface; null for surfaces that are none, and windows that are gone. */
  viewOf(surface: WlSurface | null): WindowView | null;
  warn(message: string): void;
}

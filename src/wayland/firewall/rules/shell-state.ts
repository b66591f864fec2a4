/** What is known about a guest's windows. */
import type { ForwardedObject } from '../objects.js';
import type { Size } from '../scene/buffer.js';
import type { ForwardedWindow } from '../scene/window.js';
import { protocolViolation } from '../violation.js';

export interface ShellSurface {
  readonly surface: ForwardedObject;
  readonly base: ForwardedObject;
  /** The xdg_surface. */
  readonly object: ForwardedObject;
  /** The xdg_toplevel or xdg_popup, while it exists. */
  role: ForwardedObject | null;
  /** It had one, which may be gone. */
  constructed: boolean;
  /** Serials that were not acknowledged yet, oldest first. */
  configures: number[];
  lastConfigure: number | null;
  /** One was acknowledged since the surface was (last) unmapped. */
  configured: boolean;
  /** The compositor has closed the popup that it is; the guest may not know yet. */
  dismissed: boolean;
  /** What others see of it, while it is a window or popup. */
  window: ForwardedWindow | null;
  /** Live popups on it. */
  readonly popups: Set<ForwardedObject>;
}

export interface Toplevel {
  readonly shell: ShellSurface;
  /** As the host sees them: with labels. */
  title: string;
  appId: string;
  parent: ForwardedObject | null;
  min: Size;
  max: Size;
  decoration: ForwardedObject | null;
}

export const shellSurfaces = new WeakMap<ForwardedObject, ShellSurface>();
export const toplevels = new WeakMap<ForwardedObject, Toplevel>();

/** Of an xdg_surface. */
export function shellSurface(object: ForwardedObject): ShellSurface {
  const shell = shellSurfaces.get(object);
  if (shell === undefined) throw new Error(`${object} was not seen made`);
  return shell;
}

/**
 * It becomes a toplevel or popup, once: weston 10 uses what it freed when an xdg_surface gets another one after the first
 * was destroyed, and no toolkit does that.
 */
export function construct(shell: ShellSurface, role: ForwardedObject): void {
  shell.role = role;
  shell.constructed = true;
}

/** Throws when it is a toplevel or popup, or was one. */
export function checkNotConstructed({ object, role, constructed }: ShellSurface): void {
  if (!constructed) return;
  const what = role === null ? 'it had its toplevel or popup' : `it has a ${role}`;
  throw protocolViolation('role', object, 'already_constructed', what);
}

/** Of an xdg_toplevel. */
export function toplevelOf(object: ForwardedObject): Toplevel {
  const toplevel = toplevels.get(object);
  if (toplevel === undefined) throw new Error(`${object} was not seen made`);
  return toplevel;
}

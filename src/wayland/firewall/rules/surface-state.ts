/** What is known about a guest's surfaces and buffers. */
import type { ForwardedObject } from '../objects.js';
import type { Size } from '../scene/buffer.js';
import { type Crop, SurfaceContent } from '../scene/content.js';
import { protocolViolation } from '../violation.js';

export type Role = 'xdg_toplevel' | 'xdg_popup' | 'wl_subsurface' | 'cursor' | 'drag icon';

export interface SurfaceState {
  /** Kept for the surface's life. */
  role: Role | null;
  /** The xdg_surface or wl_subsurface, while it exists. */
  roleObject: ForwardedObject | null;
  /** What was attached since the last commit. */
  pending: 'nothing' | 'buffer' | 'null';
  /** Of the buffer that is (or will be) shown; null when there is none, or its size is not known. */
  size: Size | null;
  /** A buffer was committed. */
  hasBuffer: boolean;
  scale: number;
  transform: number;
  /** Of wp_viewport; null when unset. */
  source: Crop | null;
  destination: Size | null;
  /** Damage requests since the last commit. */
  damages: number;
  /** Objects of which a surface has one at most, by interface (and more). */
  readonly extensions: Map<string, ForwardedObject>;
  /** Called before a commit is passed on, whether that may be done; throws Violations. */
  beforeCommit: (() => boolean) | null;
  /** Of a subsurface. */
  parent: ForwardedObject | null;
  /** What it shows, for those who want to see it. */
  readonly content: SurfaceContent;
}

/** Logical pixels; what is larger is beyond all screens. */
const LOGICAL_MAX = 1 << 24;

const surfaces = new WeakMap<ForwardedObject, SurfaceState>();

export function surfaceState(surface: ForwardedObject): SurfaceState {
  let state = surfaces.get(surface);
  if (state === undefined) {
    state = {
      role: null,
      roleObject: null,
      pending: 'nothing',
      size: null,
      hasBuffer: false,
      scale: 1,
      transform: 0,
      source: null,
      destination: null,
      damages: 0,
      extensions: new Map(),
      beforeCommit: null,
      parent: null,
      content: new SurfaceContent(),
    };
    surfaces.set(surface, state);
  }
  return state;
}

/** In logical pixels, at most LOGICAL_MAX each way, of a surface that has a buffer; null when that is not known. */
export function surfaceSize({ destination, source, size, scale, transform }: SurfaceState): Size | null {
  const turned = transform % 2 === 1;
  const shown = destination ?? source;
  if (shown === null && size === null) return null;
  const width = shown?.width ?? ((turned ? size?.height : size?.width) ?? 0) / scale;
  const height = shown?.height ?? ((turned ? size?.width : size?.height) ?? 0) / scale;
  return {
    width: Math.min(Math.floor(width), LOGICAL_MAX),
    height: Math.min(Math.floor(height), LOGICAL_MAX),
  };
}

/**
 * Gives the surface a role, for good. A Violation when it has another one, or an object for it already; the error
 * is `errorName` of `culprit`.
 */
export function takeRole(
  surface: ForwardedObject,
  role: Role,
  roleObject: ForwardedObject | null,
  culprit: ForwardedObject,
  errorName: string,
): SurfaceState {
  const state = surfaceState(surface);
  if (state.role !== null && state.role !== role) {
    throw protocolViolation('role', culprit, errorName, `${surface} is a ${state.role} already`);
  }
  if (state.roleObject !== null && state.roleObject !== roleObject) {
    throw protocolViolation('role', culprit, errorName, `${surface} has a ${state.roleObject} already`);
  }
  state.role = role;
  if (roleObject !== null) state.roleObject = roleObject;
  return state;
}

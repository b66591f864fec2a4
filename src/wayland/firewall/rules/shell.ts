/** xdg-shell: roles in the right order, configures acknowledged, windows labelled and held to the policy. */
import type { ForwardedObject } from '../objects.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation } from '../violation.js';
import { labelledAppId, labelledTitle } from './label.js';
import { popupEvents, popupRequests, positionerRequests } from './popup.js';
import {
  checkNotConstructed,
  construct,
  type ShellSurface,
  shellSurface,
  shellSurfaces,
  toplevelOf,
  toplevels,
} from './shell-state.js';
import { surfaceState, takeRole } from './surface-state.js';
import { closeWindow, openWindow } from './windows.js';

/** Configures that wait for their ack; the oldest are forgotten first, as an ack of a newer one does. */
const CONFIGURES_MAX = 4096;

const pings = new WeakMap<ForwardedObject, Set<number>>();
const shellsOf = new WeakMap<ForwardedObject, Set<ForwardedObject>>();

function getXdgSurface(session: Session, request: Request): Outcome {
  const { object, made } = request;
  const surface = request.target('surface');
  const state = surfaceState(surface);
  if (
    (state.role !== null && state.role !== 'xdg_toplevel' && state.role !== 'xdg_popup') ||
    state.roleObject
  ) {
    throw protocolViolation('role', object, 'role', `${surface} has a role already`);
  }
  if (state.hasBuffer || state.pending === 'buffer') {
    throw protocolViolation('state', object, 'invalid_surface_state', `${surface} has a buffer already`);
  }
  const shell: ShellSurface = {
    surface,
    base: object,
    object: made,
    role: null,
    constructed: false,
    configures: [],
    lastConfigure: null,
    configured: false,
    dismissed: false,
    window: null,
    popups: new Set(),
  };
  shellSurfaces.set(made, shell);
  state.roleObject = made;
  state.beforeCommit = () => beforeCommit(shell);
  session.borders?.setGeometry(surface, null);
  state.content.setGeometry(null);
  const siblings = shellsOf.get(object) ?? new Set();
  shellsOf.set(object, siblings.add(made));
  made.destroyed = () => {
    siblings.delete(made);
    state.roleObject = null;
    state.beforeCommit = null;
  };
  return 'forward';
}

/** False for a popup that was dismissed, unless that takes its buffer away. */
function beforeCommit(shell: ShellSurface): boolean {
  const state = surfaceState(shell.surface);
  if (shell.role === null) {
    throw protocolViolation('state', shell.object, 'not_constructed', 'committed without toplevel or popup');
  }
  if (state.pending === 'buffer' && !shell.configured) {
    throw protocolViolation(
      'state',
      shell.object,
      'unconfigured_buffer',
      'a buffer before the first configure',
    );
  }
  const toplevel = toplevels.get(shell.role);
  if (toplevel !== undefined) {
    const { min, max } = toplevel;
    const fits =
      (max.width === 0 || min.width <= max.width) && (max.height === 0 || min.height <= max.height);
    if (!fits) throw protocolViolation('value', shell.role, 'invalid_size', 'minimum above maximum');
  }
  if (state.pending !== 'null') return !shell.dismissed;
  // Unmapped: it starts again with a commit without a buffer and a new configure.
  shell.configured = false;
  shell.configures = [];
  return true;
}

function destroyBase(_: Session, request: Request): Outcome {
  const { object } = request;
  if ((shellsOf.get(object)?.size ?? 0) > 0) {
    throw protocolViolation('role', object, 'defunct_surfaces', 'destroyed before its xdg_surfaces');
  }
  return 'forward';
}

function pong(_: Session, request: Request): Outcome {
  return pings.get(request.object)?.delete(request.number('serial')) === true ? 'forward' : 'drop';
}

function ping(_: Session, event: HostEvent): Outcome {
  const open = pings.get(event.object) ?? new Set();
  pings.set(event.object, open.add(event.number('serial')));
  return 'forward';
}

function getToplevel(session: Session, request: Request): Outcome {
  const { object, made } = request;
  const shell = shellSurface(object);
  checkNotConstructed(shell);
  takeRole(shell.surface, 'xdg_toplevel', object, shell.base, 'role');
  construct(shell, made);
  const [title, appId] = [labelledTitle(session, ''), labelledAppId(session, '')];
  toplevels.set(made, {
    shell,
    title,
    appId,
    parent: null,
    min: { width: 0, height: 0 },
    max: { width: 0, height: 0 },
    decoration: null,
  });
  openWindow(session, shell, 'window', null, () => toplevelOf(made));
  made.destroyed = () => {
    closeWindow(session, shell);
    shell.role = null;
    shell.configured = false;
    shell.configures = [];
  };
  if (session.forward(request) === 'drop') return 'drop';
  // Before the guest names it, if it ever does.
  session.ask(made, 'set_title', [title]);
  session.ask(made, 'set_app_id', [appId]);
  return 'done';
}

/** A decoration that outlives its window is an error for some compositors, and of use to none. */
function destroyToplevel(session: Session, request: Request): Outcome {
  const { decoration } = toplevelOf(request.object);
  if (decoration !== null) session.sever(decoration);
  return 'forward';
}

function destroyShellSurface(_: Session, request: Request): Outcome {
  const shell = shellSurface(request.object);
  if (shell.role === null) return 'forward';
  throw protocolViolation(
    'role',
    request.object,
    'defunct_role_object',
    `destroyed before its ${shell.role}`,
  );
}

function ackConfigure(_: Session, request: Request): Outcome {
  const { object } = request;
  const shell = shellSurface(object);
  const serial = request.number('serial');
  if (shell.role === null) {
    throw protocolViolation('state', object, 'not_constructed', 'acknowledged without toplevel or popup');
  }
  const index = shell.configures.indexOf(serial);
  if (index >= 0) {
    shell.configures.splice(0, index + 1);
    shell.configured = true;
    return shell.dismissed ? 'drop' : 'forward';
  }
  // One that a newer one replaced, or that the surface got before it was unmapped: nobody misses it.
  if (shell.lastConfigure !== null && ((shell.lastConfigure - serial) | 0) >= 0) return 'drop';
  throw protocolViolation('state', object, 'invalid_serial', `serial ${serial} was never sent`);
}

function configure(_: Session, event: HostEvent): Outcome {
  const shell = shellSurface(event.object);
  const serial = event.number('serial');
  shell.configures.push(serial);
  shell.lastConfigure = serial;
  if (shell.configures.length > CONFIGURES_MAX) shell.configures.shift();
  return 'forward';
}

function windowGeometry(session: Session, request: Request): Outcome {
  const { object } = request;
  const shell = shellSurface(object);
  if (shell.role === null) {
    throw protocolViolation('state', object, 'not_constructed', 'a geometry without toplevel or popup');
  }
  const width = request.number('width');
  const height = request.number('height');
  if (width <= 0 || height <= 0) {
    throw protocolViolation('value', object, 'invalid_size', `a geometry of ${width}x${height}`);
  }
  if (shell.dismissed) return 'drop';
  const geometry = { x: request.number('x'), y: request.number('y'), width, height };
  session.borders?.setGeometry(shell.surface, geometry);
  surfaceState(shell.surface).content.setGeometry(geometry);
  return 'forward';
}

/** A parent that is no window yet is none: the protocol says so, and weston 10 dies of one that never had a commit. */
function setParent(session: Session, request: Request): Outcome {
  const { object } = request;
  const toplevel = toplevelOf(object);
  const parent = request.ref('parent');
  for (let above = parent; above !== null; above = toplevelOf(above).parent) {
    if (above !== object) continue;
    throw protocolViolation('value', object, 'invalid_parent', 'it would be its own ancestor');
  }
  if (parent !== null && !toplevelOf(parent).shell.configured) {
    toplevel.parent = null;
    session.ask(object, 'set_parent', [0]);
    return 'drop';
  }
  toplevel.parent = parent;
  return 'forward';
}

function sizeLimit(which: 'min' | 'max'): RequestRule {
  return (_, request) => {
    const width = request.number('width');
    const height = request.number('height');
    if (width < 0 || height < 0) {
      throw protocolViolation('value', request.object, 'invalid_size', `${which} size ${width}x${height}`);
    }
    toplevelOf(request.object)[which] = { width, height };
    return 'forward';
  };
}

/** Needs an input event of this guest, and a window that is configured. */
function interactive(session: Session, request: Request): Outcome {
  const { configured } = toplevelOf(request.object).shell;
  return configured && session.serials.has(request.number('serial')) ? 'forward' : 'drop';
}

/**
 * What the policy forbids becomes its opposite: the compositor answers that with a configure as well, and the guest
 * does not wait for one in vain.
 */
function unless(allowed: 'fullscreen' | 'maximize', opposite: string): RequestRule {
  return (session, request) => {
    if (session.policy.windows[allowed]) return 'forward';
    session.ask(request.object, opposite, []);
    return 'drop';
  };
}

export const shellRequests: Readonly<Record<string, RequestRule>> = {
  'xdg_wm_base.destroy': destroyBase,
  'xdg_wm_base.get_xdg_surface': getXdgSurface,
  'xdg_wm_base.pong': pong,
  'xdg_surface.destroy': destroyShellSurface,
  'xdg_surface.get_toplevel': getToplevel,
  'xdg_surface.set_window_geometry': windowGeometry,
  'xdg_surface.ack_configure': ackConfigure,
  'xdg_toplevel.destroy': destroyToplevel,
  'xdg_toplevel.set_parent': setParent,
  'xdg_toplevel.show_window_menu': interactive,
  'xdg_toplevel.move': interactive,
  'xdg_toplevel.resize': interactive,
  'xdg_toplevel.set_max_size': sizeLimit('max'),
  'xdg_toplevel.set_min_size': sizeLimit('min'),
  'xdg_toplevel.set_maximized': unless('maximize', 'unset_maximized'),
  'xdg_toplevel.set_fullscreen': unless('fullscreen', 'unset_fullscreen'),
  'xdg_toplevel.set_minimized': (session) => (session.policy.windows.minimize ? 'forward' : 'drop'),
  ...positionerRequests,
  ...popupRequests,
};

export const shellEvents: Readonly<Record<string, EventRule>> = {
  'xdg_wm_base.ping': ping,
  'xdg_surface.configure': configure,
  ...popupEvents,
};

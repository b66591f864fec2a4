/** xdg_positioner and xdg_popup. */
import type { ForwardedObject } from '../objects.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import type { WindowNames } from '../scene/window.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation } from '../violation.js';
import {
  checkNotConstructed,
  construct,
  type ShellSurface,
  shellSurface,
  toplevelOf,
} from './shell-state.js';
import { surfaceState, takeRole } from './surface-state.js';
import { closeWindow, openWindow } from './windows.js';

interface Popup {
  readonly shell: ShellSurface;
  readonly parent: ShellSurface;
  /** The compositor was asked for a grab. */
  grabs: boolean;
}

/** What was set of size and anchor rectangle; a positioner needs both. */
const positioners = new WeakMap<ForwardedObject, { size: boolean; anchor: boolean }>();
const popups = new WeakMap<ForwardedObject, Popup>();
const NAMELESS: WindowNames = { title: '', appId: '' };

function positioner(object: ForwardedObject): { size: boolean; anchor: boolean } {
  let state = positioners.get(object);
  if (state === undefined) {
    state = { size: false, anchor: false };
    positioners.set(object, state);
  }
  return state;
}

function setSize(_: Session, request: Request): Outcome {
  const width = request.number('width');
  const height = request.number('height');
  if (width <= 0 || height <= 0) {
    throw protocolViolation('value', request.object, 'invalid_input', `a size of ${width}x${height}`);
  }
  positioner(request.object).size = true;
  return 'forward';
}

function setAnchorRect(_: Session, request: Request): Outcome {
  const width = request.number('width');
  const height = request.number('height');
  if (width < 0 || height < 0) {
    throw protocolViolation('value', request.object, 'invalid_input', `an anchor of ${width}x${height}`);
  }
  // Some compositors take an empty anchor rectangle for one that was not set.
  positioner(request.object).anchor = width > 0 && height > 0;
  return 'forward';
}

function checkPositioner(object: ForwardedObject, base: ForwardedObject): void {
  const { size, anchor } = positioner(object);
  if (size && anchor) return;
  throw protocolViolation('value', base, 'invalid_positioner', `${object} has no size or no anchor`);
}

function getPopup(session: Session, request: Request): Outcome {
  const { object, made } = request;
  const shell = shellSurface(object);
  checkNotConstructed(shell);
  const parentObject = request.ref('parent');
  const parent = parentObject === null ? null : shellSurface(parentObject);
  if (parent === null || parent === shell || parent.role === null) {
    throw protocolViolation('role', shell.base, 'invalid_popup_parent', `${made} has no parent with a role`);
  }
  checkPositioner(request.target('positioner'), shell.base);
  takeRole(shell.surface, 'xdg_popup', object, shell.base, 'role');
  construct(shell, made);
  parent.popups.add(made);
  popups.set(made, { shell, parent, grabs: false });
  openWindow(session, shell, 'popup', parent, () => ownerOf(parent));
  made.destroyed = () => {
    closeWindow(session, shell);
    parent.popups.delete(made);
    shell.role = null;
    shell.dismissed = false;
    shell.configured = false;
    shell.configures = [];
  };
  return 'forward';
}

/** What the window calls itself that a popup belongs to. */
function ownerOf(shell: ShellSurface): WindowNames {
  let owner = shell;
  for (;;) {
    const { role } = owner;
    const above = role === null ? undefined : popups.get(role);
    if (above === undefined) return role === null ? NAMELESS : toplevelOf(role);
    owner = above.parent;
  }
}

function destroyPopup(_: Session, request: Request): Outcome {
  const popup = popups.get(request.object);
  if (popup === undefined || popup.shell.popups.size === 0) return 'forward';
  throw protocolViolation('role', popup.shell.base, 'not_the_topmost_popup', `${request.object} has popups`);
}

/** Needs an input event of this guest, and a parent that is a window or grabs too. */
function grab(session: Session, request: Request): Outcome {
  const { object } = request;
  const popup = popups.get(object);
  if (popup === undefined) return 'drop';
  if (surfaceState(popup.shell.surface).hasBuffer) {
    throw protocolViolation('state', object, 'invalid_grab', 'a grab after the popup was mapped');
  }
  const parentPopup = popup.parent.role === null ? undefined : popups.get(popup.parent.role);
  if (parentPopup?.grabs === false || !session.serials.has(request.number('serial'))) return 'drop';
  popup.grabs = true;
  return 'forward';
}

function reposition(_: Session, request: Request): Outcome {
  const popup = popups.get(request.object);
  if (popup === undefined) return 'drop';
  checkPositioner(request.target('positioner'), popup.shell.base);
  return 'forward';
}

/**
 * What the guest still does to the popup goes no further: wlroots 0.15 has no role for its surface any more, and ends
 * clients that commit, acknowledge or set a geometry then. They may have done that before they knew, and a guest gets to
 * know later than a client of this machine.
 */
function popupDone(_: Session, event: HostEvent): Outcome {
  const popup = popups.get(event.object);
  if (popup === undefined) return 'forward';
  popup.shell.dismissed = true;
  popup.shell.window?.dismiss();
  return 'forward';
}

/** Where the compositor wants the popup: from its parent's geometry to its own. */
function configure(_: Session, event: HostEvent): Outcome {
  popups.get(event.object)?.shell.window?.moveNext(event.number('x'), event.number('y'));
  return 'forward';
}

export const positionerRequests: Readonly<Record<string, RequestRule>> = {
  'xdg_positioner.set_size': setSize,
  'xdg_positioner.set_anchor_rect': setAnchorRect,
};

export const popupRequests: Readonly<Record<string, RequestRule>> = {
  'xdg_surface.get_popup': getPopup,
  'xdg_popup.destroy': destroyPopup,
  'xdg_popup.grab': grab,
  'xdg_popup.reposition': reposition,
};

export const popupEvents: Readonly<Record<string, EventRule>> = {
  'xdg_popup.configure': configure,
  'xdg_popup.popup_done': popupDone,
};

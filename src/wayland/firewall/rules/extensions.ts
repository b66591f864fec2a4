/** Objects that hang on a surface or a window: one of a kind, gone when what they hang on is gone. */
import { WlSeatCapability } from '../../protocol/generated/wayland.js';
import type { ForwardedObject } from '../objects.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import { bufferContent } from '../scene/buffer.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation } from '../violation.js';
import { labelledAppId } from './label.js';
import { toplevelOf } from './shell-state.js';
import { addViewport } from './surface.js';
import { surfaceState } from './surface-state.js';

/** The surface of an extension object. */
const surfaceOf = new WeakMap<ForwardedObject, ForwardedObject>();
const seatOf = new WeakMap<ForwardedObject, ForwardedObject>();
const oneshots = new WeakMap<ForwardedObject, () => void>();
const committedTokens = new WeakSet<ForwardedObject>();
const usedIcons = new WeakSet<ForwardedObject>();

/** wp_alpha_modifier_surface_v1.set_multiplier: opaque. */
const MULTIPLIER_MAX = 0xffffffff;

function hang(request: Request, surface: ForwardedObject, key: string, errorName: string): void {
  const { object, made } = request;
  const { extensions } = surfaceState(surface);
  const before = extensions.get(key);
  if (before !== undefined) {
    throw protocolViolation('state', object, errorName, `${surface} has a ${before} already`);
  }
  extensions.set(key, made);
  surfaceOf.set(made, surface);
  made.destroyed = () => {
    if (extensions.get(key) === made) extensions.delete(key);
  };
}

function onePerSurface(key: string, errorName: string): RequestRule {
  return (_, request) => {
    hang(request, request.target('surface'), key, errorName);
    return 'forward';
  };
}

/** Any number of them on a surface. */
function onSurface(_: Session, request: Request): Outcome {
  surfaceOf.set(request.made, request.target('surface'));
  return 'forward';
}

/** Of an extension object whose surface is gone: nothing to do any more. */
function whileSurface(_: Session, request: Request): Outcome {
  return surfaceOf.get(request.object)?.alive === true ? 'forward' : 'drop';
}

function getViewport(_: Session, request: Request): Outcome {
  const surface = request.target('surface');
  hang(request, surface, 'wp_viewport', 'viewport_exists');
  addViewport(request.made, surface);
  return 'forward';
}

function getAlphaModifier(_: Session, request: Request): Outcome {
  const surface = request.target('surface');
  hang(request, surface, 'wp_alpha_modifier', 'already_constructed');
  const { made } = request;
  const { destroyed } = made;
  made.destroyed = () => {
    destroyed?.();
    surfaceState(surface).content.setOpacity(1);
  };
  return 'forward';
}

function setMultiplier(session: Session, request: Request): Outcome {
  if (whileSurface(session, request) === 'drop') return 'drop';
  const surface = surfaceOf.get(request.object);
  if (surface !== undefined)
    surfaceState(surface).content.setOpacity(request.number('factor') / MULTIPLIER_MAX);
  return 'forward';
}

function getDecoration(_: Session, request: Request): Outcome {
  const { made } = request;
  const toplevel = toplevelOf(request.target('toplevel'));
  if (toplevel.decoration !== null) {
    throw protocolViolation(
      'state',
      made,
      'already_constructed',
      `there is a ${toplevel.decoration} already`,
    );
  }
  const { hasBuffer, pending } = surfaceState(toplevel.shell.surface);
  if (hasBuffer || pending === 'buffer') {
    throw protocolViolation('state', made, 'unconfigured_buffer', 'the window has a buffer already');
  }
  toplevel.decoration = made;
  made.destroyed = () => {
    toplevel.decoration = null;
  };
  return 'forward';
}

/** A device that the seat never had is an error for some compositors. */
function getDevice(capability: number): RequestRule {
  return (session, request) => {
    const { object, made } = request;
    const known = session.globals.capabilitiesOf(object);
    if (known !== null && (known & capability) === 0) {
      throw protocolViolation('state', object, 'missing_capability', `it never had a device for ${made}`);
    }
    seatOf.set(made, object);
    return 'forward';
  };
}

function constrain(_: Session, request: Request): Outcome {
  const { made } = request;
  const seat = seatOf.get(request.target('pointer'));
  const key = `constraint of seat ${seat?.guestId ?? 0}`;
  hang(request, request.target('surface'), key, 'already_constrained');
  if (request.number('lifetime') === 1) oneshots.set(made, () => made.destroyed?.());
  return 'forward';
}

/** A constraint that lasts once is over. */
function unconstrained(_: Session, event: HostEvent): Outcome {
  oneshots.get(event.object)?.();
  return 'forward';
}

function inhibitShortcuts(_: Session, request: Request): Outcome {
  const key = `shortcuts of seat ${request.target('seat').guestId}`;
  hang(request, request.target('surface'), key, 'already_inhibited');
  return 'forward';
}

/** Requests on a token: none after its commit. */
function token(_: Session, request: Request): void {
  if (committedTokens.has(request.object)) {
    throw protocolViolation('state', request.object, 'already_used', 'the token was committed already');
  }
}

function tokenSerial(session: Session, request: Request): Outcome {
  token(session, request);
  return session.serials.has(request.number('serial')) ? 'forward' : 'drop';
}

function tokenAppId(session: Session, request: Request): Outcome {
  token(session, request);
  request.set('app_id', labelledAppId(session, request.text('app_id')));
  return 'forward';
}

function commitToken(session: Session, request: Request): Outcome {
  token(session, request);
  committedTokens.add(request.object);
  return 'forward';
}

function foreignSurface(_: Session, request: Request): Outcome {
  const surface = request.target('surface');
  if (surfaceState(surface).role !== 'xdg_toplevel' || surfaceState(surface).roleObject === null) {
    throw protocolViolation('role', request.object, 'invalid_surface', `${surface} is no toplevel`);
  }
  return 'forward';
}

/** Requests on an icon: none after it was set. */
function icon(_: Session, request: Request): Outcome {
  if (usedIcons.has(request.object)) {
    throw protocolViolation('state', request.object, 'immutable', 'the icon was set already');
  }
  return 'forward';
}

function iconBuffer(session: Session, request: Request): Outcome {
  icon(session, request);
  const size = bufferContent(request.target('buffer'));
  if (size === null || size.width !== size.height) {
    throw protocolViolation('value', request.object, 'invalid_buffer', 'not square');
  }
  return request.number('scale') > 0 ? 'forward' : 'drop';
}

function setIcon(_: Session, request: Request): Outcome {
  const used = request.ref('icon');
  if (used !== null) usedIcons.add(used);
  return 'forward';
}

export const extensionRequests: Readonly<Record<string, RequestRule>> = {
  'wl_seat.get_pointer': getDevice(WlSeatCapability.pointer),
  'wl_seat.get_keyboard': getDevice(WlSeatCapability.keyboard),
  'wl_seat.get_touch': getDevice(WlSeatCapability.touch),
  'wp_viewporter.get_viewport': getViewport,
  'wp_fractional_scale_manager_v1.get_fractional_scale': onePerSurface(
    'wp_fractional_scale',
    'fractional_scale_exists',
  ),
  'wp_content_type_manager_v1.get_surface_content_type': onePerSurface(
    'wp_content_type',
    'already_constructed',
  ),
  'wp_content_type_v1.set_content_type': whileSurface,
  'wp_alpha_modifier_v1.get_surface': getAlphaModifier,
  'wp_alpha_modifier_surface_v1.set_multiplier': setMultiplier,
  'wp_tearing_control_manager_v1.get_tearing_control': onePerSurface(
    'wp_tearing_control',
    'tearing_control_exists',
  ),
  'wp_tearing_control_v1.set_presentation_hint': whileSurface,
  'zxdg_decoration_manager_v1.get_toplevel_decoration': getDecoration,
  'org_kde_kwin_server_decoration_manager.create': onSurface,
  'org_kde_kwin_server_decoration.request_mode': whileSurface,
  'zwp_pointer_constraints_v1.lock_pointer': constrain,
  'zwp_pointer_constraints_v1.confine_pointer': constrain,
  'zwp_keyboard_shortcuts_inhibit_manager_v1.inhibit_shortcuts': inhibitShortcuts,
  'xdg_activation_v1.activate': (session) => (session.policy.windows.activate ? 'forward' : 'drop'),
  'xdg_activation_token_v1.set_serial': tokenSerial,
  'xdg_activation_token_v1.set_app_id': tokenAppId,
  'xdg_activation_token_v1.set_surface': (session, request) => {
    token(session, request);
    return 'forward';
  },
  'xdg_activation_token_v1.commit': commitToken,
  'zxdg_exporter_v2.export_toplevel': foreignSurface,
  'zxdg_imported_v2.set_parent_of': foreignSurface,
  'xdg_toplevel_icon_v1.set_name': icon,
  'xdg_toplevel_icon_v1.add_buffer': iconBuffer,
  'xdg_toplevel_icon_manager_v1.set_icon': setIcon,
};

export const extensionEvents: Readonly<Record<string, EventRule>> = {
  'zwp_locked_pointer_v1.unlocked': unconstrained,
  'zwp_confined_pointer_v1.unconfined': unconstrained,
};

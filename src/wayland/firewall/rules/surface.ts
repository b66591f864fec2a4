/** wl_surface, wl_region, subsurfaces, cursors. */
import type { ForwardedObject } from '../objects.js';
import type { Outcome, Request } from '../request.js';
import { bufferContent } from '../scene/buffer.js';
import type { SurfaceContent } from '../scene/content.js';
import type { RequestRule, Session } from '../session.js';
import { DisplayError, protocolViolation, Violation } from '../violation.js';
import { type Role, surfaceState, takeRole } from './surface-state.js';

/** Damage requests of one commit that are passed on; more of them become one that covers everything. */
const DAMAGES_MAX = 256;

/** By region, and of all that live. */
const regionOperations = new WeakMap<ForwardedObject, number>();
const operations = new WeakMap<Session, number>();
const subsurfaces = new WeakMap<ForwardedObject, { surface: ForwardedObject; parent: ForwardedObject }>();

/** Whatever becomes of the connection, what its surfaces hold is given back. */
function createSurface(_: Session, request: Request): Outcome {
  const { content } = surfaceState(request.made);
  request.made.gone = () => content.release();
  return 'forward';
}

/** Whether a surface may move with its contents: some compositors move subsurfaces, too, out of their border. */
function isMovable(role: Role | null): boolean {
  return role !== null && role !== 'wl_subsurface';
}

function offset(session: Session, request: Request): Outcome {
  const { role } = surfaceState(request.object);
  return session.borders === null || isMovable(role) ? 'forward' : 'drop';
}

function attach(session: Session, request: Request): Outcome {
  const { object } = request;
  const offset = request.number('x') !== 0 || request.number('y') !== 0;
  if (offset && object.version >= 5) {
    throw protocolViolation(
      'value',
      object,
      'invalid_offset',
      'attach with an offset (use wl_surface.offset)',
    );
  }
  const buffer = request.ref('buffer');
  const state = surfaceState(object);
  if (offset && session.borders !== null && !isMovable(state.role)) {
    request.set('x', 0);
    request.set('y', 0);
  }
  const shown = buffer === null ? null : bufferContent(buffer);
  state.pending = buffer === null ? 'null' : 'buffer';
  state.size = shown;
  state.content.attach(shown);
  return 'forward';
}

function damage(session: Session, request: Request): Outcome {
  const state = surfaceState(request.object);
  state.damages++;
  noteDamage(session, request, state.content);
  if (state.damages <= DAMAGES_MAX) return 'forward';
  if (state.damages === DAMAGES_MAX + 1) {
    session.ask(request.object, 'damage', [0, 0, 0x7fffffff, 0x7fffffff]);
  }
  return 'drop';
}

/** Where, is noted only for those who look. */
function noteDamage(session: Session, request: Request, content: SurfaceContent): void {
  if (session.windows.watchers === 0) {
    content.damage();
    return;
  }
  content.damageBox(request.message.name === 'damage' ? 'surface' : 'buffer', {
    x: request.number('x'),
    y: request.number('y'),
    width: request.number('width'),
    height: request.number('height'),
  });
}

function commit(session: Session, request: Request): Outcome {
  const { object } = request;
  const state = surfaceState(object);
  // What was attached stays pending, for the compositor as well.
  if (state.beforeCommit?.() === false) return 'drop';
  if (state.pending !== 'nothing') state.hasBuffer = state.pending === 'buffer';
  state.pending = 'nothing';
  state.damages = 0;
  checkCursorSize(session, object);
  checkViewport(object);
  session.borders?.beforeCommit(object);
  state.content.commit(state);
  return 'forward';
}

/** Also called when a surface becomes a cursor. */
function checkCursorSize(session: Session, surface: ForwardedObject): void {
  const { role, size, destination, scale } = surfaceState(surface);
  if (role !== 'cursor' && role !== 'drag icon') return;
  const max = session.policy.windows.cursorSizeMax;
  const shown = destination ?? size;
  if (shown === null) return;
  const width = destination === null ? shown.width / scale : shown.width;
  const height = destination === null ? shown.height / scale : shown.height;
  if (width <= max && height <= max) return;
  throw new Violation('cursor-size', `${surface}: a ${role} of ${width}x${height}, at most ${max} each way`);
}

/** The part that wp_viewport shows must lie in the buffer, and have whole pixels unless it is scaled. */
function checkViewport(surface: ForwardedObject): void {
  const { source, destination, size, scale, transform, extensions } = surfaceState(surface);
  const viewport = extensions.get('wp_viewport');
  if (source === null || viewport === undefined) return;
  if (destination === null && !(Number.isInteger(source.width) && Number.isInteger(source.height))) {
    throw protocolViolation('value', viewport, 'bad_size', 'a source of broken pixels without a destination');
  }
  if (size === null) return;
  const turned = transform % 2 === 1;
  const width = (turned ? size.height : size.width) / scale;
  const height = (turned ? size.width : size.height) / scale;
  if (source.x + source.width <= width && source.y + source.height <= height) return;
  throw protocolViolation('value', viewport, 'out_of_buffer', 'the source reaches beyond the buffer');
}

function destroySurface(session: Session, request: Request): Outcome {
  const { object } = request;
  const state = surfaceState(object);
  const { roleObject } = state;
  if (roleObject?.table.name === 'wl_subsurface') session.sever(roleObject);
  else if (roleObject !== null) {
    throw protocolViolation('role', object, 'defunct_role_object', `destroyed before its ${roleObject}`);
  }
  // Some compositors call it an error when these outlive their surface, and none has a use for them.
  for (const extension of state.extensions.values()) session.sever(extension);
  session.borders?.destroySurface(object);
  state.content.release();
  return 'forward';
}

function bufferScale(_: Session, request: Request): Outcome {
  const scale = request.number('scale');
  if (scale < 1) throw protocolViolation('value', request.object, 'invalid_scale', `scale ${scale}`);
  surfaceState(request.object).scale = scale;
  return 'forward';
}

function bufferTransform(_: Session, request: Request): Outcome {
  surfaceState(request.object).transform = request.number('transform');
  return 'forward';
}

/** Counted over all living regions: each is memory of the compositor's, and copied into surfaces. */
function regionOperation(session: Session, request: Request): Outcome {
  const { object } = request;
  const total = (operations.get(session) ?? 0) + 1;
  const max = session.policy.limits.regionOperations;
  if (total > max) {
    throw new Violation('limit-region', `more than ${max} operations on regions`, 1, DisplayError.noMemory);
  }
  operations.set(session, total);
  const own = (regionOperations.get(object) ?? 0) + 1;
  regionOperations.set(object, own);
  object.gone = () => operations.set(session, (operations.get(session) ?? 0) - own);
  return 'forward';
}

function getSubsurface(session: Session, request: Request): Outcome {
  const { object, made } = request;
  const surface = request.target('surface');
  const parent = request.target('parent');
  for (let above: ForwardedObject | null = parent; above !== null; above = surfaceState(above).parent) {
    if (above !== surface) continue;
    throw protocolViolation('role', object, 'bad_surface', `${surface} would be its own ancestor`);
  }
  const state = takeRole(surface, 'wl_subsurface', made, object, 'bad_surface');
  state.parent = parent;
  state.content.addTo(surfaceState(parent).content);
  subsurfaces.set(made, { surface, parent });
  made.destroyed = () => {
    state.roleObject = null;
    state.parent = null;
    state.content.removeFromParent();
    session.borders?.removeSubsurface(surface);
  };
  if (session.forward(request) === 'drop') return 'drop';
  session.borders?.addSubsurface(made, surface, parent);
  return 'done';
}

function moveSubsurface(session: Session, request: Request): Outcome {
  const own = subsurfaces.get(request.object);
  if (own?.parent.alive !== true) return 'drop';
  const place = { x: request.number('x'), y: request.number('y') };
  surfaceState(own.surface).content.move(place.x, place.y);
  session.borders?.move(own.surface, place);
  return 'forward';
}

function desync(on: boolean): RequestRule {
  return (session, request) => {
    const own = subsurfaces.get(request.object);
    if (own === undefined) return 'forward';
    session.borders?.setDesync(own.surface, on);
    surfaceState(own.surface).content.setSync(!on);
    return 'forward';
  };
}

/** wl_subsurface.place_above and place_below. */
function restack(session: Session, request: Request): Outcome {
  const { object } = request;
  const own = subsurfaces.get(object);
  const sibling = request.target('sibling');
  const related = sibling === own?.parent || surfaceState(sibling).parent === own?.parent;
  if (own === undefined || sibling === own.surface || !related) {
    throw protocolViolation('value', object, 'bad_surface', `${sibling} is neither sibling nor parent`);
  }
  const where = request.message.name === 'place_above' ? 'above' : 'below';
  surfaceState(own.surface).content.restack(surfaceState(sibling).content, where);
  const known = own.parent.alive && session.borders?.isHidden(sibling) !== true;
  return known ? 'forward' : 'drop';
}

function setCursor(session: Session, request: Request): Outcome {
  const surface = request.ref('surface');
  if (surface === null) return 'forward';
  takeRole(surface, 'cursor', null, request.object, 'role');
  checkCursorSize(session, surface);
  return 'forward';
}

function setViewportSource(_: Session, request: Request): Outcome {
  const { object } = request;
  const surface = viewports.get(object);
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => request.number(name));
  if (surface?.alive !== true) return 'drop';
  if (x === undefined || y === undefined || width === undefined || height === undefined) return 'drop';
  const unset = x === -1 && y === -1 && width === -1 && height === -1;
  if (!unset && (x < 0 || y < 0 || width <= 0 || height <= 0)) {
    throw protocolViolation('value', object, 'bad_value', `source ${x},${y} ${width}x${height}`);
  }
  surfaceState(surface).source = unset ? null : { x, y, width, height };
  return 'forward';
}

function setViewportDestination(_: Session, request: Request): Outcome {
  const { object } = request;
  const surface = viewports.get(object);
  if (surface?.alive !== true) return 'drop';
  const width = request.number('width');
  const height = request.number('height');
  const unset = width === -1 && height === -1;
  if (!unset && (width <= 0 || height <= 0)) {
    throw protocolViolation('value', object, 'bad_value', `destination ${width}x${height}`);
  }
  surfaceState(surface).destination = unset ? null : { width, height };
  return 'forward';
}

/** The surfaces of wp_viewports. */
const viewports = new WeakMap<ForwardedObject, ForwardedObject>();

export function addViewport(viewport: ForwardedObject, surface: ForwardedObject): void {
  viewports.set(viewport, surface);
  const state = surfaceState(surface);
  const { destroyed } = viewport;
  viewport.destroyed = () => {
    destroyed?.();
    state.source = null;
    state.destination = null;
  };
}

export const surfaceRequests: Readonly<Record<string, RequestRule>> = {
  'wl_compositor.create_surface': createSurface,
  'wl_surface.attach': attach,
  'wl_surface.offset': offset,
  'wl_surface.damage': damage,
  'wl_surface.damage_buffer': damage,
  'wl_surface.commit': commit,
  'wl_surface.destroy': destroySurface,
  'wl_surface.set_buffer_scale': bufferScale,
  'wl_surface.set_buffer_transform': bufferTransform,
  'wl_region.add': regionOperation,
  'wl_region.subtract': regionOperation,
  'wl_subcompositor.get_subsurface': getSubsurface,
  'wl_subsurface.set_position': moveSubsurface,
  'wl_subsurface.set_sync': desync(false),
  'wl_subsurface.set_desync': desync(true),
  'wl_subsurface.place_above': restack,
  'wl_subsurface.place_below': restack,
  'wl_pointer.set_cursor': setCursor,
  'zwp_tablet_tool_v2.set_cursor': setCursor,
  'wp_viewport.set_source': setViewportSource,
  'wp_viewport.set_destination': setViewportDestination,
};

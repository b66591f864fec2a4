/**
 * What compositors refuse beyond the wire format: the errors of weston and wlroots, written down a second time. A
 * request that gets through the firewall and breaks one of these is a finding.
 */
import type { ModelMessage, ModelObject } from './wire-model.js';
import { Refusal } from './wire-model.js';

interface Surface {
  role: string | null;
  shell: ModelObject | null;
  subsurface: ModelObject | null;
  parent: ModelObject | null;
  pending: 'nothing' | 'buffer' | 'null';
  hasBuffer: boolean;
}

interface Shell {
  readonly surface: ModelObject;
  role: ModelObject | null;
  readonly serials: Set<number>;
  configured: boolean;
}

type Rule = (rules: CompositorRules, request: ModelMessage) => void;

export class CompositorRules {
  readonly surfaces = new WeakMap<ModelObject, Surface>();
  readonly shells = new WeakMap<ModelObject, Shell>();
  /** The xdg_surface of a toplevel or popup. */
  readonly shellOf = new WeakMap<ModelObject, ModelObject>();
  readonly parents = new WeakMap<ModelObject, ModelObject | null>();
  readonly positioners = new WeakMap<ModelObject, Set<string>>();
  readonly hanging = new WeakMap<ModelObject, Map<string, ModelObject>>();
  readonly surfaceOf = new WeakMap<ModelObject, ModelObject>();
  readonly used = new WeakSet<ModelObject>();
  /** Parameters that a buffer was asked for with. */
  readonly asked = new WeakSet<ModelObject>();
  /** The device that announced an offer. */
  readonly offeredBy = new WeakMap<ModelObject, ModelObject>();
  readonly pings = new WeakMap<ModelObject, Set<number>>();

  /** Throws a Refusal. */
  check(request: ModelMessage): void {
    checkEnums(request);
    RULES.get(`${request.object.table.name}.${request.message.name}`)?.(this, request);
  }

  /** What the compositor said: requests refer to it. */
  said({ object, message, values, refs, created }: ModelMessage): void {
    if (message.name === 'ping') {
      const open = this.pings.get(object) ?? new Set<number>();
      this.pings.set(object, open.add(Number(values[0])));
    }
    const answers = object.table.name === 'zwp_linux_buffer_params_v1';
    if (answers && !this.asked.delete(object)) refuse(`${object}.${message.name}: nobody asked for a buffer`);
    if (message.name === 'data_offer' && created !== null) this.offeredBy.set(created, object);
    for (const ref of refs) {
      const device = ref === null ? undefined : this.offeredBy.get(ref);
      if (device !== undefined && device !== object)
        refuse(`${ref} is an offer of ${device}'s, not ${object}'s`);
    }
    if (object.table.name === 'xdg_surface') this.shells.get(object)?.serials.add(Number(values[0]));
  }

  surface(object: ModelObject): Surface {
    let state = this.surfaces.get(object);
    if (state === undefined) {
      state = {
        role: null,
        shell: null,
        subsurface: null,
        parent: null,
        pending: 'nothing',
        hasBuffer: false,
      };
      this.surfaces.set(object, state);
    }
    return state;
  }

  shell(object: ModelObject | null): Shell {
    const shell = object === null ? undefined : this.shells.get(object);
    if (shell === undefined) throw new Refusal(`no xdg_surface behind ${object}`);
    return shell;
  }

  takeRole(object: ModelObject, role: string): Surface {
    const state = this.surface(object);
    if (state.role !== null && state.role !== role) refuse(`${object} is a ${state.role}, not a ${role}`);
    state.role = role;
    return state;
  }
}

function refuse(what: string): never {
  throw new Refusal(`compositor: ${what}`);
}

function required(object: ModelObject | null | undefined): ModelObject {
  if (object === null || object === undefined) refuse('an object is missing');
  return object;
}

function number(request: ModelMessage, index: number): number {
  return Number(request.values[index]);
}

function checkEnums({ object, message, values }: ModelMessage): void {
  for (const [index, arg] of message.args.entries()) {
    if (arg.enum === undefined || arg.enum === 'wl_shm.format') continue;
    const name = arg.enum.split('.')[1];
    const owner = arg.enum.split('.')[0];
    // Enums of other interfaces have versions of their own; those of the object's are checked.
    const table =
      owner === object.table.name ? object.table.enums.find((each) => each.name === name) : undefined;
    if (table === undefined) continue;
    const entries = table.entries.filter(({ since }) => since <= object.version);
    const value = Number(values[index]);
    const all = entries.reduce((bits, entry) => bits | entry.value, 0);
    const known = table.bitfield ? (value & ~all) === 0 : entries.some((entry) => entry.value === value);
    if (!known) refuse(`${object}.${message.name}: ${value} is no ${arg.enum}`);
  }
}

function positive(...indices: number[]): Rule {
  return (_, request) => {
    for (const index of indices) {
      if (number(request, index) <= 0) refuse(`${request.object}.${request.message.name} of nothing`);
    }
  };
}

function once(key: string, surfaceIndex: number): Rule {
  return (rules, request) => {
    const surface = required(request.refs[surfaceIndex]);
    const made = required(request.created);
    const others = rules.hanging.get(surface) ?? new Map<string, ModelObject>();
    if (others.get(key)?.state === 'alive') refuse(`${surface} has a ${key} already`);
    rules.hanging.set(surface, others.set(key, made));
    rules.surfaceOf.set(made, surface);
  };
}

const withSurface: Rule = (rules, { object, message }) => {
  if (rules.surfaceOf.get(object)?.state !== 'alive') refuse(`${object}.${message.name} without its surface`);
};

function role(index: number, name: string): Rule {
  return (rules, request) => {
    const surface = request.refs[index] ?? null;
    if (surface !== null) rules.takeRole(surface, name);
  };
}

function getShell(rules: CompositorRules, request: ModelMessage): void {
  const surface = required(request.refs[1]);
  const state = rules.surface(surface);
  if (state.shell?.state === 'alive') refuse(`${surface} has an xdg_surface already`);
  if (state.role !== null && !state.role.startsWith('xdg_')) refuse(`${surface} is a ${state.role}`);
  if (state.hasBuffer || state.pending === 'buffer') refuse(`${surface} has a buffer already`);
  const made = required(request.created);
  state.shell = made;
  rules.shells.set(made, { surface, role: null, serials: new Set(), configured: false });
}

function getRole(name: string): Rule {
  return (rules, { object, created }) => {
    const shell = rules.shell(object);
    // (Also one that is gone: weston 10 would use what it freed.)
    if (shell.role !== null) refuse(`${object} has or had a ${shell.role} already`);
    rules.takeRole(shell.surface, name);
    shell.role = required(created);
    shell.configured = false;
    shell.serials.clear();
    rules.shellOf.set(shell.role, object);
  };
}

function getPopup(rules: CompositorRules, request: ModelMessage): void {
  getRole('xdg_popup')(rules, request);
  const parent = required(request.refs[1]);
  if (parent === request.object) refuse('a popup on itself');
  if (rules.shell(parent).role?.state !== 'alive') refuse(`a popup on ${parent}, which has no role`);
  complete(rules, required(request.refs[2]));
}

function complete(rules: CompositorRules, positioner: ModelObject): void {
  const set = rules.positioners.get(positioner);
  if (set?.has('set_size') !== true || !set.has('set_anchor_rect')) refuse(`${positioner} is incomplete`);
}

function setPosition(rules: CompositorRules, { object, message }: ModelMessage): void {
  const set = rules.positioners.get(object) ?? new Set<string>();
  rules.positioners.set(object, set.add(message.name));
}

function commit(rules: CompositorRules, { object }: ModelMessage): void {
  const state = rules.surface(object);
  if (state.shell?.state === 'alive') {
    const shell = rules.shell(state.shell);
    if (shell.role?.state !== 'alive') refuse(`a commit of ${object} without a role object`);
    if (state.pending === 'buffer' && !shell.configured)
      refuse(`a buffer for ${object} before its configure`);
    if (state.pending === 'null' && state.hasBuffer) {
      shell.configured = false;
      shell.serials.clear();
    }
  }
  if (state.pending !== 'nothing') state.hasBuffer = state.pending === 'buffer';
  state.pending = 'nothing';
}

function destroySurface(rules: CompositorRules, { object }: ModelMessage): void {
  const state = rules.surface(object);
  if (state.shell?.state === 'alive') refuse(`${object} was destroyed before its ${state.shell}`);
}

function ack(rules: CompositorRules, request: ModelMessage): void {
  const shell = rules.shell(request.object);
  if (shell.role?.state !== 'alive') refuse('an ack without a role object');
  if (!shell.serials.has(number(request, 0))) refuse(`an ack of ${number(request, 0)}`);
  for (const serial of shell.serials) {
    shell.serials.delete(serial);
    if (serial === number(request, 0)) break;
  }
  shell.configured = true;
}

function destroyShell(rules: CompositorRules, { object }: ModelMessage): void {
  if (rules.shell(object).role?.state === 'alive') refuse(`${object} was destroyed before its role object`);
}

function setParent(rules: CompositorRules, request: ModelMessage): void {
  const parent = request.refs[0] ?? null;
  for (let above = parent; above !== null; above = rules.parents.get(above) ?? null) {
    if (above === request.object) refuse(`${above} would be its own ancestor`);
  }
  rules.parents.set(request.object, parent);
}

function getSubsurface(rules: CompositorRules, request: ModelMessage): void {
  const surface = required(request.refs[1]);
  const parent = required(request.refs[2]);
  for (let above: ModelObject | null = parent; above !== null; above = ancestor(rules, above)) {
    if (above === surface) refuse(`${surface} would be its own ancestor`);
  }
  const state = rules.takeRole(surface, 'wl_subsurface');
  if (state.subsurface?.state === 'alive') refuse(`${surface} has a ${state.subsurface} already`);
  state.subsurface = required(request.created);
  state.parent = parent;
  rules.surfaceOf.set(state.subsurface, surface);
}

function ancestor(rules: CompositorRules, surface: ModelObject): ModelObject | null {
  const { subsurface, parent } = rules.surface(surface);
  return subsurface?.state === 'alive' ? parent : null;
}

function restack(rules: CompositorRules, request: ModelMessage): void {
  const surface = rules.surfaceOf.get(request.object);
  const sibling = required(request.refs[0]);
  if (surface?.state !== 'alive') return;
  const parent = ancestor(rules, surface);
  if (parent === null || parent.state !== 'alive') return;
  const related = sibling === parent || ancestor(rules, sibling) === parent;
  if (!related || sibling === surface) refuse(`${request.object} beside ${sibling}`);
}

function useOnce(index: number): Rule {
  return (rules, request) => {
    const source = request.refs[index] ?? null;
    if (source === null) return;
    if (rules.used.has(source)) refuse(`${source} was used already`);
    rules.used.add(source);
  };
}

function attach(rules: CompositorRules, request: ModelMessage): void {
  const moved = number(request, 1) !== 0 || number(request, 2) !== 0;
  if (moved && request.object.version >= 5) refuse('attach with an offset');
  rules.surface(request.object).pending = request.refs[0] === null ? 'null' : 'buffer';
}

function decoration(rules: CompositorRules, request: ModelMessage): void {
  once('decoration', 1)(rules, request);
  const shell = rules.shell(rules.shellOf.get(required(request.refs[1])) ?? null);
  const { hasBuffer, pending } = rules.surface(shell.surface);
  if (hasBuffer || pending === 'buffer') refuse('a decoration for a window with a buffer');
}

function destroyToplevel(rules: CompositorRules, { object }: ModelMessage): void {
  const made = rules.hanging.get(object)?.get('decoration');
  if (made?.state === 'alive') refuse(`${object} was destroyed before its ${made}`);
}

function label(prefix: string): Rule {
  return (_, request) => {
    if (!String(request.values[0]).startsWith(prefix)) refuse(`${request.message.name} without its label`);
  };
}

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['zwp_linux_buffer_params_v1.create', (rules, { object }) => void rules.asked.add(object)],
  ['wl_surface.attach', attach],
  ['wl_surface.commit', commit],
  ['wl_surface.destroy', destroySurface],
  ['wl_surface.set_buffer_scale', positive(0)],
  ['wl_pointer.set_cursor', role(1, 'cursor')],
  [
    'wl_data_device.start_drag',
    (rules, request) => {
      role(2, 'drag icon')(rules, request);
      useOnce(0)(rules, request);
    },
  ],
  ['wl_data_device.set_selection', useOnce(0)],
  ['wl_subcompositor.get_subsurface', getSubsurface],
  ['wl_subsurface.place_above', restack],
  ['wl_subsurface.place_below', restack],
  ['xdg_wm_base.get_xdg_surface', getShell],
  [
    'xdg_wm_base.pong',
    (rules, request) => {
      if (rules.pings.get(request.object)?.delete(number(request, 0)) !== true)
        refuse('a pong without its ping');
    },
  ],
  ['xdg_surface.get_toplevel', getRole('xdg_toplevel')],
  ['xdg_surface.get_popup', getPopup],
  ['xdg_surface.ack_configure', ack],
  ['xdg_surface.destroy', destroyShell],
  ['xdg_surface.set_window_geometry', positive(2, 3)],
  [
    'xdg_positioner.set_size',
    (rules, request) => {
      positive(0, 1)(rules, request);
      setPosition(rules, request);
    },
  ],
  ['xdg_positioner.set_anchor_rect', setPosition],
  ['xdg_popup.reposition', (rules, request) => complete(rules, required(request.refs[0]))],
  ['xdg_toplevel.set_parent', setParent],
  ['xdg_toplevel.destroy', destroyToplevel],
  ['xdg_toplevel.set_title', label('[fuzz]')],
  ['xdg_toplevel.set_app_id', label('fuzz')],
  ['wp_viewporter.get_viewport', once('viewport', 1)],
  ['wp_viewport.set_source', withSurface],
  ['wp_viewport.set_destination', withSurface],
  ['wp_fractional_scale_manager_v1.get_fractional_scale', once('fractional scale', 1)],
  ['wp_content_type_manager_v1.get_surface_content_type', once('content type', 1)],
  ['wp_alpha_modifier_v1.get_surface', once('alpha modifier', 1)],
  ['wp_alpha_modifier_surface_v1.set_multiplier', withSurface],
  ['wp_tearing_control_manager_v1.get_tearing_control', once('tearing control', 1)],
  ['zxdg_decoration_manager_v1.get_toplevel_decoration', decoration],
]);

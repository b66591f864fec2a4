/** What the windows use of a compositor. The first three have to be there; what is null is done without. */
import {
  type WlCompositor,
  type WlShm,
  type WlSubcompositor,
  type WpFractionalScaleManagerV1,
  type WpPresentation,
  type WpViewporter,
  wl_compositor,
  wl_shm,
  wl_subcompositor,
  wp_fractional_scale_manager_v1,
  wp_presentation,
  wp_viewporter,
  type XdgToplevelIconManagerV1,
  type XdgWmBase,
  xdg_toplevel_icon_manager_v1,
  xdg_wm_base,
  type ZwpKeyboardShortcutsInhibitManagerV1,
  type ZwpPointerConstraintsV1,
  type ZwpRelativePointerManagerV1,
  type ZxdgDecorationManagerV1,
  zwp_keyboard_shortcuts_inhibit_manager_v1,
  zwp_pointer_constraints_v1,
  zwp_relative_pointer_manager_v1,
  zxdg_decoration_manager_v1,
} from '../../protocol/generated/index.js';
import type { TypedInterface } from '../../wire/table.js';
import type { Registry } from '../registry.js';

export interface Globals {
  readonly compositor: WlCompositor;
  readonly shm: WlShm;
  readonly base: XdgWmBase;
  readonly subcompositor: WlSubcompositor | null;
  readonly viewporter: WpViewporter | null;
  readonly fractions: WpFractionalScaleManagerV1 | null;
  readonly presentation: WpPresentation | null;
  readonly decorations: ZxdgDecorationManagerV1 | null;
  readonly icons: XdgToplevelIconManagerV1 | null;
  readonly constraints: ZwpPointerConstraintsV1 | null;
  readonly relativePointers: ZwpRelativePointerManagerV1 | null;
  readonly shortcutInhibitors: ZwpKeyboardShortcutsInhibitManagerV1 | null;
}

/** The newest versions that this code was written for. wl_surface.damage_buffer needs compositor 4. */
const COMPOSITOR_VERSIONS = { min: 4, max: 6 };
const SHELL_VERSIONS = { min: 1, max: 6 };

/** WL_ERR_NO_GLOBAL when something that has to be there isn't. */
export function bindGlobals(registry: Registry): Globals {
  const optional = <T>(table: TypedInterface<T>): T | null =>
    registry.find(table) === null ? null : registry.bind(table, { max: 1 });
  const viewporter = optional(wp_viewporter);
  const globals: Globals = {
    compositor: registry.bind(wl_compositor, COMPOSITOR_VERSIONS),
    shm: registry.bind(wl_shm, { max: 1 }),
    base: registry.bind(xdg_wm_base, SHELL_VERSIONS),
    subcompositor: optional(wl_subcompositor),
    viewporter,
    // A fractional scale is only of use to who can say what size the surface has.
    fractions: viewporter === null ? null : optional(wp_fractional_scale_manager_v1),
    presentation: optional(wp_presentation),
    decorations: optional(zxdg_decoration_manager_v1),
    icons: optional(xdg_toplevel_icon_manager_v1),
    constraints: optional(zwp_pointer_constraints_v1),
    relativePointers: optional(zwp_relative_pointer_manager_v1),
    shortcutInhibitors: optional(zwp_keyboard_shortcuts_inhibit_manager_v1),
  };
  globals.base.listen({ ping: (serial) => globals.base.pong(serial) });
  return globals;
}

/**
 * Which globals a guest may see. A global that is not in this table is never announced and can't be bound, whatever
 * the policy says: what has no protocol table can't be checked, and the rest of what is missing (screen capture,
 * virtual keyboards, data control, layer shell, session lock, input methods, output management, DRM leases) hands
 * out powers over the host's desktop.
 */

export interface GlobalRule {
  /** The highest version that is announced. */
  readonly version: number;
  /** Whether it is announced unless the policy says otherwise. */
  readonly allowed: boolean;
}

const must = (version: number): GlobalRule => ({ version, allowed: true });
const may = (version: number): GlobalRule => ({ version, allowed: false });

export const GLOBAL_RULES: ReadonlyMap<string, GlobalRule> = new Map<string, GlobalRule>([
  ['wl_compositor', must(6)],
  ['wl_subcompositor', must(1)],
  ['wl_shm', must(2)],
  ['wl_seat', must(9)],
  ['wl_output', must(4)],
  ['wl_data_device_manager', must(3)],
  ['xdg_wm_base', must(6)],
  ['zxdg_decoration_manager_v1', must(1)],
  ['org_kde_kwin_server_decoration_manager', must(1)],
  ['wp_viewporter', must(1)],
  ['wp_fractional_scale_manager_v1', must(1)],
  ['wp_presentation', must(2)],
  ['wp_single_pixel_buffer_manager_v1', must(1)],
  ['wp_cursor_shape_manager_v1', must(2)],
  ['wp_content_type_manager_v1', must(1)],
  ['wp_alpha_modifier_v1', must(1)],
  ['wp_tearing_control_manager_v1', must(1)],
  // Version 6 names devices of the host in requests.
  ['zwp_linux_dmabuf_v1', must(5)],
  ['zwp_primary_selection_device_manager_v1', must(1)],
  ['zwp_relative_pointer_manager_v1', must(1)],
  ['zwp_pointer_constraints_v1', must(1)],
  ['zwp_text_input_manager_v3', must(1)],
  ['zwp_tablet_manager_v2', must(1)],
  ['zwp_pointer_gestures_v1', must(3)],
  ['zxdg_output_manager_v1', must(3)],
  ['xdg_activation_v1', must(1)],
  ['zxdg_exporter_v2', must(1)],
  ['zxdg_importer_v2', must(1)],
  // What keeps the host awake, swallows its shortcuts or shows a picture of the guest's choice in its task bar.
  ['zwp_idle_inhibit_manager_v1', may(1)],
  ['zwp_keyboard_shortcuts_inhibit_manager_v1', may(1)],
  ['xdg_toplevel_icon_manager_v1', may(1)],
]);

/** Known, and still never forwarded; the reason stands in the error when a policy asks for one. */
export const NEVER: ReadonlyMap<string, string> = new Map<string, string>([
  ['wp_security_context_manager_v1', 'a guest must not make connections with properties of its choice'],
  ['wp_linux_drm_syncobj_manager_v1', 'a guest has no DRM sync objects of the host'],
  ['wl_shell', 'deprecated: use xdg_wm_base'],
  ['wl_fixes', 'registries of the guest are not known to the compositor'],
  ['zwlr_layer_shell_v1', 'it draws over everything else'],
  ['zwlr_screencopy_manager_v1', 'it reads the screen'],
  ['ext_image_copy_capture_manager_v1', 'it reads the screen'],
  ['zwlr_export_dmabuf_manager_v1', 'it reads the screen'],
  ['zwp_virtual_keyboard_manager_v1', 'it types into other windows'],
  ['zwlr_virtual_pointer_manager_v1', 'it clicks in other windows'],
  ['zwlr_data_control_manager_v1', 'it reads the clipboard without focus'],
  ['ext_data_control_manager_v1', 'it reads the clipboard without focus'],
  ['ext_session_lock_manager_v1', 'it locks the screen'],
  ['zwp_input_method_manager_v2', 'it reads and writes what is typed elsewhere'],
  ['wp_drm_lease_device_v1', 'it takes over displays'],
  ['zwlr_output_manager_v1', 'it changes the outputs'],
  ['zwlr_output_power_manager_v1', 'it changes the outputs'],
  ['zwlr_gamma_control_manager_v1', 'it changes the outputs'],
  ['zwlr_foreign_toplevel_manager_v1', "it sees and controls others' windows"],
  ['ext_foreign_toplevel_list_v1', "it sees others' windows"],
  ['zwlr_input_inhibit_manager_v1', 'it takes all input'],
]);

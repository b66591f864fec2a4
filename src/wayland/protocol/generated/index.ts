// Made by `npm run generate:wayland`. Do not edit.

import type { InterfaceTable } from '../../wire/table.js';
import { wp_alpha_modifier_surface_v1, wp_alpha_modifier_v1 } from './alpha-modifier-v1.js';
import { wp_content_type_manager_v1, wp_content_type_v1 } from './content-type-v1.js';
import { wp_cursor_shape_device_v1, wp_cursor_shape_manager_v1 } from './cursor-shape-v1.js';
import { wp_fractional_scale_manager_v1, wp_fractional_scale_v1 } from './fractional-scale-v1.js';
import { zwp_idle_inhibit_manager_v1, zwp_idle_inhibitor_v1 } from './idle-inhibit-unstable-v1.js';
import { org_kde_kwin_server_decoration, org_kde_kwin_server_decoration_manager } from './kde-server-decoration.js';
import { zwp_keyboard_shortcuts_inhibit_manager_v1, zwp_keyboard_shortcuts_inhibitor_v1 } from './keyboard-shortcuts-inhibit-unstable-v1.js';
import { zwp_linux_buffer_params_v1, zwp_linux_dmabuf_feedback_v1, zwp_linux_dmabuf_v1 } from './linux-dmabuf-v1.js';
import { wp_linux_drm_syncobj_manager_v1, wp_linux_drm_syncobj_surface_v1, wp_linux_drm_syncobj_timeline_v1 } from './linux-drm-syncobj-v1.js';
import { zwp_confined_pointer_v1, zwp_locked_pointer_v1, zwp_pointer_constraints_v1 } from './pointer-constraints-unstable-v1.js';
import { zwp_pointer_gesture_hold_v1, zwp_pointer_gesture_pinch_v1, zwp_pointer_gesture_swipe_v1, zwp_pointer_gestures_v1 } from './pointer-gestures-unstable-v1.js';
import { wp_presentation, wp_presentation_feedback } from './presentation-time.js';
import { zwp_primary_selection_device_manager_v1, zwp_primary_selection_device_v1, zwp_primary_selection_offer_v1, zwp_primary_selection_source_v1 } from './primary-selection-unstable-v1.js';
import { zwp_relative_pointer_manager_v1, zwp_relative_pointer_v1 } from './relative-pointer-unstable-v1.js';
import { wp_security_context_manager_v1, wp_security_context_v1 } from './security-context-v1.js';
import { wp_single_pixel_buffer_manager_v1 } from './single-pixel-buffer-v1.js';
import { zwp_tablet_manager_v2, zwp_tablet_pad_dial_v2, zwp_tablet_pad_group_v2, zwp_tablet_pad_ring_v2, zwp_tablet_pad_strip_v2, zwp_tablet_pad_v2, zwp_tablet_seat_v2, zwp_tablet_tool_v2, zwp_tablet_v2 } from './tablet-v2.js';
import { wp_tearing_control_manager_v1, wp_tearing_control_v1 } from './tearing-control-v1.js';
import { zwp_text_input_manager_v3, zwp_text_input_v3 } from './text-input-unstable-v3.js';
import { vhost_window_allocation_v1, vhost_window_memory_v1 } from './vhost-window-memory-v1.js';
import { wp_viewport, wp_viewporter } from './viewporter.js';
import { wl_buffer, wl_callback, wl_compositor, wl_data_device, wl_data_device_manager, wl_data_offer, wl_data_source, wl_display, wl_fixes, wl_keyboard, wl_output, wl_pointer, wl_region, wl_registry, wl_seat, wl_shell, wl_shell_surface, wl_shm, wl_shm_pool, wl_subcompositor, wl_subsurface, wl_surface, wl_touch } from './wayland.js';
import { xdg_activation_token_v1, xdg_activation_v1 } from './xdg-activation-v1.js';
import { zxdg_decoration_manager_v1, zxdg_toplevel_decoration_v1 } from './xdg-decoration-unstable-v1.js';
import { zxdg_exported_v2, zxdg_exporter_v2, zxdg_imported_v2, zxdg_importer_v2 } from './xdg-foreign-unstable-v2.js';
import { zxdg_output_manager_v1, zxdg_output_v1 } from './xdg-output-unstable-v1.js';
import { xdg_popup, xdg_positioner, xdg_surface, xdg_toplevel, xdg_wm_base } from './xdg-shell.js';
import { xdg_toplevel_icon_manager_v1, xdg_toplevel_icon_v1 } from './xdg-toplevel-icon-v1.js';

export * from './alpha-modifier-v1.js';
export * from './content-type-v1.js';
export * from './cursor-shape-v1.js';
export * from './fractional-scale-v1.js';
export * from './idle-inhibit-unstable-v1.js';
export * from './kde-server-decoration.js';
export * from './keyboard-shortcuts-inhibit-unstable-v1.js';
export * from './linux-dmabuf-v1.js';
export * from './linux-drm-syncobj-v1.js';
export * from './pointer-constraints-unstable-v1.js';
export * from './pointer-gestures-unstable-v1.js';
export * from './presentation-time.js';
export * from './primary-selection-unstable-v1.js';
export * from './relative-pointer-unstable-v1.js';
export * from './security-context-v1.js';
export * from './single-pixel-buffer-v1.js';
export * from './tablet-v2.js';
export * from './tearing-control-v1.js';
export * from './text-input-unstable-v3.js';
export * from './vhost-window-memory-v1.js';
export * from './viewporter.js';
export * from './wayland.js';
export * from './xdg-activation-v1.js';
export * from './xdg-decoration-unstable-v1.js';
export * from './xdg-foreign-unstable-v2.js';
export * from './xdg-output-unstable-v1.js';
export * from './xdg-shell.js';
export * from './xdg-toplevel-icon-v1.js';

/** Every interface that is known, by name. */
export const INTERFACES: ReadonlyMap<string, InterfaceTable> = new Map<string, InterfaceTable>([
  ['org_kde_kwin_server_decoration', org_kde_kwin_server_decoration],
  ['org_kde_kwin_server_decoration_manager', org_kde_kwin_server_decoration_manager],
  ['vhost_window_allocation_v1', vhost_window_allocation_v1],
  ['vhost_window_memory_v1', vhost_window_memory_v1],
  ['wl_buffer', wl_buffer],
  ['wl_callback', wl_callback],
  ['wl_compositor', wl_compositor],
  ['wl_data_device', wl_data_device],
  ['wl_data_device_manager', wl_data_device_manager],
  ['wl_data_offer', wl_data_offer],
  ['wl_data_source', wl_data_source],
  ['wl_display', wl_display],
  ['wl_fixes', wl_fixes],
  ['wl_keyboard', wl_keyboard],
  ['wl_output', wl_output],
  ['wl_pointer', wl_pointer],
  ['wl_region', wl_region],
  ['wl_registry', wl_registry],
  ['wl_seat', wl_seat],
  ['wl_shell', wl_shell],
  ['wl_shell_surface', wl_shell_surface],
  ['wl_shm', wl_shm],
  ['wl_shm_pool', wl_shm_pool],
  ['wl_subcompositor', wl_subcompositor],
  ['wl_subsurface', wl_subsurface],
  ['wl_surface', wl_surface],
  ['wl_touch', wl_touch],
  ['wp_alpha_modifier_surface_v1', wp_alpha_modifier_surface_v1],
  ['wp_alpha_modifier_v1', wp_alpha_modifier_v1],
  ['wp_content_type_manager_v1', wp_content_type_manager_v1],
  ['wp_content_type_v1', wp_content_type_v1],
  ['wp_cursor_shape_device_v1', wp_cursor_shape_device_v1],
  ['wp_cursor_shape_manager_v1', wp_cursor_shape_manager_v1],
  ['wp_fractional_scale_manager_v1', wp_fractional_scale_manager_v1],
  ['wp_fractional_scale_v1', wp_fractional_scale_v1],
  ['wp_linux_drm_syncobj_manager_v1', wp_linux_drm_syncobj_manager_v1],
  ['wp_linux_drm_syncobj_surface_v1', wp_linux_drm_syncobj_surface_v1],
  ['wp_linux_drm_syncobj_timeline_v1', wp_linux_drm_syncobj_timeline_v1],
  ['wp_presentation', wp_presentation],
  ['wp_presentation_feedback', wp_presentation_feedback],
  ['wp_security_context_manager_v1', wp_security_context_manager_v1],
  ['wp_security_context_v1', wp_security_context_v1],
  ['wp_single_pixel_buffer_manager_v1', wp_single_pixel_buffer_manager_v1],
  ['wp_tearing_control_manager_v1', wp_tearing_control_manager_v1],
  ['wp_tearing_control_v1', wp_tearing_control_v1],
  ['wp_viewport', wp_viewport],
  ['wp_viewporter', wp_viewporter],
  ['xdg_activation_token_v1', xdg_activation_token_v1],
  ['xdg_activation_v1', xdg_activation_v1],
  ['xdg_popup', xdg_popup],
  ['xdg_positioner', xdg_positioner],
  ['xdg_surface', xdg_surface],
  ['xdg_toplevel', xdg_toplevel],
  ['xdg_toplevel_icon_manager_v1', xdg_toplevel_icon_manager_v1],
  ['xdg_toplevel_icon_v1', xdg_toplevel_icon_v1],
  ['xdg_wm_base', xdg_wm_base],
  ['zwp_confined_pointer_v1', zwp_confined_pointer_v1],
  ['zwp_idle_inhibit_manager_v1', zwp_idle_inhibit_manager_v1],
  ['zwp_idle_inhibitor_v1', zwp_idle_inhibitor_v1],
  ['zwp_keyboard_shortcuts_inhibit_manager_v1', zwp_keyboard_shortcuts_inhibit_manager_v1],
  ['zwp_keyboard_shortcuts_inhibitor_v1', zwp_keyboard_shortcuts_inhibitor_v1],
  ['zwp_linux_buffer_params_v1', zwp_linux_buffer_params_v1],
  ['zwp_linux_dmabuf_feedback_v1', zwp_linux_dmabuf_feedback_v1],
  ['zwp_linux_dmabuf_v1', zwp_linux_dmabuf_v1],
  ['zwp_locked_pointer_v1', zwp_locked_pointer_v1],
  ['zwp_pointer_constraints_v1', zwp_pointer_constraints_v1],
  ['zwp_pointer_gesture_hold_v1', zwp_pointer_gesture_hold_v1],
  ['zwp_pointer_gesture_pinch_v1', zwp_pointer_gesture_pinch_v1],
  ['zwp_pointer_gesture_swipe_v1', zwp_pointer_gesture_swipe_v1],
  ['zwp_pointer_gestures_v1', zwp_pointer_gestures_v1],
  ['zwp_primary_selection_device_manager_v1', zwp_primary_selection_device_manager_v1],
  ['zwp_primary_selection_device_v1', zwp_primary_selection_device_v1],
  ['zwp_primary_selection_offer_v1', zwp_primary_selection_offer_v1],
  ['zwp_primary_selection_source_v1', zwp_primary_selection_source_v1],
  ['zwp_relative_pointer_manager_v1', zwp_relative_pointer_manager_v1],
  ['zwp_relative_pointer_v1', zwp_relative_pointer_v1],
  ['zwp_tablet_manager_v2', zwp_tablet_manager_v2],
  ['zwp_tablet_pad_dial_v2', zwp_tablet_pad_dial_v2],
  ['zwp_tablet_pad_group_v2', zwp_tablet_pad_group_v2],
  ['zwp_tablet_pad_ring_v2', zwp_tablet_pad_ring_v2],
  ['zwp_tablet_pad_strip_v2', zwp_tablet_pad_strip_v2],
  ['zwp_tablet_pad_v2', zwp_tablet_pad_v2],
  ['zwp_tablet_seat_v2', zwp_tablet_seat_v2],
  ['zwp_tablet_tool_v2', zwp_tablet_tool_v2],
  ['zwp_tablet_v2', zwp_tablet_v2],
  ['zwp_text_input_manager_v3', zwp_text_input_manager_v3],
  ['zwp_text_input_v3', zwp_text_input_v3],
  ['zxdg_decoration_manager_v1', zxdg_decoration_manager_v1],
  ['zxdg_exported_v2', zxdg_exported_v2],
  ['zxdg_exporter_v2', zxdg_exporter_v2],
  ['zxdg_imported_v2', zxdg_imported_v2],
  ['zxdg_importer_v2', zxdg_importer_v2],
  ['zxdg_output_manager_v1', zxdg_output_manager_v1],
  ['zxdg_output_v1', zxdg_output_v1],
  ['zxdg_toplevel_decoration_v1', zxdg_toplevel_decoration_v1],
]);

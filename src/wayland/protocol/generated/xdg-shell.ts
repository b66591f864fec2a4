// Made from ../xml/xdg-shell.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2008-2013 Kristian Høgsberg
// Copyright © 2013      Rafael Antognolli
// Copyright © 2013      Jasper St. Pierre
// Copyright © 2010-2013 Intel Corporation
// Copyright © 2015-2017 Samsung Electronics Co., Ltd
// Copyright © 2015-2017 Red Hat Inc.
//
// Permission is hereby granted, free of charge, to any person obtaining a
// copy of this software and associated documentation files (the "Software"),
// to deal in the Software without restriction, including without limitation
// the rights to use, copy, modify, merge, publish, distribute, sublicense,
// and/or sell copies of the Software, and to permit persons to whom the
// Software is furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice (including the next
// paragraph) shall be included in all copies or substantial portions of the
// Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.  IN NO EVENT SHALL
// THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
// DEALINGS IN THE SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlOutput, WlSeat, WlSurface } from './wayland.js';

export const XdgWmBaseError = {
  /** given wl_surface has another role */
  role: 0,
  /** xdg_wm_base was destroyed before children */
  defunct_surfaces: 1,
  /** the client tried to map or destroy a non-topmost popup */
  not_the_topmost_popup: 2,
  /** the client specified an invalid popup parent surface */
  invalid_popup_parent: 3,
  /** the client provided an invalid surface state */
  invalid_surface_state: 4,
  /** the client provided an invalid positioner */
  invalid_positioner: 5,
  /** the client didn’t respond to a ping event in time */
  unresponsive: 6,
} as const;

export interface XdgWmBaseRequests {
  /** destroy xdg_wm_base. The object is gone after it. */
  destroy(): void;
  /** create a positioner object */
  createPositioner(): XdgPositioner;
  /** create a shell surface from a surface */
  getXdgSurface(surface: WlSurface): XdgSurface;
  /** respond to a ping event */
  pong(serial: number): void;
}

export interface XdgWmBaseEvents {
  /** check if the client is alive */
  ping(serial: number): void;
}

/** create desktop-style surfaces */
export interface XdgWmBase extends WaylandObject<'xdg_wm_base', XdgWmBaseEvents>, XdgWmBaseRequests {}

export const xdg_wm_base: TypedInterface<XdgWmBase> = {
  name: 'xdg_wm_base',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_positioner', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_positioner' }] },
    { name: 'get_xdg_surface', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_surface' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'pong', opcode: 3, since: 1, args: [{ name: 'serial', type: 'uint' }] },
  ],
  events: [
    { name: 'ping', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'role', value: 0, since: 1 },
      { name: 'defunct_surfaces', value: 1, since: 1 },
      { name: 'not_the_topmost_popup', value: 2, since: 1 },
      { name: 'invalid_popup_parent', value: 3, since: 1 },
      { name: 'invalid_surface_state', value: 4, since: 1 },
      { name: 'invalid_positioner', value: 5, since: 1 },
      { name: 'unresponsive', value: 6, since: 1 },
    ] },
  ],
};

export const XdgPositionerError = {
  /** invalid input provided */
  invalid_input: 0,
} as const;

export const XdgPositionerAnchor = {
  none: 0,
  top: 1,
  bottom: 2,
  left: 3,
  right: 4,
  top_left: 5,
  bottom_left: 6,
  top_right: 7,
  bottom_right: 8,
} as const;

export const XdgPositionerGravity = {
  none: 0,
  top: 1,
  bottom: 2,
  left: 3,
  right: 4,
  top_left: 5,
  bottom_left: 6,
  top_right: 7,
  bottom_right: 8,
} as const;

/** constraint adjustments. Bits. */
export const XdgPositionerConstraintAdjustment = {
  none: 0,
  slide_x: 1,
  slide_y: 2,
  flip_x: 4,
  flip_y: 8,
  resize_x: 16,
  resize_y: 32,
} as const;

export interface XdgPositionerRequests {
  /** destroy the xdg_positioner object. The object is gone after it. */
  destroy(): void;
  /** set the size of the to-be positioned rectangle */
  setSize(width: number, height: number): void;
  /** set the anchor rectangle within the parent surface */
  setAnchorRect(x: number, y: number, width: number, height: number): void;
  /** set anchor rectangle anchor */
  setAnchor(anchor: number): void;
  /** set child surface gravity */
  setGravity(gravity: number): void;
  /** set the adjustment to be done when constrained */
  setConstraintAdjustment(constraintAdjustment: number): void;
  /** set surface position offset */
  setOffset(x: number, y: number): void;
  /** continuously reconstrain the surface. Since version 3. */
  setReactive(): void;
  /** set parent size. Since version 3. */
  setParentSize(parentWidth: number, parentHeight: number): void;
  /** set parent configure this is a response to. Since version 3. */
  setParentConfigure(serial: number): void;
}

export interface XdgPositionerEvents {
}

/** child surface positioner */
export interface XdgPositioner extends WaylandObject<'xdg_positioner', XdgPositionerEvents>, XdgPositionerRequests {}

export const xdg_positioner: TypedInterface<XdgPositioner> = {
  name: 'xdg_positioner',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_size', opcode: 1, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'set_anchor_rect', opcode: 2, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'set_anchor', opcode: 3, since: 1, args: [{ name: 'anchor', type: 'uint', enum: 'xdg_positioner.anchor' }] },
    { name: 'set_gravity', opcode: 4, since: 1, args: [{ name: 'gravity', type: 'uint', enum: 'xdg_positioner.gravity' }] },
    { name: 'set_constraint_adjustment', opcode: 5, since: 1, args: [{ name: 'constraint_adjustment', type: 'uint', enum: 'xdg_positioner.constraint_adjustment' }] },
    { name: 'set_offset', opcode: 6, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'set_reactive', opcode: 7, since: 3, args: [] },
    { name: 'set_parent_size', opcode: 8, since: 3, args: [{ name: 'parent_width', type: 'int' }, { name: 'parent_height', type: 'int' }] },
    { name: 'set_parent_configure', opcode: 9, since: 3, args: [{ name: 'serial', type: 'uint' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_input', value: 0, since: 1 },
    ] },
    { name: 'anchor', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'top', value: 1, since: 1 },
      { name: 'bottom', value: 2, since: 1 },
      { name: 'left', value: 3, since: 1 },
      { name: 'right', value: 4, since: 1 },
      { name: 'top_left', value: 5, since: 1 },
      { name: 'bottom_left', value: 6, since: 1 },
      { name: 'top_right', value: 7, since: 1 },
      { name: 'bottom_right', value: 8, since: 1 },
    ] },
    { name: 'gravity', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'top', value: 1, since: 1 },
      { name: 'bottom', value: 2, since: 1 },
      { name: 'left', value: 3, since: 1 },
      { name: 'right', value: 4, since: 1 },
      { name: 'top_left', value: 5, since: 1 },
      { name: 'bottom_left', value: 6, since: 1 },
      { name: 'top_right', value: 7, since: 1 },
      { name: 'bottom_right', value: 8, since: 1 },
    ] },
    { name: 'constraint_adjustment', since: 1, bitfield: true, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'slide_x', value: 1, since: 1 },
      { name: 'slide_y', value: 2, since: 1 },
      { name: 'flip_x', value: 4, since: 1 },
      { name: 'flip_y', value: 8, since: 1 },
      { name: 'resize_x', value: 16, since: 1 },
      { name: 'resize_y', value: 32, since: 1 },
    ] },
  ],
};

export const XdgSurfaceError = {
  /** Surface was not fully constructed */
  not_constructed: 1,
  /** Surface was already constructed */
  already_constructed: 2,
  /** Attaching a buffer to an unconfigured surface */
  unconfigured_buffer: 3,
  /** Invalid serial number when acking a configure event */
  invalid_serial: 4,
  /** Width or height was zero or negative */
  invalid_size: 5,
  /** Surface was destroyed before its role object */
  defunct_role_object: 6,
} as const;

export interface XdgSurfaceRequests {
  /** destroy the xdg_surface. The object is gone after it. */
  destroy(): void;
  /** assign the xdg_toplevel surface role */
  getToplevel(): XdgToplevel;
  /** assign the xdg_popup surface role */
  getPopup(parent: XdgSurface | null, positioner: XdgPositioner): XdgPopup;
  /** set the new window geometry */
  setWindowGeometry(x: number, y: number, width: number, height: number): void;
  /** ack a configure event */
  ackConfigure(serial: number): void;
}

export interface XdgSurfaceEvents {
  /** suggest a surface change */
  configure(serial: number): void;
}

/** desktop user interface surface base interface */
export interface XdgSurface extends WaylandObject<'xdg_surface', XdgSurfaceEvents>, XdgSurfaceRequests {}

export const xdg_surface: TypedInterface<XdgSurface> = {
  name: 'xdg_surface',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_toplevel', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_toplevel' }] },
    { name: 'get_popup', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_popup' }, { name: 'parent', type: 'object', interface: 'xdg_surface', nullable: true }, { name: 'positioner', type: 'object', interface: 'xdg_positioner' }] },
    { name: 'set_window_geometry', opcode: 3, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'ack_configure', opcode: 4, since: 1, args: [{ name: 'serial', type: 'uint' }] },
  ],
  events: [
    { name: 'configure', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'not_constructed', value: 1, since: 1 },
      { name: 'already_constructed', value: 2, since: 1 },
      { name: 'unconfigured_buffer', value: 3, since: 1 },
      { name: 'invalid_serial', value: 4, since: 1 },
      { name: 'invalid_size', value: 5, since: 1 },
      { name: 'defunct_role_object', value: 6, since: 1 },
    ] },
  ],
};

export const XdgToplevelError = {
  /** provided value is not a valid variant of the resize_edge enum */
  invalid_resize_edge: 0,
  /** invalid parent toplevel */
  invalid_parent: 1,
  /** client provided an invalid min or max size */
  invalid_size: 2,
} as const;

/** edge values for resizing */
export const XdgToplevelResizeEdge = {
  none: 0,
  top: 1,
  bottom: 2,
  left: 4,
  top_left: 5,
  bottom_left: 6,
  right: 8,
  top_right: 9,
  bottom_right: 10,
} as const;

/** types of state on the surface */
export const XdgToplevelState = {
  /** the surface is maximized */
  maximized: 1,
  /** the surface is fullscreen */
  fullscreen: 2,
  /** the surface is being resized */
  resizing: 3,
  /** the surface is now activated */
  activated: 4,
  /** Since version 2. */
  tiled_left: 5,
  /** Since version 2. */
  tiled_right: 6,
  /** Since version 2. */
  tiled_top: 7,
  /** Since version 2. */
  tiled_bottom: 8,
  /** Since version 6. */
  suspended: 9,
  /** Since version 7. */
  constrained_left: 10,
  /** Since version 7. */
  constrained_right: 11,
  /** Since version 7. */
  constrained_top: 12,
  /** Since version 7. */
  constrained_bottom: 13,
} as const;

export const XdgToplevelWmCapabilities = {
  /** show_window_menu is available */
  window_menu: 1,
  /** set_maximized and unset_maximized are available */
  maximize: 2,
  /** set_fullscreen and unset_fullscreen are available */
  fullscreen: 3,
  /** set_minimized is available */
  minimize: 4,
} as const;

export interface XdgToplevelRequests {
  /** destroy the xdg_toplevel. The object is gone after it. */
  destroy(): void;
  /** set the parent of this surface */
  setParent(parent: XdgToplevel | null): void;
  /** set surface title */
  setTitle(title: string): void;
  /** set application ID */
  setAppId(appId: string): void;
  /** show the window menu */
  showWindowMenu(seat: WlSeat, serial: number, x: number, y: number): void;
  /** start an interactive move */
  move(seat: WlSeat, serial: number): void;
  /** start an interactive resize */
  resize(seat: WlSeat, serial: number, edges: number): void;
  /** set the maximum size */
  setMaxSize(width: number, height: number): void;
  /** set the minimum size */
  setMinSize(width: number, height: number): void;
  /** maximize the window */
  setMaximized(): void;
  /** unmaximize the window */
  unsetMaximized(): void;
  /** set the window as fullscreen on an output */
  setFullscreen(output: WlOutput | null): void;
  /** unset the window as fullscreen */
  unsetFullscreen(): void;
  /** set the window as minimized */
  setMinimized(): void;
}

export interface XdgToplevelEvents {
  /** suggest a surface change */
  configure(width: number, height: number, states: Uint8Array): void;
  /** surface wants to be closed */
  close(): void;
  /** recommended window geometry bounds. Since version 4. */
  configureBounds(width: number, height: number): void;
  /** compositor capabilities. Since version 5. */
  wmCapabilities(capabilities: Uint8Array): void;
}

/** toplevel surface */
export interface XdgToplevel extends WaylandObject<'xdg_toplevel', XdgToplevelEvents>, XdgToplevelRequests {}

export const xdg_toplevel: TypedInterface<XdgToplevel> = {
  name: 'xdg_toplevel',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_parent', opcode: 1, since: 1, args: [{ name: 'parent', type: 'object', interface: 'xdg_toplevel', nullable: true }] },
    { name: 'set_title', opcode: 2, since: 1, args: [{ name: 'title', type: 'string' }] },
    { name: 'set_app_id', opcode: 3, since: 1, args: [{ name: 'app_id', type: 'string' }] },
    { name: 'show_window_menu', opcode: 4, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }, { name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'move', opcode: 5, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }] },
    { name: 'resize', opcode: 6, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }, { name: 'edges', type: 'uint', enum: 'xdg_toplevel.resize_edge' }] },
    { name: 'set_max_size', opcode: 7, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'set_min_size', opcode: 8, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'set_maximized', opcode: 9, since: 1, args: [] },
    { name: 'unset_maximized', opcode: 10, since: 1, args: [] },
    { name: 'set_fullscreen', opcode: 11, since: 1, args: [{ name: 'output', type: 'object', interface: 'wl_output', nullable: true }] },
    { name: 'unset_fullscreen', opcode: 12, since: 1, args: [] },
    { name: 'set_minimized', opcode: 13, since: 1, args: [] },
  ],
  events: [
    { name: 'configure', opcode: 0, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'states', type: 'array' }] },
    { name: 'close', opcode: 1, since: 1, args: [] },
    { name: 'configure_bounds', opcode: 2, since: 4, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'wm_capabilities', opcode: 3, since: 5, args: [{ name: 'capabilities', type: 'array' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_resize_edge', value: 0, since: 1 },
      { name: 'invalid_parent', value: 1, since: 1 },
      { name: 'invalid_size', value: 2, since: 1 },
    ] },
    { name: 'resize_edge', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'top', value: 1, since: 1 },
      { name: 'bottom', value: 2, since: 1 },
      { name: 'left', value: 4, since: 1 },
      { name: 'top_left', value: 5, since: 1 },
      { name: 'bottom_left', value: 6, since: 1 },
      { name: 'right', value: 8, since: 1 },
      { name: 'top_right', value: 9, since: 1 },
      { name: 'bottom_right', value: 10, since: 1 },
    ] },
    { name: 'state', since: 1, bitfield: false, entries: [
      { name: 'maximized', value: 1, since: 1 },
      { name: 'fullscreen', value: 2, since: 1 },
      { name: 'resizing', value: 3, since: 1 },
      { name: 'activated', value: 4, since: 1 },
      { name: 'tiled_left', value: 5, since: 2 },
      { name: 'tiled_right', value: 6, since: 2 },
      { name: 'tiled_top', value: 7, since: 2 },
      { name: 'tiled_bottom', value: 8, since: 2 },
      { name: 'suspended', value: 9, since: 6 },
      { name: 'constrained_left', value: 10, since: 7 },
      { name: 'constrained_right', value: 11, since: 7 },
      { name: 'constrained_top', value: 12, since: 7 },
      { name: 'constrained_bottom', value: 13, since: 7 },
    ] },
    { name: 'wm_capabilities', since: 5, bitfield: false, entries: [
      { name: 'window_menu', value: 1, since: 5 },
      { name: 'maximize', value: 2, since: 5 },
      { name: 'fullscreen', value: 3, since: 5 },
      { name: 'minimize', value: 4, since: 5 },
    ] },
  ],
};

export const XdgPopupError = {
  /** tried to grab after being mapped */
  invalid_grab: 0,
} as const;

export interface XdgPopupRequests {
  /** remove xdg_popup interface. The object is gone after it. */
  destroy(): void;
  /** make the popup take an explicit grab */
  grab(seat: WlSeat, serial: number): void;
  /** recalculate the popup's location. Since version 3. */
  reposition(positioner: XdgPositioner, token: number): void;
}

export interface XdgPopupEvents {
  /** configure the popup surface */
  configure(x: number, y: number, width: number, height: number): void;
  /** popup interaction is done */
  popupDone(): void;
  /** signal the completion of a repositioned request. Since version 3. */
  repositioned(token: number): void;
}

/** short-lived, popup surfaces for menus */
export interface XdgPopup extends WaylandObject<'xdg_popup', XdgPopupEvents>, XdgPopupRequests {}

export const xdg_popup: TypedInterface<XdgPopup> = {
  name: 'xdg_popup',
  version: 7,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'grab', opcode: 1, since: 1, args: [{ name: 'seat', type: 'object', interface: 'wl_seat' }, { name: 'serial', type: 'uint' }] },
    { name: 'reposition', opcode: 2, since: 3, args: [{ name: 'positioner', type: 'object', interface: 'xdg_positioner' }, { name: 'token', type: 'uint' }] },
  ],
  events: [
    { name: 'configure', opcode: 0, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'popup_done', opcode: 1, since: 1, args: [] },
    { name: 'repositioned', opcode: 2, since: 3, args: [{ name: 'token', type: 'uint' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_grab', value: 0, since: 1 },
    ] },
  ],
};

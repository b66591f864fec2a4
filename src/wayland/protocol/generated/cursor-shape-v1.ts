// Made from ../xml/cursor-shape-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright 2018 The Chromium Authors
// Copyright 2023 Simon Ser
//
// Permission is hereby granted, free of charge, to any person obtaining a
// copy of this software and associated documentation files (the "Software"),
// to deal in the Software without restriction, including without limitation
// the rights to use, copy, modify, merge, publish, distribute, sublicense,
// and/or sell copies of the Software, and to permit persons to whom the
// Software is furnished to do so, subject to the following conditions:
// The above copyright notice and this permission notice (including the next
// paragraph) shall be included in all copies or substantial portions of the
// Software.
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
// THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
// DEALINGS IN THE SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { ZwpTabletToolV2 } from './tablet-v2.js';
import type { WlPointer } from './wayland.js';

export interface WpCursorShapeManagerV1Requests {
  /** destroy the manager. The object is gone after it. */
  destroy(): void;
  /** manage the cursor shape of a pointer device */
  getPointer(pointer: WlPointer): WpCursorShapeDeviceV1;
  /** manage the cursor shape of a tablet tool device */
  getTabletToolV2(tabletTool: ZwpTabletToolV2): WpCursorShapeDeviceV1;
}

export interface WpCursorShapeManagerV1Events {
}

/** cursor shape manager */
export interface WpCursorShapeManagerV1 extends WaylandObject<'wp_cursor_shape_manager_v1', WpCursorShapeManagerV1Events>, WpCursorShapeManagerV1Requests {}

export const wp_cursor_shape_manager_v1: TypedInterface<WpCursorShapeManagerV1> = {
  name: 'wp_cursor_shape_manager_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_pointer', opcode: 1, since: 1, args: [{ name: 'cursor_shape_device', type: 'new_id', interface: 'wp_cursor_shape_device_v1' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }] },
    { name: 'get_tablet_tool_v2', opcode: 2, since: 1, args: [{ name: 'cursor_shape_device', type: 'new_id', interface: 'wp_cursor_shape_device_v1' }, { name: 'tablet_tool', type: 'object', interface: 'zwp_tablet_tool_v2' }] },
  ],
  events: [],
  enums: [],
};

/** cursor shapes */
export const WpCursorShapeDeviceV1Shape = {
  /** default cursor */
  default: 1,
  /** a context menu is available for the object under the cursor */
  context_menu: 2,
  /** help is available for the object under the cursor */
  help: 3,
  /** pointer that indicates a link or another interactive element */
  pointer: 4,
  /** progress indicator */
  progress: 5,
  /** program is busy, user should wait */
  wait: 6,
  /** a cell or set of cells may be selected */
  cell: 7,
  /** simple crosshair */
  crosshair: 8,
  /** text may be selected */
  text: 9,
  /** vertical text may be selected */
  vertical_text: 10,
  /** drag-and-drop: alias of/shortcut to something is to be created */
  alias: 11,
  /** drag-and-drop: something is to be copied */
  copy: 12,
  /** drag-and-drop: something is to be moved */
  move: 13,
  /** drag-and-drop: the dragged item cannot be dropped at the current cursor location */
  no_drop: 14,
  /** drag-and-drop: the requested action will not be carried out */
  not_allowed: 15,
  /** drag-and-drop: something can be grabbed */
  grab: 16,
  /** drag-and-drop: something is being grabbed */
  grabbing: 17,
  /** resizing: the east border is to be moved */
  e_resize: 18,
  /** resizing: the north border is to be moved */
  n_resize: 19,
  /** resizing: the north-east corner is to be moved */
  ne_resize: 20,
  /** resizing: the north-west corner is to be moved */
  nw_resize: 21,
  /** resizing: the south border is to be moved */
  s_resize: 22,
  /** resizing: the south-east corner is to be moved */
  se_resize: 23,
  /** resizing: the south-west corner is to be moved */
  sw_resize: 24,
  /** resizing: the west border is to be moved */
  w_resize: 25,
  /** resizing: the east and west borders are to be moved */
  ew_resize: 26,
  /** resizing: the north and south borders are to be moved */
  ns_resize: 27,
  /** resizing: the north-east and south-west corners are to be moved */
  nesw_resize: 28,
  /** resizing: the north-west and south-east corners are to be moved */
  nwse_resize: 29,
  /** resizing: that the item/column can be resized horizontally */
  col_resize: 30,
  /** resizing: that the item/row can be resized vertically */
  row_resize: 31,
  /** something can be scrolled in any direction */
  all_scroll: 32,
  /** something can be zoomed in */
  zoom_in: 33,
  /** something can be zoomed out */
  zoom_out: 34,
  /** drag-and-drop: the user will select which action will be carried out (non-css value). Since version 2. */
  dnd_ask: 35,
  /** resizing: something can be moved or resized in any direction (non-css value). Since version 2. */
  all_resize: 36,
} as const;

export const WpCursorShapeDeviceV1Error = {
  /** the specified shape value is invalid */
  invalid_shape: 1,
} as const;

export interface WpCursorShapeDeviceV1Requests {
  /** destroy the cursor shape device. The object is gone after it. */
  destroy(): void;
  /** set device cursor to the shape */
  setShape(serial: number, shape: number): void;
}

export interface WpCursorShapeDeviceV1Events {
}

/** cursor shape for a device */
export interface WpCursorShapeDeviceV1 extends WaylandObject<'wp_cursor_shape_device_v1', WpCursorShapeDeviceV1Events>, WpCursorShapeDeviceV1Requests {}

export const wp_cursor_shape_device_v1: TypedInterface<WpCursorShapeDeviceV1> = {
  name: 'wp_cursor_shape_device_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_shape', opcode: 1, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'shape', type: 'uint', enum: 'wp_cursor_shape_device_v1.shape' }] },
  ],
  events: [],
  enums: [
    { name: 'shape', since: 1, bitfield: false, entries: [
      { name: 'default', value: 1, since: 1 },
      { name: 'context_menu', value: 2, since: 1 },
      { name: 'help', value: 3, since: 1 },
      { name: 'pointer', value: 4, since: 1 },
      { name: 'progress', value: 5, since: 1 },
      { name: 'wait', value: 6, since: 1 },
      { name: 'cell', value: 7, since: 1 },
      { name: 'crosshair', value: 8, since: 1 },
      { name: 'text', value: 9, since: 1 },
      { name: 'vertical_text', value: 10, since: 1 },
      { name: 'alias', value: 11, since: 1 },
      { name: 'copy', value: 12, since: 1 },
      { name: 'move', value: 13, since: 1 },
      { name: 'no_drop', value: 14, since: 1 },
      { name: 'not_allowed', value: 15, since: 1 },
      { name: 'grab', value: 16, since: 1 },
      { name: 'grabbing', value: 17, since: 1 },
      { name: 'e_resize', value: 18, since: 1 },
      { name: 'n_resize', value: 19, since: 1 },
      { name: 'ne_resize', value: 20, since: 1 },
      { name: 'nw_resize', value: 21, since: 1 },
      { name: 's_resize', value: 22, since: 1 },
      { name: 'se_resize', value: 23, since: 1 },
      { name: 'sw_resize', value: 24, since: 1 },
      { name: 'w_resize', value: 25, since: 1 },
      { name: 'ew_resize', value: 26, since: 1 },
      { name: 'ns_resize', value: 27, since: 1 },
      { name: 'nesw_resize', value: 28, since: 1 },
      { name: 'nwse_resize', value: 29, since: 1 },
      { name: 'col_resize', value: 30, since: 1 },
      { name: 'row_resize', value: 31, since: 1 },
      { name: 'all_scroll', value: 32, since: 1 },
      { name: 'zoom_in', value: 33, since: 1 },
      { name: 'zoom_out', value: 34, since: 1 },
      { name: 'dnd_ask', value: 35, since: 2 },
      { name: 'all_resize', value: 36, since: 2 },
    ] },
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_shape', value: 1, since: 1 },
    ] },
  ],
};

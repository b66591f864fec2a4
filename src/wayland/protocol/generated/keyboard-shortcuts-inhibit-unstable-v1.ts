// Made from ../xml/keyboard-shortcuts-inhibit-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2017 Red Hat Inc.
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
import type { WlSeat, WlSurface } from './wayland.js';

export const ZwpKeyboardShortcutsInhibitManagerV1Error = {
  /** the shortcuts are already inhibited for this surface */
  already_inhibited: 0,
} as const;

export interface ZwpKeyboardShortcutsInhibitManagerV1Requests {
  /** destroy the keyboard shortcuts inhibitor object. The object is gone after it. */
  destroy(): void;
  /** create a new keyboard shortcuts inhibitor object */
  inhibitShortcuts(surface: WlSurface, seat: WlSeat): ZwpKeyboardShortcutsInhibitorV1;
}

export interface ZwpKeyboardShortcutsInhibitManagerV1Events {
}

/** context object for keyboard grab_manager */
export interface ZwpKeyboardShortcutsInhibitManagerV1 extends WaylandObject<'zwp_keyboard_shortcuts_inhibit_manager_v1', ZwpKeyboardShortcutsInhibitManagerV1Events>, ZwpKeyboardShortcutsInhibitManagerV1Requests {}

export const zwp_keyboard_shortcuts_inhibit_manager_v1: TypedInterface<ZwpKeyboardShortcutsInhibitManagerV1> = {
  name: 'zwp_keyboard_shortcuts_inhibit_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'inhibit_shortcuts', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_keyboard_shortcuts_inhibitor_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_inhibited', value: 0, since: 1 },
    ] },
  ],
};

export interface ZwpKeyboardShortcutsInhibitorV1Requests {
  /** destroy the keyboard shortcuts inhibitor object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpKeyboardShortcutsInhibitorV1Events {
  /** shortcuts are inhibited */
  active(): void;
  /** shortcuts are restored */
  inactive(): void;
}

/** context object for keyboard shortcuts inhibitor */
export interface ZwpKeyboardShortcutsInhibitorV1 extends WaylandObject<'zwp_keyboard_shortcuts_inhibitor_v1', ZwpKeyboardShortcutsInhibitorV1Events>, ZwpKeyboardShortcutsInhibitorV1Requests {}

export const zwp_keyboard_shortcuts_inhibitor_v1: TypedInterface<ZwpKeyboardShortcutsInhibitorV1> = {
  name: 'zwp_keyboard_shortcuts_inhibitor_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'active', opcode: 0, since: 1, args: [] },
    { name: 'inactive', opcode: 1, since: 1, args: [] },
  ],
  enums: [],
};

// Made from ../xml/xdg-toplevel-icon-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2023-2024 Matthias Klumpp
// Copyright ©      2024 David Edmundson
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
import type { WlBuffer } from './wayland.js';
import type { XdgToplevel } from './xdg-shell.js';

export interface XdgToplevelIconManagerV1Requests {
  /** destroy the toplevel icon manager. The object is gone after it. */
  destroy(): void;
  /** create a new icon instance */
  createIcon(): XdgToplevelIconV1;
  /** set an icon on a toplevel window */
  setIcon(toplevel: XdgToplevel, icon: XdgToplevelIconV1 | null): void;
}

export interface XdgToplevelIconManagerV1Events {
  /** describes a supported & preferred icon size */
  iconSize(size: number): void;
  /** all information has been sent */
  done(): void;
}

/** interface to manage toplevel icons */
export interface XdgToplevelIconManagerV1 extends WaylandObject<'xdg_toplevel_icon_manager_v1', XdgToplevelIconManagerV1Events>, XdgToplevelIconManagerV1Requests {}

export const xdg_toplevel_icon_manager_v1: TypedInterface<XdgToplevelIconManagerV1> = {
  name: 'xdg_toplevel_icon_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_icon', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_toplevel_icon_v1' }] },
    { name: 'set_icon', opcode: 2, since: 1, args: [{ name: 'toplevel', type: 'object', interface: 'xdg_toplevel' }, { name: 'icon', type: 'object', interface: 'xdg_toplevel_icon_v1', nullable: true }] },
  ],
  events: [
    { name: 'icon_size', opcode: 0, since: 1, args: [{ name: 'size', type: 'int' }] },
    { name: 'done', opcode: 1, since: 1, args: [] },
  ],
  enums: [],
};

export const XdgToplevelIconV1Error = {
  /** the provided buffer does not satisfy requirements */
  invalid_buffer: 1,
  /** the icon has already been assigned to a toplevel and must not be changed */
  immutable: 2,
  /** the provided buffer has been destroyed before the toplevel icon */
  no_buffer: 3,
} as const;

export interface XdgToplevelIconV1Requests {
  /** destroy the icon object. The object is gone after it. */
  destroy(): void;
  /** set an icon name */
  setName(iconName: string): void;
  /** add icon data from a pixel buffer */
  addBuffer(buffer: WlBuffer, scale: number): void;
}

export interface XdgToplevelIconV1Events {
}

/** a toplevel window icon */
export interface XdgToplevelIconV1 extends WaylandObject<'xdg_toplevel_icon_v1', XdgToplevelIconV1Events>, XdgToplevelIconV1Requests {}

export const xdg_toplevel_icon_v1: TypedInterface<XdgToplevelIconV1> = {
  name: 'xdg_toplevel_icon_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_name', opcode: 1, since: 1, args: [{ name: 'icon_name', type: 'string' }] },
    { name: 'add_buffer', opcode: 2, since: 1, args: [{ name: 'buffer', type: 'object', interface: 'wl_buffer' }, { name: 'scale', type: 'int' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_buffer', value: 1, since: 1 },
      { name: 'immutable', value: 2, since: 1 },
      { name: 'no_buffer', value: 3, since: 1 },
    ] },
  ],
};

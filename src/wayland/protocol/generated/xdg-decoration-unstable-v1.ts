// Made from ../xml/xdg-decoration-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2018 Simon Ser
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
import type { XdgToplevel } from './xdg-shell.js';

export interface ZxdgDecorationManagerV1Requests {
  /** destroy the decoration manager object. The object is gone after it. */
  destroy(): void;
  /** create a new toplevel decoration object */
  getToplevelDecoration(toplevel: XdgToplevel): ZxdgToplevelDecorationV1;
}

export interface ZxdgDecorationManagerV1Events {
}

/** window decoration manager */
export interface ZxdgDecorationManagerV1 extends WaylandObject<'zxdg_decoration_manager_v1', ZxdgDecorationManagerV1Events>, ZxdgDecorationManagerV1Requests {}

export const zxdg_decoration_manager_v1: TypedInterface<ZxdgDecorationManagerV1> = {
  name: 'zxdg_decoration_manager_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_toplevel_decoration', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zxdg_toplevel_decoration_v1' }, { name: 'toplevel', type: 'object', interface: 'xdg_toplevel' }] },
  ],
  events: [],
  enums: [],
};

export const ZxdgToplevelDecorationV1Error = {
  /** xdg_toplevel has a buffer attached before configure */
  unconfigured_buffer: 0,
  /** xdg_toplevel already has a decoration object */
  already_constructed: 1,
  /** xdg_toplevel destroyed before the decoration object */
  orphaned: 2,
  /** invalid mode */
  invalid_mode: 3,
} as const;

/** window decoration modes */
export const ZxdgToplevelDecorationV1Mode = {
  /** no server-side window decoration */
  client_side: 1,
  /** server-side window decoration */
  server_side: 2,
} as const;

export interface ZxdgToplevelDecorationV1Requests {
  /** destroy the decoration object. The object is gone after it. */
  destroy(): void;
  /** set the decoration mode */
  setMode(mode: number): void;
  /** unset the decoration mode */
  unsetMode(): void;
}

export interface ZxdgToplevelDecorationV1Events {
  /** notify a decoration mode change */
  configure(mode: number): void;
}

/** decoration object for a toplevel surface */
export interface ZxdgToplevelDecorationV1 extends WaylandObject<'zxdg_toplevel_decoration_v1', ZxdgToplevelDecorationV1Events>, ZxdgToplevelDecorationV1Requests {}

export const zxdg_toplevel_decoration_v1: TypedInterface<ZxdgToplevelDecorationV1> = {
  name: 'zxdg_toplevel_decoration_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_mode', opcode: 1, since: 1, args: [{ name: 'mode', type: 'uint', enum: 'zxdg_toplevel_decoration_v1.mode' }] },
    { name: 'unset_mode', opcode: 2, since: 1, args: [] },
  ],
  events: [
    { name: 'configure', opcode: 0, since: 1, args: [{ name: 'mode', type: 'uint', enum: 'zxdg_toplevel_decoration_v1.mode' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'unconfigured_buffer', value: 0, since: 1 },
      { name: 'already_constructed', value: 1, since: 1 },
      { name: 'orphaned', value: 2, since: 1 },
      { name: 'invalid_mode', value: 3, since: 1 },
    ] },
    { name: 'mode', since: 1, bitfield: false, entries: [
      { name: 'client_side', value: 1, since: 1 },
      { name: 'server_side', value: 2, since: 1 },
    ] },
  ],
};

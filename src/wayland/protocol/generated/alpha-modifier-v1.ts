// Made from ../xml/alpha-modifier-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2024 Xaver Hugl
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
import type { WlSurface } from './wayland.js';

export const WpAlphaModifierV1Error = {
  /** wl_surface already has a alpha modifier object */
  already_constructed: 0,
} as const;

export interface WpAlphaModifierV1Requests {
  /** destroy the alpha modifier manager object. The object is gone after it. */
  destroy(): void;
  /** create a new alpha modifier surface object */
  getSurface(surface: WlSurface): WpAlphaModifierSurfaceV1;
}

export interface WpAlphaModifierV1Events {
}

/** surface alpha modifier manager */
export interface WpAlphaModifierV1 extends WaylandObject<'wp_alpha_modifier_v1', WpAlphaModifierV1Events>, WpAlphaModifierV1Requests {}

export const wp_alpha_modifier_v1: TypedInterface<WpAlphaModifierV1> = {
  name: 'wp_alpha_modifier_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_surface', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_alpha_modifier_surface_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_constructed', value: 0, since: 1 },
    ] },
  ],
};

export const WpAlphaModifierSurfaceV1Error = {
  /** wl_surface was destroyed */
  no_surface: 0,
} as const;

export interface WpAlphaModifierSurfaceV1Requests {
  /** destroy the alpha modifier object. The object is gone after it. */
  destroy(): void;
  /** specify the alpha multiplier */
  setMultiplier(factor: number): void;
}

export interface WpAlphaModifierSurfaceV1Events {
}

/** alpha modifier object for a surface */
export interface WpAlphaModifierSurfaceV1 extends WaylandObject<'wp_alpha_modifier_surface_v1', WpAlphaModifierSurfaceV1Events>, WpAlphaModifierSurfaceV1Requests {}

export const wp_alpha_modifier_surface_v1: TypedInterface<WpAlphaModifierSurfaceV1> = {
  name: 'wp_alpha_modifier_surface_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_multiplier', opcode: 1, since: 1, args: [{ name: 'factor', type: 'uint' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'no_surface', value: 0, since: 1 },
    ] },
  ],
};

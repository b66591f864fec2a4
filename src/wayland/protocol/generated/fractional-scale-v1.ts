// Made from ../xml/fractional-scale-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2022 Kenny Levinsen
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

export const WpFractionalScaleManagerV1Error = {
  /** the surface already has a fractional_scale object associated */
  fractional_scale_exists: 0,
} as const;

export interface WpFractionalScaleManagerV1Requests {
  /** unbind the fractional surface scale interface. The object is gone after it. */
  destroy(): void;
  /** extend surface interface for scale information */
  getFractionalScale(surface: WlSurface): WpFractionalScaleV1;
}

export interface WpFractionalScaleManagerV1Events {
}

/** fractional surface scale information */
export interface WpFractionalScaleManagerV1 extends WaylandObject<'wp_fractional_scale_manager_v1', WpFractionalScaleManagerV1Events>, WpFractionalScaleManagerV1Requests {}

export const wp_fractional_scale_manager_v1: TypedInterface<WpFractionalScaleManagerV1> = {
  name: 'wp_fractional_scale_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_fractional_scale', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_fractional_scale_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'fractional_scale_exists', value: 0, since: 1 },
    ] },
  ],
};

export interface WpFractionalScaleV1Requests {
  /** remove surface scale information for surface. The object is gone after it. */
  destroy(): void;
}

export interface WpFractionalScaleV1Events {
  /** notify of new preferred scale */
  preferredScale(scale: number): void;
}

/** fractional scale interface to a wl_surface */
export interface WpFractionalScaleV1 extends WaylandObject<'wp_fractional_scale_v1', WpFractionalScaleV1Events>, WpFractionalScaleV1Requests {}

export const wp_fractional_scale_v1: TypedInterface<WpFractionalScaleV1> = {
  name: 'wp_fractional_scale_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'preferred_scale', opcode: 0, since: 1, args: [{ name: 'scale', type: 'uint' }] },
  ],
  enums: [],
};

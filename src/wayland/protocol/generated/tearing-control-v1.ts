// Made from ../xml/tearing-control-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2021 Xaver Hugl
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
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
// THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
// FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
// DEALINGS IN THE SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlSurface } from './wayland.js';

export const WpTearingControlManagerV1Error = {
  /** the surface already has a tearing object associated */
  tearing_control_exists: 0,
} as const;

export interface WpTearingControlManagerV1Requests {
  /** destroy tearing control factory object. The object is gone after it. */
  destroy(): void;
  /** extend surface interface for tearing control */
  getTearingControl(surface: WlSurface): WpTearingControlV1;
}

export interface WpTearingControlManagerV1Events {
}

/** protocol for tearing control */
export interface WpTearingControlManagerV1 extends WaylandObject<'wp_tearing_control_manager_v1', WpTearingControlManagerV1Events>, WpTearingControlManagerV1Requests {}

export const wp_tearing_control_manager_v1: TypedInterface<WpTearingControlManagerV1> = {
  name: 'wp_tearing_control_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_tearing_control', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_tearing_control_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'tearing_control_exists', value: 0, since: 1 },
    ] },
  ],
};

/** presentation hint values */
export const WpTearingControlV1PresentationHint = {
  vsync: 0,
  async: 1,
} as const;

export interface WpTearingControlV1Requests {
  /** set presentation hint */
  setPresentationHint(hint: number): void;
  /** destroy tearing control object. The object is gone after it. */
  destroy(): void;
}

export interface WpTearingControlV1Events {
}

/** per-surface tearing control interface */
export interface WpTearingControlV1 extends WaylandObject<'wp_tearing_control_v1', WpTearingControlV1Events>, WpTearingControlV1Requests {}

export const wp_tearing_control_v1: TypedInterface<WpTearingControlV1> = {
  name: 'wp_tearing_control_v1',
  version: 1,
  requests: [
    { name: 'set_presentation_hint', opcode: 0, since: 1, args: [{ name: 'hint', type: 'uint', enum: 'wp_tearing_control_v1.presentation_hint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [],
  enums: [
    { name: 'presentation_hint', since: 1, bitfield: false, entries: [
      { name: 'vsync', value: 0, since: 1 },
      { name: 'async', value: 1, since: 1 },
    ] },
  ],
};

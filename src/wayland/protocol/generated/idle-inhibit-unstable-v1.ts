// Made from ../xml/idle-inhibit-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2015 Samsung Electronics Co., Ltd
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

export interface ZwpIdleInhibitManagerV1Requests {
  /** destroy the idle inhibitor object. The object is gone after it. */
  destroy(): void;
  /** create a new inhibitor object */
  createInhibitor(surface: WlSurface): ZwpIdleInhibitorV1;
}

export interface ZwpIdleInhibitManagerV1Events {
}

/** control behavior when display idles */
export interface ZwpIdleInhibitManagerV1 extends WaylandObject<'zwp_idle_inhibit_manager_v1', ZwpIdleInhibitManagerV1Events>, ZwpIdleInhibitManagerV1Requests {}

export const zwp_idle_inhibit_manager_v1: TypedInterface<ZwpIdleInhibitManagerV1> = {
  name: 'zwp_idle_inhibit_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_inhibitor', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_idle_inhibitor_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [],
};

export interface ZwpIdleInhibitorV1Requests {
  /** destroy the idle inhibitor object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpIdleInhibitorV1Events {
}

/** context object for inhibiting idle behavior */
export interface ZwpIdleInhibitorV1 extends WaylandObject<'zwp_idle_inhibitor_v1', ZwpIdleInhibitorV1Events>, ZwpIdleInhibitorV1Requests {}

export const zwp_idle_inhibitor_v1: TypedInterface<ZwpIdleInhibitorV1> = {
  name: 'zwp_idle_inhibitor_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [],
  enums: [],
};

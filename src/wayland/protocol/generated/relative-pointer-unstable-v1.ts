// Made from ../xml/relative-pointer-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2014      Jonas Ådahl
// Copyright © 2015      Red Hat Inc.
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
import type { WlPointer } from './wayland.js';

export interface ZwpRelativePointerManagerV1Requests {
  /** destroy the relative pointer manager object. The object is gone after it. */
  destroy(): void;
  /** get a relative pointer object */
  getRelativePointer(pointer: WlPointer): ZwpRelativePointerV1;
}

export interface ZwpRelativePointerManagerV1Events {
}

/** get relative pointer objects */
export interface ZwpRelativePointerManagerV1 extends WaylandObject<'zwp_relative_pointer_manager_v1', ZwpRelativePointerManagerV1Events>, ZwpRelativePointerManagerV1Requests {}

export const zwp_relative_pointer_manager_v1: TypedInterface<ZwpRelativePointerManagerV1> = {
  name: 'zwp_relative_pointer_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_relative_pointer', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_relative_pointer_v1' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }] },
  ],
  events: [],
  enums: [],
};

export interface ZwpRelativePointerV1Requests {
  /** release the relative pointer object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpRelativePointerV1Events {
  /** relative pointer motion */
  relativeMotion(utimeHi: number, utimeLo: number, dx: number, dy: number, dxUnaccel: number, dyUnaccel: number): void;
}

/** relative pointer object */
export interface ZwpRelativePointerV1 extends WaylandObject<'zwp_relative_pointer_v1', ZwpRelativePointerV1Events>, ZwpRelativePointerV1Requests {}

export const zwp_relative_pointer_v1: TypedInterface<ZwpRelativePointerV1> = {
  name: 'zwp_relative_pointer_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'relative_motion', opcode: 0, since: 1, args: [{ name: 'utime_hi', type: 'uint' }, { name: 'utime_lo', type: 'uint' }, { name: 'dx', type: 'fixed' }, { name: 'dy', type: 'fixed' }, { name: 'dx_unaccel', type: 'fixed' }, { name: 'dy_unaccel', type: 'fixed' }] },
  ],
  enums: [],
};

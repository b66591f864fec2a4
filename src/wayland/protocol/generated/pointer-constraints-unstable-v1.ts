// Made from ../xml/pointer-constraints-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
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
import type { WlPointer, WlRegion, WlSurface } from './wayland.js';

/** wp_pointer_constraints error values */
export const ZwpPointerConstraintsV1Error = {
  /** pointer constraint already requested on that surface */
  already_constrained: 1,
} as const;

/** constraint lifetime */
export const ZwpPointerConstraintsV1Lifetime = {
  oneshot: 1,
  persistent: 2,
} as const;

export interface ZwpPointerConstraintsV1Requests {
  /** destroy the pointer constraints manager object. The object is gone after it. */
  destroy(): void;
  /** lock pointer to a position */
  lockPointer(surface: WlSurface, pointer: WlPointer, region: WlRegion | null, lifetime: number): ZwpLockedPointerV1;
  /** confine pointer to a region */
  confinePointer(surface: WlSurface, pointer: WlPointer, region: WlRegion | null, lifetime: number): ZwpConfinedPointerV1;
}

export interface ZwpPointerConstraintsV1Events {
}

/** constrain the movement of a pointer */
export interface ZwpPointerConstraintsV1 extends WaylandObject<'zwp_pointer_constraints_v1', ZwpPointerConstraintsV1Events>, ZwpPointerConstraintsV1Requests {}

export const zwp_pointer_constraints_v1: TypedInterface<ZwpPointerConstraintsV1> = {
  name: 'zwp_pointer_constraints_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'lock_pointer', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_locked_pointer_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }, { name: 'region', type: 'object', interface: 'wl_region', nullable: true }, { name: 'lifetime', type: 'uint', enum: 'zwp_pointer_constraints_v1.lifetime' }] },
    { name: 'confine_pointer', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_confined_pointer_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }, { name: 'region', type: 'object', interface: 'wl_region', nullable: true }, { name: 'lifetime', type: 'uint', enum: 'zwp_pointer_constraints_v1.lifetime' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_constrained', value: 1, since: 1 },
    ] },
    { name: 'lifetime', since: 1, bitfield: false, entries: [
      { name: 'oneshot', value: 1, since: 1 },
      { name: 'persistent', value: 2, since: 1 },
    ] },
  ],
};

export interface ZwpLockedPointerV1Requests {
  /** destroy the locked pointer object. The object is gone after it. */
  destroy(): void;
  /** set the pointer cursor position hint */
  setCursorPositionHint(surfaceX: number, surfaceY: number): void;
  /** set a new lock region */
  setRegion(region: WlRegion | null): void;
}

export interface ZwpLockedPointerV1Events {
  /** lock activation event */
  locked(): void;
  /** lock deactivation event */
  unlocked(): void;
}

/** receive relative pointer motion events */
export interface ZwpLockedPointerV1 extends WaylandObject<'zwp_locked_pointer_v1', ZwpLockedPointerV1Events>, ZwpLockedPointerV1Requests {}

export const zwp_locked_pointer_v1: TypedInterface<ZwpLockedPointerV1> = {
  name: 'zwp_locked_pointer_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_cursor_position_hint', opcode: 1, since: 1, args: [{ name: 'surface_x', type: 'fixed' }, { name: 'surface_y', type: 'fixed' }] },
    { name: 'set_region', opcode: 2, since: 1, args: [{ name: 'region', type: 'object', interface: 'wl_region', nullable: true }] },
  ],
  events: [
    { name: 'locked', opcode: 0, since: 1, args: [] },
    { name: 'unlocked', opcode: 1, since: 1, args: [] },
  ],
  enums: [],
};

export interface ZwpConfinedPointerV1Requests {
  /** destroy the confined pointer object. The object is gone after it. */
  destroy(): void;
  /** set a new confine region */
  setRegion(region: WlRegion | null): void;
}

export interface ZwpConfinedPointerV1Events {
  /** pointer confined */
  confined(): void;
  /** pointer unconfined */
  unconfined(): void;
}

/** confined pointer object */
export interface ZwpConfinedPointerV1 extends WaylandObject<'zwp_confined_pointer_v1', ZwpConfinedPointerV1Events>, ZwpConfinedPointerV1Requests {}

export const zwp_confined_pointer_v1: TypedInterface<ZwpConfinedPointerV1> = {
  name: 'zwp_confined_pointer_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_region', opcode: 1, since: 1, args: [{ name: 'region', type: 'object', interface: 'wl_region', nullable: true }] },
  ],
  events: [
    { name: 'confined', opcode: 0, since: 1, args: [] },
    { name: 'unconfined', opcode: 1, since: 1, args: [] },
  ],
  enums: [],
};

// Made from ../xml/content-type-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2021 Emmanuel Gil Peyrot
// Copyright © 2022 Xaver Hugl
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

export const WpContentTypeManagerV1Error = {
  /** wl_surface already has a content type object */
  already_constructed: 0,
} as const;

export interface WpContentTypeManagerV1Requests {
  /** destroy the content type manager object. The object is gone after it. */
  destroy(): void;
  /** create a new content type object */
  getSurfaceContentType(surface: WlSurface): WpContentTypeV1;
}

export interface WpContentTypeManagerV1Events {
}

/** surface content type manager */
export interface WpContentTypeManagerV1 extends WaylandObject<'wp_content_type_manager_v1', WpContentTypeManagerV1Events>, WpContentTypeManagerV1Requests {}

export const wp_content_type_manager_v1: TypedInterface<WpContentTypeManagerV1> = {
  name: 'wp_content_type_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_surface_content_type', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_content_type_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_constructed', value: 0, since: 1 },
    ] },
  ],
};

/** possible content types */
export const WpContentTypeV1Type = {
  none: 0,
  photo: 1,
  video: 2,
  game: 3,
} as const;

export interface WpContentTypeV1Requests {
  /** destroy the content type object. The object is gone after it. */
  destroy(): void;
  /** specify the content type */
  setContentType(contentType: number): void;
}

export interface WpContentTypeV1Events {
}

/** content type object for a surface */
export interface WpContentTypeV1 extends WaylandObject<'wp_content_type_v1', WpContentTypeV1Events>, WpContentTypeV1Requests {}

export const wp_content_type_v1: TypedInterface<WpContentTypeV1> = {
  name: 'wp_content_type_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_content_type', opcode: 1, since: 1, args: [{ name: 'content_type', type: 'uint', enum: 'wp_content_type_v1.type' }] },
  ],
  events: [],
  enums: [
    { name: 'type', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'photo', value: 1, since: 1 },
      { name: 'video', value: 2, since: 1 },
      { name: 'game', value: 3, since: 1 },
    ] },
  ],
};

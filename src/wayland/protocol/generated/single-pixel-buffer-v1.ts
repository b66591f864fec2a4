// Made from ../xml/single-pixel-buffer-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2022 Simon Ser
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

export interface WpSinglePixelBufferManagerV1Requests {
  /** destroy the manager. The object is gone after it. */
  destroy(): void;
  /** create a 1×1 buffer from 32-bit RGBA values */
  createU32RgbaBuffer(r: number, g: number, b: number, a: number): WlBuffer;
}

export interface WpSinglePixelBufferManagerV1Events {
}

/** global factory for single-pixel buffers */
export interface WpSinglePixelBufferManagerV1 extends WaylandObject<'wp_single_pixel_buffer_manager_v1', WpSinglePixelBufferManagerV1Events>, WpSinglePixelBufferManagerV1Requests {}

export const wp_single_pixel_buffer_manager_v1: TypedInterface<WpSinglePixelBufferManagerV1> = {
  name: 'wp_single_pixel_buffer_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_u32_rgba_buffer', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wl_buffer' }, { name: 'r', type: 'uint' }, { name: 'g', type: 'uint' }, { name: 'b', type: 'uint' }, { name: 'a', type: 'uint' }] },
  ],
  events: [],
  enums: [],
};

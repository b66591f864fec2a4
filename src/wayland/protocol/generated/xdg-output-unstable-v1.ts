// Made from ../xml/xdg-output-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2017 Red Hat Inc.
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
import type { WlOutput } from './wayland.js';

export interface ZxdgOutputManagerV1Requests {
  /** destroy the xdg_output_manager object. The object is gone after it. */
  destroy(): void;
  /** create an xdg output from a wl_output */
  getXdgOutput(output: WlOutput): ZxdgOutputV1;
}

export interface ZxdgOutputManagerV1Events {
}

/** manage xdg_output objects */
export interface ZxdgOutputManagerV1 extends WaylandObject<'zxdg_output_manager_v1', ZxdgOutputManagerV1Events>, ZxdgOutputManagerV1Requests {}

export const zxdg_output_manager_v1: TypedInterface<ZxdgOutputManagerV1> = {
  name: 'zxdg_output_manager_v1',
  version: 3,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_xdg_output', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zxdg_output_v1' }, { name: 'output', type: 'object', interface: 'wl_output' }] },
  ],
  events: [],
  enums: [],
};

export interface ZxdgOutputV1Requests {
  /** destroy the xdg_output object. The object is gone after it. */
  destroy(): void;
}

export interface ZxdgOutputV1Events {
  /** position of the output within the global compositor space */
  logicalPosition(x: number, y: number): void;
  /** size of the output in the global compositor space */
  logicalSize(width: number, height: number): void;
  /** all information about the output have been sent */
  done(): void;
  /** name of this output. Since version 2. */
  name(name: string): void;
  /** human-readable description of this output. Since version 2. */
  description(description: string): void;
}

/** compositor logical output region */
export interface ZxdgOutputV1 extends WaylandObject<'zxdg_output_v1', ZxdgOutputV1Events>, ZxdgOutputV1Requests {}

export const zxdg_output_v1: TypedInterface<ZxdgOutputV1> = {
  name: 'zxdg_output_v1',
  version: 3,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'logical_position', opcode: 0, since: 1, args: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int' }] },
    { name: 'logical_size', opcode: 1, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
    { name: 'done', opcode: 2, since: 1, args: [] },
    { name: 'name', opcode: 3, since: 2, args: [{ name: 'name', type: 'string' }] },
    { name: 'description', opcode: 4, since: 2, args: [{ name: 'description', type: 'string' }] },
  ],
  enums: [],
};

// Made from ../xml/vhost-window-memory-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright 2026 The vhost-user-gpu-ts authors
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

export interface VhostWindowMemoryV1Requests {
  /** done with allocating. The object is gone after it. */
  destroy(): void;
  /** ask for memory */
  allocate(size: number): VhostWindowAllocationV1;
}

export interface VhostWindowMemoryV1Events {
}

/** allocates memory that the host sees */
export interface VhostWindowMemoryV1 extends WaylandObject<'vhost_window_memory_v1', VhostWindowMemoryV1Events>, VhostWindowMemoryV1Requests {}

export const vhost_window_memory_v1: TypedInterface<VhostWindowMemoryV1> = {
  name: 'vhost_window_memory_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'allocate', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'vhost_window_allocation_v1' }, { name: 'size', type: 'uint' }] },
  ],
  events: [],
  enums: [],
};

export interface VhostWindowAllocationV1Requests {
  /** the client won't use the memory any more. The object is gone after it. */
  destroy(): void;
}

export interface VhostWindowAllocationV1Events {
  /** the memory */
  done(fd: number, size: number): void;
  /** there is none */
  failed(reason: string): void;
}

/** one piece of memory */
export interface VhostWindowAllocationV1 extends WaylandObject<'vhost_window_allocation_v1', VhostWindowAllocationV1Events>, VhostWindowAllocationV1Requests {}

export const vhost_window_allocation_v1: TypedInterface<VhostWindowAllocationV1> = {
  name: 'vhost_window_allocation_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'failed', opcode: 1, since: 1, args: [{ name: 'reason', type: 'string' }] },
  ],
  enums: [],
};

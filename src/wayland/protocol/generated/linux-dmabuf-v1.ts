// Made from ../xml/linux-dmabuf-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2014, 2015 Collabora, Ltd.
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
import type { WlBuffer, WlSurface } from './wayland.js';

export interface ZwpLinuxDmabufV1Requests {
  /** unbind the factory. The object is gone after it. */
  destroy(): void;
  /** create a temporary object for buffer parameters */
  createParams(): ZwpLinuxBufferParamsV1;
  /** get default feedback. Since version 4. */
  getDefaultFeedback(): ZwpLinuxDmabufFeedbackV1;
  /** get feedback for a surface. Since version 4. */
  getSurfaceFeedback(surface: WlSurface): ZwpLinuxDmabufFeedbackV1;
}

export interface ZwpLinuxDmabufV1Events {
  /** supported buffer format. Deprecated since version 4. */
  format(format: number): void;
  /** supported buffer format modifier. Since version 3. Deprecated since version 4. */
  modifier(format: number, modifierHi: number, modifierLo: number): void;
}

/** factory for creating dmabuf-based wl_buffers */
export interface ZwpLinuxDmabufV1 extends WaylandObject<'zwp_linux_dmabuf_v1', ZwpLinuxDmabufV1Events>, ZwpLinuxDmabufV1Requests {}

export const zwp_linux_dmabuf_v1: TypedInterface<ZwpLinuxDmabufV1> = {
  name: 'zwp_linux_dmabuf_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_params', opcode: 1, since: 1, args: [{ name: 'params_id', type: 'new_id', interface: 'zwp_linux_buffer_params_v1' }] },
    { name: 'get_default_feedback', opcode: 2, since: 4, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }] },
    { name: 'get_surface_feedback', opcode: 3, since: 4, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [
    { name: 'format', opcode: 0, since: 1, deprecatedSince: 4, args: [{ name: 'format', type: 'uint' }] },
    { name: 'modifier', opcode: 1, since: 3, deprecatedSince: 4, args: [{ name: 'format', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }] },
  ],
  enums: [],
};

export const ZwpLinuxBufferParamsV1Error = {
  /** the zwp_linux_buffer_params_v1 object has already been used to create a wl_buffer */
  already_used: 0,
  /** plane index out of bounds */
  plane_idx: 1,
  /** the plane index was already set */
  plane_set: 2,
  /** missing or too many planes to create a buffer */
  incomplete: 3,
  /** format not supported */
  invalid_format: 4,
  /** invalid width or height */
  invalid_dimensions: 5,
  /** offset + stride * height goes out of dmabuf bounds */
  out_of_bounds: 6,
  /** invalid wl_buffer resulted from importing dmabufs via the create_immed request on given buffer_params */
  invalid_wl_buffer: 7,
  /** an array with mismatching size for a dev_t was used */
  invalid_dev_t_size: 8,
} as const;

/** Bits. */
export const ZwpLinuxBufferParamsV1Flags = {
  /** contents are y-inverted */
  y_invert: 1,
  /** content is interlaced */
  interlaced: 2,
  /** bottom field first */
  bottom_first: 4,
} as const;

export interface ZwpLinuxBufferParamsV1Requests {
  /** delete this object, used or not. The object is gone after it. */
  destroy(): void;
  /** add a dmabuf to the temporary set */
  add(fd: number, planeIdx: number, offset: number, stride: number, modifierHi: number, modifierLo: number): void;
  /** create a wl_buffer from the given dmabufs */
  create(width: number, height: number, format: number, flags: number): void;
  /** immediately create a wl_buffer from the given dmabufs. Since version 2. */
  createImmed(width: number, height: number, format: number, flags: number): WlBuffer;
  /** set the target device of the wl_buffer. Since version 6. */
  setSamplingDevice(device: Uint8Array): void;
}

export interface ZwpLinuxBufferParamsV1Events {
  /** buffer creation succeeded */
  created(buffer: WlBuffer): void;
  /** buffer creation failed */
  failed(): void;
}

/** parameters for creating a dmabuf-based wl_buffer */
export interface ZwpLinuxBufferParamsV1 extends WaylandObject<'zwp_linux_buffer_params_v1', ZwpLinuxBufferParamsV1Events>, ZwpLinuxBufferParamsV1Requests {}

export const zwp_linux_buffer_params_v1: TypedInterface<ZwpLinuxBufferParamsV1> = {
  name: 'zwp_linux_buffer_params_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'add', opcode: 1, since: 1, args: [{ name: 'fd', type: 'fd' }, { name: 'plane_idx', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }] },
    { name: 'create', opcode: 2, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint', enum: 'zwp_linux_buffer_params_v1.flags' }] },
    { name: 'create_immed', opcode: 3, since: 2, args: [{ name: 'buffer_id', type: 'new_id', interface: 'wl_buffer' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint', enum: 'zwp_linux_buffer_params_v1.flags' }] },
    { name: 'set_sampling_device', opcode: 4, since: 6, args: [{ name: 'device', type: 'array' }] },
  ],
  events: [
    { name: 'created', opcode: 0, since: 1, args: [{ name: 'buffer', type: 'new_id', interface: 'wl_buffer' }] },
    { name: 'failed', opcode: 1, since: 1, args: [] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_used', value: 0, since: 1 },
      { name: 'plane_idx', value: 1, since: 1 },
      { name: 'plane_set', value: 2, since: 1 },
      { name: 'incomplete', value: 3, since: 1 },
      { name: 'invalid_format', value: 4, since: 1 },
      { name: 'invalid_dimensions', value: 5, since: 1 },
      { name: 'out_of_bounds', value: 6, since: 1 },
      { name: 'invalid_wl_buffer', value: 7, since: 1 },
      { name: 'invalid_dev_t_size', value: 8, since: 1 },
    ] },
    { name: 'flags', since: 1, bitfield: true, entries: [
      { name: 'y_invert', value: 1, since: 1 },
      { name: 'interlaced', value: 2, since: 1 },
      { name: 'bottom_first', value: 4, since: 1 },
    ] },
  ],
};

/** Bits. */
export const ZwpLinuxDmabufFeedbackV1TrancheFlags = {
  /** Since version 4. */
  scanout: 1,
  /** Since version 6. */
  sampling: 2,
} as const;

export interface ZwpLinuxDmabufFeedbackV1Requests {
  /** destroy the feedback object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpLinuxDmabufFeedbackV1Events {
  /** all feedback has been sent */
  done(): void;
  /** format and modifier table */
  formatTable(fd: number, size: number): void;
  /** preferred main device. Deprecated since version 6. */
  mainDevice(device: Uint8Array): void;
  /** a preference tranche has been sent */
  trancheDone(): void;
  /** target device */
  trancheTargetDevice(device: Uint8Array): void;
  /** supported buffer format modifiers */
  trancheFormats(indices: Uint8Array): void;
  /** tranche flags */
  trancheFlags(flags: number): void;
}

/** dmabuf feedback */
export interface ZwpLinuxDmabufFeedbackV1 extends WaylandObject<'zwp_linux_dmabuf_feedback_v1', ZwpLinuxDmabufFeedbackV1Events>, ZwpLinuxDmabufFeedbackV1Requests {}

export const zwp_linux_dmabuf_feedback_v1: TypedInterface<ZwpLinuxDmabufFeedbackV1> = {
  name: 'zwp_linux_dmabuf_feedback_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, args: [] },
    { name: 'format_table', opcode: 1, since: 1, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'main_device', opcode: 2, since: 1, deprecatedSince: 6, args: [{ name: 'device', type: 'array' }] },
    { name: 'tranche_done', opcode: 3, since: 1, args: [] },
    { name: 'tranche_target_device', opcode: 4, since: 1, args: [{ name: 'device', type: 'array' }] },
    { name: 'tranche_formats', opcode: 5, since: 1, args: [{ name: 'indices', type: 'array' }] },
    { name: 'tranche_flags', opcode: 6, since: 1, args: [{ name: 'flags', type: 'uint', enum: 'zwp_linux_dmabuf_feedback_v1.tranche_flags' }] },
  ],
  enums: [
    { name: 'tranche_flags', since: 1, bitfield: true, entries: [
      { name: 'scanout', value: 1, since: 4 },
      { name: 'sampling', value: 2, since: 6 },
    ] },
  ],
};

// Made from ../xml/presentation-time.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2013-2014 Collabora, Ltd.
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
import type { WlOutput, WlSurface } from './wayland.js';

/** fatal presentation errors */
export const WpPresentationError = {
  /** invalid value in tv_nsec */
  invalid_timestamp: 0,
  /** invalid flag */
  invalid_flag: 1,
} as const;

export interface WpPresentationRequests {
  /** unbind from the presentation interface. The object is gone after it. */
  destroy(): void;
  /** request presentation feedback information */
  feedback(surface: WlSurface): WpPresentationFeedback;
}

export interface WpPresentationEvents {
  /** clock ID for timestamps */
  clockId(clkId: number): void;
}

/** timed presentation related wl_surface requests */
export interface WpPresentation extends WaylandObject<'wp_presentation', WpPresentationEvents>, WpPresentationRequests {}

export const wp_presentation: TypedInterface<WpPresentation> = {
  name: 'wp_presentation',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'feedback', opcode: 1, since: 1, args: [{ name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'callback', type: 'new_id', interface: 'wp_presentation_feedback' }] },
  ],
  events: [
    { name: 'clock_id', opcode: 0, since: 1, args: [{ name: 'clk_id', type: 'uint' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'invalid_timestamp', value: 0, since: 1 },
      { name: 'invalid_flag', value: 1, since: 1 },
    ] },
  ],
};

/** bitmask of flags in presented event. Bits. */
export const WpPresentationFeedbackKind = {
  vsync: 1,
  hw_clock: 2,
  hw_completion: 4,
  zero_copy: 8,
} as const;

export interface WpPresentationFeedbackRequests {
}

export interface WpPresentationFeedbackEvents {
  /** presentation synchronized to this output */
  syncOutput(output: WlOutput | null): void;
  /** the content update was displayed. The object is gone after it. */
  presented(tvSecHi: number, tvSecLo: number, tvNsec: number, refresh: number, seqHi: number, seqLo: number, flags: number): void;
  /** the content update was not displayed. The object is gone after it. */
  discarded(): void;
}

/** presentation time feedback event */
export interface WpPresentationFeedback extends WaylandObject<'wp_presentation_feedback', WpPresentationFeedbackEvents>, WpPresentationFeedbackRequests {}

export const wp_presentation_feedback: TypedInterface<WpPresentationFeedback> = {
  name: 'wp_presentation_feedback',
  version: 2,
  requests: [],
  events: [
    { name: 'sync_output', opcode: 0, since: 1, args: [{ name: 'output', type: 'object', interface: 'wl_output' }] },
    { name: 'presented', opcode: 1, since: 1, destructor: true, args: [{ name: 'tv_sec_hi', type: 'uint' }, { name: 'tv_sec_lo', type: 'uint' }, { name: 'tv_nsec', type: 'uint' }, { name: 'refresh', type: 'uint' }, { name: 'seq_hi', type: 'uint' }, { name: 'seq_lo', type: 'uint' }, { name: 'flags', type: 'uint', enum: 'wp_presentation_feedback.kind' }] },
    { name: 'discarded', opcode: 2, since: 1, destructor: true, args: [] },
  ],
  enums: [
    { name: 'kind', since: 1, bitfield: true, entries: [
      { name: 'vsync', value: 1, since: 1 },
      { name: 'hw_clock', value: 2, since: 1 },
      { name: 'hw_completion', value: 4, since: 1 },
      { name: 'zero_copy', value: 8, since: 1 },
    ] },
  ],
};

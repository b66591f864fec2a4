// Made from ../xml/viewporter.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2013-2016 Collabora, Ltd.
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

export const WpViewporterError = {
  /** the surface already has a viewport object associated */
  viewport_exists: 0,
} as const;

export interface WpViewporterRequests {
  /** unbind from the cropping and scaling interface. The object is gone after it. */
  destroy(): void;
  /** extend surface interface for crop and scale */
  getViewport(surface: WlSurface): WpViewport;
}

export interface WpViewporterEvents {
}

/** surface cropping and scaling */
export interface WpViewporter extends WaylandObject<'wp_viewporter', WpViewporterEvents>, WpViewporterRequests {}

export const wp_viewporter: TypedInterface<WpViewporter> = {
  name: 'wp_viewporter',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_viewport', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'wp_viewport' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'viewport_exists', value: 0, since: 1 },
    ] },
  ],
};

export const WpViewportError = {
  /** negative or zero values in width or height */
  bad_value: 0,
  /** destination size is not integer */
  bad_size: 1,
  /** source rectangle extends outside of the content area */
  out_of_buffer: 2,
  /** the wl_surface was destroyed */
  no_surface: 3,
} as const;

export interface WpViewportRequests {
  /** remove scaling and cropping from the surface. The object is gone after it. */
  destroy(): void;
  /** set the source rectangle for cropping */
  setSource(x: number, y: number, width: number, height: number): void;
  /** set the surface size for scaling */
  setDestination(width: number, height: number): void;
}

export interface WpViewportEvents {
}

/** crop and scale interface to a wl_surface */
export interface WpViewport extends WaylandObject<'wp_viewport', WpViewportEvents>, WpViewportRequests {}

export const wp_viewport: TypedInterface<WpViewport> = {
  name: 'wp_viewport',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_source', opcode: 1, since: 1, args: [{ name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }, { name: 'width', type: 'fixed' }, { name: 'height', type: 'fixed' }] },
    { name: 'set_destination', opcode: 2, since: 1, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }] },
  ],
  events: [],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'bad_value', value: 0, since: 1 },
      { name: 'bad_size', value: 1, since: 1 },
      { name: 'out_of_buffer', value: 2, since: 1 },
      { name: 'no_surface', value: 3, since: 1 },
    ] },
  ],
};

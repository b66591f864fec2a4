// Made from ../xml/kde-server-decoration.xml by `npm run generate:wayland`. Do not edit.
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
import type { WlSurface } from './wayland.js';

/** who draws */
export const OrgKdeKwinServerDecorationManagerMode = {
  /** nobody */
  none: 0,
  /** the client */
  client: 1,
  /** the compositor */
  server: 2,
} as const;

export interface OrgKdeKwinServerDecorationManagerRequests {
  /** for a surface that is a window, or becomes one */
  create(surface: WlSurface): OrgKdeKwinServerDecoration;
}

export interface OrgKdeKwinServerDecorationManagerEvents {
  /** what windows get that do not ask */
  defaultMode(mode: number): void;
}

/** makes decoration objects */
export interface OrgKdeKwinServerDecorationManager extends WaylandObject<'org_kde_kwin_server_decoration_manager', OrgKdeKwinServerDecorationManagerEvents>, OrgKdeKwinServerDecorationManagerRequests {}

export const org_kde_kwin_server_decoration_manager: TypedInterface<OrgKdeKwinServerDecorationManager> = {
  name: 'org_kde_kwin_server_decoration_manager',
  version: 1,
  requests: [
    { name: 'create', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'org_kde_kwin_server_decoration' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [
    { name: 'default_mode', opcode: 0, since: 1, args: [{ name: 'mode', type: 'uint', enum: 'org_kde_kwin_server_decoration_manager.mode' }] },
  ],
  enums: [
    { name: 'mode', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'client', value: 1, since: 1 },
      { name: 'server', value: 2, since: 1 },
    ] },
  ],
};

/** who draws */
export const OrgKdeKwinServerDecorationMode = {
  /** nobody */
  none: 0,
  /** the client */
  client: 1,
  /** the compositor */
  server: 2,
} as const;

export interface OrgKdeKwinServerDecorationRequests {
  /** no interest any more. The object is gone after it. */
  release(): void;
  /** what the client would like */
  requestMode(mode: number): void;
}

export interface OrgKdeKwinServerDecorationEvents {
  /** what it has got */
  mode(mode: number): void;
}

/** the decoration of one window */
export interface OrgKdeKwinServerDecoration extends WaylandObject<'org_kde_kwin_server_decoration', OrgKdeKwinServerDecorationEvents>, OrgKdeKwinServerDecorationRequests {}

export const org_kde_kwin_server_decoration: TypedInterface<OrgKdeKwinServerDecoration> = {
  name: 'org_kde_kwin_server_decoration',
  version: 1,
  requests: [
    { name: 'release', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'request_mode', opcode: 1, since: 1, args: [{ name: 'mode', type: 'uint', enum: 'org_kde_kwin_server_decoration.mode' }] },
  ],
  events: [
    { name: 'mode', opcode: 0, since: 1, args: [{ name: 'mode', type: 'uint', enum: 'org_kde_kwin_server_decoration.mode' }] },
  ],
  enums: [
    { name: 'mode', since: 1, bitfield: false, entries: [
      { name: 'none', value: 0, since: 1 },
      { name: 'client', value: 1, since: 1 },
      { name: 'server', value: 2, since: 1 },
    ] },
  ],
};

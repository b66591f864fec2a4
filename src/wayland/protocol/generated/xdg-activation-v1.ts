// Made from ../xml/xdg-activation-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2020 Aleix Pol Gonzalez <aleixpol@kde.org>
// Copyright © 2020 Carlos Garnacho <carlosg@gnome.org>
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
import type { WlSeat, WlSurface } from './wayland.js';

export interface XdgActivationV1Requests {
  /** destroy the xdg_activation object. The object is gone after it. */
  destroy(): void;
  /** requests a token */
  getActivationToken(): XdgActivationTokenV1;
  /** notify new interaction being available */
  activate(token: string, surface: WlSurface): void;
}

export interface XdgActivationV1Events {
}

/** interface for activating surfaces */
export interface XdgActivationV1 extends WaylandObject<'xdg_activation_v1', XdgActivationV1Events>, XdgActivationV1Requests {}

export const xdg_activation_v1: TypedInterface<XdgActivationV1> = {
  name: 'xdg_activation_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'get_activation_token', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'xdg_activation_token_v1' }] },
    { name: 'activate', opcode: 2, since: 1, args: [{ name: 'token', type: 'string' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [],
  enums: [],
};

export const XdgActivationTokenV1Error = {
  /** The token has already been used previously */
  already_used: 0,
} as const;

export interface XdgActivationTokenV1Requests {
  /** specifies the seat and serial of the activating event */
  setSerial(serial: number, seat: WlSeat): void;
  /** specifies the application being activated */
  setAppId(appId: string): void;
  /** specifies the surface requesting activation */
  setSurface(surface: WlSurface): void;
  /** issues the token request */
  commit(): void;
  /** destroy the xdg_activation_token_v1 object. The object is gone after it. */
  destroy(): void;
}

export interface XdgActivationTokenV1Events {
  /** the exported activation token */
  done(token: string): void;
}

/** an exported activation handle */
export interface XdgActivationTokenV1 extends WaylandObject<'xdg_activation_token_v1', XdgActivationTokenV1Events>, XdgActivationTokenV1Requests {}

export const xdg_activation_token_v1: TypedInterface<XdgActivationTokenV1> = {
  name: 'xdg_activation_token_v1',
  version: 1,
  requests: [
    { name: 'set_serial', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
    { name: 'set_app_id', opcode: 1, since: 1, args: [{ name: 'app_id', type: 'string' }] },
    { name: 'set_surface', opcode: 2, since: 1, args: [{ name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'commit', opcode: 3, since: 1, args: [] },
    { name: 'destroy', opcode: 4, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, args: [{ name: 'token', type: 'string' }] },
  ],
  enums: [
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'already_used', value: 0, since: 1 },
    ] },
  ],
};

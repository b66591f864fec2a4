// Made from ../xml/primary-selection-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright © 2015, 2016 Red Hat
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
import type { WlSeat } from './wayland.js';

export interface ZwpPrimarySelectionDeviceManagerV1Requests {
  /** create a new primary selection source */
  createSource(): ZwpPrimarySelectionSourceV1;
  /** create a new primary selection device */
  getDevice(seat: WlSeat): ZwpPrimarySelectionDeviceV1;
  /** destroy the primary selection device manager. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPrimarySelectionDeviceManagerV1Events {
}

/** X primary selection emulation */
export interface ZwpPrimarySelectionDeviceManagerV1 extends WaylandObject<'zwp_primary_selection_device_manager_v1', ZwpPrimarySelectionDeviceManagerV1Events>, ZwpPrimarySelectionDeviceManagerV1Requests {}

export const zwp_primary_selection_device_manager_v1: TypedInterface<ZwpPrimarySelectionDeviceManagerV1> = {
  name: 'zwp_primary_selection_device_manager_v1',
  version: 1,
  requests: [
    { name: 'create_source', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_primary_selection_source_v1' }] },
    { name: 'get_device', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_primary_selection_device_v1' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
    { name: 'destroy', opcode: 2, since: 1, destructor: true, args: [] },
  ],
  events: [],
  enums: [],
};

export interface ZwpPrimarySelectionDeviceV1Requests {
  /** set the primary selection */
  setSelection(source: ZwpPrimarySelectionSourceV1 | null, serial: number): void;
  /** destroy the primary selection device. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPrimarySelectionDeviceV1Events {
  /** introduce a new wp_primary_selection_offer */
  dataOffer(offer: ZwpPrimarySelectionOfferV1): void;
  /** advertise a new primary selection */
  selection(id: ZwpPrimarySelectionOfferV1 | null): void;
}

export interface ZwpPrimarySelectionDeviceV1 extends WaylandObject<'zwp_primary_selection_device_v1', ZwpPrimarySelectionDeviceV1Events>, ZwpPrimarySelectionDeviceV1Requests {}

export const zwp_primary_selection_device_v1: TypedInterface<ZwpPrimarySelectionDeviceV1> = {
  name: 'zwp_primary_selection_device_v1',
  version: 1,
  requests: [
    { name: 'set_selection', opcode: 0, since: 1, args: [{ name: 'source', type: 'object', interface: 'zwp_primary_selection_source_v1', nullable: true }, { name: 'serial', type: 'uint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'data_offer', opcode: 0, since: 1, args: [{ name: 'offer', type: 'new_id', interface: 'zwp_primary_selection_offer_v1' }] },
    { name: 'selection', opcode: 1, since: 1, args: [{ name: 'id', type: 'object', interface: 'zwp_primary_selection_offer_v1', nullable: true }] },
  ],
  enums: [],
};

export interface ZwpPrimarySelectionOfferV1Requests {
  /** request that the data is transferred */
  receive(mimeType: string, fd: number): void;
  /** destroy the primary selection offer. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPrimarySelectionOfferV1Events {
  /** advertise offered mime type */
  offer(mimeType: string): void;
}

/** offer to transfer primary selection contents */
export interface ZwpPrimarySelectionOfferV1 extends WaylandObject<'zwp_primary_selection_offer_v1', ZwpPrimarySelectionOfferV1Events>, ZwpPrimarySelectionOfferV1Requests {}

export const zwp_primary_selection_offer_v1: TypedInterface<ZwpPrimarySelectionOfferV1> = {
  name: 'zwp_primary_selection_offer_v1',
  version: 1,
  requests: [
    { name: 'receive', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }, { name: 'fd', type: 'fd' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'offer', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }] },
  ],
  enums: [],
};

export interface ZwpPrimarySelectionSourceV1Requests {
  /** add an offered mime type */
  offer(mimeType: string): void;
  /** destroy the primary selection source. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPrimarySelectionSourceV1Events {
  /** send the primary selection contents */
  send(mimeType: string, fd: number): void;
  /** request for primary selection contents was canceled */
  cancelled(): void;
}

/** offer to replace the contents of the primary selection */
export interface ZwpPrimarySelectionSourceV1 extends WaylandObject<'zwp_primary_selection_source_v1', ZwpPrimarySelectionSourceV1Events>, ZwpPrimarySelectionSourceV1Requests {}

export const zwp_primary_selection_source_v1: TypedInterface<ZwpPrimarySelectionSourceV1> = {
  name: 'zwp_primary_selection_source_v1',
  version: 1,
  requests: [
    { name: 'offer', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'send', opcode: 0, since: 1, args: [{ name: 'mime_type', type: 'string' }, { name: 'fd', type: 'fd' }] },
    { name: 'cancelled', opcode: 1, since: 1, args: [] },
  ],
  enums: [],
};

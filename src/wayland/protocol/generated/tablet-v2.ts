// Made from ../xml/tablet-v2.xml by `npm run generate:wayland`. Do not edit.
//
// Copyright 2014 © Stephen "Lyude" Chandler Paul
// Copyright 2015-2024 © Red Hat, Inc.
//
// Permission is hereby granted, free of charge, to any person
// obtaining a copy of this software and associated documentation files
// (the "Software"), to deal in the Software without restriction,
// including without limitation the rights to use, copy, modify, merge,
// publish, distribute, sublicense, and/or sell copies of the Software,
// and to permit persons to whom the Software is furnished to do so,
// subject to the following conditions:
//
// The above copyright notice and this permission notice (including the
// next paragraph) shall be included in all copies or substantial
// portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
// EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
// MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
// NONINFRINGEMENT.  IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS
// BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
// ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
// CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlSeat, WlSurface } from './wayland.js';

export interface ZwpTabletManagerV2Requests {
  /** get the tablet seat */
  getTabletSeat(seat: WlSeat): ZwpTabletSeatV2;
  /** release the memory for the tablet manager object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletManagerV2Events {
}

/** controller object for graphic tablet devices */
export interface ZwpTabletManagerV2 extends WaylandObject<'zwp_tablet_manager_v2', ZwpTabletManagerV2Events>, ZwpTabletManagerV2Requests {}

export const zwp_tablet_manager_v2: TypedInterface<ZwpTabletManagerV2> = {
  name: 'zwp_tablet_manager_v2',
  version: 2,
  requests: [
    { name: 'get_tablet_seat', opcode: 0, since: 1, args: [{ name: 'tablet_seat', type: 'new_id', interface: 'zwp_tablet_seat_v2' }, { name: 'seat', type: 'object', interface: 'wl_seat' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [],
  enums: [],
};

export interface ZwpTabletSeatV2Requests {
  /** release the memory for the tablet seat object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletSeatV2Events {
  /** new device notification */
  tabletAdded(id: ZwpTabletV2): void;
  /** a new tool has been used with a tablet */
  toolAdded(id: ZwpTabletToolV2): void;
  /** new pad notification */
  padAdded(id: ZwpTabletPadV2): void;
}

/** controller object for graphic tablet devices of a seat */
export interface ZwpTabletSeatV2 extends WaylandObject<'zwp_tablet_seat_v2', ZwpTabletSeatV2Events>, ZwpTabletSeatV2Requests {}

export const zwp_tablet_seat_v2: TypedInterface<ZwpTabletSeatV2> = {
  name: 'zwp_tablet_seat_v2',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'tablet_added', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_tablet_v2' }] },
    { name: 'tool_added', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_tablet_tool_v2' }] },
    { name: 'pad_added', opcode: 2, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_tablet_pad_v2' }] },
  ],
  enums: [],
};

/** a physical tool type */
export const ZwpTabletToolV2Type = {
  /** Pen */
  pen: 320,
  /** Eraser */
  eraser: 321,
  /** Brush */
  brush: 322,
  /** Pencil */
  pencil: 323,
  /** Airbrush */
  airbrush: 324,
  /** Finger */
  finger: 325,
  /** Mouse */
  mouse: 326,
  /** Lens */
  lens: 327,
} as const;

/** capability flags for a tool */
export const ZwpTabletToolV2Capability = {
  /** Tilt axes */
  tilt: 1,
  /** Pressure axis */
  pressure: 2,
  /** Distance axis */
  distance: 3,
  /** Z-rotation axis */
  rotation: 4,
  /** Slider axis */
  slider: 5,
  /** Wheel axis */
  wheel: 6,
} as const;

/** physical button state */
export const ZwpTabletToolV2ButtonState = {
  /** button is not pressed */
  released: 0,
  /** button is pressed */
  pressed: 1,
} as const;

export const ZwpTabletToolV2Error = {
  /** given wl_surface has another role */
  role: 0,
} as const;

export interface ZwpTabletToolV2Requests {
  /** set the tablet tool's surface */
  setCursor(serial: number, surface: WlSurface | null, hotspotX: number, hotspotY: number): void;
  /** destroy the tool object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletToolV2Events {
  /** tool type */
  type(toolType: number): void;
  /** unique hardware serial number of the tool */
  hardwareSerial(hardwareSerialHi: number, hardwareSerialLo: number): void;
  /** hardware id notification in Wacom's format */
  hardwareIdWacom(hardwareIdHi: number, hardwareIdLo: number): void;
  /** tool capability notification */
  capability(capability: number): void;
  /** tool description events sequence complete */
  done(): void;
  /** tool removed */
  removed(): void;
  /** proximity in event */
  proximityIn(serial: number, tablet: ZwpTabletV2 | null, surface: WlSurface | null): void;
  /** proximity out event */
  proximityOut(): void;
  /** tablet tool is making contact */
  down(serial: number): void;
  /** tablet tool is no longer making contact */
  up(): void;
  /** motion event */
  motion(x: number, y: number): void;
  /** pressure change event */
  pressure(pressure: number): void;
  /** distance change event */
  distance(distance: number): void;
  /** tilt change event */
  tilt(tiltX: number, tiltY: number): void;
  /** z-rotation change event */
  rotation(degrees: number): void;
  /** Slider position change event */
  slider(position: number): void;
  /** Wheel delta event */
  wheel(degrees: number, clicks: number): void;
  /** button event */
  button(serial: number, button: number, state: number): void;
  /** frame event */
  frame(time: number): void;
}

/** a physical tablet tool */
export interface ZwpTabletToolV2 extends WaylandObject<'zwp_tablet_tool_v2', ZwpTabletToolV2Events>, ZwpTabletToolV2Requests {}

export const zwp_tablet_tool_v2: TypedInterface<ZwpTabletToolV2> = {
  name: 'zwp_tablet_tool_v2',
  version: 2,
  requests: [
    { name: 'set_cursor', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface', nullable: true }, { name: 'hotspot_x', type: 'int' }, { name: 'hotspot_y', type: 'int' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'type', opcode: 0, since: 1, args: [{ name: 'tool_type', type: 'uint', enum: 'zwp_tablet_tool_v2.type' }] },
    { name: 'hardware_serial', opcode: 1, since: 1, args: [{ name: 'hardware_serial_hi', type: 'uint' }, { name: 'hardware_serial_lo', type: 'uint' }] },
    { name: 'hardware_id_wacom', opcode: 2, since: 1, args: [{ name: 'hardware_id_hi', type: 'uint' }, { name: 'hardware_id_lo', type: 'uint' }] },
    { name: 'capability', opcode: 3, since: 1, args: [{ name: 'capability', type: 'uint', enum: 'zwp_tablet_tool_v2.capability' }] },
    { name: 'done', opcode: 4, since: 1, args: [] },
    { name: 'removed', opcode: 5, since: 1, args: [] },
    { name: 'proximity_in', opcode: 6, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'tablet', type: 'object', interface: 'zwp_tablet_v2' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'proximity_out', opcode: 7, since: 1, args: [] },
    { name: 'down', opcode: 8, since: 1, args: [{ name: 'serial', type: 'uint' }] },
    { name: 'up', opcode: 9, since: 1, args: [] },
    { name: 'motion', opcode: 10, since: 1, args: [{ name: 'x', type: 'fixed' }, { name: 'y', type: 'fixed' }] },
    { name: 'pressure', opcode: 11, since: 1, args: [{ name: 'pressure', type: 'uint' }] },
    { name: 'distance', opcode: 12, since: 1, args: [{ name: 'distance', type: 'uint' }] },
    { name: 'tilt', opcode: 13, since: 1, args: [{ name: 'tilt_x', type: 'fixed' }, { name: 'tilt_y', type: 'fixed' }] },
    { name: 'rotation', opcode: 14, since: 1, args: [{ name: 'degrees', type: 'fixed' }] },
    { name: 'slider', opcode: 15, since: 1, args: [{ name: 'position', type: 'int' }] },
    { name: 'wheel', opcode: 16, since: 1, args: [{ name: 'degrees', type: 'fixed' }, { name: 'clicks', type: 'int' }] },
    { name: 'button', opcode: 17, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'button', type: 'uint' }, { name: 'state', type: 'uint', enum: 'zwp_tablet_tool_v2.button_state' }] },
    { name: 'frame', opcode: 18, since: 1, args: [{ name: 'time', type: 'uint' }] },
  ],
  enums: [
    { name: 'type', since: 1, bitfield: false, entries: [
      { name: 'pen', value: 320, since: 1 },
      { name: 'eraser', value: 321, since: 1 },
      { name: 'brush', value: 322, since: 1 },
      { name: 'pencil', value: 323, since: 1 },
      { name: 'airbrush', value: 324, since: 1 },
      { name: 'finger', value: 325, since: 1 },
      { name: 'mouse', value: 326, since: 1 },
      { name: 'lens', value: 327, since: 1 },
    ] },
    { name: 'capability', since: 1, bitfield: false, entries: [
      { name: 'tilt', value: 1, since: 1 },
      { name: 'pressure', value: 2, since: 1 },
      { name: 'distance', value: 3, since: 1 },
      { name: 'rotation', value: 4, since: 1 },
      { name: 'slider', value: 5, since: 1 },
      { name: 'wheel', value: 6, since: 1 },
    ] },
    { name: 'button_state', since: 1, bitfield: false, entries: [
      { name: 'released', value: 0, since: 1 },
      { name: 'pressed', value: 1, since: 1 },
    ] },
    { name: 'error', since: 1, bitfield: false, entries: [
      { name: 'role', value: 0, since: 1 },
    ] },
  ],
};

/** bus type */
export const ZwpTabletV2Bustype = {
  /** USB */
  usb: 3,
  /** Bluetooth */
  bluetooth: 5,
  /** Virtual */
  virtual: 6,
  /** Serial */
  serial: 17,
  /** I2C */
  i2c: 24,
} as const;

export interface ZwpTabletV2Requests {
  /** destroy the tablet object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletV2Events {
  /** tablet device name */
  name(name: string): void;
  /** tablet device vendor/product id */
  id(vid: number, pid: number): void;
  /** path to the device */
  path(path: string): void;
  /** tablet description events sequence complete */
  done(): void;
  /** tablet removed event */
  removed(): void;
  /** tablet device bus type. Since version 2. */
  bustype(bustype: number): void;
}

/** graphics tablet device */
export interface ZwpTabletV2 extends WaylandObject<'zwp_tablet_v2', ZwpTabletV2Events>, ZwpTabletV2Requests {}

export const zwp_tablet_v2: TypedInterface<ZwpTabletV2> = {
  name: 'zwp_tablet_v2',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'name', opcode: 0, since: 1, args: [{ name: 'name', type: 'string' }] },
    { name: 'id', opcode: 1, since: 1, args: [{ name: 'vid', type: 'uint' }, { name: 'pid', type: 'uint' }] },
    { name: 'path', opcode: 2, since: 1, args: [{ name: 'path', type: 'string' }] },
    { name: 'done', opcode: 3, since: 1, args: [] },
    { name: 'removed', opcode: 4, since: 1, args: [] },
    { name: 'bustype', opcode: 5, since: 2, args: [{ name: 'bustype', type: 'uint', enum: 'zwp_tablet_v2.bustype' }] },
  ],
  enums: [
    { name: 'bustype', since: 2, bitfield: false, entries: [
      { name: 'usb', value: 3, since: 2 },
      { name: 'bluetooth', value: 5, since: 2 },
      { name: 'virtual', value: 6, since: 2 },
      { name: 'serial', value: 17, since: 2 },
      { name: 'i2c', value: 24, since: 2 },
    ] },
  ],
};

/** ring axis source */
export const ZwpTabletPadRingV2Source = {
  /** finger */
  finger: 1,
} as const;

export interface ZwpTabletPadRingV2Requests {
  /** set compositor feedback */
  setFeedback(description: string, serial: number): void;
  /** destroy the ring object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletPadRingV2Events {
  /** ring event source */
  source(source: number): void;
  /** angle changed */
  angle(degrees: number): void;
  /** interaction stopped */
  stop(): void;
  /** end of a ring event sequence */
  frame(time: number): void;
}

/** pad ring */
export interface ZwpTabletPadRingV2 extends WaylandObject<'zwp_tablet_pad_ring_v2', ZwpTabletPadRingV2Events>, ZwpTabletPadRingV2Requests {}

export const zwp_tablet_pad_ring_v2: TypedInterface<ZwpTabletPadRingV2> = {
  name: 'zwp_tablet_pad_ring_v2',
  version: 2,
  requests: [
    { name: 'set_feedback', opcode: 0, since: 1, args: [{ name: 'description', type: 'string' }, { name: 'serial', type: 'uint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'source', opcode: 0, since: 1, args: [{ name: 'source', type: 'uint', enum: 'zwp_tablet_pad_ring_v2.source' }] },
    { name: 'angle', opcode: 1, since: 1, args: [{ name: 'degrees', type: 'fixed' }] },
    { name: 'stop', opcode: 2, since: 1, args: [] },
    { name: 'frame', opcode: 3, since: 1, args: [{ name: 'time', type: 'uint' }] },
  ],
  enums: [
    { name: 'source', since: 1, bitfield: false, entries: [
      { name: 'finger', value: 1, since: 1 },
    ] },
  ],
};

/** strip axis source */
export const ZwpTabletPadStripV2Source = {
  /** finger */
  finger: 1,
} as const;

export interface ZwpTabletPadStripV2Requests {
  /** set compositor feedback */
  setFeedback(description: string, serial: number): void;
  /** destroy the strip object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletPadStripV2Events {
  /** strip event source */
  source(source: number): void;
  /** position changed */
  position(position: number): void;
  /** interaction stopped */
  stop(): void;
  /** end of a strip event sequence */
  frame(time: number): void;
}

/** pad strip */
export interface ZwpTabletPadStripV2 extends WaylandObject<'zwp_tablet_pad_strip_v2', ZwpTabletPadStripV2Events>, ZwpTabletPadStripV2Requests {}

export const zwp_tablet_pad_strip_v2: TypedInterface<ZwpTabletPadStripV2> = {
  name: 'zwp_tablet_pad_strip_v2',
  version: 2,
  requests: [
    { name: 'set_feedback', opcode: 0, since: 1, args: [{ name: 'description', type: 'string' }, { name: 'serial', type: 'uint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'source', opcode: 0, since: 1, args: [{ name: 'source', type: 'uint', enum: 'zwp_tablet_pad_strip_v2.source' }] },
    { name: 'position', opcode: 1, since: 1, args: [{ name: 'position', type: 'uint' }] },
    { name: 'stop', opcode: 2, since: 1, args: [] },
    { name: 'frame', opcode: 3, since: 1, args: [{ name: 'time', type: 'uint' }] },
  ],
  enums: [
    { name: 'source', since: 1, bitfield: false, entries: [
      { name: 'finger', value: 1, since: 1 },
    ] },
  ],
};

export interface ZwpTabletPadGroupV2Requests {
  /** destroy the pad object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletPadGroupV2Events {
  /** buttons announced */
  buttons(buttons: Uint8Array): void;
  /** ring announced */
  ring(ring: ZwpTabletPadRingV2): void;
  /** strip announced */
  strip(strip: ZwpTabletPadStripV2): void;
  /** mode-switch ability announced */
  modes(modes: number): void;
  /** tablet group description events sequence complete */
  done(): void;
  /** mode switch event */
  modeSwitch(time: number, serial: number, mode: number): void;
  /** dial announced. Since version 2. */
  dial(dial: ZwpTabletPadDialV2): void;
}

/** a set of buttons, rings and strips */
export interface ZwpTabletPadGroupV2 extends WaylandObject<'zwp_tablet_pad_group_v2', ZwpTabletPadGroupV2Events>, ZwpTabletPadGroupV2Requests {}

export const zwp_tablet_pad_group_v2: TypedInterface<ZwpTabletPadGroupV2> = {
  name: 'zwp_tablet_pad_group_v2',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'buttons', opcode: 0, since: 1, args: [{ name: 'buttons', type: 'array' }] },
    { name: 'ring', opcode: 1, since: 1, args: [{ name: 'ring', type: 'new_id', interface: 'zwp_tablet_pad_ring_v2' }] },
    { name: 'strip', opcode: 2, since: 1, args: [{ name: 'strip', type: 'new_id', interface: 'zwp_tablet_pad_strip_v2' }] },
    { name: 'modes', opcode: 3, since: 1, args: [{ name: 'modes', type: 'uint' }] },
    { name: 'done', opcode: 4, since: 1, args: [] },
    { name: 'mode_switch', opcode: 5, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'serial', type: 'uint' }, { name: 'mode', type: 'uint' }] },
    { name: 'dial', opcode: 6, since: 2, args: [{ name: 'dial', type: 'new_id', interface: 'zwp_tablet_pad_dial_v2' }] },
  ],
  enums: [],
};

/** physical button state */
export const ZwpTabletPadV2ButtonState = {
  /** the button is not pressed */
  released: 0,
  /** the button is pressed */
  pressed: 1,
} as const;

export interface ZwpTabletPadV2Requests {
  /** set compositor feedback */
  setFeedback(button: number, description: string, serial: number): void;
  /** destroy the pad object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletPadV2Events {
  /** group announced */
  group(padGroup: ZwpTabletPadGroupV2): void;
  /** path to the device */
  path(path: string): void;
  /** buttons announced */
  buttons(buttons: number): void;
  /** pad description event sequence complete */
  done(): void;
  /** physical button state */
  button(time: number, button: number, state: number): void;
  /** enter event */
  enter(serial: number, tablet: ZwpTabletV2 | null, surface: WlSurface | null): void;
  /** leave event */
  leave(serial: number, surface: WlSurface | null): void;
  /** pad removed event */
  removed(): void;
}

/** a set of buttons, rings, strips and dials */
export interface ZwpTabletPadV2 extends WaylandObject<'zwp_tablet_pad_v2', ZwpTabletPadV2Events>, ZwpTabletPadV2Requests {}

export const zwp_tablet_pad_v2: TypedInterface<ZwpTabletPadV2> = {
  name: 'zwp_tablet_pad_v2',
  version: 2,
  requests: [
    { name: 'set_feedback', opcode: 0, since: 1, args: [{ name: 'button', type: 'uint' }, { name: 'description', type: 'string' }, { name: 'serial', type: 'uint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'group', opcode: 0, since: 1, args: [{ name: 'pad_group', type: 'new_id', interface: 'zwp_tablet_pad_group_v2' }] },
    { name: 'path', opcode: 1, since: 1, args: [{ name: 'path', type: 'string' }] },
    { name: 'buttons', opcode: 2, since: 1, args: [{ name: 'buttons', type: 'uint' }] },
    { name: 'done', opcode: 3, since: 1, args: [] },
    { name: 'button', opcode: 4, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'button', type: 'uint' }, { name: 'state', type: 'uint', enum: 'zwp_tablet_pad_v2.button_state' }] },
    { name: 'enter', opcode: 5, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'tablet', type: 'object', interface: 'zwp_tablet_v2' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'leave', opcode: 6, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
    { name: 'removed', opcode: 7, since: 1, args: [] },
  ],
  enums: [
    { name: 'button_state', since: 1, bitfield: false, entries: [
      { name: 'released', value: 0, since: 1 },
      { name: 'pressed', value: 1, since: 1 },
    ] },
  ],
};

export interface ZwpTabletPadDialV2Requests {
  /** set compositor feedback */
  setFeedback(description: string, serial: number): void;
  /** destroy the dial object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpTabletPadDialV2Events {
  /** delta movement */
  delta(value120: number): void;
  /** end of a dial event sequence */
  frame(time: number): void;
}

/** pad dial */
export interface ZwpTabletPadDialV2 extends WaylandObject<'zwp_tablet_pad_dial_v2', ZwpTabletPadDialV2Events>, ZwpTabletPadDialV2Requests {}

export const zwp_tablet_pad_dial_v2: TypedInterface<ZwpTabletPadDialV2> = {
  name: 'zwp_tablet_pad_dial_v2',
  version: 2,
  requests: [
    { name: 'set_feedback', opcode: 0, since: 1, args: [{ name: 'description', type: 'string' }, { name: 'serial', type: 'uint' }] },
    { name: 'destroy', opcode: 1, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'delta', opcode: 0, since: 1, args: [{ name: 'value120', type: 'int' }] },
    { name: 'frame', opcode: 1, since: 1, args: [{ name: 'time', type: 'uint' }] },
  ],
  enums: [],
};

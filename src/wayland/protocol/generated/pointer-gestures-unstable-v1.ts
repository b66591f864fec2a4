// Made from ../xml/pointer-gestures-unstable-v1.xml by `npm run generate:wayland`. Do not edit.
//
//

import type { WaylandObject } from '../../client/object.js';
import type { TypedInterface } from '../../wire/table.js';
import type { WlPointer, WlSurface } from './wayland.js';

export interface ZwpPointerGesturesV1Requests {
  /** get swipe gesture */
  getSwipeGesture(pointer: WlPointer): ZwpPointerGestureSwipeV1;
  /** get pinch gesture */
  getPinchGesture(pointer: WlPointer): ZwpPointerGesturePinchV1;
  /** destroy the pointer gesture object. Since version 2. The object is gone after it. */
  release(): void;
  /** get hold gesture. Since version 3. */
  getHoldGesture(pointer: WlPointer): ZwpPointerGestureHoldV1;
}

export interface ZwpPointerGesturesV1Events {
}

/** touchpad gestures */
export interface ZwpPointerGesturesV1 extends WaylandObject<'zwp_pointer_gestures_v1', ZwpPointerGesturesV1Events>, ZwpPointerGesturesV1Requests {}

export const zwp_pointer_gestures_v1: TypedInterface<ZwpPointerGesturesV1> = {
  name: 'zwp_pointer_gestures_v1',
  version: 3,
  requests: [
    { name: 'get_swipe_gesture', opcode: 0, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_pointer_gesture_swipe_v1' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }] },
    { name: 'get_pinch_gesture', opcode: 1, since: 1, args: [{ name: 'id', type: 'new_id', interface: 'zwp_pointer_gesture_pinch_v1' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }] },
    { name: 'release', opcode: 2, since: 2, destructor: true, args: [] },
    { name: 'get_hold_gesture', opcode: 3, since: 3, args: [{ name: 'id', type: 'new_id', interface: 'zwp_pointer_gesture_hold_v1' }, { name: 'pointer', type: 'object', interface: 'wl_pointer' }] },
  ],
  events: [],
  enums: [],
};

export interface ZwpPointerGestureSwipeV1Requests {
  /** destroy the pointer swipe gesture object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPointerGestureSwipeV1Events {
  /** multi-finger swipe begin */
  begin(serial: number, time: number, surface: WlSurface | null, fingers: number): void;
  /** multi-finger swipe motion */
  update(time: number, dx: number, dy: number): void;
  /** multi-finger swipe end */
  end(serial: number, time: number, cancelled: number): void;
}

/** a swipe gesture object */
export interface ZwpPointerGestureSwipeV1 extends WaylandObject<'zwp_pointer_gesture_swipe_v1', ZwpPointerGestureSwipeV1Events>, ZwpPointerGestureSwipeV1Requests {}

export const zwp_pointer_gesture_swipe_v1: TypedInterface<ZwpPointerGestureSwipeV1> = {
  name: 'zwp_pointer_gesture_swipe_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'begin', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'fingers', type: 'uint' }] },
    { name: 'update', opcode: 1, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'dx', type: 'fixed' }, { name: 'dy', type: 'fixed' }] },
    { name: 'end', opcode: 2, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'cancelled', type: 'int' }] },
  ],
  enums: [],
};

export interface ZwpPointerGesturePinchV1Requests {
  /** destroy the pinch gesture object. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPointerGesturePinchV1Events {
  /** multi-finger pinch begin */
  begin(serial: number, time: number, surface: WlSurface | null, fingers: number): void;
  /** multi-finger pinch motion */
  update(time: number, dx: number, dy: number, scale: number, rotation: number): void;
  /** multi-finger pinch end */
  end(serial: number, time: number, cancelled: number): void;
}

/** a pinch gesture object */
export interface ZwpPointerGesturePinchV1 extends WaylandObject<'zwp_pointer_gesture_pinch_v1', ZwpPointerGesturePinchV1Events>, ZwpPointerGesturePinchV1Requests {}

export const zwp_pointer_gesture_pinch_v1: TypedInterface<ZwpPointerGesturePinchV1> = {
  name: 'zwp_pointer_gesture_pinch_v1',
  version: 2,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'begin', opcode: 0, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'fingers', type: 'uint' }] },
    { name: 'update', opcode: 1, since: 1, args: [{ name: 'time', type: 'uint' }, { name: 'dx', type: 'fixed' }, { name: 'dy', type: 'fixed' }, { name: 'scale', type: 'fixed' }, { name: 'rotation', type: 'fixed' }] },
    { name: 'end', opcode: 2, since: 1, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'cancelled', type: 'int' }] },
  ],
  enums: [],
};

export interface ZwpPointerGestureHoldV1Requests {
  /** destroy the hold gesture object. Since version 3. The object is gone after it. */
  destroy(): void;
}

export interface ZwpPointerGestureHoldV1Events {
  /** multi-finger hold begin. Since version 3. */
  begin(serial: number, time: number, surface: WlSurface | null, fingers: number): void;
  /** multi-finger hold end. Since version 3. */
  end(serial: number, time: number, cancelled: number): void;
}

/** a hold gesture object */
export interface ZwpPointerGestureHoldV1 extends WaylandObject<'zwp_pointer_gesture_hold_v1', ZwpPointerGestureHoldV1Events>, ZwpPointerGestureHoldV1Requests {}

export const zwp_pointer_gesture_hold_v1: TypedInterface<ZwpPointerGestureHoldV1> = {
  name: 'zwp_pointer_gesture_hold_v1',
  version: 3,
  requests: [
    { name: 'destroy', opcode: 0, since: 3, destructor: true, args: [] },
  ],
  events: [
    { name: 'begin', opcode: 0, since: 3, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'surface', type: 'object', interface: 'wl_surface' }, { name: 'fingers', type: 'uint' }] },
    { name: 'end', opcode: 1, since: 3, args: [{ name: 'serial', type: 'uint' }, { name: 'time', type: 'uint' }, { name: 'cancelled', type: 'int' }] },
  ],
  enums: [],
};

/**
 * Event types and codes of Linux's evdev interface, which virtio-input takes over as they are (virtio 1.3, 5.8;
 * linux/input-event-codes.h). Only what the devices here offer.
 */

/** Event types. */
export const EV_SYN = 0x00;
export const EV_KEY = 0x01;
export const EV_REL = 0x02;
export const EV_ABS = 0x03;
export const EV_LED = 0x11;
export const EV_REP = 0x14;

export const SYN_REPORT = 0;

/** Keys of a keyboard have the codes from here… */
export const KEY_FIRST = 1;
/** …to here (KEY_MICMUTE): those that an 8-bit keycode can carry. */
export const KEY_LAST = 248;

export const BTN_LEFT = 0x110;
export const BTN_RIGHT = 0x111;
export const BTN_MIDDLE = 0x112;
export const BTN_SIDE = 0x113;
export const BTN_EXTRA = 0x114;
export const BTN_TOUCH = 0x14a;

export const REL_X = 0x00;
export const REL_Y = 0x01;
export const REL_HWHEEL = 0x06;
export const REL_WHEEL = 0x08;
export const REL_WHEEL_HI_RES = 0x0b;
export const REL_HWHEEL_HI_RES = 0x0c;

export const ABS_X = 0x00;
export const ABS_Y = 0x01;
export const ABS_MT_SLOT = 0x2f;
export const ABS_MT_POSITION_X = 0x35;
export const ABS_MT_POSITION_Y = 0x36;
export const ABS_MT_TRACKING_ID = 0x39;

export const LED_NUML = 0x00;
export const LED_CAPSL = 0x01;
export const LED_SCROLLL = 0x02;
export const LED_COMPOSE = 0x03;
export const LED_KANA = 0x04;

export const INPUT_PROP_DIRECT = 0x01;

export const BUS_VIRTUAL = 0x06;

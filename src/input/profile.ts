/**
 * What a device tells the guest of itself: its name and the events that it can send. One profile for each kind of
 * device; a kind is nothing but its profile.
 */
import * as ev from './wire/event-codes.js';
import type { AbsInfo, DevIds } from './wire/structs.js';

export interface InputProfile {
  /** UTF-8, at most 128 bytes (Linux guests keep 63). */
  readonly name: string;
  /** The same; empty = none. */
  readonly serial: string;
  readonly ids: DevIds;
  /** INPUT_PROP_* numbers. */
  readonly properties: readonly number[];
  /** Codes by event type (EV_*). A type whose presence is all there is to it has code 0. */
  readonly events: ReadonlyMap<number, readonly number[]>;
  /** Range of each absolute axis. */
  readonly axes: ReadonlyMap<number, AbsInfo>;
}

export interface ProfileOptions {
  readonly name?: string;
  readonly serial?: string;
}

export interface KeyboardOptions extends ProfileOptions {
  /**
   * Offer EV_REP: the guest's input layer then repeats keys that are held, as text consoles want it. Graphical
   * guests repeat by themselves either way. The device never sends repeats. Default false.
   */
  readonly repeat?: boolean;
}

/** Absolute axes go from 0 to this. */
export const POSITION_MAX = 32767;
/** Fingers on a touchscreen. */
export const TOUCH_SLOTS = 16;
/** Tracking ids of touches go from 0 to this. */
export const TRACKING_ID_MAX = 65535;

const VENDOR = 0x1af4;
const BUTTONS = [ev.BTN_LEFT, ev.BTN_RIGHT, ev.BTN_MIDDLE, ev.BTN_SIDE, ev.BTN_EXTRA];
const WHEELS = [ev.REL_HWHEEL, ev.REL_WHEEL, ev.REL_WHEEL_HI_RES, ev.REL_HWHEEL_HI_RES];
const LEDS = [ev.LED_NUML, ev.LED_CAPSL, ev.LED_SCROLLL, ev.LED_COMPOSE, ev.LED_KANA];

function identity(options: ProfileOptions, name: string, product: number) {
  return {
    name: options.name ?? name,
    serial: options.serial ?? '',
    ids: { bustype: ev.BUS_VIRTUAL, vendor: VENDOR, product, version: 1 },
  };
}

function range(max: number): AbsInfo {
  return { min: 0, max, fuzz: 0, flat: 0, res: 0 };
}

/** Every key that evdev has below 249, and the LEDs of a PC keyboard. */
export function keyboardProfile(options: KeyboardOptions = {}): InputProfile {
  const keys = Array.from({ length: ev.KEY_LAST - ev.KEY_FIRST + 1 }, (_, i) => ev.KEY_FIRST + i);
  const events = new Map<number, readonly number[]>([
    [ev.EV_KEY, keys],
    [ev.EV_LED, LEDS],
  ]);
  if (options.repeat === true) events.set(ev.EV_REP, [0]);
  return { ...identity(options, 'vhost-user keyboard', 1), properties: [], events, axes: new Map() };
}

/** A pointer that is told where it is: what a window's pointer becomes. */
export function tabletProfile(options: ProfileOptions = {}): InputProfile {
  return {
    ...identity(options, 'vhost-user tablet', 2),
    properties: [],
    events: new Map([
      [ev.EV_KEY, BUTTONS],
      [ev.EV_REL, WHEELS],
      [ev.EV_ABS, [ev.ABS_X, ev.ABS_Y]],
    ]),
    axes: new Map([
      [ev.ABS_X, range(POSITION_MAX)],
      [ev.ABS_Y, range(POSITION_MAX)],
    ]),
  };
}

/** A pointer that is told how far it moved. */
export function mouseProfile(options: ProfileOptions = {}): InputProfile {
  return {
    ...identity(options, 'vhost-user mouse', 3),
    properties: [],
    events: new Map([
      [ev.EV_KEY, BUTTONS],
      [ev.EV_REL, [ev.REL_X, ev.REL_Y, ...WHEELS]],
    ]),
    axes: new Map(),
  };
}

/** Fingers on the screen itself (Linux's multi-touch protocol, type B). */
export function touchscreenProfile(options: ProfileOptions = {}): InputProfile {
  return {
    ...identity(options, 'vhost-user touchscreen', 4),
    properties: [ev.INPUT_PROP_DIRECT],
    events: new Map([
      [ev.EV_KEY, [ev.BTN_TOUCH]],
      [ev.EV_ABS, [ev.ABS_MT_SLOT, ev.ABS_MT_POSITION_X, ev.ABS_MT_POSITION_Y, ev.ABS_MT_TRACKING_ID]],
    ]),
    axes: new Map([
      [ev.ABS_MT_SLOT, range(TOUCH_SLOTS - 1)],
      [ev.ABS_MT_POSITION_X, range(POSITION_MAX)],
      [ev.ABS_MT_POSITION_Y, range(POSITION_MAX)],
      [ev.ABS_MT_TRACKING_ID, range(TRACKING_ID_MAX)],
    ]),
  };
}

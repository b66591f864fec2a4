/** The input of one output's window, taken to the devices that there are. */
import type { InputDevice, ScrollAxis } from '../../input/index.js';
import type { FingerSlots } from './finger-slots.js';
import type { LockKeys } from './lock-keys.js';

/** Where an output lies among all outputs, each coordinate as a fraction of the whole. */
export interface OutputPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is needed of a device. */
export type FedDevice = Pick<
  InputDevice,
  'key' | 'button' | 'moveTo' | 'moveBy' | 'scroll' | 'touch' | 'touchUp' | 'frame' | 'releaseAll'
>;

/** The devices of all outputs. */
export interface FedDevices {
  readonly keyboard: FedDevice | null;
  /** One for all outputs, or one for each. */
  readonly tablets: readonly FedDevice[];
  readonly mouse: FedDevice | null;
  readonly touchscreen: FedDevice | null;
  readonly fingers: FingerSlots;
  readonly lockKeys: LockKeys | null;
}

const WHOLE: OutputPlace = { x: 0, y: 0, width: 1, height: 1 };

/** Coordinates: 0 to 1 of the output. */
export class OutputInput {
  readonly pointer: 'absolute' | 'relative';
  private readonly devices: FedDevices;
  private readonly tablet: FedDevice | null;
  private readonly place: () => OutputPlace;
  /** The pointer moved last by a distance. */
  private relative = false;
  /** Where the buttons went down that are held. */
  private readonly held = new Map<number, FedDevice>();

  constructor(
    devices: FedDevices,
    output: number,
    place: () => OutputPlace,
    pointer: 'absolute' | 'relative',
  ) {
    this.devices = devices;
    this.pointer = pointer;
    this.place = devices.tablets.length > 1 ? () => WHOLE : place;
    this.tablet = devices.tablets[output] ?? devices.tablets[0] ?? null;
  }

  key(code: number, pressed: boolean): void {
    this.devices.keyboard?.key(code, pressed);
  }

  /** A button goes to the pointer that moves, whichever device has the last motion; and goes up where it went down. */
  button(code: number, pressed: boolean): void {
    const device = this.held.get(code) ?? this.pointing;
    if (device === null) return;
    if (pressed) this.held.set(code, device);
    else this.held.delete(code);
    device.button(code, pressed);
  }

  moveTo(x: number, y: number): void {
    const place = this.place();
    this.relative = false;
    this.tablet?.moveTo(place.x + x * place.width, place.y + y * place.height);
  }

  moveBy(dx: number, dy: number): void {
    this.relative = true;
    this.devices.mouse?.moveBy(dx, dy);
  }

  scroll(axis: ScrollAxis, v120: number): void {
    this.pointing?.scroll(axis, v120);
  }

  touch(slot: number, x: number, y: number): void {
    const place = this.place();
    const finger = this.devices.fingers.take(this, slot);
    if (finger === null) return;
    this.devices.touchscreen?.touch(finger, place.x + x * place.width, place.y + y * place.height);
  }

  touchUp(slot: number): void {
    const finger = this.devices.fingers.free(this, slot);
    if (finger !== null) this.devices.touchscreen?.touchUp(finger);
  }

  frame(): void {
    for (const device of this.all()) device.frame();
  }

  releaseAll(): void {
    this.held.clear();
    this.devices.fingers.clear();
    for (const device of this.all()) device.releaseAll();
    this.devices.lockKeys?.focusLost();
  }

  /** The host's lock keys, as the compositor told them. */
  lockedModifiers(caps: boolean, num: boolean): void {
    this.devices.lockKeys?.hostHas(caps, num);
  }

  private get pointing(): FedDevice | null {
    const { mouse } = this.devices;
    return this.relative ? (mouse ?? this.tablet) : (this.tablet ?? mouse);
  }

  private *all(): Iterable<FedDevice> {
    const { keyboard, mouse, touchscreen } = this.devices;
    for (const device of [keyboard, this.tablet, mouse, touchscreen]) if (device !== null) yield device;
  }
}

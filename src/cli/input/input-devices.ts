/**
 * The virtio-input devices of the command, each on a socket of its own, and what feeds them: one source of input for
 * each output's window.
 */
import { BackEndServer, type Logger } from 'vhost-user-ts';
import {
  InputDevice,
  type InputProfile,
  type InputStatus,
  keyboardProfile,
  mouseProfile,
  type ScrollAxis,
  tabletProfile,
  touchscreenProfile,
} from '../../input/index.js';
import type { InputPaths } from '../options.js';
import { LockKeys } from './lock-keys.js';

/** Where an output lies among all outputs, each coordinate as a fraction of the whole. */
export interface OutputPlace {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class InputDevices {
  readonly keyboard: InputDevice | null;
  readonly tablets: readonly InputDevice[];
  readonly mouse: InputDevice | null;
  readonly touchscreen: InputDevice | null;
  readonly lockKeys: LockKeys | null;
  private readonly servers: BackEndServer[] = [];
  private readonly logFor: (device: string) => Logger;

  /** Starts to serve the devices that have a path; throws the system's error when one can't be served. */
  constructor(paths: InputPaths, logFor: (device: string) => Logger) {
    this.logFor = logFor;
    try {
      this.keyboard = this.serve(paths.keyboard, keyboardProfile({ repeat: true }));
      this.tablets = paths.tablets.map((path) => this.serve(path, tabletProfile()) as InputDevice);
      this.mouse = this.serve(paths.mouse, mouseProfile());
      this.touchscreen = this.serve(paths.touchscreen, touchscreenProfile());
    } catch (error) {
      this.close();
      throw error;
    }
    this.lockKeys = this.keyboard === null ? null : new LockKeys(this.keyboard);
  }

  /** What each device did, by name; for metrics. */
  get status(): Readonly<Record<string, InputStatus>> {
    const named: [string, InputDevice | null][] = [
      ['keyboard', this.keyboard],
      ...this.tablets.map((tablet, i): [string, InputDevice] => [`tablet-${i}`, tablet]),
      ['mouse', this.mouse],
      ['touchscreen', this.touchscreen],
    ];
    return Object.fromEntries(
      named.flatMap(([name, device]) => (device === null ? [] : [[name, device.status]])),
    );
  }

  /**
   * The input of one output. `place` tells where it lies among the outputs: a tablet that all of them share covers
   * them all, as absolute pointers do in guests.
   */
  forOutput(output: number, place: () => OutputPlace, pointer: 'absolute' | 'relative'): OutputInput {
    return new OutputInput(this, output, place, pointer);
  }

  /** Stops serving. Idempotent. */
  close(): void {
    for (const server of this.servers) server.close();
  }

  private serve(path: string | null, profile: InputProfile): InputDevice | null {
    if (path === null) return null;
    const log = this.logFor(profile.name);
    const device = new InputDevice({
      profile,
      onLed: (code, on) => {
        log.debug({ code, on }, 'the guest set an LED');
        this.lockKeys?.ledSet(code);
      },
    });
    const server = new BackEndServer(
      device,
      { path },
      { log, onListening: () => log.info({ endpoint: path }, 'input device ready') },
    );
    this.servers.push(server);
    return device;
  }
}

/** What a window tells of its input, taken to the devices that there are. Coordinates: 0 to 1 of the output. */
export class OutputInput {
  readonly pointer: 'absolute' | 'relative';
  private readonly devices: InputDevices;
  private readonly tablet: InputDevice | null;
  private readonly place: () => OutputPlace;

  constructor(
    devices: InputDevices,
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

  /** A button goes to the pointer that moves: whichever device has the last motion. */
  button(code: number, pressed: boolean): void {
    this.pointing?.button(code, pressed);
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
    this.devices.touchscreen?.touch(slot, place.x + x * place.width, place.y + y * place.height);
  }

  touchUp(slot: number): void {
    this.devices.touchscreen?.touchUp(slot);
  }

  frame(): void {
    for (const device of this.all()) device.frame();
  }

  releaseAll(): void {
    for (const device of this.all()) device.releaseAll();
    this.devices.lockKeys?.focusLost();
  }

  /** The host's lock keys, as the compositor told them. */
  lockedModifiers(caps: boolean, num: boolean): void {
    this.devices.lockKeys?.hostHas(caps, num);
  }

  private relative = false;

  private get pointing(): InputDevice | null {
    const { mouse } = this.devices;
    return this.relative ? (mouse ?? this.tablet) : (this.tablet ?? mouse);
  }

  private *all(): Iterable<InputDevice> {
    const { keyboard, mouse, touchscreen } = this.devices;
    for (const device of [keyboard, this.tablet, mouse, touchscreen]) if (device !== null) yield device;
  }
}

const WHOLE: OutputPlace = { x: 0, y: 0, width: 1, height: 1 };

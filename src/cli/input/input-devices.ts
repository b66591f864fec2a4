/**
 * The virtio-input devices of the command, each on a socket of its own, and what feeds them: one source of input for
 * each output's window.
 */
import { BackEndServer, type Logger, type ServerOptions } from 'vhost-user-ts';
import {
  InputDevice,
  type InputProfile,
  type InputStatus,
  keyboardProfile,
  mouseProfile,
  tabletProfile,
  touchscreenProfile,
} from '../../input/index.js';
import type { InputPaths, InputPlace } from '../options/input.js';
import { FingerSlots } from './finger-slots.js';
import { LockKeys } from './lock-keys.js';
import { OutputInput, type OutputPlace } from './output-input.js';

export class InputDevices {
  readonly keyboard: InputDevice | null;
  readonly tablets: readonly InputDevice[];
  readonly mouse: InputDevice | null;
  readonly touchscreen: InputDevice | null;
  readonly lockKeys: LockKeys | null;
  readonly fingers = new FingerSlots();
  private readonly servers: BackEndServer[] = [];
  private readonly logFor: (device: string) => Logger;
  private readonly serverOptions: ServerOptions;

  /** Starts to serve the devices that have a place; throws the system's error when one can't be served. */
  constructor(paths: InputPaths, logFor: (device: string) => Logger, serverOptions: ServerOptions = {}) {
    this.logFor = logFor;
    this.serverOptions = serverOptions;
    try {
      this.keyboard = this.serve(paths.keyboard, keyboardProfile({ repeat: true }));
      this.tablets = paths.tablets.map((place) => this.serve(place, tabletProfile()) as InputDevice);
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

  private serve(place: InputPlace | null, profile: InputProfile): InputDevice | null {
    if (place === null) return null;
    const log = this.logFor(profile.name);
    const device: InputDevice = new InputDevice({
      profile,
      onLed: (code, on) => {
        log.debug({ code, on }, 'the guest set an LED');
        this.lockKeys?.ledSet(code);
      },
      onReset: () => {
        if (device === this.keyboard) this.lockKeys?.guestLeft();
      },
    });
    const server = new BackEndServer(device, typeof place === 'string' ? { path: place } : { fd: place }, {
      ...this.serverOptions,
      log,
      onListening: () => log.info({ endpoint: place }, 'input device ready'),
    });
    this.servers.push(server);
    return device;
  }
}

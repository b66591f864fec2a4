/** The guest's input-test (guest/input-test.c) from the host's side: what its input devices tell, and what it draws. */
import type { GuestChannel } from './guest-channel.js';
import { GuestProgram } from './guest-program.js';
import { computed, type RgbPicture } from './picture.js';

/** An event of evdev: numbers of linux/input-event-codes.h. */
export interface GuestEvent {
  /** Index in `devices()`. */
  readonly device: number;
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

/** What can be seen on the canvas. */
export interface Drawn {
  /** Codes of keys that went down. */
  readonly keys?: readonly number[];
  /** Where a button went down, in pixels. */
  readonly clicks?: readonly (readonly [x: number, y: number])[];
}

const FIELD = 8;
const FIELDS_PER_ROW = 64;
const WHITE = 0xffffff;
const RED = 0xff0000;

export class InputTest extends GuestProgram {
  static async start(guest: GuestChannel): Promise<InputTest> {
    return new InputTest(guest, 'input-test').launch();
  }

  /** Names of the input devices. */
  async devices(): Promise<string[]> {
    return JSON.parse(await this.command('devices')) as string[];
  }

  /** Shows a black canvas of that size. */
  async canvas(width: number, height: number): Promise<void> {
    await this.command('canvas', width, height);
  }

  /** Events that were not told yet, as soon as there are `count`; fewer after the time. */
  async wait(count: number, timeoutMs = 30_000): Promise<GuestEvent[]> {
    const events = JSON.parse(await this.command('wait', count, timeoutMs)) as number[][];
    return events.map(([device = -1, type = -1, code = -1, value = 0]) => ({ device, type, code, value }));
  }
}

/** The canvas as it must look. */
export function inputPicture(width: number, height: number, { keys = [], clicks = [] }: Drawn): RgbPicture {
  return computed(width, height, (x, y) => {
    if (clicks.some(([left, top]) => x >= left - 8 && x < left + 8 && y >= top - 8 && y < top + 8))
      return RED;
    const field = Math.floor(y / FIELD) * FIELDS_PER_ROW + Math.floor(x / FIELD);
    return x < FIELD * FIELDS_PER_ROW && keys.includes(field) ? WHITE : 0;
  });
}

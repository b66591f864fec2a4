/** The guest's test program for forwarded windows (guest/wayland-test.c), from the host. */
import type { GuestChannel } from './guest-channel.js';
import { GuestProgram } from './guest-program.js';

export interface WindowSize {
  readonly width: number;
  readonly height: number;
}

function sizeOf(answer: string): WindowSize {
  const [width = 0, height = 0] = answer.split(' ').map(Number);
  return { width, height };
}

export class WaylandTest extends GuestProgram {
  static start(guest: GuestChannel): Promise<WaylandTest> {
    return new WaylandTest(guest, 'wayland-test').launch();
  }

  async connect(path: string): Promise<void> {
    await this.command('connect', path);
  }

  /** Opens the window; returns the size that it got. */
  async window(size: WindowSize, seed: number, memory: 'shm' | 'shared'): Promise<WindowSize> {
    return sizeOf(await this.command('window', size.width, size.height, seed, memory));
  }

  /** Another picture in a rectangle. */
  async draw(x: number, y: number, width: number, height: number, seed: number): Promise<void> {
    await this.command('draw', x, y, width, height, seed);
  }

  /** Resolves when the compositor has made the window another size, and the window is drawn. */
  async resized(): Promise<WindowSize> {
    return sizeOf(await this.command('resized'));
  }

  /** Length and CRC-32 of the keyboard's keymap. */
  async keymap(): Promise<{ readonly bytes: number; readonly crc: number }> {
    const [bytes = 0, crc = 0] = (await this.command('keymap')).split(' ').map(Number);
    return { bytes, crc };
  }

  async close(): Promise<void> {
    await this.command('close');
  }

  /** Breaks the protocol: an object that isn't there, or a second role; returns the error that it was told. */
  violate(what: 'object' | 'role'): Promise<string> {
    return this.command('violate', what);
  }
}

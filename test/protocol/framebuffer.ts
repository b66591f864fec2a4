/** Pictures of a guest, in its memory and on QEMU's display. */
import type { FrontEndClient } from 'vhost-user-ts';
import * as c from '../unit/gpu-commands.js';
import type { FakeQemu } from '../unit/gpu-socket-fixture.js';

/** A framebuffer in scattered pages of guest memory, and how it is told to the device. */
export class Framebuffer {
  readonly pages: readonly (readonly [addr: number, length: number])[];
  private readonly vm: FrontEndClient;
  readonly width: number;
  readonly height: number;

  constructor(vm: FrontEndClient, width: number, height: number) {
    this.vm = vm;
    this.width = width;
    this.height = height;
    const count = Math.ceil((width * height * 4) / 4096);
    const base = vm.memory.alloc(count * 2 * 4096, 4096);
    // Every second page, from the last to the first.
    this.pages = Array.from({ length: count }, (_, i) => [base + (count - 1 - i) * 8192, 4096] as const);
  }

  /** Draws a picture of its own for each seed; returns its bytes. */
  paint(seed: number): Uint8Array {
    const bytes = new Uint8Array(this.pages.length * 4096);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 9) * 13 + seed * 51) & 0xff;
    this.pages.forEach(([addr], i) => {
      this.vm.memory.write(addr, bytes.subarray(i * 4096, (i + 1) * 4096));
    });
    return bytes.subarray(0, this.width * this.height * 4);
  }

  get all(): c.Rect {
    return c.rect(this.width, this.height);
  }
}

/** What a display shows of a scanout; null when that is off. All four bytes of a pixel arrive as they were. */
export function picture(display: FakeQemu, scanoutId: number): Uint8Array | null {
  return display.surfaces.get(scanoutId)?.bgrx ?? null;
}

/** What a guest draws into, and its size in pixels. */
import { pageSize } from 'vhost-user-native';
import type { FrontEndMemory } from 'vhost-user-ts';
import { pictureColor } from '../harness/pattern.js';

export const WIDTH = 320;
export const HEIGHT = 240;
const BYTES = WIDTH * HEIGHT * 4;

/** A guest's framebuffer: every second page of a piece of its memory, from the last to the first. */
export class Framebuffer {
  readonly pages: readonly (readonly [address: number, length: number])[];
  private readonly memory: FrontEndMemory;

  constructor(memory: FrontEndMemory) {
    this.memory = memory;
    const count = BYTES / pageSize;
    const base = memory.alloc(count * 2 * pageSize, pageSize);
    this.pages = Array.from(
      { length: count },
      (_, i) => [base + (count - 1 - i) * 2 * pageSize, pageSize] as const,
    );
  }

  /** All of picture(seed), as the guest's programs see it. */
  bytesOf(seed: number): Buffer {
    const words = Uint32Array.from({ length: BYTES / 4 }, (_, i) =>
      pictureColor(i % WIDTH, Math.floor(i / WIDTH), seed),
    );
    return Buffer.from(words.buffer);
  }

  /** Draws rows of picture(seed). */
  paint(seed: number, firstRow = 0, rows = HEIGHT): void {
    for (let y = firstRow; y < firstRow + rows; y++) {
      const row = Uint32Array.from({ length: WIDTH }, (_, x) => pictureColor(x, y, seed));
      const bytes = new Uint8Array(row.buffer);
      for (let done = 0; done < bytes.length; ) {
        const at = y * WIDTH * 4 + done;
        const [address] = this.pages[Math.floor(at / pageSize)] ?? [0];
        const part = bytes.subarray(done, done + pageSize - (at % pageSize));
        this.memory.write(address + (at % pageSize), part);
        done += part.length;
      }
    }
  }
}

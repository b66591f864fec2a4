/** A small pool of this process's own for images that change now and then: two slots, so that one can be shown. */
import { closeFd, createMemfd, type Mapping, mapFile } from 'vhost-user-native';
import { type WlBuffer, type WlShm, WlShmFormat, type WlShmPool } from '../../protocol/generated/wayland.js';
import { CURSOR_EDGE_MAX } from './limits.js';
import type { CursorImage } from './types.js';

const BYTES_PER_PIXEL = 4;
const SLOT_BYTES = CURSOR_EDGE_MAX * CURSOR_EDGE_MAX * BYTES_PER_PIXEL;

interface Slot {
  readonly offset: number;
  buffer: WlBuffer | null;
  busy: boolean;
}

interface Memory {
  readonly mapping: Mapping;
  readonly pool: WlShmPool;
}

export class ImageBuffers {
  private readonly shm: WlShm;
  private readonly onFree: () => void;
  private readonly warn: (message: string) => void;
  private readonly slots: readonly Slot[] = [0, 1].map((index) => ({
    offset: index * SLOT_BYTES,
    buffer: null,
    busy: false,
  }));
  private memory: Memory | null = null;
  private waiting = false;

  /** `onFree`: there is room again, after `put` said that there is none. */
  constructor(shm: WlShm, onFree: () => void, warn: (message: string) => void) {
    this.shm = shm;
    this.onFree = onFree;
    this.warn = warn;
  }

  /**
   * A buffer with the image, to be committed at once; null while the compositor holds all of them, and when the
   * process has no descriptor or memory left for it.
   */
  put(image: CursorImage): WlBuffer | null {
    const slot = this.slots.find(({ busy }) => !busy);
    if (slot === undefined) {
      this.waiting = true;
      return null;
    }
    const memory = this.open();
    if (memory === null) return null;
    const { mapping, pool } = memory;
    const { width, height, pixels } = image;
    const bytes = width * height * BYTES_PER_PIXEL;
    new Uint8Array(mapping.window(slot.offset, bytes)).set(pixels.subarray(0, bytes));
    slot.buffer?.destroy();
    const stride = width * BYTES_PER_PIXEL;
    slot.buffer = pool.createBuffer(slot.offset, width, height, stride, WlShmFormat.argb8888);
    slot.busy = true;
    slot.buffer.listen({ release: () => this.released(slot) });
    return slot.buffer;
  }

  close(): void {
    for (const { buffer } of this.slots) if (buffer?.alive === true) buffer.destroy();
    if (this.memory === null) return;
    if (this.memory.pool.alive) this.memory.pool.destroy();
    this.memory.mapping.close();
    this.memory = null;
  }

  private open(): Memory | null {
    try {
      this.memory ??= createMemory(this.shm, this.slots.length * SLOT_BYTES);
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      this.warn(`no memory for the guest's cursor: ${error.message}`);
    }
    return this.memory;
  }

  private released(slot: Slot): void {
    slot.busy = false;
    if (!this.waiting) return;
    this.waiting = false;
    this.onFree();
  }
}

function createMemory(shm: WlShm, bytes: number): Memory {
  const fd = createMemfd('wayland-images', { size: bytes });
  try {
    const mapping = mapFile(fd, 0, bytes, { writable: true });
    return { mapping, pool: shm.createPool(fd, bytes) };
  } finally {
    closeFd(fd);
  }
}

/** A picture in guest memory, as a resource's backing. */
import { type FrontEndMemory, viewOf } from 'vhost-user-ts';
import { MemEntry } from '../src/virtio-gpu/wire/structs.js';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a backing lies in memory: 4 KiB pages in a random order, or one range. */
export type Layout = 'scattered' | 'contiguous';

const PAGE_BYTES = 4096;

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Its fourth byte has a meaning. */
  readonly alpha: boolean;
  /** Offsets of its pages in guest memory. */
  readonly pages: Uint32Array;
  /** `virtio_gpu_mem_entry` for each part of the backing. */
  readonly entries: Uint8Array;
  readonly all: Rect;
}

/** Numbers that look random and are the same in each run: 0 <= n < 2^32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** Allocates a picture and fills it. */
export function placePicture(
  memory: FrontEndMemory,
  width: number,
  height: number,
  layout: Layout,
  alpha = false,
): Picture {
  const count = Math.ceil((width * height * 4) / PAGE_BYTES);
  const base = memory.alloc(count * PAGE_BYTES, PAGE_BYTES) - memory.guestAddress;
  const pages = Uint32Array.from({ length: count }, (_, i) => base + i * PAGE_BYTES);
  if (layout === 'scattered') shuffle(pages);
  const words = new Uint32Array(memory.buffer, base, (count * PAGE_BYTES) / 4);
  const random = randomNumbers(width * height);
  for (let i = 0; i < words.length; i++) words[i] = random();
  const parts: [offset: number, length: number][] =
    layout === 'scattered'
      ? Array.from(pages, (offset) => [offset, PAGE_BYTES])
      : [[base, count * PAGE_BYTES]];
  const entries = new Uint8Array(parts.length * MemEntry.size);
  const view = viewOf(entries);
  parts.forEach(([offset, length], i) => {
    MemEntry.write(view, i * MemEntry.size, { addr: memory.guestAddress + offset, length, padding: 0 });
  });
  return { width, height, alpha, pages, entries, all: { x: 0, y: 0, width, height } };
}

/** Squares anywhere in the picture, the same ones in each run. */
export function squares(picture: Picture, size: number, count: number): Rect[] {
  const random = randomNumbers(42);
  return Array.from({ length: count }, () => ({
    x: random() % (picture.width - size + 1),
    y: random() % (picture.height - size + 1),
    width: size,
    height: size,
  }));
}

function shuffle(pages: Uint32Array): void {
  const random = randomNumbers(7);
  for (let i = pages.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    const page = pages[i] as number;
    pages[i] = pages[j] as number;
    pages[j] = page;
  }
}

/** What a guest's buffers hold: where their pixels are, for those who look at them. */
import type { ForwardedObject } from '../objects.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Memory that stays where it is while somebody holds it. */
export interface BufferMemory {
  /** False when it was given back already: nobody may look there any more. */
  hold(): boolean;
  drop(): void;
}

/** Pixels in the shared region. Layout and format were checked against the blob that they lie in. */
interface RegionBuffer extends Size {
  readonly kind: 'region';
  readonly memory: BufferMemory;
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly stride: number;
  /** Of wl_shm. */
  readonly format: number;
}

/** wp_single_pixel_buffer_v1. */
interface ColorBuffer extends Size {
  readonly kind: 'color';
  /** Red, green, blue and alpha from the lowest byte on; premultiplied. */
  readonly rgba: number;
}

/** Pages of the guest, of which this process has no view. */
interface DmabufBuffer extends Size {
  readonly kind: 'dmabuf';
}

export type BufferContent = RegionBuffer | ColorBuffer | DmabufBuffer;

const buffers = new WeakMap<ForwardedObject, BufferContent>();

/** Of a wl_buffer that the guest has made. */
export function setBufferContent(buffer: ForwardedObject, content: BufferContent): void {
  buffers.set(buffer, content);
}

/** Null when it is not known. */
export function bufferContent(buffer: ForwardedObject): BufferContent | null {
  return buffers.get(buffer) ?? null;
}

/** Keeps the buffer's bytes where they are until `dropBuffer`. False when they are not there any more. */
export function holdBuffer(content: BufferContent): boolean {
  return content.kind !== 'region' || content.memory.hold();
}

export function dropBuffer(content: BufferContent | null): void {
  if (content?.kind === 'region') content.memory.drop();
}

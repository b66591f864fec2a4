/** Where memory for pixels comes from: the shared region if it has more than the guest's window, else anonymous. */
import { type Mapping, pageSize } from 'vhost-user-native';
import type { SharedRegion } from '../../region/index.js';
import { BYTES_PER_PIXEL } from '../wire/formats.js';
import type { HostAccount } from './host-account.js';

/** Makes zeroed, page-aligned memory; throws with code 'ENOMEM' when there is none. */
export type MapMemory = (lengthBytes: number) => Mapping;

/** Memory for one picture. */
export interface PixelMemory {
  /** Whole pages. */
  readonly bytes: number;
  readonly mapping: Mapping;
  /** Of the first byte, in `mapping`. */
  readonly offsetBytes: number;
  /** The same in the shared region; null when it is not there. */
  readonly regionOffset: number | null;
  /** Set before the first write: memory that nobody wrote to is still zeroed, and goes to the next one as it is. */
  written: boolean;
  /** Once. */
  free(): void;
}

/**
 * Bytes of memory that a picture of this size takes: whole pages, since the smallest one takes a page of the host's
 * too. Exact for dimensions up to 32768.
 */
export function pixelBytes(width: number, height: number): number {
  return Math.ceil((width * height * BYTES_PER_PIXEL) / pageSize) * pageSize;
}

/** Pieces that are kept for the next one who wants one of that size. */
const IDLE_MAX = 3;
/** The same of pieces that were never written to. They take addresses, but no memory. */
const BLANK_MAX = 16;

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOMEM';
}

export class PixelMemorySource {
  readonly #account: HostAccount;
  readonly #mapMemory: MapMemory;
  readonly #region: SharedRegion | null;
  readonly #idle: PixelMemory[] = [];
  /** Mappings that were given back as they were taken, the oldest first. The account knows nothing of them. */
  readonly #blank: Mapping[] = [];
  #closed = false;

  constructor(account: HostAccount, mapMemory: MapMemory, region: SharedRegion | null) {
    this.#account = account;
    this.#mapMemory = mapMemory;
    this.#region = region !== null && region.bytes > region.windowBytes ? region : null;
  }

  /** Zeroed memory; null when the VM has no more, or there is none. */
  take(bytes: number): PixelMemory | null {
    return this.#take(bytes) ?? (this.#dropIdle() ? this.#take(bytes) : null);
  }

  /**
   * The same for somebody who overwrites all of it: what is in it may be left over from the VM's own pictures. Once
   * freed it is kept for the next one, since guests flip between a few buffers of the same size.
   */
  takeUsed(bytes: number): PixelMemory | null {
    const index = this.#idle.findIndex((memory) => memory.bytes === bytes);
    const memory = index < 0 ? this.take(bytes) : this.#idle.splice(index, 1)[0];
    if (memory === undefined || memory === null) return null;
    memory.written = true;
    return { ...memory, free: () => this.#keep(memory) };
  }

  /** Frees what nobody uses. */
  clear(): void {
    this.#dropIdle();
  }

  /** The VM is gone: what comes back from now on is freed. */
  close(): void {
    this.#closed = true;
    this.#dropIdle();
  }

  #keep(memory: PixelMemory): void {
    if (!this.#closed) this.#idle.push(memory);
    else memory.free();
    if (this.#idle.length > IDLE_MAX) this.#idle.shift()?.free();
  }

  #dropIdle(): boolean {
    const dropped = this.#idle.splice(0);
    for (const memory of dropped) memory.free();
    for (const mapping of this.#blank.splice(0)) mapping.close();
    return dropped.length > 0;
  }

  #take(bytes: number): PixelMemory | null {
    if (!this.#account.takeBytes(bytes)) return null;
    const memory = this.#region === null ? this.#anonymous(bytes) : this.#inRegion(bytes, this.#region);
    if (memory === null) this.#account.giveBytes(bytes);
    return memory;
  }

  #anonymous(bytes: number): PixelMemory | null {
    const mapping = this.#takeBlank(bytes) ?? this.#map(bytes);
    if (mapping === null) return null;
    const free = (): void => {
      this.#account.giveBytes(bytes);
      if (memory.written || this.#closed) mapping.close();
      else this.#keepBlank(mapping);
    };
    const memory = { bytes, mapping, offsetBytes: 0, regionOffset: null, written: false, free };
    return memory;
  }

  #map(bytes: number): Mapping | null {
    try {
      return this.#mapMemory(bytes);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      return null;
    }
  }

  #takeBlank(bytes: number): Mapping | null {
    const blank = this.#blank;
    let index = blank.length - 1;
    while (index >= 0 && blank[index]?.length !== bytes) index--;
    if (index < 0) return null;
    if (index === blank.length - 1) return blank.pop() ?? null;
    return blank.splice(index, 1)[0] ?? null;
  }

  #keepBlank(mapping: Mapping): void {
    this.#blank.push(mapping);
    if (this.#blank.length > BLANK_MAX) this.#blank.shift()?.close();
  }

  #inRegion(bytes: number, region: SharedRegion): PixelMemory | null {
    const range = region.allocate(bytes);
    if (range === null) return null;
    const { offset } = range;
    const free = (): void => {
      range.free();
      this.#account.giveBytes(bytes);
    };
    return {
      bytes,
      mapping: region.mapping,
      offsetBytes: offset,
      regionOffset: offset,
      written: false,
      free,
    };
  }
}

/** The guest's blob-test (guest/blob-test.c) from the host's side: blobs and contexts. */
import type { GuestChannel } from './guest-channel.js';
import { GuestProgram } from './guest-program.js';

/** What the guest's driver says that the device can do; -1 where it does not know the question. */
export interface DriverParams {
  readonly features3d: number;
  readonly capsetQueryFix: number;
  readonly resourceBlob: number;
  readonly hostVisible: number;
  readonly crossDevice: number;
  readonly contextInit: number;
  /** Bit mask of capability set ids. */
  readonly capsets: number;
}

export interface ImageRequirements {
  readonly stride: number;
  readonly offset: number;
  readonly modifier: number;
  /** Bytes. */
  readonly size: number;
  readonly blobId: number;
  readonly mapInfo: number;
}

export type BlobKind = 'host' | 'guest' | 'both';

/** A blob-test, that is one context of the device. Blobs are in slots, from 0. */
export class BlobTest extends GuestProgram {
  static async start(guest: GuestChannel): Promise<BlobTest> {
    return new BlobTest(guest, 'blob-test').launch();
  }

  async params(): Promise<DriverParams> {
    return JSON.parse(await this.command('params')) as DriverParams;
  }

  /** The first 16 bytes of a capability set, hexadecimal. */
  capset(id: number, version: number): Promise<string> {
    return this.command('capset', id, version);
  }

  async context(capset: number, rings: number, pollMask: number): Promise<void> {
    await this.command('context', capset, rings, pollMask);
  }

  /** Makes the rings of a cross-domain context and connects it to a channel (0: none). */
  async init(channel: number): Promise<void> {
    await this.command('init', channel);
  }

  async image(width: number, height: number, fourcc: string): Promise<ImageRequirements> {
    return JSON.parse(await this.command('image', width, height, fourcc)) as ImageRequirements;
  }

  /** Returns the resource's id. */
  async create(slot: number, kind: BlobKind, blobId: number, bytes: number): Promise<number> {
    return Number(await this.command('create', slot, kind, blobId, bytes));
  }

  /** Host blobs in slots 0 to count - 1, each with a pattern of its own (the slot is its seed). */
  async many(count: number, blobId: number, bytes: number): Promise<void> {
    await this.command('many', count, blobId, bytes);
  }

  /** How many of them do not have their pattern. */
  async manyWrong(count: number): Promise<number> {
    return Number(await this.command('many-check', count));
  }

  /** Writes bytePattern(seed). */
  async write(slot: number, offset: number, bytes: number, seed: number): Promise<void> {
    await this.command('write', slot, offset, bytes, seed);
  }

  async crc(slot: number, offset: number, bytes: number): Promise<number> {
    return Number.parseInt(await this.command('crc', slot, offset, bytes), 16);
  }

  async close(slot: number): Promise<void> {
    await this.command('close', slot);
  }

  /** Makes a framebuffer of the blob. `fourcc` is DRM's name of the format. */
  async frame(
    slot: number,
    width: number,
    height: number,
    stride = width * 4,
    offset = 0,
    fourcc = 'XR24',
  ): Promise<void> {
    await this.command('frame', slot, width, height, stride, offset, fourcc);
  }

  /** picture(seed) in a mode of the framebuffer's size. */
  async show(slot: number, seed: number): Promise<void> {
    await this.command('show', slot, seed);
  }

  /** Page flips through the slots; frame i is picture(seed + i). */
  async animate(slots: readonly number[], count: number, seed: number): Promise<void> {
    await this.command('animate', slots.join(','), count, seed);
  }

  /** Draws a part of picture(seed) into what is shown. */
  async paint(
    slot: number,
    x: number,
    y: number,
    width: number,
    height: number,
    seed: number,
  ): Promise<void> {
    await this.command('paint', slot, x, y, width, height, seed);
  }

  /** Asks for the channel's next message; `event` waits for it. */
  async poll(): Promise<void> {
    await this.command('poll');
  }

  /** The first 16 bytes of the channel's ring, hexadecimal, once the fence of a `poll` is done. */
  event(timeoutMs: number): Promise<string> {
    return this.command('event', timeoutMs);
  }
}

/**
 * dma-bufs as wl_buffers (linux-dmabuf-v1). The compositor may refuse each of them, at any time and for reasons of its
 * own: that is an answer, and the pixels have to go another way. So buffers are asked for with `create`, whose failure
 * is an event, and not with `create_immed`, whose failure may end the connection.
 */
import { fileSize } from 'vhost-user-native';
import {
  type ZwpLinuxBufferParamsV1,
  type ZwpLinuxDmabufV1,
  zwp_linux_dmabuf_v1,
} from '../protocol/generated/linux-dmabuf-v1.js';
import type { WlBuffer } from '../protocol/generated/wayland.js';
import type { Display } from './display.js';
import { type DmabufFormats, watchFormats } from './dmabuf-formats.js';

/** One plane of pixels in a dma-buf. */
export interface DmabufImage {
  /** Lent for the call. */
  readonly fd: number;
  /** Of the first pixel, in bytes. */
  readonly offsetBytes: number;
  /** From one row to the next. */
  readonly strideBytes: number;
  readonly width: number;
  readonly height: number;
  /** DRM's code of the format. */
  readonly fourcc: number;
  readonly modifier: bigint;
}

/** A dma-buf that the compositor has taken. Frames are made with it (see DmabufSource). */
export interface DmabufBuffer {
  readonly buffer: WlBuffer;
}

export interface DmabufMetrics {
  /** Buffers that were made, and that exist now. */
  readonly imported: number;
  readonly live: number;
  /** Images that the compositor does not take by what it said, or refused. */
  readonly unsupported: number;
  readonly refused: number;
}

/** The newest version that this was written for. (6 lets the client name the device that reads the buffer.) */
const VERSION_MAX = 5;
/** Buffers that the compositor was asked for and has not answered: each has a descriptor on its way. */
const PENDING_MAX = 64;
const INT32_MAX = 0x7fff_ffff;

/** What has become of an image. */
export type DmabufState = DmabufBuffer | 'pending' | 'refused';

interface Entry {
  state: DmabufState;
}

export class DmabufImporter {
  private readonly dmabuf: ZwpLinuxDmabufV1 | null;
  private readonly watching: { caughtUp(): void; close(): void } | null = null;
  private known: DmabufFormats = { formats: new Map(), mainDevice: null };
  private readonly pending = new Set<(buffer: WlBuffer | null) => void>();
  private readonly entries = new Map<object, Entry>();
  private closed = false;
  private readonly counts = { imported: 0, live: 0, unsupported: 0, refused: 0 };

  /**
   * For one connection, whose globals are known (after its first `sync`). What the compositor takes is known a round
   * trip later: then, and when that changes, `changed` is called.
   */
  constructor(display: Display, changed: () => void = () => undefined) {
    const { registry } = display;
    this.dmabuf =
      registry.find(zwp_linux_dmabuf_v1) === null
        ? null
        : registry.bind(zwp_linux_dmabuf_v1, { max: VERSION_MAX });
    if (this.dmabuf === null) return;
    const watching = watchFormats(this.dmabuf, (known) => {
      if (this.closed) return;
      this.known = known;
      // Another device may take what this one refused.
      for (const [key, { state }] of this.entries) if (state === 'refused') this.entries.delete(key);
      changed();
    });
    this.watching = watching;
    display.roundTrip(() => watching.caughtUp());
    display.watchEnd(() => this.close());
  }

  get metrics(): DmabufMetrics {
    return { ...this.counts };
  }

  /** Version of the compositor's linux-dmabuf in use; 0 when it has none. */
  get version(): number {
    return this.dmabuf?.version ?? 0;
  }

  /** The device (dev_t) that the compositor draws with; null when it does not say. */
  get mainDevice(): bigint | null {
    return this.known.mainDevice;
  }

  /** Whether the compositor says that it takes the format in this layout. */
  supports(fourcc: number, modifier: bigint): boolean {
    return this.known.formats.get(fourcc)?.has(modifier) ?? false;
  }

  /** Asks for a buffer, the caller's to destroy. Null when the compositor does not take it, or is gone. */
  import(image: DmabufImage): Promise<WlBuffer | null> {
    const { dmabuf } = this;
    if (this.closed || dmabuf === null || !dmabuf.alive) return Promise.resolve(null);
    if (!this.supports(image.fourcc, image.modifier) || !isSound(image) || this.pending.size >= PENDING_MAX) {
      this.counts.unsupported++;
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      let params: ZwpLinuxBufferParamsV1 | null = null;
      const settle = (buffer: WlBuffer | null): void => {
        if (!this.pending.delete(settle)) return;
        if (params?.alive) params.destroy();
        if (buffer !== null) this.counts.imported++;
        else if (!this.closed) this.counts.refused++;
        resolve(buffer);
      };
      this.pending.add(settle);
      try {
        params = dmabuf.createParams();
        params.listen({ created: settle, failed: () => settle(null) });
        ask(params, image);
      } catch {
        // No room for another object, or no descriptor left: the pixels have to go another way.
        settle(null);
      }
    });
  }

  /**
   * The buffer of an image, made at the first call; `key` stands for the image, and for no other, until `forget`.
   * While the compositor has not answered it is 'pending', and `ready` is called when it has.
   */
  bufferOf(key: object, image: DmabufImage, ready: () => void): DmabufState {
    const found = this.entries.get(key);
    if (found !== undefined) return found.state;
    // (Not kept: there will be room again, and the compositor may say something else.)
    if (this.pending.size >= PENDING_MAX || !this.supports(image.fourcc, image.modifier)) return 'refused';
    const entry: Entry = { state: 'pending' };
    this.entries.set(key, entry);
    void this.import(image).then((buffer) => this.answered(key, entry, buffer, ready));
    return 'pending';
  }

  /** The image is gone. Only once no window holds its buffer any more: what a compositor shows is undefined else. */
  forget(key: object): void {
    const state = this.entries.get(key)?.state;
    this.entries.delete(key);
    if (state === undefined || typeof state === 'string') return;
    this.counts.live--;
    if (state.buffer.alive) state.buffer.destroy();
  }

  /** Destroys what `bufferOf` made; whoever waits gets no buffer. The end of the connection does it, too. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const settle of [...this.pending]) settle(null);
    for (const key of [...this.entries.keys()]) this.forget(key);
    this.known = { formats: new Map(), mainDevice: null };
    this.watching?.close();
    if (this.dmabuf?.alive === true) this.dmabuf.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private answered(key: object, entry: Entry, buffer: WlBuffer | null, ready: () => void): void {
    if (this.entries.get(key) !== entry) {
      // Forgotten meanwhile.
      if (buffer?.alive === true) buffer.destroy();
      return;
    }
    entry.state = buffer === null ? 'refused' : { buffer };
    if (buffer !== null) this.counts.live++;
    ready();
  }
}

function ask(params: ZwpLinuxBufferParamsV1, image: DmabufImage): void {
  const { fd, offsetBytes, strideBytes, width, height, fourcc, modifier } = image;
  const [high, low] = [Number(modifier >> 32n), Number(modifier & 0xffff_ffffn)];
  params.add(fd, 0, offsetBytes, strideBytes, high, low);
  params.create(width, height, fourcc, 0);
}

/** What a compositor would end the connection for: sizes that it can't have, pixels beyond the end of the dma-buf. */
function isSound(image: DmabufImage): boolean {
  const { fd, offsetBytes, strideBytes, width, height } = image;
  const fits = (value: number, least: number): boolean =>
    Number.isInteger(value) && value >= least && value <= INT32_MAX;
  if (!fits(width, 1) || !fits(height, 1) || !fits(strideBytes, width) || !fits(offsetBytes, 0)) return false;
  return offsetBytes + strideBytes * height <= fileSize(fd);
}

/** For the tests of the display socket: pixel buffers that count their references, and QEMU's end. */
import {
  closeFd,
  type Mapping,
  mapAnonymous,
  READABLE,
  socketPair,
  type UnixSocket,
} from 'vhost-user-native';
import type { Rect } from '../../src/virtio-gpu/display-sink.js';
import type { DmabufExport, PixelBuffer, PixelHold } from '../../src/virtio-gpu/resource/pixel-buffer.js';

/** A buffer of distinguishable pixels; its rows and its start have padding around them. */
export class TestBuffer implements PixelBuffer {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  readonly offsetBytes = 16;
  readonly regionOffset = null;
  readonly format: number;
  readonly memory: Mapping;
  readonly bytes: Uint8Array;
  references = 1;
  exported: DmabufExport | null = null;

  constructor(width: number, height: number, format = 1, seed = 1) {
    this.width = width;
    this.height = height;
    this.format = format;
    this.strideBytes = width * 4 + 32;
    this.memory = mapAnonymous(this.offsetBytes + this.strideBytes * height);
    this.bytes = new Uint8Array(this.memory.window(0, this.memory.length));
    this.paint(seed);
  }

  /** Fills the whole memory with other bytes. */
  paint(seed: number): void {
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] = (i * 31 + (i >> 8) * 7 + seed * 101) & 0xff;
  }

  /** The four bytes of a pixel. */
  pixel(x: number, y: number): Uint8Array {
    const at = this.offsetBytes + y * this.strideBytes + x * 4;
    return this.bytes.subarray(at, at + 4);
  }

  retain(): void {
    if (this.references === 0) throw new Error('retained after the last release');
    this.references++;
  }

  release(): void {
    if (--this.references === 0) this.memory.close();
  }

  hold(): PixelHold {
    this.retain();
    const { memory, offsetBytes, strideBytes, regionOffset } = this;
    return { memory, offsetBytes, strideBytes, regionOffset, release: () => this.release() };
  }

  dmabuf(): DmabufExport | null {
    return this.exported;
  }
}

/** Which byte of a pixel is B, G and R, by format: written out here, not taken from the code under test. */
export const BGR_AT: ReadonlyMap<number, readonly [number, number, number]> = new Map([
  [1, [0, 1, 2]],
  [2, [0, 1, 2]],
  [3, [3, 2, 1]],
  [4, [3, 2, 1]],
  [67, [2, 1, 0]],
  [68, [1, 2, 3]],
  [121, [1, 2, 3]],
  [134, [2, 1, 0]],
]);

/** A part of a buffer as B, G, R without the fourth byte. */
export function bgrOf(buffer: TestBuffer, part: Rect): Uint8Array {
  const at = BGR_AT.get(buffer.format);
  if (at === undefined) throw new Error(`format ${buffer.format}`);
  const result = new Uint8Array(part.width * part.height * 3);
  let to = 0;
  for (let y = 0; y < part.height; y++) {
    for (let x = 0; x < part.width; x++) {
      const pixel = buffer.pixel(part.x + x, part.y + y);
      for (const byte of at) result[to++] = pixel[byte] as number;
    }
  }
  return result;
}

export interface Message {
  readonly request: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** What QEMU shows of a scanout. */
interface Surface {
  readonly width: number;
  readonly height: number;
  readonly bgrx: Uint8Array;
}

/**
 * QEMU's end of the socket. It reads only while `reading`, answers the questions that `answers` has something
 * for, keeps the messages, and shows the pictures, with the checks whose absence
 * makes the real one crash.
 */
export class FakeQemu {
  readonly socket: UnixSocket;
  /** The other end, for the sink. */
  readonly far: UnixSocket;
  readonly messages: Message[] = [];
  readonly surfaces = new Map<number, Surface | null>();
  readonly answers = new Map<number, (payload: Buffer) => Uint8Array | null>();
  /** Descriptors that came, in their order; nothing takes them out. They are closed at the end. */
  readonly fds: number[] = [];
  ended = false;
  bytesReceived = 0;
  /** Received and not yet taken apart; joined only when a message is complete. */
  private pieces: Buffer[] = [];
  private pending = 0;
  private wanted = 12;
  private readonly chunk = new Uint8Array(256 * 1024);

  constructor(options: { reading?: boolean } = {}) {
    const [near, far] = socketPair();
    this.socket = near;
    this.far = far;
    this.answers.set(1, () => u64(3n));
    if (options.reading !== false) this.startReading();
  }

  startReading(): void {
    this.socket.watch(READABLE, () => this.readSome(this.chunk.length));
  }

  stopReading(): void {
    this.socket.watch(0, () => undefined);
  }

  /** Reads once, at most `bytes`. */
  readSome(bytes: number): number {
    const received = this.socket.receive(this.chunk.subarray(0, bytes));
    this.fds.push(...received.fds);
    if (received.bytes === 0) {
      this.ended = true;
      this.stopReading();
    }
    if (received.bytes <= 0) return received.bytes;
    this.bytesReceived += received.bytes;
    this.pieces.push(Buffer.from(this.chunk.subarray(0, received.bytes)));
    this.pending += received.bytes;
    while (this.pending >= this.wanted) this.parseOne();
    return received.bytes;
  }

  requests(): number[] {
    return this.messages.map(({ request }) => request);
  }

  /** The last message of this kind. */
  last(request: number): Message | undefined {
    return this.messages.filter((message) => message.request === request).at(-1);
  }

  send(request: number, payload: Uint8Array, flags = 4): void {
    this.sendRaw(Buffer.concat([u32s(request, flags, payload.length), payload]));
  }

  sendRaw(data: Uint8Array): void {
    if (this.socket.send(data) !== data.length) throw new Error('the test sends more than the socket takes');
  }

  /** Whether the scanout shows that part of the buffer. The fourth byte of the pixels is not looked at. */
  shows(scanoutId: number, buffer: TestBuffer, part: Rect): boolean {
    const surface = this.surfaces.get(scanoutId);
    const at = BGR_AT.get(buffer.format);
    if (surface == null || at === undefined) return false;
    if (surface.width !== part.width || surface.height !== part.height) return false;
    const [b, g, r] = at;
    for (let y = 0; y < part.height; y++) {
      let from = buffer.offsetBytes + (part.y + y) * buffer.strideBytes + part.x * 4;
      let to = y * part.width * 4;
      for (let x = 0; x < part.width; x++, from += 4, to += 4) {
        if (
          surface.bgrx[to] !== buffer.bytes[from + b] ||
          surface.bgrx[to + 1] !== buffer.bytes[from + g] ||
          surface.bgrx[to + 2] !== buffer.bytes[from + r]
        ) {
          return false;
        }
      }
    }
    return true;
  }

  close(): void {
    this.socket.close();
    this.far.close();
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }

  /** Finds out how long the next message is, or takes it when that is known. */
  private parseOne(): void {
    const data = Buffer.concat(this.pieces);
    this.pieces = [data];
    const size = data.readUInt32LE(8);
    this.wanted = 12 + size;
    if (this.pending < this.wanted) return;
    this.pieces = [data.subarray(this.wanted)];
    this.pending -= this.wanted;
    this.wanted = 12;
    const message: Message = {
      request: data.readUInt32LE(0),
      flags: data.readUInt32LE(4),
      payload: data.subarray(12, 12 + size),
    };
    this.messages.push(message);
    this.handle(message);
  }

  private handle({ request, flags, payload }: Message): void {
    if (flags !== 0) throw new Error(`flags ${flags}`);
    if (request === 7) this.setScanout(payload);
    if (request === 8) this.update(payload);
    const answer = this.answers.get(request)?.(payload) ?? null;
    if (answer !== null) this.send(request, answer);
  }

  private setScanout(payload: Buffer): void {
    const id = payload.readUInt32LE(0);
    const width = payload.readUInt32LE(4);
    const height = payload.readUInt32LE(8);
    const bgrx = new Uint8Array(width * height * 4);
    this.surfaces.set(id, width === 0 ? null : { width, height, bgrx });
  }

  private update(payload: Buffer): void {
    const [id, x, y, width, height] = [0, 4, 8, 12, 16].map((at) => payload.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const surface = this.surfaces.get(id);
    if (surface == null) throw new Error(`update of scanout ${id}, which has no size`);
    if (x + width > surface.width || y + height > surface.height) throw new Error('update outside');
    if (payload.length !== 20 + width * height * 4) throw new Error('update of the wrong length');
    for (let row = 0; row < height; row++) {
      const from = 20 + row * width * 4;
      surface.bgrx.set(payload.subarray(from, from + width * 4), ((y + row) * surface.width + x) * 4);
    }
  }
}

export function u32s(...values: number[]): Buffer {
  const data = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) data.writeUInt32LE(value >>> 0, i * 4);
  return data;
}

export function u64(value: bigint): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigUInt64LE(value);
  return data;
}

/** Lets the event loop turn until the condition holds; an error after 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('what was waited for does not come');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets the event loop turn a few times: enough for whatever is ready to happen. */
export async function settle(turns = 10): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

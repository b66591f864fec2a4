/** A client, the guest proxy, a virtual GPU and a compositor in one process. */
import { closeFd, createMemfd, type Mapping, mapFile, socketPair, type UnixSocket } from 'vhost-user-native';
import {
  type ForwardedGuest,
  type ForwardOptions,
  forwardClient,
  type SessionEnd,
} from '../../src/wayland/guest/index.js';
import {
  Display,
  type WaylandError,
  type WlBuffer,
  type WlCompositor,
  type WlShm,
  WlShmFormat,
  type WlShmPool,
  wl_compositor,
  wl_shm,
} from '../../src/wayland/index.js';
import { LookingCompositor } from './guest-compositor.js';
import { FakeHost } from './guest-fake-gpu.js';
import { until } from './wayland-support.js';

export interface Forwarded {
  readonly host: FakeHost;
  readonly compositor: LookingCompositor;
  readonly guest: ForwardedGuest;
  /** The client's end. */
  readonly socket: UnixSocket;
  /** How it ended; null while it lives. */
  end(): SessionEnd | null;
}

/** The proxy between a client's socket and a compositor. */
export async function forwarded(
  options: Partial<ForwardOptions> = {},
  host = fakeHost(),
): Promise<Forwarded> {
  const [socket, inner] = socketPair();
  let end: SessionEnd | null = null;
  const session = forwardClient(inner, host.open(), { name: 'test', ...options }, (how) => {
    end = how;
  });
  const guest = await session.catch((error: unknown) => {
    socket.close();
    throw error;
  });
  const compositor = host.compositors.at(-1);
  if (compositor === undefined) throw new Error('no compositor');
  return { host, compositor, guest, socket, end: () => end };
}

export class LookedAtHost extends FakeHost {
  readonly compositors: LookingCompositor[] = [];

  constructor() {
    super(() => {
      const [near, far] = socketPair();
      this.compositors.push(new LookingCompositor(far));
      return near;
    });
  }
}

export function fakeHost(): LookedAtHost {
  return new LookedAtHost();
}

export interface Client extends Forwarded {
  readonly display: Display;
  readonly globals: { readonly compositor: WlCompositor; readonly shm: WlShm };
  ended(): WaylandError | null;
  close(): Promise<void>;
}

/** The same, with a client that has its globals. */
export async function client(options: Partial<ForwardOptions> = {}, host = fakeHost()): Promise<Client> {
  const parts = await forwarded(options, host);
  let ended: WaylandError | null = null;
  const display = new Display(parts.socket, { ended: (error) => (ended = error) });
  await display.sync();
  const { registry } = display;
  const globals = { compositor: registry.bind(wl_compositor), shm: registry.bind(wl_shm) };
  await display.sync();
  return {
    ...parts,
    display,
    globals,
    ended: () => ended,
    close: async () => {
      display.close();
      await until(() => parts.end() !== null, 'the session to end');
      for (const compositor of host.compositors) compositor.close();
    },
  };
}

/** A client's shared memory. */
export class Memory {
  readonly fd: number;
  mapping: Mapping;
  private size: number;

  constructor(size: number, fd = createMemfd('client', { size })) {
    this.fd = fd;
    this.size = size;
    this.mapping = mapFile(this.fd, 0, size, { writable: true });
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.mapping.window(0, this.size));
  }

  pool(shm: WlShm): WlShmPool {
    return shm.createPool(this.fd, this.size);
  }

  close(): void {
    this.mapping.close();
    closeFd(this.fd);
  }
}

/** A buffer of the client's that can be drawn into. */
export class Canvas {
  readonly buffer: WlBuffer;
  readonly width: number;
  readonly height: number;
  released = 0;
  private readonly words: Uint32Array;
  private readonly strideWords: number;

  constructor(
    memory: Memory,
    pool: WlShmPool,
    offset: number,
    width: number,
    height: number,
    strideWords = width,
    format: number = WlShmFormat.xrgb8888,
  ) {
    this.width = width;
    this.height = height;
    this.strideWords = strideWords;
    const bytes = memory.bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset + offset, strideWords * height);
    this.buffer = pool.createBuffer(offset, width, height, strideWords * 4, format);
    this.buffer.listen({ release: () => this.released++ });
  }

  /** Fills what of the rectangle lies in the picture. */
  fill(color: number, x = 0, y = 0, width = this.width, height = this.height): void {
    const left = Math.max(0, x);
    const right = Math.max(left, Math.min(this.width, x + width));
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      const at = row * this.strideWords;
      this.words.fill(color, at + left, at + right);
    }
  }

  /** Pixels, packed. */
  pixels(): Uint8Array {
    const packed = new Uint32Array(this.width * this.height);
    for (let row = 0; row < this.height; row++) {
      const at = row * this.strideWords;
      packed.set(this.words.subarray(at, at + this.width), row * this.width);
    }
    return new Uint8Array(packed.buffer);
  }

  copyFrom(other: Canvas): void {
    this.words.set(other.words);
  }
}

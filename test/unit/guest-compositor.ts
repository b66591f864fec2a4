/**
 * A compositor that looks closely: it keeps what each commit showed, checks that no byte of a buffer that it holds is
 * written, and releases when it is told to. No windows, no input but what a test sends.
 */
import { closeFd, type Mapping, mapFile, type UnixSocket } from 'vhost-user-native';
import {
  decodeArguments,
  Encoder,
  type FdQueue,
  INTERFACES,
  type MessageTable,
  WaylandConnection,
  type WaylandError,
  type WireValue,
  WlShmFormat,
} from '../../src/wayland/index.js';
import { eventOf } from './wayland-support.js';

interface Pool {
  fd: number;
  mapping: Mapping;
  bytes: number;
}

interface PoolBuffer {
  readonly id: number;
  readonly pool: Pool;
  readonly offset: number;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly pixelBytes: number;
}

/** What a commit showed. */
export interface Shown {
  readonly surface: number;
  readonly width: number;
  readonly height: number;
  /** Rows, packed. */
  readonly pixels: Uint8Array;
}

interface Held {
  readonly buffer: PoolBuffer;
  readonly pixels: Uint8Array;
}

export interface Seen {
  readonly objectId: number;
  readonly name: string;
  readonly values: readonly WireValue[];
}

const GLOBALS: readonly [string, number][] = [
  ['wl_compositor', 6],
  ['wl_shm', 1],
  ['wl_seat', 7],
  ['wl_data_device_manager', 3],
  ['wp_viewporter', 1],
  ['zwp_linux_dmabuf_v1', 5],
  ['wp_linux_drm_syncobj_manager_v1', 1],
  ['xdg_toplevel_icon_manager_v1', 1],
  ['something_unheard_of', 1],
  ['xdg_wm_base', 99],
];

export class LookingCompositor {
  readonly connection: WaylandConnection;
  readonly shown: Shown[] = [];
  readonly requests: Seen[] = [];
  readonly held = new Map<number, Held>();
  /** Writes to buffers that were held. Must stay empty. */
  readonly torn: number[] = [];
  /** Releases at once, when a newer picture takes a surface's place. */
  autoRelease = true;
  ended: WaylandError | null = null;
  readonly objects = new Map<number, string>([[1, 'wl_display']]);
  private readonly encoder = new Encoder();
  private readonly pools = new Map<number, Pool>();
  private readonly buffers = new Map<number, PoolBuffer>();
  private readonly attached = new Map<number, number>();
  /** The buffer that each surface shows. */
  private readonly current = new Map<number, number>();
  private readonly openPools = new Set<Pool>();

  constructor(socket: UnixSocket) {
    this.connection = new WaylandConnection(socket, {
      message: (objectId, opcode, body, fds) => this.request(objectId, opcode, body, fds),
      ended: (error) => {
        this.ended = error;
        this.close();
      },
    });
  }

  close(): void {
    this.connection.close();
    for (const pool of this.openPools) {
      pool.mapping.close();
      closeFd(pool.fd);
    }
    this.openPools.clear();
  }

  event(objectId: number, name: string, values: WireValue[]): void {
    const table = INTERFACES.get(this.objects.get(objectId) ?? '');
    if (table === undefined) throw new Error(`object ${objectId}`);
    const message = eventOf(table, name);
    message.args.forEach((arg, index) => {
      if (arg.type === 'new_id') this.objects.set(Number(values[index]), arg.interface ?? '');
    });
    const { bytes, fds } = this.encoder.encode(objectId, message, values);
    this.connection.send(bytes, fds);
  }

  /** The last request of that name. */
  last(name: string): Seen | undefined {
    return this.requests.findLast((request) => request.name === name);
  }

  /** The id of the newest object with that interface. */
  objectOf(interfaceName: string): number {
    const found = [...this.objects].findLast(([, name]) => name === interfaceName);
    if (found === undefined) throw new Error(`no ${interfaceName}`);
    return found[0];
  }

  /** Releases a buffer that is held. */
  release(id: number): void {
    this.checkHeld();
    this.held.delete(id);
    if (this.buffers.has(id)) this.event(id, 'release', []);
  }

  /** Buffers that a newer picture has replaced. */
  replaced(): number[] {
    const shown = new Set(this.current.values());
    return [...this.held.keys()].filter((id) => !shown.has(id));
  }

  checkHeld(): void {
    for (const [id, { buffer, pixels }] of this.held) {
      if (Buffer.compare(pixelsOf(buffer), pixels) !== 0) this.torn.push(id);
    }
  }

  private request(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void {
    this.checkHeld();
    const interfaceName = this.objects.get(objectId) ?? '';
    const message = INTERFACES.get(interfaceName)?.requests[opcode];
    if (message === undefined) throw new Error(`request ${opcode} of ${objectId} (${interfaceName})`);
    const values = decodeArguments(message, body, fds);
    this.note(message, values);
    this.requests.push({ objectId, name: `${interfaceName}.${message.name}`, values });
    this.act(objectId, `${interfaceName}.${message.name}`, values);
    if (message.destructor === true) {
      this.objects.delete(objectId);
      this.event(1, 'delete_id', [objectId]);
    }
  }

  private note(message: MessageTable, values: readonly WireValue[]): void {
    message.args.forEach((arg, index) => {
      const value = values[index];
      if (arg.type !== 'new_id') return;
      const [id, name] =
        typeof value === 'object' && value !== null && 'id' in value
          ? [value.id, value.interface]
          : [Number(value), arg.interface ?? ''];
      if (this.objects.has(id)) throw new Error(`id ${id} is taken`);
      // As libwayland has it: ids are dense.
      if (id > this.objects.size + 64) throw new Error(`id ${id} is far off`);
      this.objects.set(id, name);
    });
  }

  private act(objectId: number, name: string, values: readonly WireValue[]): void {
    const number = (index: number): number => Number(values[index]);
    switch (name) {
      case 'wl_display.sync':
        this.event(number(0), 'done', [0]);
        this.objects.delete(number(0));
        this.event(1, 'delete_id', [number(0)]);
        return;
      case 'wl_display.get_registry':
        GLOBALS.forEach(([global, version], index) => {
          this.event(number(0), 'global', [index + 1, global, version]);
        });
        return;
      case 'wl_registry.bind':
        if (this.objects.get(newId(values[1])) === 'wl_shm') {
          for (const format of [0, 1, 0x36314752, 0x3231564e])
            this.event(newId(values[1]), 'format', [format]);
        }
        return;
      case 'wl_shm.create_pool':
        this.addPool(number(0), number(1), number(2));
        return;
      case 'wl_shm_pool.destroy':
        this.pools.delete(objectId);
        return;
      case 'wl_shm_pool.create_buffer':
        this.addBuffer(objectId, values.map(Number));
        return;
      case 'wl_buffer.destroy':
        this.buffers.delete(objectId);
        return;
      case 'wl_surface.attach':
        this.attached.set(objectId, number(0));
        return;
      case 'wl_surface.commit':
        this.commit(objectId);
        return;
      case 'wl_surface.destroy':
        this.replace(objectId, 0);
        return;
    }
  }

  private addPool(id: number, fd: number, bytes: number): void {
    const pool = { fd, bytes, mapping: mapFile(fd, 0, bytes, { writable: true }) };
    this.openPools.add(pool);
    this.pools.set(id, pool);
  }

  private addBuffer(poolId: number, values: readonly number[]): void {
    const pool = this.pools.get(poolId);
    const [id = 0, offset = 0, width = 0, height = 0, stride = 0, format = 0] = values;
    const pixelBytes = format === WlShmFormat.rgb565 ? 2 : 4;
    if (pool === undefined || offset + stride * height > pool.bytes || stride < width * pixelBytes) {
      throw new Error('a buffer outside its pool');
    }
    this.buffers.set(id, { id, pool, offset, width, height, stride, pixelBytes });
  }

  private commit(surface: number): void {
    const attached = this.attached.get(surface);
    if (attached === undefined) return;
    this.attached.delete(surface);
    const buffer = this.buffers.get(attached);
    if (attached !== 0 && buffer === undefined) throw new Error(`no buffer ${attached}`);
    if (buffer !== undefined) {
      if (this.held.has(buffer.id)) throw new Error('a buffer that is held was committed');
      const pixels = pixelsOf(buffer);
      this.held.set(buffer.id, { buffer, pixels });
      this.shown.push({ surface, width: buffer.width, height: buffer.height, pixels });
    }
    this.replace(surface, attached);
  }

  private replace(surface: number, id: number): void {
    const before = this.current.get(surface) ?? 0;
    if (id === 0) this.current.delete(surface);
    else this.current.set(surface, id);
    if (before !== 0 && this.autoRelease) this.release(before);
  }
}

function newId(value: WireValue | undefined): number {
  if (typeof value === 'object' && value !== null && 'id' in value) return value.id;
  return Number(value);
}

function pixelsOf({ pool, offset, width, height, stride, pixelBytes }: PoolBuffer): Uint8Array {
  const rowBytes = width * pixelBytes;
  const all = new Uint8Array(pool.mapping.window(0, pool.bytes));
  const pixels = new Uint8Array(rowBytes * height);
  for (let row = 0; row < height; row++) {
    pixels.set(all.subarray(offset + row * stride, offset + row * stride + rowBytes), row * rowBytes);
  }
  return pixels;
}

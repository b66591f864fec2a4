/**
 * wl_shm: pools in the client's own memory stay here, with their buffers; pools in the host's window are forwarded as
 * they are.
 */
import { shmPixelBytes, WlShmFormat } from '../../index.js';
import { DIMENSION_MAX, POOLS_MAX } from '../limits.js';
import { ClientBuffer, ClientPool, type Shape, ShmError } from '../memory/client-memory.js';
import { copyShape, HostBuffer } from '../memory/host-buffer.js';
import type { WindowBlobs } from '../memory/window-blobs.js';
import { ClientFault, DisplayError } from './fault.js';
import type { Globals } from './globals.js';
import type { Message } from './message.js';
import type { GuestMetrics } from './metrics.js';
import type { ProxyObject } from './objects.js';
import type { Session } from './session.js';

export class Shm {
  private readonly session: Session;
  private readonly globals: Globals;
  private readonly blobs: WindowBlobs;
  private readonly metrics: GuestMetrics;
  private readonly pools = new Map<ProxyObject, ClientPool>();
  /** Those whose object is gone included. */
  private readonly allPools = new Set<ClientPool>();
  private readonly buffers = new Map<ProxyObject, ClientBuffer>();

  constructor(session: Session, globals: Globals, blobs: WindowBlobs, metrics: GuestMetrics) {
    this.session = session;
    this.globals = globals;
    this.blobs = blobs;
    this.metrics = metrics;
    session.requests.set('wl_shm.create_pool', (message) => this.createPool(message));
    session.requests.set('wl_shm_pool.create_buffer', (message) => this.createBuffer(message));
    session.requests.set('wl_shm_pool.resize', (message) => this.resize(message));
    session.requests.set('xdg_toplevel_icon_v1.add_buffer', (message) => this.addIconBuffer(message));
    session.events.set('wl_shm.format', (message) => this.format(message));
    session.onEnd(() => {
      for (const pool of this.allPools) pool.close();
    });
  }

  /** The buffer, when it is in the client's own memory. */
  bufferOf(object: ProxyObject): ClientBuffer | null {
    return this.buffers.get(object) ?? null;
  }

  private createPool(message: Message): void {
    const size = message.int(2);
    const fd = message.fds[0] ?? -1;
    const made = message.created;
    if (made === null) return;
    if (size <= 0) throw this.fault(message, ShmError.invalidStride, `invalid size ${size}`);
    const direct = this.session.host.importBuffer(fd);
    if (direct !== null) {
      const { handle, resource, bytes } = direct;
      if (bytes < size) {
        this.session.host.handles.release(handle);
        throw this.fault(message, ShmError.invalidFd, `${size} bytes of memory that has ${bytes}`);
      }
      this.session.forward(message, [{ kind: 'buffer', handle, resource }]);
      return;
    }
    if (this.allPools.size >= POOLS_MAX) {
      throw new ClientFault(`more than ${POOLS_MAX} pools`, 1, DisplayError.noMemory);
    }
    message.fds.shift();
    const pool: ClientPool = new ClientPool(fd, size, () => this.allPools.delete(pool));
    this.allPools.add(pool);
    this.pools.set(made, pool);
    made.gone = () => {
      this.pools.delete(made);
      pool.release();
    };
  }

  private createBuffer(message: Message): void {
    const pool = this.pools.get(message.object);
    const made = message.created;
    if (pool === undefined || made === null) {
      this.session.forward(message);
      return;
    }
    const offset = message.int(1);
    const shape = this.shapeOf(message);
    if (offset < 0 || offset + shape.strideBytes * shape.height > pool.size) {
      throw this.fault(message, ShmError.invalidStride, 'the buffer lies outside the pool');
    }
    const buffer = new ClientBuffer(made, pool, offset, shape);
    this.buffers.set(made, buffer);
    made.gone = () => {
      this.buffers.delete(made);
      buffer.release();
    };
  }

  private shapeOf(message: Message): Shape {
    const [width, height, strideBytes] = [message.int(2), message.int(3), message.int(4)];
    const format = message.uint(5);
    const pixelBytes = shmPixelBytes(format);
    // These two need not be announced.
    const always = format === WlShmFormat.argb8888 || format === WlShmFormat.xrgb8888;
    if (pixelBytes === 0 || !(always || this.globals.takesFormat(format))) {
      throw this.fault(message, ShmError.invalidFormat, `invalid format 0x${format.toString(16)}`);
    }
    if (width <= 0 || height <= 0 || strideBytes < width * pixelBytes) {
      const what = `invalid width, height or stride (${width}x${height}, ${strideBytes})`;
      throw this.fault(message, ShmError.invalidStride, what);
    }
    if (width > DIMENSION_MAX || height > DIMENSION_MAX) {
      throw this.fault(message, ShmError.invalidStride, `${width}x${height} pixels are too many`);
    }
    return { width, height, strideBytes, format, pixelBytes };
  }

  private resize(message: Message): void {
    const pool = this.pools.get(message.object);
    if (pool === undefined) {
      this.session.forward(message);
      return;
    }
    const size = message.int(0);
    if (size < pool.size) throw this.fault(message, ShmError.invalidFd, 'a pool can only grow');
    if (size > pool.size) pool.grow(size);
  }

  /** Formats whose layout is not known can't be copied: clients don't see them. */
  private format(message: Message): void {
    if (shmPixelBytes(message.uint(0)) !== 0) this.session.pass(message);
  }

  /** An icon is copied once, and the copy stays until the icon is gone. */
  private addIconBuffer(message: Message): void {
    const ref = message.refs[0] ?? null;
    const buffer = ref === null ? null : this.bufferOf(ref);
    if (buffer === null) {
      this.session.forward(message);
      return;
    }
    buffer.retain();
    this.session.suspend(this.copyIcon(message, buffer).finally(() => buffer.release()));
  }

  private async copyIcon(message: Message, buffer: ClientBuffer): Promise<void> {
    const { object } = message;
    const shape = copyShape(buffer.shape);
    const blob = await this.blobs.take(shape.strideBytes * shape.height);
    const copy = new HostBuffer(this.session, this.blobs, blob, shape, () => undefined);
    const before = object.gone;
    object.gone = () => {
      before?.();
      copy.abandon();
    };
    this.metrics.copiedBytes += copy.update(buffer);
    message.refs[0] = copy.object;
    this.session.forward(message);
  }

  private fault(message: Message, code: number, what: string): ClientFault {
    return new ClientFault(`${message.object}.${message.table.name}: ${what}`, message.object.clientId, code);
  }
}

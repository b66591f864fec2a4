/** Pools and buffers in a client's own memory. The client can change or truncate that memory at any time. */
import { closeFd, createScatterGather, type Mapping, mapFile, type ScatterGather } from 'vhost-user-native';
import { ClientFault } from '../proxy/fault.js';
import type { ProxyObject } from '../proxy/objects.js';

/** wl_shm.error */
export const ShmError = { invalidFormat: 0, invalidStride: 1, invalidFd: 2 } as const;

/** What one buffer looks like in memory. */
export interface Shape {
  readonly width: number;
  readonly height: number;
  readonly strideBytes: number;
  /** wl_shm.format */
  readonly format: number;
  readonly pixelBytes: number;
}

export class ClientPool {
  private readonly fd: number;
  private readonly released: () => void;
  private bytes: number;
  private users = 1;
  private closed = false;
  private mapping: Mapping | null = null;
  private table: ScatterGather | null = null;

  /** Takes over the descriptor. `released`: nobody uses the pool any more. */
  constructor(fd: number, bytes: number, released: () => void) {
    this.fd = fd;
    this.bytes = bytes;
    this.released = released;
  }

  get size(): number {
    return this.bytes;
  }

  /** Times that the client's memory was not there when it was read. */
  get faults(): number {
    return this.mapping?.faults ?? 0;
  }

  grow(bytes: number): void {
    this.bytes = bytes;
    this.unmap();
  }

  /** The memory, to be read at once. Throws when the file is shorter than the pool, or can't be mapped. */
  source(): ScatterGather {
    if (this.table !== null) return this.table;
    const mapping = mapFile(this.fd, 0, this.bytes, { writable: false });
    this.mapping = mapping;
    this.table = createScatterGather([{ mapping, offset: 0, length: this.bytes }]);
    return this.table;
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.close();
  }

  /** Whoever uses it: the connection is over. Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.unmap();
    closeFd(this.fd);
    this.released();
  }

  private unmap(): void {
    this.table?.close();
    this.mapping?.close();
    this.table = null;
    this.mapping = null;
  }
}

export class ClientBuffer {
  readonly object: ProxyObject;
  readonly pool: ClientPool;
  readonly offset: number;
  readonly shape: Shape;
  private users = 1;

  constructor(object: ProxyObject, pool: ClientPool, offset: number, shape: Shape) {
    this.object = object;
    this.pool = pool;
    this.offset = offset;
    this.shape = shape;
    pool.retain();
  }

  /** Its memory; ClientFault when it is not there. */
  source(): ScatterGather {
    try {
      return this.pool.source();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw this.fault(`the pool's memory can't be used: ${reason}`);
    }
  }

  fault(what: string): ClientFault {
    // The client may have destroyed the buffer meanwhile.
    const id = this.object.alive ? this.object.clientId : 1;
    return new ClientFault(`${this.object}: ${what}`, id, ShmError.invalidFd);
  }

  retain(): void {
    this.users++;
  }

  release(): void {
    if (--this.users === 0) this.pool.release();
  }
}

/**
 * Memory of the host's window for one client's pictures. Each blob is a wl_shm pool at the host for as long as it
 * lives, so that a buffer in it costs no round trip; free blobs are kept for the next buffer of about their size.
 */
import type { Mapping } from 'vhost-user-native';
import { wl_shm_pool } from '../../index.js';
import type { HostMemory } from '../channel/cross-domain.js';
import { FREE_BLOB_BYTES_MAX } from '../limits.js';
import { ClientFault, DisplayError } from '../proxy/fault.js';
import type { ProxyObject } from '../proxy/objects.js';
import type { Session } from '../proxy/session.js';

export interface WindowBlob {
  readonly memory: HostMemory;
  readonly mapping: Mapping;
  /** The host's wl_shm_pool. */
  readonly pool: ProxyObject;
}

const PAGE = 4096;
const SMALLEST = 16 * PAGE;

/** `bytes` rounded up so that buffers of about the same size share a size, at most a quarter more. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return Math.ceil(bytes / PAGE) * PAGE;
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}

export class WindowBlobs {
  private readonly session: Session;
  private readonly shm: () => ProxyObject;
  private readonly bytesMax: number;
  private readonly all = new Set<WindowBlob>();
  private readonly free = new Map<number, WindowBlob[]>();
  private freeBytes = 0;
  private usedBytes = 0;

  /** `shm` is a wl_shm of the proxy's own; `bytesMax` bounds what the client occupies. */
  constructor(session: Session, shm: () => ProxyObject, bytesMax: number) {
    this.session = session;
    this.shm = shm;
    this.bytesMax = bytesMax;
    session.onEnd(() => {
      // Before the host's connection is closed: a mapping keeps the context alive.
      for (const { mapping } of this.all) mapping.close();
    });
  }

  /** Bytes of the window in use or kept. */
  get bytes(): number {
    return this.usedBytes;
  }

  /** A blob of at least `bytes` bytes with anything in it. ClientFault when there is no more. */
  async take(bytes: number): Promise<WindowBlob> {
    const size = sizeClass(bytes);
    const kept = this.free.get(size)?.pop();
    if (kept !== undefined) {
      this.freeBytes -= size;
      return kept;
    }
    this.reserve(size);
    try {
      return await this.allocate(size);
    } catch (error) {
      if (this.session.closed) throw error;
      this.usedBytes -= size;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClientFault(`no memory in the host's window: ${reason}`, 1, DisplayError.noMemory);
    }
  }

  /** Gives a blob back that the compositor does not read any more. */
  give(blob: WindowBlob): void {
    const size = sizeClass(blob.memory.bytes);
    if (size !== blob.memory.bytes || this.freeBytes + size > FREE_BLOB_BYTES_MAX) {
      this.discard(blob);
      return;
    }
    const list = this.free.get(size) ?? [];
    list.push(blob);
    this.free.set(size, list);
    this.freeBytes += size;
  }

  /** Ends a blob; the compositor may read it still, so its bytes are not written again. */
  discard(blob: WindowBlob): void {
    if (this.session.closed || !this.all.delete(blob)) return;
    this.session.call(blob.pool, 'destroy', []);
    blob.mapping.close();
    this.session.host.handles.release(blob.memory.handle);
    this.usedBytes -= blob.memory.bytes;
  }

  /** Counts memory that is used in another way; ClientFault at the limit. */
  reserve(bytes: number): void {
    if (this.usedBytes + bytes > this.bytesMax) this.discardFree();
    if (this.usedBytes + bytes > this.bytesMax) {
      const what = `more than ${this.bytesMax} bytes of the host's window`;
      throw new ClientFault(what, 1, DisplayError.noMemory);
    }
    this.usedBytes += bytes;
  }

  unreserve(bytes: number): void {
    this.usedBytes -= bytes;
  }

  discardFree(): void {
    for (const list of this.free.values()) for (const blob of list.splice(0)) this.discard(blob);
    this.freeBytes = 0;
  }

  private async allocate(size: number): Promise<WindowBlob> {
    try {
      return await this.make(size);
    } catch (error) {
      if (this.session.closed || this.freeBytes === 0) throw error;
      // The window may be full of what is only kept.
      this.discardFree();
      return await this.make(size);
    }
  }

  private async make(size: number): Promise<WindowBlob> {
    const { host } = this.session;
    const memory = await host.allocate(size);
    let mapping: Mapping;
    try {
      mapping = await host.map(memory);
    } catch (error) {
      if (!host.closed) host.handles.release(memory.handle);
      throw error;
    }
    this.usedBytes += memory.bytes - size;
    const pool = this.session.makeOwn(wl_shm_pool, 1, () => undefined);
    host.handles.retain(memory.handle);
    const item = { kind: 'buffer', handle: memory.handle, resource: memory.resource } as const;
    this.session.call(this.shm(), 'create_pool', [pool.hostId, 0, memory.bytes], [item]);
    const blob = { memory, mapping, pool };
    this.all.add(blob);
    return blob;
  }
}

/**
 * The one wl_shm_pool of a connection: the whole shared region. A guest's pool is a range of it, a guest's buffer a
 * wl_shm_pool.create_buffer with the range's offset added. The guest never names a file or an offset of the region.
 */
import { wl_shm, wl_shm_pool } from '../protocol/generated/wayland.js';
import type { ForwardedObject } from './objects.js';
import type { Session } from './session.js';

/** The shared region of the VM. */
export interface ForwardedRegion {
  /** A sealed memfd. */
  readonly fd: number;
  /** Below 2 GiB: a pool's size is a signed 32-bit number. */
  readonly bytes: number;
}

export class RegionPool {
  readonly region: ForwardedRegion;
  private shm: ForwardedObject | null = null;
  private pool: ForwardedObject | null = null;

  constructor(region: ForwardedRegion) {
    if (region.bytes < 1 || region.bytes > 0x7fffffff) {
      throw new RangeError(`a region of ${region.bytes} bytes`);
    }
    this.region = region;
  }

  /** Makes a buffer for an object that has an id on the compositor's side already. False: there is no wl_shm. */
  createBuffer(
    session: Session,
    buffer: ForwardedObject,
    layout: { offset: number; width: number; height: number; stride: number; format: number },
  ): boolean {
    const pool = this.open(session);
    if (pool === null) return false;
    session.objects.addHost(buffer);
    const { offset, width, height, stride, format } = layout;
    session.ask(pool, 'create_buffer', [buffer.hostId, offset, width, height, stride, format]);
    return true;
  }

  close(): void {
    this.shm = null;
    this.pool = null;
  }

  private open(session: Session): ForwardedObject | null {
    if (this.pool !== null) return this.pool;
    this.shm ??= session.globals.bindOwn(wl_shm, () => undefined);
    if (this.shm === null) return null;
    this.pool = session.own(wl_shm_pool, 1, () => undefined);
    session.ask(this.shm, 'create_pool', [this.pool.hostId, 0, this.region.bytes], [this.region.fd]);
    return this.pool;
  }
}

/**
 * What Linux's virtio-gpu driver does for a proxy, on top of the front-end double: contexts, blobs in guest memory and
 * in the window, fences that become events. Commands go out in order and are not waited for, except where the kernel
 * waits.
 */
import { type Mapping, mapFile, pageSize } from 'vhost-user-native';
import type { SharedRegion } from '../../src/region/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import {
  BLOB_MEM_GUEST,
  BLOB_MEM_HOST3D,
  type GpuBlob,
  type VirtGpu,
} from '../../src/wayland/guest/index.js';
import * as s from '../unit/context-support.js';
import * as c from '../unit/gpu-commands.js';
import type { Machine } from './gpu-machine.js';

const CAPSET_CROSS_DOMAIN = 5;

interface Blob {
  readonly resource: number;
  readonly bytes: number;
  readonly blobMem: number;
  /** Guest-physical address, or offset in the window. */
  readonly place: number;
  /** Type of the answer to MAP_BLOB. */
  readonly mapped: Promise<number>;
}

/** One guest's driver; `open` is opening its render node. */
export class GuestDriver {
  readonly machine: Machine;
  readonly region: SharedRegion;
  /** Answers that were errors. */
  readonly refused: string[] = [];
  caps = new Uint8Array(16);
  private readonly pages: boolean[];
  private resources = 0;
  private contexts = 0;
  private fences = 0n;

  constructor(machine: Machine, region: SharedRegion) {
    this.machine = machine;
    this.region = region;
    this.pages = new Array<boolean>(region.windowBytes / pageSize).fill(false);
  }

  /** What the kernel does when it probes the device. */
  async probe(): Promise<void> {
    const body = Uint32Array.of(CAPSET_CROSS_DOMAIN, 0);
    const command = c.concat(c.header(gpu.VIRTIO_GPU_CMD_GET_CAPSET), new Uint8Array(body.buffer));
    this.caps = (await this.machine.send(command)).slice(24, 40);
  }

  open(): VirtGpu {
    return new DriverFile(this, ++this.contexts);
  }

  nextResource(): number {
    return ++this.resources;
  }

  nextFence(): bigint {
    return ++this.fences;
  }

  /** Sends a command; the kernel only logs what goes wrong. */
  async send(what: string, command: Uint8Array): Promise<number> {
    const type = c.typeOf(await this.machine.send(command));
    if (type >= 0x1200) this.refused.push(`${what}: 0x${type.toString(16)}`);
    return type;
  }

  /** First fit in the window; null when it is full. */
  reserve(bytes: number): number | null {
    const wanted = bytes / pageSize;
    let free = 0;
    for (let page = 0; page < this.pages.length; page++) {
      free = this.pages[page] === true ? 0 : free + 1;
      if (free < wanted) continue;
      const first = page - wanted + 1;
      this.pages.fill(true, first, page + 1);
      return first * pageSize;
    }
    return null;
  }

  unreserve(offset: number, bytes: number): void {
    this.pages.fill(false, offset / pageSize, (offset + bytes) / pageSize);
  }
}

class DriverFile implements VirtGpu {
  readonly deviceNumber = 0n;
  private readonly driver: GuestDriver;
  private readonly ctxId: number;
  private readonly blobs = new Map<number, Blob>();
  private readonly queries = new Map<number, Promise<unknown>>();
  private callback: ((fences: number | Error) => void) | null = null;
  private nextHandle = 1;
  private closed = false;

  constructor(driver: GuestDriver, ctxId: number) {
    this.driver = driver;
    this.ctxId = ctxId;
  }

  crossDomainCaps(): Uint8Array {
    return this.driver.caps;
  }

  contextInit(name: string): void {
    this.send('CTX_CREATE', s.createContext(this.ctxId, CAPSET_CROSS_DOMAIN, name));
  }

  createBlob(blobMem: number, bytes: number, blobId: number): GpuBlob {
    const size = Math.ceil(bytes / pageSize) * pageSize;
    const resource = this.driver.nextResource();
    const { memory } = this.driver.machine.vm;
    const place = blobMem === BLOB_MEM_GUEST ? memory.alloc(size, pageSize) : this.driver.reserve(size);
    if (place === null) throw Object.assign(new Error('ENOSPC: the window is full'), { code: 'ENOSPC' });
    let mapped = Promise.resolve<number>(gpu.VIRTIO_GPU_RESP_OK_MAP_INFO);
    if (blobMem === BLOB_MEM_GUEST) {
      this.send('CREATE_BLOB', c.guestBlob(resource, [[place, size]]));
    } else {
      const args = { ctxId: this.ctxId, blobMem, blobFlags: 3, blobId: BigInt(blobId), size };
      this.send('CREATE_BLOB', c.createBlob(resource, args));
      mapped = this.driver.send('MAP_BLOB', c.mapBlob(resource, place));
    }
    this.send('CTX_ATTACH', s.attachTo(this.ctxId, resource));
    const handle = this.nextHandle++;
    this.blobs.set(handle, { resource, bytes: size, blobMem, place, mapped });
    return { handle, resource };
  }

  async map(handle: number, bytes: number): Promise<Mapping> {
    const { blobMem, place, mapped } = this.find(handle);
    if ((await mapped) !== gpu.VIRTIO_GPU_RESP_OK_MAP_INFO) {
      throw Object.assign(new Error('EINVAL: mmap'), { code: 'EINVAL' });
    }
    const { memory } = this.driver.machine.vm;
    return blobMem === BLOB_MEM_GUEST
      ? mapFile(memory.fd, place - memory.guestAddress, bytes, { writable: true })
      : mapFile(this.driver.region.fd, place, bytes, { writable: true });
  }

  submit(command: Uint8Array, ringIdx: number | null, handles: readonly number[]): void {
    if (this.closed) throw Object.assign(new Error('EBADF'), { code: 'EBADF' });
    if (ringIdx === null) {
      this.send(`command ${command[0]}`, s.submit3d(this.ctxId, command));
      return;
    }
    const fence = { flags: s.RING, ringIdx, fenceId: this.driver.nextFence() };
    const done = this.driver.send(`command ${command[0]}`, s.submit3d(this.ctxId, command, fence));
    for (const handle of handles) this.queries.set(handle, done);
    done.then(
      () => {
        if (ringIdx === 1 && !this.closed) this.callback?.(1);
      },
      (error: Error) => this.callback?.(error),
    );
  }

  async wait(handle: number): Promise<void> {
    await this.queries.get(handle);
  }

  exportFd(): number {
    // There is no file for a part of the window.
    throw Object.assign(new Error('ENOSYS: no dma-bufs here'), { code: 'ENOSYS' });
  }

  importFd(): number | null {
    return null;
  }

  resourceInfo(handle: number): { resource: number; bytes: number; blobMem: number } {
    return this.find(handle);
  }

  closeHandle(handle: number): void {
    const blob = this.find(handle);
    this.blobs.delete(handle);
    this.send('CTX_DETACH', s.detachFrom(this.ctxId, blob.resource));
    this.drop(blob);
  }

  watch(callback: (fences: number | Error) => void): void {
    this.callback = callback;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    const blobs = [...this.blobs.values()];
    this.blobs.clear();
    for (const { resource } of blobs) this.send('CTX_DETACH', s.detachFrom(this.ctxId, resource));
    this.send('CTX_DESTROY', s.destroyContext(this.ctxId));
    for (const blob of blobs) this.drop(blob);
  }

  /** The last reference is gone. */
  private drop({ resource, blobMem, place, bytes }: Blob): void {
    if (blobMem === BLOB_MEM_HOST3D) this.send('UNMAP_BLOB', c.unmapBlob(resource));
    const gone = this.driver.send('UNREF', c.unref(resource));
    const giveBack = (): void => {
      if (blobMem === BLOB_MEM_HOST3D) this.driver.unreserve(place, bytes);
      else this.driver.machine.vm.memory.free(place);
    };
    gone.then(giveBack, () => undefined);
  }

  private find(handle: number): Blob {
    const blob = this.blobs.get(handle);
    if (blob === undefined) throw Object.assign(new Error(`ENOENT: handle ${handle}`), { code: 'ENOENT' });
    return blob;
  }

  private send(what: string, command: Uint8Array): void {
    this.driver.send(what, command).catch((error: Error) => this.callback?.(error));
  }
}

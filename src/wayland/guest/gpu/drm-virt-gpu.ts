/** The kernel's driver as the proxy's `VirtGpu`, and how to find its node. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type DrmDevice, type Mapping, openDrm } from 'vhost-user-native';
import { BLOB_MEM_GUEST, type GpuBlob, type VirtGpu } from './virt-gpu.js';

/** Capability set of cross-domain contexts. */
const CAPSET_CROSS_DOMAIN = 5;
const CAPS_BYTES = 16;
const CONTEXT_RINGS = 2;
const POLL_RINGS = 1 << 1;

/** VIRTGPU_PARAM_* */
const PARAM_RESOURCE_BLOB = 3;
const PARAM_HOST_VISIBLE = 4;
const PARAM_CONTEXT_INIT = 6;
const PARAM_EXPLICIT_DEBUG_NAME = 8;

/** VIRTGPU_BLOB_FLAG_USE_* */
const USE_MAPPABLE = 1;
const USE_SHAREABLE = 2;

const WANTS_QEMU = 'the host has to run QEMU 11.1 or newer with the device of the README';
const WANTS_FORWARDING = 'the back-end on the host has to be started with --wayland';

/** The kernel gives up after 15 s a time. */
const WAITS_MAX = 4;

/** Bytes of a name that the kernel keeps. */
const NAME_BYTES_MAX = 63;

export class DrmVirtGpu implements VirtGpu {
  readonly deviceNumber: bigint;
  private readonly device: DrmDevice;

  /** Opens a node; throws when it is none of virtio-gpu, or lacks what forwarding needs (ENOTSUP). */
  constructor(path: string) {
    this.device = openDrm(path);
    try {
      this.deviceNumber = statSync(path, { bigint: true }).rdev;
      this.require(PARAM_RESOURCE_BLOB, 'blob resources', WANTS_QEMU);
      this.require(PARAM_HOST_VISIBLE, 'host memory that the guest can map', WANTS_QEMU);
      this.require(PARAM_CONTEXT_INIT, 'contexts', WANTS_FORWARDING);
      this.crossDomainCaps();
    } catch (error) {
      this.device.close();
      throw error;
    }
  }

  crossDomainCaps(): Uint8Array {
    try {
      return this.device.getCaps(CAPSET_CROSS_DOMAIN, 0, CAPS_BYTES);
    } catch (error) {
      throw unsupported('cross-domain contexts', WANTS_FORWARDING, error);
    }
  }

  contextInit(name: string): void {
    const named = this.param(PARAM_EXPLICIT_DEBUG_NAME) === 1;
    const text = name.replace(/[^\x20-\x7e]/g, '?').slice(0, NAME_BYTES_MAX);
    this.device.contextInit(CAPSET_CROSS_DOMAIN, CONTEXT_RINGS, POLL_RINGS, named ? text : null);
  }

  createBlob(blobMem: number, bytes: number, blobId: number): GpuBlob {
    const flags = blobMem === BLOB_MEM_GUEST ? USE_MAPPABLE : USE_MAPPABLE | USE_SHAREABLE;
    return this.device.createBlob(blobMem, flags, bytes, blobId);
  }

  async map(handle: number, bytes: number): Promise<Mapping> {
    return this.device.map(handle, bytes);
  }

  submit(command: Uint8Array, ringIdx: number | null, handles: readonly number[]): void {
    this.device.execbuffer(command, ringIdx, handles);
  }

  async wait(handle: number): Promise<void> {
    for (let count = 0; count < WAITS_MAX; count++) if (this.device.wait(handle, true)) return;
    throw Object.assign(new Error('the host does not answer'), { code: 'ETIMEDOUT' });
  }

  exportFd(handle: number): number {
    return this.device.primeHandleToFd(handle);
  }

  importFd(fd: number): number | null {
    try {
      return this.device.primeFdToHandle(fd);
    } catch {
      return null;
    }
  }

  resourceInfo(handle: number): { resource: number; bytes: number; blobMem: number } {
    return this.device.resourceInfo(handle);
  }

  closeHandle(handle: number): void {
    this.device.gemClose(handle);
  }

  watch(callback: (fences: number | Error) => void): void {
    this.device.watch(() => {
      let fences: number | Error;
      try {
        fences = this.device.readEvents();
      } catch (error) {
        this.device.watch(null);
        fences = error instanceof Error ? error : new Error(String(error));
      }
      callback(fences);
    });
  }

  close(): void {
    this.device.close();
  }

  /** Null: the kernel does not know it. */
  private param(param: number): number | null {
    try {
      return this.device.getParam(param);
    } catch {
      return null;
    }
  }

  private require(param: number, what: string, fix: string): void {
    const value = this.param(param);
    if (value === null) throw unsupported(what, "the guest's kernel has to be Linux 5.16 or newer");
    if (value !== 1) throw unsupported(what, fix);
  }
}

function unsupported(what: string, fix: string, cause?: unknown): Error {
  const error = new Error(`the device or the kernel does not have ${what}: ${fix}`, { cause });
  return Object.assign(error, { code: 'ENOTSUP' });
}

/** Opens the node, or where none is named the first in `folder` that does. Throws what the last one says. */
export function openVirtGpu(path: string | null, folder = '/dev/dri'): VirtGpu {
  if (path !== null) return openNode(path);
  let failure: unknown = new Error(
    `no render node (renderD*) in ${folder}: the machine needs a virtio-gpu whose driver is loaded (modprobe virtio-gpu)`,
  );
  for (const name of renderNodes(folder)) {
    try {
      return openNode(join(folder, name));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function openNode(path: string): VirtGpu {
  try {
    return new DrmVirtGpu(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))) {
      throw error;
    }
    const fix = 'the user has to be in the group that owns it (usermod --append --groups render USER)';
    throw Object.assign(new Error(`${path}: no permission: ${fix}`, { cause: error }), { code: error.code });
  }
}

function renderNodes(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^renderD\d{1,3}$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

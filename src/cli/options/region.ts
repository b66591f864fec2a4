/** Options: memory that guest and host share, and what is built on it. */
import type { Command } from 'commander';
import { parseRegionSize } from './values.js';

export interface RegionOptions {
  /** Bytes of the guest's window into the shared region; null = no shared region, so no blob resources. */
  readonly regionBytes: number | null;
  /** Where QEMU finds the shared region as the memory of an ivshmem-plain device. */
  readonly ivshmemPath: string | null;
  readonly contexts: boolean;
  /** QEMU's display is shown the guest's pages as dma-bufs. */
  readonly qemuDmabuf: boolean;
}

export interface RawRegionOptions {
  regionSize: number;
  ivshmem?: string;
  contexts?: boolean;
  qemuDmabuf?: boolean;
}

const MIB = 1024 * 1024;

export function addRegionOptions(command: Command): Command {
  return command
    .option(
      '--region-size <MiB>',
      'memory that guest and host share for blob resources: a power of two up to 1024, 0 = none',
      parseRegionSize,
      256,
    )
    .option(
      '--ivshmem <path>',
      'make the shared memory available to QEMU here, for an ivshmem-plain device (QEMU before 11.1)',
    )
    .option('--contexts', 'offer contexts (cross-domain) to the guest')
    .option(
      '--qemu-dmabuf',
      "let QEMU's display (one with OpenGL; not its screenshots) read the guest's pages as dma-bufs",
    );
}

/** Forwarding needs contexts, and has them. */
export function readRegion(raw: RawRegionOptions, isForwarding: boolean): RegionOptions {
  return {
    regionBytes: raw.regionSize === 0 ? null : raw.regionSize * MIB,
    ivshmemPath: raw.ivshmem ?? null,
    contexts: raw.contexts ?? isForwarding,
    qemuDmabuf: raw.qemuDmabuf ?? false,
  };
}

/** What this kernel allows for dma-bufs over memfds (/dev/udmabuf). */

import { existsSync, readFileSync } from 'node:fs';

/** A range of a memfd, in whole pages. */
export interface FilePiece {
  readonly fd: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

export interface UdmabufLimits {
  /** Most pieces of one dma-buf. */
  readonly entries: number;
  /** Most bytes of one dma-buf. */
  readonly bytes: number;
}

const DEVICE = '/dev/udmabuf';
const PARAMETERS = '/sys/module/udmabuf/parameters';
/** The kernel's defaults (drivers/dma-buf/udmabuf.c), for where the device is there and /sys is not. */
const ENTRIES_DEFAULT = 1024;
const MEGABYTES_DEFAULT = 64;

/** What `udmabufLimits` answers from now on. */
let kept: UdmabufLimits | null | undefined;

/** Makes the present limits the ones for good, for who can't look again. `available`: the device is open. */
export function keepUdmabufLimits(available: boolean): void {
  kept = available ? udmabufLimits() : null;
}

/** What one dma-buf may consist of, as it is now (an administrator can change it); null without the device. */
export function udmabufLimits(): UdmabufLimits | null {
  if (kept !== undefined) return kept;
  if (!existsSync(DEVICE)) return null;
  const entries = parameter('list_limit') ?? ENTRIES_DEFAULT;
  const megabytes = parameter('size_limit_mb') ?? MEGABYTES_DEFAULT;
  return { entries, bytes: megabytes * 2 ** 20 };
}

function parameter(name: string): number | null {
  try {
    const text = readFileSync(`${PARAMETERS}/${name}`, 'latin1').trim();
    // They are ints: a negative one allows nothing.
    return /^-?[0-9]{1,10}$/.test(text) ? Math.max(0, Number(text)) : null;
  } catch {
    return null;
  }
}

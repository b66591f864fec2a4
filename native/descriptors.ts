/**
 * Head-room among the process's descriptors: what is opened because a guest wants it gets none of the last ones, so
 * that front-ends, the log and the next VM find theirs. A new descriptor has the lowest number that is free, so the
 * numbers above a ceiling stay free if whoever gets one there gives it back.
 */
import { readFileSync } from 'node:fs';

let limit = Number.POSITIVE_INFINITY;
let ceiling = Number.POSITIVE_INFINITY;
let refused = 0;

/** RLIMIT_NOFILE (node raises it as far as it may); Infinity where /proc does not say. */
function readLimit(): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === '' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Keeps `count` descriptors from guests, or half of all where there are not twice as many. */
export function reserveDescriptors(count: number): void {
  limit = readLimit();
  ceiling = Math.max(limit - count, limit / 2);
}

/** To be asked about each new descriptor that a guest causes: EMFILE when it has to be given back. */
export function checkReserve(fd: number): void {
  if (fd < ceiling) return;
  refused++;
  throw Object.assign(new Error('EMFILE: the rest of the descriptors is kept from guests'), {
    code: 'EMFILE',
  });
}

export interface DescriptorUse {
  /** Null where it is not known. */
  readonly limit: number | null;
  /** How often a guest could not have one. */
  readonly refused: number;
}

export function descriptorUse(): DescriptorUse {
  return { limit: Number.isFinite(limit) ? limit : null, refused };
}

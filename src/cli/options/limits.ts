/** Options: what one guest may take (docs/limits.md). */
import type { Command } from 'commander';
import { wholeNumber } from './values.js';

export interface LimitOptions {
  readonly maxResources: number;
  readonly maxHostBytes: number;
  readonly maxBackingEntries: number;
}

export interface RawLimitOptions {
  maxResources: number;
  maxHostMemory: number;
  maxBackingEntries: number;
}

const MIB = 1024 * 1024;

export function addLimitOptions(command: Command): Command {
  const count = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  return command
    .option('--max-resources <number>', 'most resources that the guest can hold', count, 16384)
    .option(
      '--max-host-memory <MiB>',
      'most host memory for resources of the guest',
      wholeNumber(1, 2 ** 20),
      512,
    )
    .option('--max-backing-entries <number>', 'most memory ranges behind one resource', count, 262144);
}

export function readLimits(raw: RawLimitOptions): LimitOptions {
  return {
    maxResources: raw.maxResources,
    maxHostBytes: raw.maxHostMemory * MIB,
    maxBackingEntries: raw.maxBackingEntries,
  };
}

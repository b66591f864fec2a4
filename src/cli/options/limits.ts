/** Options: what one guest may take (docs/limits.md). */
import { type Command, InvalidArgumentError } from 'commander';
import {
  type ContextLimits,
  DEFAULT_CONTEXT_LIMITS,
  DEFAULT_LIMITS,
  type GpuLimits,
  RESOURCE_DIMENSION_MAX,
} from '../../virtio-gpu/index.js';
import { wholeNumber } from './values.js';

export interface LimitOptions {
  readonly limits: GpuLimits;
  readonly contextLimits: ContextLimits;
  /** Commands that each ring carries out per second; 0 = as many as come. */
  readonly commandsPerSecond: number;
}

export interface RawLimitOptions {
  maxResources: number;
  maxHostMemory: number;
  maxBackingEntries: number;
  maxBlobMemory: number;
  maxContexts: number;
  maxCommands: number;
  limit: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;
/** Drivers give up on a device that needs seconds for the few commands of its start. */
const COMMANDS_MIN = 100;

/** Limits with an option of their own. */
const OWN_OPTION = [
  'maxResources',
  'maxHostBytes',
  'maxBackingEntries',
  'maxBlobBytes',
  'maxContexts',
] as const;

/** The others by their names on the command line: `maxReadPipes` is `read-pipes`. */
const NAMED = new Map(
  Object.keys({ ...DEFAULT_LIMITS, ...DEFAULT_CONTEXT_LIMITS })
    .filter((field) => !OWN_OPTION.some((own) => own === field))
    .map((field) => [
      field
        .slice('max'.length)
        .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
        .slice(1),
      field,
    ]),
);

function parseLimit(text: string, others: Readonly<Record<string, number>>): Record<string, number> {
  const [name = '', value = ''] = text.split('=', 2);
  const field = NAMED.get(name);
  if (field === undefined) {
    throw new InvalidArgumentError(
      `Expected NAME=NUMBER, with one of the names ${[...NAMED.keys()].join(', ')}.`,
    );
  }
  const max = field === 'maxDimension' ? RESOURCE_DIMENSION_MAX : Number.MAX_SAFE_INTEGER;
  return { ...others, [field]: wholeNumber(1, max)(value) };
}

/** 0, or enough for a driver to start. */
function parseCommands(text: string): number {
  const value = wholeNumber(0, Number.MAX_SAFE_INTEGER)(text);
  if (value !== 0 && value < COMMANDS_MIN)
    throw new InvalidArgumentError(`Expected 0, or ${COMMANDS_MIN} or more.`);
  return value;
}

export function addLimitOptions(command: Command): Command {
  const count = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  const mebibytes = wholeNumber(1, 2 ** 20);
  const { maxResources, maxHostBytes, maxBackingEntries, maxBlobBytes } = DEFAULT_LIMITS;
  return command
    .option('--max-resources <number>', 'most resources that the guest can hold', count, maxResources)
    .option(
      '--max-host-memory <MiB>',
      'most host memory for resources of the guest',
      mebibytes,
      maxHostBytes / MIB,
    )
    .option(
      '--max-backing-entries <number>',
      'most memory ranges behind one resource',
      count,
      maxBackingEntries,
    )
    .option('--max-blob-memory <MiB>', 'most bytes of blobs on the host', mebibytes, maxBlobBytes / MIB)
    .option(
      '--max-contexts <number>',
      'most contexts that are connected, one for each forwarded application',
      count,
      DEFAULT_CONTEXT_LIMITS.maxContexts,
    )
    .option(
      '--max-commands <number>',
      'most commands that each ring carries out per second; 0 = as many as come',
      parseCommands,
      0,
    )
    .option('--limit <name=number>', 'another limit of docs/limits.md (again for each)', parseLimit, {});
}

/** The limits of `defaults` with what `--limit` says of them. */
function withNamed<T extends object>(defaults: T, { limit }: RawLimitOptions): T {
  return Object.assign(
    { ...defaults },
    Object.fromEntries(Object.entries(limit).filter(([field]) => field in defaults)),
  );
}

export function readLimits(raw: RawLimitOptions): LimitOptions {
  return {
    limits: {
      ...withNamed(DEFAULT_LIMITS, raw),
      maxResources: raw.maxResources,
      maxHostBytes: raw.maxHostMemory * MIB,
      maxBackingEntries: raw.maxBackingEntries,
      maxBlobBytes: raw.maxBlobMemory * MIB,
    },
    contextLimits: { ...withNamed(DEFAULT_CONTEXT_LIMITS, raw), maxContexts: raw.maxContexts },
    commandsPerSecond: raw.maxCommands,
  };
}

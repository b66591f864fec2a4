/**
 * The command line: the conventions for vhost-user back-end programs (QEMU's docs/interop/vhost-user.rst,
 * "Backend program conventions", and vhost-user.json) plus our own options.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT_OK, EXIT_UNAVAILABLE, EXIT_USAGE } from './exit-codes.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './logging.js';

/** Where the front-end comes from. */
export type Endpoint =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number };

/** One output as asked for: pixels and Hz. */
export interface OutputMode {
  readonly width: number;
  readonly height: number;
  readonly refreshHz: number;
}

/** A checked command line. */
export interface RunOptions {
  readonly endpoint: Endpoint;
  readonly outputs: readonly OutputMode[];
  readonly limits: {
    readonly maxResources: number;
    readonly maxHostBytes: number;
    readonly maxBackingEntries: number;
  };
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** What the command line asks for. */
export type CommandLine =
  | { readonly action: 'run'; readonly options: RunOptions }
  | { readonly action: 'print-capabilities' }
  | { readonly action: 'exit'; readonly code: number; readonly message: string };

const MIB = 1024 * 1024;
const OUTPUTS_MAX = 16;
const DIMENSION_MAX = 16384;

interface RawOptions {
  socketPath?: string;
  fd?: number;
  printCapabilities?: boolean;
  renderNode?: string;
  virgl?: boolean;
  outputs: number;
  resolution: OutputMode[];
  maxResources: number;
  maxHostMemory: number;
  maxBackingEntries: number;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function parseMode(text: string): OutputMode {
  const match = /^(\d{1,5})x(\d{1,5})(?:@(\d{1,3}))?$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  const refreshHz = Number(match?.[3] ?? 60);
  const fits = (value: number): boolean => value >= 64 && value <= DIMENSION_MAX;
  if (!(fits(width) && fits(height) && refreshHz >= 1 && refreshHz <= 480)) {
    throw new InvalidArgumentError(
      `Expected WIDTHxHEIGHT[@HZ] with sizes from 64 to ${DIMENSION_MAX}, such as 1920x1080 or 2560x1440@75.`,
    );
  }
  return { width, height, refreshHz };
}

function parseModes(text: string): OutputMode[] {
  return text.split(',').map(parseMode);
}

function createCommand(version: string): Command {
  const count = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  return new Command('vhost-user-gpu-ts')
    .description('A vhost-user GPU device: serves virtio-gpu to one virtual machine.')
    .version(version)
    .usage('(--socket-path=PATH | --fd=FDNUM) [options]')
    .option('--socket-path <path>', 'listen for the front-end (QEMU) on this unix socket')
    .option(
      '--fd <number>',
      'use this inherited unix socket, listening or connected',
      wholeNumber(0, 2 ** 20),
    )
    .option('--print-capabilities', 'print what this back-end can do, as JSON, and exit')
    .addOption(new Option('--render-node <path>', 'refused: there is no 3D yet').hideHelp())
    .addOption(new Option('--virgl', 'refused: there is no 3D yet').hideHelp())
    .option(
      '--outputs <number>',
      'number of outputs (QEMU sets its own on vhost-user-gpu-pci: max_outputs=)',
      wholeNumber(1, OUTPUTS_MAX),
      1,
    )
    .option(
      '--resolution <modes>',
      'WIDTHxHEIGHT[@HZ] of each output, separated by commas; the last one holds for the rest. ' +
        "Where QEMU has a display of its own, QEMU's size wins",
      parseModes,
      [{ width: 1280, height: 800, refreshHz: 60 }],
    )
    .option('--max-resources <number>', 'most resources that the guest can hold', count, 16384)
    .option(
      '--max-host-memory <MiB>',
      'most host memory for resources of the guest',
      wholeNumber(1, 2 ** 20),
      512,
    )
    .option('--max-backing-entries <number>', 'most memory ranges behind one resource', count, 262144)
    .addOption(new Option('--log-level <level>').choices([...LOG_LEVELS]).default('info'))
    .addOption(new Option('--log-format <format>').choices([...LOG_FORMATS]).default('text'))
    .allowExcessArguments(false)
    .addHelpText(
      'after',
      `
Exit codes: 0 ended by SIGTERM or SIGINT, or (--fd) by the front-end's leaving; 1 failure at run time;
2 wrong command line; 3 a feature was asked for that is not there.`,
    )
    .exitOverride();
}

function outputModes(raw: RawOptions): OutputMode[] {
  const last = raw.resolution.at(-1) as OutputMode;
  return Array.from({ length: raw.outputs }, (_, i) => raw.resolution[i] ?? last);
}

function refuse(code: number, message: string): CommandLine {
  return { action: 'exit', code, message };
}

function interpret(raw: RawOptions): CommandLine {
  if (raw.virgl || raw.renderNode !== undefined) {
    const option = raw.virgl ? '--virgl' : '--render-node';
    return refuse(EXIT_UNAVAILABLE, `${option}: this back-end has no 3D acceleration; leave the option out.`);
  }
  const { socketPath, fd } = raw;
  if ((socketPath === undefined) === (fd === undefined)) {
    return refuse(EXIT_USAGE, 'Give exactly one of --socket-path=PATH and --fd=FDNUM (see --help).');
  }
  if (raw.resolution.length > raw.outputs) {
    return refuse(
      EXIT_USAGE,
      `--resolution names ${raw.resolution.length} modes for ${raw.outputs} output(s).`,
    );
  }
  return {
    action: 'run',
    options: {
      endpoint: fd === undefined ? { kind: 'path', path: socketPath as string } : { kind: 'fd', fd },
      outputs: outputModes(raw),
      limits: {
        maxResources: raw.maxResources,
        maxHostBytes: raw.maxHostMemory * MIB,
        maxBackingEntries: raw.maxBackingEntries,
      },
      logLevel: raw.logLevel,
      logFormat: raw.logFormat,
    },
  };
}

/**
 * Parses the arguments after the program's name. Never throws and never exits: `--help`, `--version` and
 * mistakes come back as `exit` (help and version are printed by then, mistakes carry their message).
 */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  // `--print-capabilities` wins over whatever else is there, even over mistakes (vhost-user.rst).
  if (args.includes('--print-capabilities')) return { action: 'print-capabilities' };
  let message = '';
  const command = createCommand(version).configureOutput({
    writeErr: (text) => {
      message += text;
    },
  });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return refuse(error.exitCode === 0 ? EXIT_OK : EXIT_USAGE, message.trim());
  }
  return interpret(command.opts<RawOptions>());
}

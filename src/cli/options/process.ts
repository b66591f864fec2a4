/** Options: the process itself. */
import { type Command, Option } from 'commander';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../logging.js';
import { SANDBOX_MODES, type SandboxMode } from '../sandbox/mode.js';
import { wholeNumber } from './values.js';

/** A longer wait than that could only be for a driver that is not in a hurry. */
const BUSY_WAIT_US_MAX = 1000;

export interface ProcessOptions {
  /** Microseconds; see BackEndServer's options. */
  readonly busyWaitUs: number;
  readonly sandbox: SandboxMode;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export interface RawProcessOptions {
  busyWait: number;
  sandbox: SandboxMode;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

export function addProcessOptions(command: Command): Command {
  return command
    .option(
      '--busy-wait <us>',
      'longest wait for the next command before sleeping, while commands come that quickly',
      wholeNumber(0, BUSY_WAIT_US_MAX),
      0,
    )
    .addOption(
      new Option(
        '--sandbox <mode>',
        'give up all rights once started; auto: what this system lets go of, with a warning about what it lacks',
      )
        .choices([...SANDBOX_MODES])
        .default('on'),
    )
    .addOption(new Option('--log-level <level>').choices([...LOG_LEVELS]).default('info'))
    .addOption(new Option('--log-format <format>').choices([...LOG_FORMATS]).default('text'));
}

export function readProcess({ busyWait, sandbox, logLevel, logFormat }: RawProcessOptions): ProcessOptions {
  return { busyWaitUs: busyWait, sandbox, logLevel, logFormat };
}

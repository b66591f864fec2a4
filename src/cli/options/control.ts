/** Options: how it is driven and watched from outside. */
import type { Command } from 'commander';
import { wholeNumber } from './values.js';

const MIB = 1024 * 1024;

export interface ControlOptions {
  /** Where the control API is served; null = nowhere. */
  readonly controlPath: string | null;
  /** Where each command is written to; null = nowhere. */
  readonly trace: { readonly path: string; readonly bytesMax: number } | null;
}

export interface RawControlOptions {
  controlSocket?: string;
  traceFile?: string;
  traceLimit: number;
}

export function addControlOptions(command: Command): Command {
  return command
    .option(
      '--control-socket <path>',
      'serve the control API there: screenshots, input, metrics (docs/control.md)',
    )
    .option('--trace-file <path>', 'write each command with its pixels to this new file, for `replay`')
    .option('--trace-limit <MiB>', 'how large that file may become', wholeNumber(1, 2 ** 20), 1024);
}

export function readControl({ controlSocket, traceFile, traceLimit }: RawControlOptions): ControlOptions {
  return {
    controlPath: controlSocket ?? null,
    trace: traceFile === undefined ? null : { path: traceFile, bytesMax: traceLimit * MIB },
  };
}

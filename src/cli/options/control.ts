/** Options: how it is driven and watched from outside. */
import type { Command } from 'commander';

export interface ControlOptions {
  /** Where the control API is served; null = nowhere. */
  readonly controlPath: string | null;
}

export interface RawControlOptions {
  controlSocket?: string;
}

export function addControlOptions(command: Command): Command {
  return command.option(
    '--control-socket <path>',
    'serve the control API there: screenshots, input, metrics (docs/control.md)',
  );
}

export function readControl({ controlSocket }: RawControlOptions): ControlOptions {
  return { controlPath: controlSocket ?? null };
}

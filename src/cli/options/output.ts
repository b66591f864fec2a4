/** Options: how many outputs there are, and of what size. */
import { type Command, Option } from 'commander';
import { type OutputMode, parseModes, wholeNumber } from './values.js';

const OUTPUTS_MAX = 16;

export interface RawOutputOptions {
  outputs: number;
  resolution: OutputMode[];
}

export function addOutputOptions(command: Command): Command {
  return command
    .option(
      '--outputs <number>',
      'number of outputs (QEMU sets its own on vhost-user-gpu-pci: max_outputs=)',
      wholeNumber(1, OUTPUTS_MAX),
      1,
    )
    .addOption(
      new Option(
        '--resolution <modes>',
        'WIDTHxHEIGHT[@HZ] of each output, separated by commas; the last one holds for the rest. ' +
          "Where QEMU has a display of its own, QEMU's size wins",
      )
        .argParser(parseModes)
        .default([{ width: 1280, height: 800, refreshHz: 60 }], '1280x800'),
    );
}

export function outputMistake({ outputs, resolution }: RawOutputOptions): string | null {
  if (resolution.length <= outputs) return null;
  return `--resolution names ${resolution.length} modes for ${outputs} output(s).`;
}

/** One mode for each output. */
export function readOutputs({ outputs, resolution }: RawOutputOptions): OutputMode[] {
  const last = resolution.at(-1) as OutputMode;
  return Array.from({ length: outputs }, (_, i) => resolution[i] ?? last);
}

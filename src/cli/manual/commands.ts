/** All commands with their declarations, for manual pages and completion. */
import type { Command, Option } from 'commander';
import { createCtlCommand } from '../ctl/command.js';
import { createDescriptorCommand } from '../descriptor/main.js';
import { createDoctorCommand } from '../doctor/main.js';
import { createCommand } from '../options.js';
import { createReplayCommand } from '../replay/main.js';
import { createSuperviseCommand } from '../supervise/options.js';
import { createVmCommand } from '../vm/options.js';

export interface NamedCommand {
  /** The word behind the program's name; empty for the program itself. */
  readonly word: string;
  readonly command: Command;
}

export function allCommands(version: string): NamedCommand[] {
  return [
    { word: '', command: createCommand(version) },
    { word: 'run', command: createVmCommand() },
    { word: 'supervise', command: createSuperviseCommand() },
    { word: 'replay', command: createReplayCommand() },
    { word: 'ctl', command: createCtlCommand() },
    { word: 'doctor', command: createDoctorCommand() },
    { word: 'install-descriptor', command: createDescriptorCommand() },
  ];
}

/** What a person may write; `--help` too, which commander adds by itself. */
export function visibleOptions(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** The commands inside of a command, which follow its first argument. */
export function innerCommands({ command }: NamedCommand): NamedCommand[] {
  return command.commands.map((inner) => ({ word: inner.name(), command: inner }));
}

/** What an option does, with its choices and its default, as sentences. */
export function optionText(option: Option): string {
  const { description, argChoices, defaultValue, defaultValueDescription, negate } = option;
  const preset = defaultValueDescription ?? (typeof defaultValue === 'object' ? undefined : defaultValue);
  return [
    description === '' ? '' : `${description.replace(/\.$/, '')}.`,
    argChoices === undefined ? '' : `One of ${argChoices.join(', ')}.`,
    preset === undefined || negate ? '' : `Default: ${preset}.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** An option's argument is the name of a file. */
export function takesFile(option: Option): boolean {
  return /<(path|file|program|folder)>/.test(option.flags);
}

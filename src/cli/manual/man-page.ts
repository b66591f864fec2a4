/** Manual pages (man(7)) of the declared commands. */
import type { Command, Option } from 'commander';
import { type NamedCommand, optionText, visibleOptions } from './commands.js';

const PROGRAM = 'vhost-user-gpu-ts';

/** Text as roff takes it: a backslash, a hyphen that can be copied, and a dot or quote that begins a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1');
}

function optionEntry(option: Option): string {
  return `.TP\n.B ${roff(option.flags)}\n${roff(optionText(option))}`;
}

/** A command inside of a command, as a part of its page. */
function innerCommand(command: Command): string[] {
  return [
    `.SS ${roff(`${command.name()} ${command.usage()}`)}`,
    roff(command.description()),
    ...visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map(optionEntry),
  ];
}

/** Name of a page without its section. */
export function pageName({ word }: NamedCommand): string {
  return word === '' ? PROGRAM : `${PROGRAM}-${word}`;
}

export function manPage(named: NamedCommand, version: string, all: readonly NamedCommand[]): string {
  const { command } = named;
  const name = pageName(named);
  const others = all.filter((other) => other !== named).map((other) => `.BR ${roff(pageName(other))} (1)`);
  const summary = command.description().split(/[.:,]/)[0] ?? '';
  return [
    `.TH ${roff(name.toUpperCase())} 1 "" "${PROGRAM} ${version}" "User Commands"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    `.B ${roff(`${PROGRAM} ${named.word}`.trim())}`,
    roff(command.usage()),
    '.SH DESCRIPTION',
    roff(command.description()),
    '.SH OPTIONS',
    ...visibleOptions(command).map(optionEntry),
    ...(command.commands.length === 0 ? [] : ['.SH COMMANDS']),
    ...command.commands.flatMap(innerCommand),
    '.SH SEE ALSO',
    others.join(',\n'),
    '',
  ].join('\n');
}

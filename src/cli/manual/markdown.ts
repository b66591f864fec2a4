/** The reference of the declared commands, as docs/cli.md. */
import type { Argument, Command, Option } from 'commander';
import { innerCommands, type NamedCommand, optionText, visibleOptions } from './commands.js';

const PROGRAM = 'vhost-user-gpu-ts';

/** Text in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}

function optionRow(option: Option): string {
  return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${cell(optionText(option))} |`;
}

function argumentRow(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return `| \`${argument.required ? `<${name}>` : `[${name}]`}\` | ${cell(argument.description)} |`;
}

/** Arguments and options of a command; nothing where it has none. */
function table(command: Command): string[] {
  const rows = [
    ...command.registeredArguments.filter(({ description }) => description !== '').map(argumentRow),
    ...visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map(optionRow),
  ];
  return rows.length === 0 ? [] : ['| | |', '|---|---|', ...rows, ''];
}

function section(named: NamedCommand): string[] {
  const { word, command } = named;
  const name = `${PROGRAM} ${word}`.trim();
  const inner = innerCommands(named).flatMap((each) => [
    `### \`${each.word} ${each.command.usage()}\``,
    '',
    each.command.description(),
    '',
    ...table(each.command),
  ]);
  const usage = ['```', `${command.name()} ${command.usage()}`, '```', ''];
  return [`## \`${name}\``, '', command.description(), '', ...usage, ...table(command), ...inner];
}

/** All of them, as Markdown. */
export function reference(commands: readonly NamedCommand[]): string {
  const head = [
    '# The command line',
    '',
    'Made of the declarations of the commands by `npm run generate:cli`; a test holds it current. What they are for is in the',
    '[guides](README.md).',
    '',
  ];
  return `${[...head, ...commands.flatMap(section)].join('\n').trimEnd()}\n`;
}

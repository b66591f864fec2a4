/** Completion of the declared commands for bash, zsh and fish. */
import type { Option } from 'commander';
import { innerCommands, type NamedCommand, takesFile, visibleOptions } from './commands.js';

const PROGRAM = 'vhost-user-gpu-ts';
const FUNCTION = '_vhost_user_gpu_ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

function longNames(named: NamedCommand): string[] {
  return visibleOptions(named.command).flatMap(({ long }) => long ?? []);
}

function words(commands: readonly NamedCommand[]): string[] {
  return commands.map(({ word }) => word).filter((word) => word !== '');
}

/** What completes an option's argument, as a command of bash; null where nothing does. */
function bashArgument(option: Option): string | null {
  if (option.argChoices !== undefined)
    return `mapfile -t COMPREPLY < <(compgen -W '${option.argChoices.join(' ')}' -- "$word")`;
  return takesFile(option) ? 'mapfile -t COMPREPLY < <(compgen -f -- "$word")' : null;
}

/** What may follow a command, as a branch of bash. */
function bashCase(named: NamedCommand, others: readonly NamedCommand[]): string {
  const inner = innerCommands(named);
  const names = [...longNames(named), ...words(named.word === '' ? others : inner)];
  const branch = `    ${named.word === '' ? '*' : named.word}) names='${names.join(' ')}'`;
  if (inner.length === 0) return `${branch} ;;`;
  const cases = inner.map((each) => `      ${each.word}) names='${longNames(each).join(' ')}' ;;`);
  // (Its first argument is a file: nothing is offered, so bash offers those.)
  return `${branch}
      ((COMP_CWORD > 2)) || names=
      ((COMP_CWORD > 3)) && case \${COMP_WORDS[3]} in
${cases.join('\n')}
      esac ;;`;
}

function bash(commands: readonly NamedCommand[]): string {
  const cases = commands.map((named) => bashCase(named, commands));
  const known = new Map<string, string>();
  for (const { command } of commands.flatMap((named) => [named, ...innerCommands(named)])) {
    for (const option of visibleOptions(command)) {
      const argument = bashArgument(option);
      if (argument !== null && option.long) known.set(option.long, argument);
    }
  }
  return `# bash completion for ${PROGRAM}
${FUNCTION}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} names
  # (bash cuts words at "=".)
  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  case $before in
${[...known].map(([name, argument]) => `    ${name}) ${argument}; return ;;`).join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${[...cases.slice(1), ...cases.slice(0, 1)].join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$names" -- "$word")
}
complete -o default -F ${FUNCTION} ${PROGRAM}
`;
}

function zshSpec(option: Option): string {
  const text = option.description.replace(/[[\]'\\:]/g, ' ');
  const argument = option.required || option.optional ? zshArgument(option) : '';
  return `'${option.long}${argument === '' ? '' : '='}[${text}]${argument}'`;
}

function zshArgument(option: Option): string {
  if (option.argChoices !== undefined) return `:value:(${option.argChoices.join(' ')})`;
  return takesFile(option) ? ':path:_files' : ':value:';
}

/** The branch of a command. */
function zshCase(named: NamedCommand, specs: (named: NamedCommand) => string): string {
  const inner = innerCommands(named);
  if (inner.length === 0) return `    ${named.word}) _arguments \\\n${specs(named)} ;;`;
  const cases = inner.map((each) => `      ${each.word}) _arguments '*:file:_files' \\\n${specs(each)} ;;`);
  return `    ${named.word}) case \${words[4]} in
${cases.join('\n')}
      *) _arguments '2:socket:_files' '3:command:(${words(inner).join(' ')})' ;;
    esac ;;`;
}

function zsh(commands: readonly NamedCommand[]): string {
  const specs = (named: NamedCommand): string =>
    visibleOptions(named.command)
      .filter(({ long }) => long)
      .map((option) => `      ${zshSpec(option)}`)
      .join(' \\\n');
  const [first, ...others] = commands;
  const cases = others.map((named) => zshCase(named, specs));
  return `#compdef ${PROGRAM}
${FUNCTION}() {
  case \${words[2]} in
${cases.join('\n')}
    *) _arguments '1:command:(${words(commands).join(' ')})' \\
${first === undefined ? '' : specs(first)} ;;
  esac
}
compdef ${FUNCTION} ${PROGRAM}
`;
}

/** The lines of a command's options, offered under a condition. */
function fishOptions(named: NamedCommand, condition: string): string[] {
  return visibleOptions(named.command)
    .filter(({ long }) => long)
    .map((option) => fishLine(option, condition));
}

/** A command and what may follow it. */
function fishCommand(named: NamedCommand): string[] {
  const seen = `__fish_seen_subcommand_from ${named.word}`;
  const inner = innerCommands(named);
  const none = `${seen}; and not __fish_seen_subcommand_from ${words(inner).join(' ')}`;
  return [
    `complete -c ${PROGRAM} -n __fish_use_subcommand -a ${named.word}`,
    ...fishOptions(named, seen),
    ...inner.flatMap((each) => [
      `complete -c ${PROGRAM} -n '${none}' -F -a ${each.word}`,
      ...fishOptions(each, `${seen}; and __fish_seen_subcommand_from ${each.word}`),
    ]),
  ];
}

function fishLine(option: Option, condition: string): string {
  const values = option.argChoices === undefined ? '' : ` -x -a '${option.argChoices.join(' ')}'`;
  const needs = option.required || option.optional ? ' -r' : '';
  const files = takesFile(option) ? ' -F' : '';
  const text = option.description.replace(/[\\']/g, '\\$&');
  return `complete -c ${PROGRAM} -n '${condition}' -l ${option.long?.slice(2)}${values || needs}${files} -d '${text}'`;
}

function fish(commands: readonly NamedCommand[]): string {
  const all = words(commands).join(' ');
  const lines = commands.flatMap((named) =>
    named.word === '' ? fishOptions(named, `not __fish_seen_subcommand_from ${all}`) : fishCommand(named),
  );
  return `# fish completion for ${PROGRAM}\ncomplete -c ${PROGRAM} -f\n${lines.join('\n')}\n`;
}

export function completion(shell: Shell, commands: readonly NamedCommand[]): string {
  return { bash, zsh, fish }[shell](commands);
}

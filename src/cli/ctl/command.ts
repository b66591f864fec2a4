/** The command line of `vhost-user-gpu-ts ctl`, made of the operations. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Place } from '../../control/index.js';
import type { Schema } from '../../schema/index.js';
import { type Field, fieldValue, isList, kebab, OPERATIONS, type Operation } from './operations.js';

/** What was asked for. */
export type Request =
  | {
      readonly kind: 'route';
      readonly operation: Operation;
      readonly request: RequestParts;
      readonly output: OutputOptions;
    }
  | { readonly kind: 'click'; readonly x: number; readonly y: number; readonly options: ClickOptions }
  | {
      readonly kind: 'record';
      readonly film: string;
      readonly place: Place;
      readonly command: readonly string[];
    };

export interface RequestParts {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** The file that is the body; null where none is. */
  readonly file: string | null;
}

/** What to do with the answer. */
export interface OutputOptions {
  readonly json?: boolean;
  /** Where bytes go; standard output without. */
  readonly to?: string;
  /** Where a file that is part of the answer goes. */
  readonly enclosed?: string;
}

interface ClickOptions {
  readonly output: number;
  readonly button: 'left' | 'right' | 'middle';
}

interface PlaceOptions {
  readonly output: number;
  readonly window?: number;
}

function placeOf({ output, window }: PlaceOptions): Place {
  return window === undefined ? output : { window };
}

type Ask = (request: Request) => void;

/** Commander's parser of a field. */
function parser(field: Field): (text: string) => unknown {
  return (text) => {
    try {
      return fieldValue(field, text);
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message}.`);
    }
  };
}

function described(schema: Schema): string {
  return ('description' in schema && schema.description) || '';
}

function isFlag(schema: Schema): boolean {
  return 'type' in schema && schema.type === 'boolean' && schema.default === false;
}

/** What stands for the value in the help. */
function metavariable(name: string, schema: Schema): string {
  if (!('type' in schema)) return 'json';
  switch (schema.type) {
    case 'string':
      return 'word';
    case 'integer':
    case 'number':
      return name.endsWith('Ms') ? 'ms' : 'number';
    case 'boolean':
      return 'true|false';
    default:
      return 'json';
  }
}

function optionOf(field: Field): Option {
  const { name, schema, fallback } = field;
  const long = `--${kebab(name)}`;
  const words = 'enum' in schema ? (schema.enum ?? []) : [];
  const preset =
    'default' in schema && typeof schema.default === 'number' ? ` (default: ${schema.default})` : '';
  const text = `${described(schema).replace(/\.$/, '') || name}${preset}`;
  if (isFlag(schema)) return new Option(long, text);
  const option = new Option(`${long} <${metavariable(name, schema)}>`, text);
  if (fallback !== undefined) option.default(fallback);
  return words.length > 0 ? option.choices([...words]) : option.argParser(parser(field));
}

/** The request of an operation, from what commander read. */
function partsOf(
  operation: Operation,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): RequestParts {
  const parts = { params: {}, query: {}, body: {} } as Record<Field['place'], Record<string, unknown>>;
  for (const [i, { name, place }] of operation.required.entries()) parts[place][name] = args[i];
  for (const { name, place } of operation.optional) {
    if (options[name] !== undefined) parts[place][name] = options[name];
  }
  const file = operation.file === null ? null : String(args[operation.required.length]);
  return { ...parts, file };
}

function addOperation(program: Command, operation: Operation, ask: Ask): void {
  const { word, summary, required, optional, file, answer, enclosed } = operation;
  const command = program.command(word).description(summary);
  for (const field of required) {
    const list = isList(field.schema);
    const take = parser(field);
    // Several words are one value, as one with commas is.
    const parse = list
      ? (text: string, before: unknown) => [
          ...((before as unknown[] | undefined) ?? []),
          ...(take(text) as unknown[]),
        ]
      : take;
    command.argument(`<${kebab(field.name)}${list ? '...' : ''}>`, described(field.schema), parse);
  }
  if (file !== null) command.argument('<file>', file === 'bytes' ? 'the picture' : 'a JSON file');
  for (const field of optional) command.addOption(optionOf(field));
  if (answer.kind === 'bytes') command.option('--to <file>', 'where it is written; standard output without');
  if (answer.kind === 'json') command.option('--json', 'print the answer as JSON');
  if (enclosed !== null)
    command.option(`--${kebab(enclosed)} <file>`, 'where that is written, when there is any');
  command.action((...given: unknown[]) => {
    const options = command.opts();
    const { json, to } = options;
    const output = { json, to, enclosed: enclosed === null ? undefined : options[enclosed] };
    ask({ kind: 'route', operation, request: partsOf(operation, given, options), output });
  });
}

/** What several routes together do. */
function addComposed(program: Command, ask: Ask): void {
  const [outputField] = OPERATIONS.flatMap(({ optional }) =>
    optional.filter(({ name }) => name === 'output'),
  );
  const addOutput = (command: Command): Command =>
    outputField === undefined ? command : command.addOption(optionOf(outputField).default(0));
  const place = (text: string): number => {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Expected a number of pixels.');
    return Number(text);
  };
  const click = program
    .command('click')
    .description('Clicks at a place of an output.')
    .argument('<x>', 'pixels from its left edge', place)
    .argument('<y>', 'pixels from its top', place)
    .addOption(
      new Option('--button <word>', 'which one').choices(['left', 'right', 'middle']).default('left'),
    )
    .action((x: number, y: number) => ask({ kind: 'click', x, y, options: click.opts<ClickOptions>() }));
  addOutput(click);
  const record = program
    .command('record')
    .description(
      'Records an output or a window while a command runs, to an animated PNG, and ends with the exit status of the command.',
    )
    .argument('<film>', 'the file')
    .argument('<command...>', 'the command, behind --')
    .action((film: string, command: string[]) =>
      ask({ kind: 'record', film, command, place: placeOf(record.opts<PlaceOptions>()) }),
    );
  addOutput(record);
  const windowField = OPERATIONS.flatMap(({ optional }) =>
    optional.filter(({ name }) => name === 'window'),
  )[0];
  if (windowField !== undefined) record.addOption(optionOf(windowField));
}

/** `ask` is told what the command line asks for. */
export function createCtlCommand(ask: Ask = () => undefined): Command {
  const program = new Command('vhost-user-gpu-ts ctl SOCKET')
    .description(
      'Drives a running back-end through its control API (--control-socket): screenshots, waits, input, recordings, ' +
        'metrics. One command for each route; --help behind a command tells its options.',
    )
    .usage('COMMAND [options]')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExit code: 0; 1 when the back-end is not there or refuses, 2 for a wrong command line, 4 when what was waited ' +
        'for did not happen.',
    )
    .exitOverride();
  for (const operation of OPERATIONS) addOperation(program, operation, ask);
  addComposed(program, ask);
  return program;
}

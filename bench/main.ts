/** `npm run bench`: measures vhost-user-gpu back-ends, one or several side by side. */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type BenchCase, CASES } from './cases.js';
import { type CaseResult, type MeasureOptions, measureCase } from './measure.js';
import { absoluteTable, ratioTable } from './report.js';
import { subjectOf } from './subjects.js';

interface Options {
  readonly turns: number;
  readonly seconds: number;
  readonly json?: string;
  readonly markdown?: string;
  readonly subjects: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0');
  return value;
}

/** The cases whose names are given, or begin so; all of them when none is given. */
function selected(names: readonly string[]): BenchCase[] {
  const unknown = names.filter((name) => !CASES.some((bench) => bench.name.startsWith(name)));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `no case ${unknown.join(', ')}; there are\n  ${CASES.map((b) => b.name).join('\n  ')}`,
    );
  }
  return CASES.filter((bench) => names.length === 0 || names.some((name) => bench.name.startsWith(name)));
}

async function measureAll(
  texts: readonly string[],
  names: readonly string[],
  options: Options,
): Promise<void> {
  const subjects = texts.map(subjectOf);
  const turnMs = Math.round(options.seconds * 1000);
  const measure: MeasureOptions = { turns: options.turns, turnMs, warmUpMs: turnMs };
  const cases: CaseResult[] = [];
  for (const bench of selected(names)) {
    process.stderr.write(`${bench.name}\n`);
    cases.push(await measureCase(bench, subjects, measure));
  }
  const tables = [absoluteTable(cases)];
  if (subjects.length > 1) tables.unshift(ratioTable(cases));
  const markdown = `${tables.join('\n\n')}\n`;
  process.stdout.write(markdown);
  if (options.markdown !== undefined) writeFileSync(options.markdown, markdown);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ node: process.version, measure, cases }, null, 2)}\n`);
  }
}

function addOptions(command: Command): Command {
  return command
    .option('--turns <n>', 'turns of each back-end in each case', positive, 7)
    .option('--seconds <s>', 'length of a turn', positive, 0.5)
    .option('--json <file>', 'write all numbers there')
    .option('--markdown <file>', 'write the tables there, too');
}

const program = new Command('bench').description(
  'Measures vhost-user-gpu back-ends with a driver and a display of its own.',
);
addOptions(
  program
    .command('compare')
    .description('in turns, each in relation to the first one')
    .argument('[cases...]', 'names, or how they begin; default all')
    .option('--subjects <list>', 'comma-separated: c, ours, or name=command line', 'c,ours'),
).action((names: string[], options: Options) => measureAll(options.subjects.split(','), names, options));
addOptions(
  program
    .command('run')
    .description('one back-end alone')
    .argument('<back-end>', 'ours, c, or a command line')
    .argument('[cases...]', 'names, or how they begin; default all'),
).action((subject: string, names: string[], options: Options) => measureAll([subject], names, options));

await program.parseAsync();

/** `npm run bench`: measures vhost-user-gpu back-ends, one or several side by side. */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { type BenchCase, CASES } from './cases.js';
import { type CaseResult, type MeasureOptions, measureCase } from './measure.js';
import { absoluteTable, ratioTable, vitalsTable } from './report.js';
import { subjectOf } from './subjects.js';
import { measureVitals, type Vitals } from './vitals.js';
import { measureWindow, windowTables } from './window/measure-window.js';

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

/** Start, memory and idle cost, which are no case like the others. */
const VITALS = 'vitals';
const NAMES = [...CASES.map((bench) => bench.name), VITALS];

/** What is called by these names, or begins so; everything when none is given. */
function selected(prefixes: readonly string[]): { cases: BenchCase[]; vitals: boolean } {
  const unknown = prefixes.filter((prefix) => !NAMES.some((name) => name.startsWith(prefix)));
  if (unknown.length > 0) program.error(`no case ${unknown.join(', ')}; there are\n  ${NAMES.join('\n  ')}`);
  const wanted = (name: string): boolean =>
    prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  return { cases: CASES.filter(({ name }) => wanted(name)), vitals: wanted(VITALS) };
}

async function measureAll(
  texts: readonly string[],
  names: readonly string[],
  options: Options,
): Promise<void> {
  const wanted = selected(names);
  const subjects = texts.map(subjectOf);
  const turnMs = Math.round(options.seconds * 1000);
  const measure: MeasureOptions = { turns: options.turns, turnMs, warmUpMs: 2 * turnMs };
  const cases: CaseResult[] = [];
  const vitals: Vitals[] = [];
  for (const bench of wanted.cases) {
    process.stderr.write(`${bench.name}\n`);
    cases.push(await measureCase(bench, subjects, measure));
  }
  if (wanted.vitals) {
    process.stderr.write(`${VITALS}\n`);
    for (const subject of subjects) vitals.push(await measureVitals(subject));
  }
  const tables: string[] = [];
  if (cases.length > 0 && subjects.length > 1) tables.push(ratioTable(cases));
  if (cases.length > 0) tables.push(absoluteTable(cases));
  if (vitals.length > 0) tables.push(vitalsTable(vitals));
  write(tables, { measure, cases, vitals }, options);
}

async function measureWindowMode(options: Options): Promise<void> {
  const measure = { turns: options.turns, turnMs: Math.round(options.seconds * 1000) };
  const results = await measureWindow(subjectOf('ours'), measure);
  write(windowTables(results), { measure, ...results }, options);
}

/** Prints tables; writes them and all numbers to the files that were asked for. */
function write(tables: readonly string[], numbers: object, options: Options): void {
  const markdown = `${tables.join('\n\n')}\n`;
  process.stdout.write(markdown);
  if (options.markdown !== undefined) writeFileSync(options.markdown, markdown);
  if (options.json === undefined) return;
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release() };
  writeFileSync(options.json, `${JSON.stringify({ machine, ...numbers }, null, 2)}\n`);
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
    .option('--subjects <list>', 'comma-separated: c, ours, null, or name=command line', 'c,ours'),
).action((names: string[], options: Options) => measureAll(options.subjects.split(','), names, options));
addOptions(
  program
    .command('run')
    .description('one back-end alone')
    .argument('<back-end>', 'ours, c, null, or a command line')
    .argument('[cases...]', 'names, or how they begin; default all'),
).action((subject: string, names: string[], options: Options) => measureAll([subject], names, options));

addOptions(program.command('window').description('window mode of our own back-end')).action(
  (options: Options) => measureWindowMode(options),
);

await program.parseAsync();

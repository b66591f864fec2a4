/** scripts/fuzz: runs one fuzzer from the command line. */
import { Command, InvalidArgumentError } from 'commander';
import { caseFolder, readCases, writeCase } from './core/corpus.js';
import { type FuzzReport, fuzz } from './core/fuzz.js';
import { play } from './core/play.js';
import { startWatchdog } from './core/watchdog.js';
import { TARGETS, targetByName } from './targets.js';

const PROGRESS_MS = 5000;

interface Options {
  readonly inputs: number;
  readonly seed: number;
  readonly corpus: string | undefined;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number');
  return value;
}

async function run(name: string, options: Options): Promise<number> {
  const target = targetByName(name);
  const seed = options.seed;
  const started = performance.now();
  let shown = started;
  const perSecond = (inputs: number): number => Math.round(inputs / ((performance.now() - started) / 1000));
  const watchdog = await startWatchdog(`${name}, seed ${seed}`);
  const progress = ({ cases, inputs, features, kept }: FuzzReport): void => {
    watchdog(cases);
    if (performance.now() - shown < PROGRESS_MS) return;
    shown = performance.now();
    console.log(
      `${inputs} inputs (${perSecond(inputs)}/s), ${cases} cases, ${kept} kept, ${features} behaviours`,
    );
  };
  const cases = [
    ...readCases(options.corpus ?? caseFolder('corpus', name)),
    ...readCases(caseFolder('findings', name)),
  ];
  console.log(`${name}, seed ${seed}; an input is ${target.input}; ${cases.length} recorded cases`);
  const corpus = cases.map(({ steps }) => steps);
  const outcome = await fuzz(target, { seed, inputs: options.inputs, corpus, progress });
  const { inputs, finding } = outcome;
  await target.close?.();
  const sum = `${inputs} inputs (${perSecond(inputs)}/s) in ${outcome.cases} cases, ${outcome.features} behaviours`;
  if (finding === null) {
    console.log(`${sum}: nothing found`);
    return 0;
  }
  const comment = `${finding.error.message}\nseed ${seed}, case ${finding.caseIndex}`;
  const path = writeCase(caseFolder('findings', name), finding.steps, comment);
  console.error(`${sum}\n${finding.error.stack}\nkept in ${path}`);
  return 1;
}

async function replay(name: string, path: string): Promise<number> {
  const target = targetByName(name);
  let failed = 0;
  for (const each of readCases(path)) {
    const { failure } = await play(target, each.steps);
    console.log(`${each.name}: ${failure === null ? 'nothing found' : failure.stack}`);
    if (failure !== null) failed = 1;
  }
  await target.close?.();
  return failed;
}

const program = new Command('fuzz')
  .argument('<target>', TARGETS.join(', '))
  .option('--inputs <n>', 'how many, at least', whole, 1_000_000)
  .option('--seed <s>', 'other cases', whole, 1)
  .option('--corpus <folder>', 'cases to start from (default: fuzz/corpus/TARGET)')
  .option('--replay <folder>', 'only plays the cases that are there')
  .action(async (name: string, options: Options & { replay?: string }) => {
    process.exitCode =
      options.replay === undefined ? await run(name, options) : await replay(name, options.replay);
  });
await program.parseAsync();

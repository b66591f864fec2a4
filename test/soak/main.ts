/** scripts/soak: a hostile guest beside one that behaves, for a long time. */
import { Command, InvalidArgumentError } from 'commander';
import { type Phase, Soak, WARM_UP_PHASES } from './soak.js';

/** Short ones: what else the machine does is then the same in both kinds. */
const PHASE_MS = 5000;
const MINUTE_MS = 60_000;

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('not a whole number');
  return value;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

/** Frame times of these phases, in ms. */
function frameTimes(phases: readonly Phase[]): readonly [median: number, p99: number, max: number] {
  const sorted = phases.flatMap(({ frameMs }) => frameMs).sort((a, b) => a - b);
  return [quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)];
}

function describe(times: readonly number[]): string {
  const [median = 0, p99 = 0, max = 0] = times;
  return `median ${median.toFixed(2)}, 99 % ${p99.toFixed(2)}, longest ${max.toFixed(1)} ms`;
}

function line(number: number, phase: Phase): string {
  const { isAttacked, frameMs, deeds, attacked, steady } = phase;
  const use = ({ residentMib, fds, mappings, threads }: Phase['steady']): string =>
    `${residentMib} MiB, ${fds} fds, ${mappings} mappings, ${threads} threads`;
  const name = `${number} ${isAttacked ? 'attacked' : 'quiet'}`;
  const done = `${deeds.attacks} attacks, ${deeds.commands} commands so far`;
  const frames = `${frameMs.length} frames: ${describe(frameTimes([phase]))}`;
  return `${name}; ${frames}; attacked: ${use(attacked)}; steady: ${use(steady)}; ${done}`;
}

async function soak({ minutes, seed, stall, apart }: Options, options: readonly string[]): Promise<void> {
  const phases: Phase[] = [];
  const run = new Soak(options);
  await run.start(seed);
  if (apart === true) run.apart();
  const [before] = await run.census();
  const count = Math.max(2 * WARM_UP_PHASES, Math.round((minutes * MINUTE_MS) / PHASE_MS));
  for (let number = 1; number <= count; number++) {
    const phase = await run.phase(number % 2 === 0, { ms: PHASE_MS });
    phases.push(phase);
    console.log(line(number, phase));
  }
  const { residentMib, fds } = await run.stall(stall * 1000);
  console.log(`a display that took nothing for ${stall} s; its back-end: ${residentMib} MiB, ${fds} fds`);
  const [after] = await run.census();
  await run.serves();
  const ends = await run.stop();
  const counted = phases.slice(WARM_UP_PHASES);
  const quiet = frameTimes(counted.filter(({ isAttacked }) => !isAttacked));
  const attacked = frameTimes(counted.filter(({ isAttacked }) => isAttacked));
  const ratios = attacked.slice(0, 2).map((time, i) => (time / (quiet[i] ?? 1)).toFixed(2));
  console.log(`quiet: ${describe(quiet)}\nattacked: ${describe(attacked)}\nratios: ${ratios.join(', ')}`);
  const same = JSON.stringify(before) === JSON.stringify(after);
  if (!same) console.log(`before: ${JSON.stringify(before)}\nafter: ${JSON.stringify(after)}`);
  console.log(`${same ? 'nothing is left of the attacks' : 'SOMETHING IS LEFT'}; ended: ${ends.join(', ')}`);
  process.exitCode = same && ends.every((end) => end === 'exit code 0') ? 0 : 1;
}

interface Options {
  readonly minutes: number;
  readonly seed: number;
  /** Seconds. */
  readonly stall: number;
  readonly apart?: boolean;
}

await new Command('soak')
  .option('--minutes <n>', 'how long', whole, 30)
  .option('--seed <s>', 'other attacks', whole, 1)
  .option('--stall <s>', "seconds for which QEMU's display takes nothing, at the end", whole, 60)
  .option('--apart', 'each guest and its back-end on a processor of their own')
  .argument('[options...]', 'more options for both back-ends, behind --')
  .action((options: readonly string[], chosen: Options) => soak(chosen, options))
  .parseAsync();

/** Plays one case, from recorded steps, from made-up ones, or from the first followed by the second. */
import type { Random } from './random.js';
import type { Step } from './step.js';
import type { FuzzTarget } from './target.js';

export interface Played {
  /** The steps that were carried out. */
  readonly steps: readonly Step[];
  readonly features: ReadonlySet<string>;
  readonly failure: Error | null;
}

/** What nobody catches (in callbacks of timers, sockets and promises) counts against the case that is played. */
let uncaught: Error | null = null;

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function catchUncaught(reason: unknown): void {
  uncaught ??= asError(reason);
}

/** Until what is returned is called. */
export function watchUncaught(): () => void {
  process.on('uncaughtException', catchUncaught);
  process.on('unhandledRejection', catchUncaught);
  return () => {
    process.off('uncaughtException', catchUncaught);
    process.off('unhandledRejection', catchUncaught);
  };
}

export async function play(
  target: FuzzTarget,
  recorded: readonly Step[],
  random: Random | null = null,
): Promise<Played> {
  uncaught = null;
  const steps: Step[] = [];
  let failure: Error | null = null;
  const subject = await target.open();
  const carryOut = async (each: Step): Promise<void> => {
    steps.push(each);
    try {
      await subject.apply(each);
    } catch (error) {
      failure = asError(error);
    }
  };
  for (const each of recorded.slice(0, target.steps)) {
    if (subject.over || failure !== null) break;
    await carryOut(each);
  }
  while (random !== null && !subject.over && failure === null && steps.length < target.steps) {
    await carryOut(subject.propose(random));
  }
  try {
    await subject.close();
  } catch (error) {
    failure ??= asError(error);
  }
  // What the subject has left for later belongs to this case; and with nobody's turn ever coming it would pile up.
  await new Promise(setImmediate);
  return { steps, features: subject.features, failure: failure ?? uncaught };
}

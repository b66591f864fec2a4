/** Makes a finding small: leaves out steps, in ever smaller pieces, as long as it still goes wrong. */
import { play } from './play.js';
import type { Step } from './step.js';
import type { FuzzTarget } from './target.js';

/** Attempts: a finding that takes more to become small is small enough. */
const ATTEMPTS_MAX = 2000;

export async function minimize(target: FuzzTarget, steps: readonly Step[]): Promise<readonly Step[]> {
  let best = steps;
  let attempts = 0;
  const fails = async (candidate: readonly Step[]): Promise<boolean> => {
    attempts++;
    return (await play(target, candidate)).failure !== null;
  };
  for (let piece = Math.ceil(best.length / 2); piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = best.length - piece; at > -piece && attempts < ATTEMPTS_MAX; at -= piece) {
      const start = Math.max(0, at);
      const candidate = [...best.slice(0, start), ...best.slice(start + piece)];
      if (await fails(candidate)) best = candidate;
    }
  }
  return best;
}

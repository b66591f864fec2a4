/** Changes to a recorded case: to its bytes, and to the order of its steps. */
import type { Random } from './random.js';
import type { Step } from './step.js';

/** The same steps with a few changes. */
export function mutateSteps(steps: readonly Step[], random: Random): Step[] {
  const changed = [...steps];
  for (let count = random.between(1, 4); count > 0 && changed.length > 0; count--)
    mutateOnce(changed, random);
  return changed;
}

function mutateOnce(steps: Step[], random: Random): void {
  const at = random.below(steps.length);
  const here = steps[at];
  if (here === undefined) return;
  const other = random.below(steps.length);
  switch (random.below(6)) {
    case 0:
      steps.splice(at, random.between(1, 3));
      break;
    case 1:
      steps.splice(other, 0, here);
      break;
    case 2:
      steps[at] = steps[other] ?? here;
      steps[other] = here;
      break;
    default:
      steps[at] = { ...here, bytes: mutateBytes(here.bytes, random) };
  }
}

/** A copy with one change. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length === 0) return copy;
  const view = new DataView(copy.buffer);
  const word = random.below(Math.floor(copy.length / 4)) * 4;
  switch (random.below(5)) {
    case 0:
      copy[random.below(copy.length)] = random.below(256);
      return copy;
    case 1:
      if (copy.length >= 4) view.setUint32(word, random.interesting(), true);
      return copy;
    case 2:
      if (copy.length >= 4)
        view.setUint32(word, (view.getUint32(word, true) + random.between(-4, 4)) >>> 0, true);
      return copy;
    case 3:
      return copy.subarray(0, random.below(copy.length));
    default: {
      const longer = new Uint8Array(copy.length + random.between(1, 64));
      longer.set(copy);
      return longer;
    }
  }
}

/** Whether a case gives back every descriptor of the process that it took. */
import { readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Other threads of the process (V8's, libuv's) have some open for moments, which are long on a busy machine. */
const PATIENCE_MS = 2000;

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

export class DescriptorCount {
  private readonly before = openDescriptors();

  /** How many more there are than when this was made; resolves as soon as there are none. */
  async surplus(): Promise<number> {
    const end = performance.now() + PATIENCE_MS;
    let surplus = openDescriptors() - this.before;
    while (surplus > 0 && performance.now() < end) {
      await nextTurn();
      surplus = openDescriptors() - this.before;
    }
    return surplus;
  }
}

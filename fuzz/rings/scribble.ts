/** The thread that writes to rings while they are used. It runs from here when this is a worker's main module. */
import { isMainThread, workerData } from 'node:worker_threads';
import { mapFile } from 'vhost-user-native';
import { Random } from '../core/random.js';

export interface Scribbling {
  readonly fd: number;
  /** Where guest memory starts in the file, and how much of it is written to. */
  readonly offset: number;
  readonly bytes: number;
  readonly control: Int32Array;
}

/** Words of `control`: what is wanted, and how often something was written; negative when it is calm. */
export const STATE = 0;
export const WRITES = 1;
export const CALM = 0;
export const STORM = 1;
const WRITES_PER_LOOK = 64;

function scribble({ fd, offset, bytes, control }: Scribbling): never {
  const mapping = mapFile(fd, offset, bytes, { writable: true });
  const words = new Int32Array(mapping.window(0, bytes));
  const random = new Random(1);
  const kept = Int32Array.from(words);
  for (;;) {
    Atomics.store(control, WRITES, -1);
    Atomics.notify(control, WRITES);
    Atomics.wait(control, STATE, CALM);
    // First this, then the look at what is wanted: whoever wants calm sees one or the other.
    Atomics.store(control, WRITES, 0);
    kept.set(words);
    for (let count = 1; Atomics.load(control, STATE) === STORM; count = (count + 1) & 0xffffff) {
      Atomics.store(control, WRITES, count);
      Atomics.notify(control, WRITES);
      for (let write = 0; write < WRITES_PER_LOOK; write++) writeOnce(words, kept, random);
    }
  }
}

/** Something else, or what was there before: rings that are wrong for a moment only get further. */
function writeOnce(words: Int32Array, kept: Int32Array, random: Random): void {
  const at = random.below(words.length);
  const before = words[at] as number;
  const choice = random.below(8);
  if (choice < 4) words[at] = kept[at] as number;
  else if (choice === 4) words[at] = random.interesting();
  else if (choice === 5) words[at] = before + random.between(-2, 2);
  else if (choice === 6) words[at] = before ^ (1 << random.below(32));
  else words[at] = words[random.below(words.length)] as number;
}

if (!isMainThread) scribble(workerData as Scribbling);

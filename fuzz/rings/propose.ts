/** What driver, device and somebody else do to a ring. */
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { GUEST, type RingMachine } from './machine.js';
import { MEMORY_BYTES } from './shared-memory.js';

const KINDS = [
  ...['add', 'add', 'add', 'add', 'add', 'pop', 'pop', 'pop', 'push', 'push', 'push', 'push'],
  ...['flush', 'flush', 'poll', 'poll', 'enable', 'listen', 'disable', 'mute', 'restart'],
];

export function proposeStep(machine: RingMachine, wild: boolean, random: Random): Step {
  if (random.oneIn(wild ? 3 : 400)) return scribble(machine, random);
  if (random.oneIn(wild ? 200 : 3000)) return step('storm');
  if (random.oneIn(120)) return step('remap');
  const kind = random.pick(KINDS) ?? 'pop';
  // A ring that broke goes on only after this.
  if (machine.queue.broken !== null && random.oneIn(3)) return step('restart');
  if (kind === 'add') return add(random);
  if (kind === 'pop') return step(kind, [String(random.between(1, 6))]);
  if (kind === 'push') return step(kind, [String(random.below(1000)), String(random.below(101))]);
  return step(kind);
}

function add(random: Random): Step {
  const count = random.between(1, 5);
  const lengths = Array.from({ length: count }, () => (random.oneIn(8) ? 0 : random.below(200)));
  return step('add', [random.below(2), random.below(count + 1), ...lengths].map(String));
}

/** A word, or two bytes, in the ring, in its tables or in the inflight region behind guest memory. */
function scribble({ ringBytes, options, driver }: RingMachine, random: Random): Step {
  const within = random.oneIn(2) ? Math.min(ringBytes, options.size * 16 + 200) : ringBytes;
  const tracked = options.inflight && random.oneIn(3);
  const at = (tracked ? MEMORY_BYTES + random.below(options.size * 32 + 32) : random.below(within)) & ~1;
  const word = Uint32Array.of(random.oneIn(2) ? random.interesting() : random.below(options.size + 2));
  const bytes = new Uint8Array(word.buffer).slice(0, random.oneIn(2) ? 2 : 4);
  if (!random.oneIn(3)) return step('scribble', [String(at)], bytes);
  if (random.oneIn(3)) return again(driver, random);
  // A descriptor: somewhere in guest memory, of any length, with any flags.
  const near = GUEST + random.below(MEMORY_BYTES);
  const descriptor = new DataView(new ArrayBuffer(16));
  descriptor.setBigUint64(0, BigInt(random.oneIn(8) ? random.interesting() : near), true);
  descriptor.setUint32(8, random.oneIn(3) ? random.interesting() : random.below(300), true);
  const flags = random.below(8) | (options.packed ? random.pick([0, 0x80, 0x80, 0x8000, 0x8080]) : 0);
  const words = [random.oneIn(6) ? random.word() & 0xffff : flags, random.below(options.size + 1)];
  if (options.packed) words.reverse();
  descriptor.setUint32(12, ((words[0] ?? 0) | ((words[1] ?? 0) << 16)) >>> 0, true);
  return step('scribble', [String(random.below(within / 16) * 16)], new Uint8Array(descriptor.buffer));
}

/** What was available is so again: the index goes on, or a descriptor's flags are those of the next lap. */
function again({ split, size }: RingMachine['driver'], random: Random): Step {
  if (split !== null) {
    const index = ((split.avail[1] ?? 0) + random.between(1, size)) & 0xffff;
    return step(
      'scribble',
      [String(split.avail.byteOffset + 2)],
      new Uint8Array(Uint16Array.of(index).buffer),
    );
  }
  const at = random.below(size) * 16;
  const flags = random.pick([0x80, 0x8000]) | random.below(3);
  return step('scribble', [String(at + 14)], new Uint8Array(Uint16Array.of(flags).buffer));
}

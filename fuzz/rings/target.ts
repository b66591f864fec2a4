/** Split and packed rings, and memory that changes while they are read. */
import type { FuzzTarget } from '../core/target.js';
import { RingCase } from './case.js';
import { SharedMemory } from './shared-memory.js';

const STEPS = 150;

export function ringsTarget(): FuzzTarget {
  const shared = new SharedMemory();
  return {
    name: 'rings',
    input: `something that driver, device or a scribbler do to a ring, in lives of up to ${STEPS}`,
    steps: STEPS,
    open: () => new RingCase(shared),
    close: () => shared.close(),
  };
}

/** The device behind its queues: any requests, on a guest with small budgets. */
import type { FuzzTarget } from '../core/target.js';
import { GpuCase } from './case.js';

const STEPS = 200;

export function gpuTarget(): FuzzTarget {
  return {
    name: 'gpu',
    input: `a request of either queue, or what front-end and channels do, on devices of up to ${STEPS}`,
    steps: STEPS,
    open: () => new GpuCase(false),
  };
}

/** The same, with most requests about contexts, and most of those cross-domain commands. */
export function crossDomainTarget(): FuzzTarget {
  return { ...gpuTarget(), name: 'cross-domain', open: () => new GpuCase(true) };
}

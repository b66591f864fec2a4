/** The back-end's server and a front-end that says anything. */
import type { FuzzTarget } from '../core/target.js';
import { VhostUserCase } from './case.js';
import { LastingDescriptors } from './descriptors.js';

const STEPS = 100;

export function vhostUserTarget(): FuzzTarget {
  const lasting = new LastingDescriptors();
  return {
    name: 'vhost-user',
    input: `a message, or what the front-end, its driver or the device do beside, in connections of up to ${STEPS}`,
    steps: STEPS,
    open: () => new VhostUserCase(lasting),
    close: () => lasting.close(),
  };
}

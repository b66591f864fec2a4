/** How many objects of a kind a guest has; more than the policy's limit is a violation. */
import { SERVER_ID_START } from '../limits.js';
import type { ForwardedObject } from './objects.js';
import type { LimitPolicy } from './policy/policy.js';
import { DisplayError, type RuleName, Violation } from './violation.js';

type Kind = 'surfaces' | 'buffers' | 'callbacks';

const RULE: Readonly<Record<Kind, RuleName>> = {
  surfaces: 'limit-surfaces',
  buffers: 'limit-buffers',
  callbacks: 'limit-callbacks',
};

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['wl_surface', 'surfaces'],
  ['wl_buffer', 'buffers'],
  ['wl_shm_pool', 'buffers'],
  ['wl_callback', 'callbacks'],
  ['wp_presentation_feedback', 'callbacks'],
]);

export class Counts {
  private readonly limits: LimitPolicy;
  private readonly counts: Record<Kind, number> = { surfaces: 0, buffers: 0, callbacks: 0 };

  constructor(limits: LimitPolicy) {
    this.limits = limits;
  }

  /** An object that the guest made. */
  add(object: ForwardedObject): void {
    const kind = KINDS.get(object.table.name);
    if (kind === undefined) return;
    const max = this.limits[kind];
    this.counts[kind]++;
    if (this.counts[kind] > max) {
      throw new Violation(RULE[kind], `more than ${max} ${kind}`, 1, DisplayError.noMemory);
    }
  }

  /** An object of whoever's is gone. */
  remove(object: ForwardedObject): void {
    const kind = KINDS.get(object.table.name);
    const guestMade = object.guestId !== 0 && object.guestId < SERVER_ID_START;
    if (kind !== undefined && guestMade) this.counts[kind]--;
  }
}

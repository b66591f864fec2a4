/** How many objects of a kind a guest has; more than the policy's limit is a violation. */
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
  private readonly counted = new WeakMap<ForwardedObject, Kind>();

  constructor(limits: LimitPolicy) {
    this.limits = limits;
  }

  /** An object that the guest made, or (with a kind) one that stands for what the compositor shall make. */
  add(object: ForwardedObject, kind: Kind | undefined = KINDS.get(object.table.name)): void {
    if (kind === undefined) return;
    const max = this.limits[kind];
    this.counts[kind]++;
    this.counted.set(object, kind);
    if (this.counts[kind] > max) {
      throw new Violation(RULE[kind], `more than ${max} ${kind}`, 1, DisplayError.noMemory);
    }
  }

  /** The compositor made what `placeholder` stood for. False when it stood for nothing. */
  made(placeholder: ForwardedObject, object: ForwardedObject): boolean {
    const kind = this.counted.get(placeholder);
    if (kind === undefined) return false;
    this.counted.delete(placeholder);
    this.counted.set(object, kind);
    return true;
  }

  /** An object of whoever's is gone, or stands for nothing any more. */
  remove(object: ForwardedObject): void {
    const kind = this.counted.get(object);
    if (kind === undefined) return;
    this.counted.delete(object);
    this.counts[kind]--;
  }
}

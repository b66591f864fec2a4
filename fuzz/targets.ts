/** All fuzzers. */
import type { FuzzTarget } from './core/target.js';
import { crossDomainTarget, gpuTarget } from './gpu/target.js';
import { ringsTarget } from './rings/target.js';
import { vhostUserTarget } from './vhost-user/target.js';
import { compositorTarget, waylandTarget } from './wayland/target.js';

const MAKERS: ReadonlyMap<string, () => FuzzTarget> = new Map([
  ['wayland', waylandTarget],
  ['compositor', compositorTarget],
  ['vhost-user', vhostUserTarget],
  ['rings', ringsTarget],
  ['gpu', gpuTarget],
  ['cross-domain', crossDomainTarget],
]);

export const TARGETS: readonly string[] = [...MAKERS.keys()];

export function targetByName(name: string): FuzzTarget {
  const make = MAKERS.get(name);
  if (make === undefined) throw new Error(`no target ${name}; there are: ${TARGETS.join(', ')}`);
  return make();
}

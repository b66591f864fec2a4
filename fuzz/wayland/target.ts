/** The firewall between a guest's client and the host's compositor, both of them saying anything. */
import type { FuzzTarget } from '../core/target.js';
import { WaylandCase } from './case.js';
import { Files } from './files.js';

export function waylandTarget(): FuzzTarget {
  const files = new Files();
  return {
    name: 'wayland',
    input: 'a message (or what the guest sends in its place) from either side, in connections of up to 120',
    steps: 120,
    open: () => new WaylandCase(files),
    close: () => files.close(),
  };
}

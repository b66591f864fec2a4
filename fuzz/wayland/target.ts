/** The firewall between a guest's client and the host's compositor, both of them saying anything. */
import type { FuzzTarget } from '../core/target.js';
import { WaylandCase } from './case.js';
import { Files } from './files.js';
import { RealCase } from './real-case.js';
import { Weston } from './weston.js';

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

/** The same client and firewall, and a real compositor that lives as long as the target. */
export function compositorTarget(): FuzzTarget {
  const files = new Files();
  let weston: Weston | null = null;
  return {
    name: 'compositor',
    input: "a client's message, and the compositor has seen it, in connections of up to 120",
    steps: 120,
    open: async () => {
      if (weston?.lives !== true) {
        await weston?.close();
        weston = await Weston.start();
      }
      return new RealCase(files, weston);
    },
    close: async () => {
      await weston?.close();
      files.close();
    },
  };
}

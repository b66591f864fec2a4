/** What the control API and the viewer drive, where nothing is to be driven. */
import type { ControlTarget } from '../../src/control/index.js';

const nothing = (): void => undefined;

/** A machine that is not there, of a QEMU that decides about its screens. */
export const NO_MACHINE: ControlTarget = {
  version: '0',
  machine: false,
  qemuDecides: true,
  outputModes: [] as never,
  outputCount: 1,
  setOutput: async () => false,
  input: () => ({
    key: nothing,
    button: nothing,
    moveTo: nothing,
    moveBy: nothing,
    scroll: nothing,
    touch: nothing,
    touchUp: nothing,
    frame: nothing,
    releaseAll: nothing,
  }),
  readiness: () => null,
  status: () => ({}),
  windows: () => null,
  window: () => null,
  setPolicy: () => undefined,
};

/**
 * Outputs as QEMU's display has them where there is one and it answers, else as our own table has them.
 */
import type { DisplayModes } from '../display/display-answers.js';
import { edidFor } from '../edid.js';
import { OUTPUT_REFRESH_DEFAULT_HZ } from '../limits.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';
import type { DisplayInfoSource } from './display-info-source.js';
import type { OutputTable } from './output-table.js';
import type { QemuDisplay } from './qemu-display.js';

/** Goes on with the value, without leaving the current turn of the event loop when it is there already. */
function settle<T>(value: T | Promise<T>, then: (value: T) => void): void {
  if (value instanceof Promise) void value.then(then);
  else then(value);
}

export class DisplayInfo implements DisplayInfoSource {
  readonly #outputs: OutputTable;
  readonly #qemu: QemuDisplay;
  /**
   * Set once QEMU gave us a display socket, until its front-end leaves: QEMU tells the driver how many scanouts
   * there are (max_outputs), without telling us, and owns the configuration interrupt.
   */
  qemuDecides = false;

  constructor(outputs: OutputTable, qemu: QemuDisplay) {
    this.#outputs = outputs;
    this.#qemu = qemu;
  }

  get scanoutCount(): number {
    return this.qemuDecides ? VIRTIO_GPU_MAX_SCANOUTS : this.#outputs.count;
  }

  modes(answer: (modes: DisplayModes) => void): void {
    settle(this.#qemu.displayInfo(), (modes) => answer(modes ?? this.#outputs.modes()));
  }

  edid(scanoutId: number, answer: (edid: Uint8Array) => void): void {
    settle(this.#qemu.edid(scanoutId), (edid) => {
      if (edid !== null) answer(edid);
      else settle(this.#qemu.displayInfo(), (modes) => answer(this.#madeFor(modes, scanoutId)));
    });
  }

  ownModes(): DisplayModes {
    return this.#outputs.modes();
  }

  ownEdid(scanoutId: number): Uint8Array {
    return this.#outputs.edid(scanoutId);
  }

  /** A QEMU without EDID still says which mode it prefers. */
  #madeFor(modes: DisplayModes | null, scanoutId: number): Uint8Array {
    const mode = modes?.[scanoutId];
    if (!mode?.enabled) return this.#outputs.edid(scanoutId);
    const { width, height } = mode;
    return edidFor({ width, height, refreshHz: OUTPUT_REFRESH_DEFAULT_HZ, scanoutId });
  }
}

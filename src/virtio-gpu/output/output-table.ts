/** Our own outputs: the modes that the guest is told where no QEMU display has a say. */
import type { DisplayMode, DisplayModes } from '../display/display-answers.js';
import { edidFor } from '../edid.js';
import {
  OUTPUT_DIMENSION_MAX,
  OUTPUT_REFRESH_DEFAULT_HZ,
  OUTPUT_REFRESH_MAX_HZ,
  OUTPUT_REFRESH_MIN_HZ,
} from '../limits.js';
import { VIRTIO_GPU_MAX_SCANOUTS } from '../wire/constants.js';

/** One output as configured. */
export interface OutputOptions {
  /** Pixels, 1..16384. */
  readonly width: number;
  readonly height: number;
  /** Hz, 1..480; 60 when absent. */
  readonly refreshHz?: number;
  /** Whether a monitor is plugged in; true when absent. */
  readonly enabled?: boolean;
}

type Output = Required<OutputOptions>;

const UNPLUGGED: DisplayMode = { x: 0, y: 0, width: 0, height: 0, enabled: false, flags: 0 };

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** Fills in the defaults. RangeError for values that an output can't have. */
function checked(options: OutputOptions): Output {
  const { width, height, refreshHz = OUTPUT_REFRESH_DEFAULT_HZ, enabled = true } = options;
  if (!within(width, 1, OUTPUT_DIMENSION_MAX) || !within(height, 1, OUTPUT_DIMENSION_MAX)) {
    throw new RangeError(`an output of ${width}x${height} pixels: 1..${OUTPUT_DIMENSION_MAX} each`);
  }
  if (!within(refreshHz, OUTPUT_REFRESH_MIN_HZ, OUTPUT_REFRESH_MAX_HZ)) {
    throw new RangeError(
      `a refresh rate of ${refreshHz} Hz: ${OUTPUT_REFRESH_MIN_HZ}..${OUTPUT_REFRESH_MAX_HZ}`,
    );
  }
  return { width, height, refreshHz, enabled };
}

export class OutputTable {
  readonly #outputs: Output[];
  /** As `modes` tells them; null after a change. */
  #modes: DisplayModes | null = null;

  /** RangeError for 0 or more than 16 outputs, or one that can't be. */
  constructor(outputs: readonly OutputOptions[]) {
    if (!within(outputs.length, 1, VIRTIO_GPU_MAX_SCANOUTS)) {
      throw new RangeError(`${outputs.length} outputs: 1..${VIRTIO_GPU_MAX_SCANOUTS}`);
    }
    this.#outputs = outputs.map(checked);
  }

  get count(): number {
    return this.#outputs.length;
  }

  /**
   * Changes some properties of an output; returns false when nothing is different. RangeError for an output
   * that does not exist, or values that it can't have.
   */
  change(id: number, changes: Partial<OutputOptions>): boolean {
    const before = this.#outputs[id];
    if (before === undefined) throw new RangeError(`output ${id}: 0..${this.#outputs.length - 1}`);
    const after = checked({ ...before, ...changes });
    this.#outputs[id] = after;
    this.#modes = null;
    return (Object.keys(after) as (keyof Output)[]).some((key) => after[key] !== before[key]);
  }

  /** Outputs stand side by side, from left to right; those without a monitor take no room. The same until a change. */
  modes(): DisplayModes {
    this.#modes ??= this.#sideBySide();
    return this.#modes;
  }

  #sideBySide(): DisplayModes {
    let x = 0;
    return Array.from({ length: VIRTIO_GPU_MAX_SCANOUTS }, (_, id) => {
      const output = this.#outputs[id];
      if (!output?.enabled) return UNPLUGGED;
      const { width, height } = output;
      const mode: DisplayMode = { x, y: 0, width, height, enabled: true, flags: 0 };
      x += width;
      return mode;
    });
  }

  /** For a scanout beyond our outputs (QEMU may have more), the EDID is that of the first one's mode. */
  edid(scanoutId: number): Uint8Array {
    const { width, height, refreshHz } = this.#outputs[scanoutId] ?? (this.#outputs[0] as Output);
    return edidFor({ width, height, refreshHz, scanoutId });
  }
}

/** How many physical pixels a logical one has, per output and per surface, by whatever the compositor tells it. */
import {
  type WlOutput,
  type WlSurface,
  type WpFractionalScaleManagerV1,
  type WpFractionalScaleV1,
  wl_output,
} from '../../protocol/generated/index.js';
import type { Global, Registry } from '../registry.js';

/** wp_fractional_scale_v1 counts in these. */
const FRACTIONS = 120;
/** wl_output.release came with version 3. */
const RELEASE_SINCE = 3;

interface Output {
  readonly object: WlOutput;
  scale: number;
}

/** The outputs of a connection. */
export class Outputs {
  private readonly registry: Registry;
  private readonly changed: () => void;
  private readonly byName = new Map<number, Output>();

  constructor(registry: Registry, changed: () => void) {
    this.registry = registry;
    this.changed = changed;
    for (const global of registry.globals) this.add(global);
    registry.watch({ added: (global) => this.add(global), removed: (global) => this.remove(global) });
  }

  /** 1 for an output that is gone. */
  scaleOf(output: WlOutput): number {
    for (const { object, scale } of this.byName.values()) if (object === output) return scale;
    return 1;
  }

  /** What a surface may expect that is on none of them yet: the scale that all have, or 1. */
  get common(): number {
    const scales = new Set([...this.byName.values()].map(({ scale }) => scale));
    const [scale = 1] = scales;
    return scales.size === 1 ? scale : 1;
  }

  private add(global: Global): void {
    if (global.interface !== wl_output.name) return;
    const output: Output = { object: this.registry.bind(wl_output, { global, max: 4 }), scale: 1 };
    this.byName.set(global.name, output);
    output.object.listen({
      scale: (factor) => {
        output.scale = factor;
      },
      done: () => this.changed(),
    });
  }

  private remove(global: Global): void {
    const output = this.byName.get(global.name);
    if (output === undefined) return;
    this.byName.delete(global.name);
    if (output.object.version >= RELEASE_SINCE) output.object.release();
    this.changed();
  }
}

/** The scale of one surface: the fractional one, else the one that it prefers, else that of its densest output. */
export class SurfaceScale {
  private readonly outputs: Outputs;
  private readonly changed: (scale: number) => void;
  private readonly on = new Set<WlOutput>();
  private readonly fraction: WpFractionalScaleV1 | null;
  private fractional: number | null = null;
  private preferred: number | null = null;
  private told = 1;

  constructor(
    surface: WlSurface,
    fractions: WpFractionalScaleManagerV1 | null,
    outputs: Outputs,
    changed: (scale: number) => void,
  ) {
    this.outputs = outputs;
    this.changed = changed;
    surface.listen({
      enter: (output) => {
        if (output !== null) this.on.add(output);
        this.update();
      },
      leave: (output) => {
        if (output !== null) this.on.delete(output);
        this.update();
      },
      preferredBufferScale: (factor) => {
        this.preferred = factor;
        this.update();
      },
    });
    this.fraction = fractions?.getFractionalScale(surface) ?? null;
    this.fraction?.listen({
      preferredScale: (scale) => {
        this.fractional = scale / FRACTIONS;
        this.update();
      },
    });
    this.update();
  }

  /** Looks again: an output may have changed. */
  update(): void {
    const scale = this.fractional ?? this.preferred ?? this.densest();
    if (scale === this.told) return;
    this.told = scale;
    this.changed(scale);
  }

  destroy(): void {
    this.fraction?.destroy();
  }

  private densest(): number {
    if (this.on.size === 0) return this.outputs.common;
    let densest = 1;
    for (const output of this.on) {
      if (output.alive) densest = Math.max(densest, this.outputs.scaleOf(output));
      else this.on.delete(output);
    }
    return densest;
  }
}

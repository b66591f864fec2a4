/** The guest's drm-test (guest/drm-test.c) from the host's side: what it is told and what it answers. */
import type { GuestChannel } from './guest-channel.js';
import { GuestProgram } from './guest-program.js';

export interface GuestMode {
  readonly width: number;
  readonly height: number;
  readonly refresh: number;
  readonly preferred: boolean;
}

export interface GuestConnector {
  readonly id: number;
  readonly crtc: number;
  readonly connected: boolean;
  readonly widthMm: number;
  readonly heightMm: number;
  readonly modes: readonly GuestMode[];
}

export interface GuestOutputs {
  readonly connectors: readonly GuestConnector[];
  readonly planes: readonly { readonly possibleCrtcs: number; readonly formats: readonly string[] }[];
}

/** A drm-test that owns the guest's display until `quit`. */
export class DrmTest extends GuestProgram {
  static async start(guest: GuestChannel): Promise<DrmTest> {
    return new DrmTest(guest, 'drm-test').launch();
  }

  async info(): Promise<GuestOutputs> {
    return JSON.parse(await this.command('info')) as GuestOutputs;
  }

  /** Resolves when the monitor prefers that size. (The guest tells nobody when it has heard of a change.) */
  async untilPreferred(connector: number, width: number, height: number): Promise<void> {
    let found = '';
    for (let tries = 0; tries < 200; tries++) {
      const { modes = [], connected } = (await this.info()).connectors[connector] ?? {};
      const mode = modes.find(({ preferred }) => preferred);
      found = connected === true && mode !== undefined ? `${mode.width}x${mode.height}` : 'nothing';
      if (found === `${width}x${height}`) return;
    }
    throw new Error(`connector ${connector} prefers ${found} instead of ${width}x${height}`);
  }

  /** Shows picture(seed) in a mode of that size. `format` is a DRM fourcc. */
  async mode(connector: number, width: number, height: number, seed: number, format = 'XR24'): Promise<void> {
    await this.command('mode', connector, width, height, format, seed);
  }

  async off(connector: number): Promise<void> {
    await this.command('off', connector);
  }

  /** `count` page flips; the last frame is picture(seed + count - 1). */
  async flip(connector: number, count: number, seed: number): Promise<void> {
    await this.command('flip', connector, count, seed);
  }

  /** Draws a part of picture(seed) over what is shown. */
  async dirty(
    connector: number,
    x: number,
    y: number,
    width: number,
    height: number,
    seed: number,
  ): Promise<void> {
    await this.command('dirty', connector, x, y, width, height, seed);
  }

  async cursor(
    connector: number,
    width: number,
    height: number,
    hotX: number,
    hotY: number,
    seed: number,
  ): Promise<void> {
    await this.command('cursor', connector, width, height, hotX, hotY, seed);
  }

  async move(connector: number, x: number, y: number): Promise<void> {
    await this.command('move', connector, x, y);
  }

  async hide(connector: number): Promise<void> {
    await this.command('hide', connector);
  }
}

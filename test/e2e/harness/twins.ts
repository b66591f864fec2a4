/**
 * A forwarded program and its twin that runs on the host: both are used in the same way, on a compositor of the same
 * kind each, and what is seen of them must be the same, pixel for pixel.
 */
import type { HostCompositor } from './compositor.js';
import { cut, difference, type Place, type RgbPicture, savePicture } from './picture.js';

const TIMEOUT_MS = 90_000;
const INTERVAL_MS = 50;

/** Where one of them is. */
export interface Side {
  readonly compositor: HostCompositor;
}

export class Twins<S extends Side> {
  private readonly forwarded: S;
  private readonly local: S;
  private seen: RgbPicture;

  private constructor(forwarded: S, local: S, seen: RgbPicture) {
    this.forwarded = forwarded;
    this.local = local;
    this.seen = seen;
  }

  /** Before any of the two is there. */
  static async prepare<S extends Side>(forwarded: S, local: S): Promise<Twins<S>> {
    return new Twins(forwarded, local, await local.compositor.screenshot());
  }

  /** Does the same to both. */
  async both(act: (side: S) => Promise<unknown>): Promise<void> {
    await act(this.local);
    await act(this.forwarded);
  }

  /** Does the same to both, of which something must be seen in that place; resolves with the new picture. */
  async step(name: string, where: Place, act: (side: S) => Promise<unknown>): Promise<RgbPicture> {
    await this.both(act);
    return this.changed(name, where);
  }

  /**
   * Resolves when both compositors show the same, and in that place something else than after the step before; with
   * what is seen. (The place is one where nothing changes before: a pointer that moves is seen, too, and so is what it
   * points at.)
   */
  changed(name: string, where: Place): Promise<RgbPicture> {
    return this.until(name, where, (local, forwarded) => difference(forwarded, local));
  }

  /** Resolves when in that place both compositors show something else than after the step before, whatever it is. */
  async bothChanged(name: string, where: Place): Promise<void> {
    await this.until(name, where, (_, forwarded) => this.unchanged(forwarded, where));
  }

  /** Does the same to both again and again, until both look right. */
  async insist(
    name: string,
    looksRight: (picture: RgbPicture) => boolean,
    act: (side: S, round: number) => Promise<unknown>,
  ): Promise<void> {
    let round = 0;
    await this.until(name, null, async (local, forwarded) => {
      if (looksRight(local) && looksRight(forwarded)) return null;
      round++;
      await this.both((side) => act(side, round));
      return 'it does not look right';
    });
  }

  /** Resolves when both compositors show that picture. */
  async show(name: string, picture: RgbPicture): Promise<void> {
    await this.until(
      name,
      null,
      (local, forwarded) => difference(local, picture) ?? difference(forwarded, picture),
    );
  }

  private unchanged(picture: RgbPicture, where: Place | null): string | null {
    if (where === null) return null;
    return difference(cut(picture, where), cut(this.seen, where)) === null ? 'nothing has changed' : null;
  }

  /** (Nobody tells when a program has drawn what it has to.) */
  private async until(
    name: string,
    where: Place | null,
    compare: (local: RgbPicture, forwarded: RgbPicture) => string | null | Promise<string | null>,
  ): Promise<RgbPicture> {
    const deadline = Date.now() + TIMEOUT_MS;
    for (;;) {
      const local = await this.local.compositor.screenshot();
      const forwarded = await this.forwarded.compositor.screenshot();
      const complaint = this.unchanged(local, where) ?? (await compare(local, forwarded));
      if (complaint === null) {
        this.seen = local;
        return local;
      }
      if (Date.now() > deadline) {
        const paths = [savePicture(`${name}-expected`, local), savePicture(`${name}-actual`, forwarded)];
        throw new Error(`${name}: ${complaint}; see ${paths.join(' and ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }
}

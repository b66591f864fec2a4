/**
 * A name for a region's file, which has none of its own: for a front-end that opens its memory by path (QEMU's
 * `memory-backend-file,mem-path=PATH,share=on`). Who opens it has to be allowed to look into this process: the same
 * user, or root.
 */
import { lstatSync, readlinkSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import type { SharedRegion } from './shared-region.js';

/** Links of this process. */
const made = new Set<string>();

/** True for a link to a descriptor of a process that is gone. */
function isLeftOver(path: string): boolean {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const pid = isLink ? /^\/proc\/(\d+)\/fd\/\d+$/.exec(readlinkSync(path))?.[1] : undefined;
  if (pid === undefined) return false;
  // In a container the same command gets the same number each time.
  if (Number(pid) === process.pid) return !made.has(path);
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

export class RegionLink {
  readonly path: string;
  readonly #target: string;

  /**
   * Makes the link. One that a process left over is replaced; anything else that is there is an error (EEXIST). The
   * link is of use as long as the region is open.
   */
  constructor(region: SharedRegion, path: string) {
    this.path = path;
    this.#target = `/proc/${process.pid}/fd/${region.fd}`;
    if (isLeftOver(path)) unlinkSync(path);
    symlinkSync(this.#target, path);
    made.add(path);
  }

  /** Removes the link, unless somebody put something else there. Idempotent. */
  close(): void {
    made.delete(this.path);
    try {
      if (readlinkSync(this.path) === this.#target) unlinkSync(this.path);
    } catch {
      // It is gone, or no link any more.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

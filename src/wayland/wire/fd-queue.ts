/**
 * Descriptors in order of arrival. On a Wayland socket they are a stream of their own beside the bytes: a message
 * takes the next one for each of its fd arguments, no matter which bytes it rode on.
 */
import { closeFd } from 'vhost-user-native';
import { WaylandError } from '../errors.js';

export class FdQueue {
  private readonly max: number;
  private fds: number[] = [];

  constructor(max: number) {
    this.max = max;
  }

  get length(): number {
    return this.fds.length;
  }

  /** Owns the descriptors from now on, all of them, also when there are too many (WL_ERR_BAD_FDS). */
  push(fds: readonly number[]): void {
    for (const fd of fds) this.fds.push(fd);
    if (this.fds.length > this.max) {
      throw new WaylandError(
        'WL_ERR_BAD_FDS',
        `${this.fds.length} descriptors without a message, at most ${this.max}`,
      );
    }
  }

  /** The next `count` descriptors; they are the caller's. */
  take(count: number): number[] {
    if (count === 0) return [];
    if (count > this.fds.length) {
      throw new WaylandError(
        'WL_ERR_BAD_FDS',
        `a message needs ${count} descriptors, ${this.fds.length} came`,
      );
    }
    return this.fds.splice(0, count);
  }

  /** Closes what nobody took. */
  close(): void {
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }
}

/**
 * The guest's window on the shared region: one mapping of the region's first part, made when the first blob needs it.
 *
 * QEMU 11.1 drops the mapping when the device is reset, without a word; it keeps it while the machine is paused. Both
 * look the same from here at first (the queues stop), so after a stop nobody knows. The memory table of the next start
 * tells, since what is mapped is guest memory. Where it does not, the mapping is asked for again: a refusal means that
 * it is still there, since two can't overlap. Nothing is asked in vain: QEMU 11.1.3 reads what is asked of it after
 * it has stopped the device, too, and dies of that.
 *
 * QEMU accepts a mapping just before it makes it. It then tells us of the new guest memory; who waits for the mapping
 * waits for that, lest a processor of the guest is faster.
 */
import type { FrontEnd } from 'vhost-user-ts';
import type { SharedRegion } from '../../region/index.js';
import { MAP_COMMIT_WAIT_MAX_MS } from '../limits.js';
import { partsOfFile } from '../memory-file.js';
import { VIRTIO_GPU_SHM_ID_HOST_VISIBLE } from '../wire/constants.js';

export class GuestWindow {
  readonly #frontEnd: FrontEnd;
  readonly #region: SharedRegion | null;
  #state: 'absent' | 'unknown' | 'mapped' = 'absent';
  #waiting: ((mapped: boolean) => void)[] = [];
  /** An answer of this round is on its way, or the mapping that was accepted. */
  #isAsked = false;
  /** Mappings that were asked for and that the front-end has not answered, those of the past among them. */
  #unanswered = 0;
  /** Goes up when an answer that is on its way is of the past. */
  #round = 0;
  /** Runs while an accepted mapping is not known to be there. */
  #commit: NodeJS.Timeout | null = null;

  constructor(frontEnd: FrontEnd, region: SharedRegion | null) {
    this.#frontEnd = frontEnd;
    this.#region = region;
  }

  /** The region whose first part is, or will be, the window; null when there can't be one: no blobs on the host. */
  get region(): SharedRegion | null {
    const region = this.#region;
    return region !== null && region.windowBytes > 0 && this.#frontEnd.mapsSharedMemory ? region : null;
  }

  /** Has the region mapped, and calls `done` once: at once when it is, or as soon as the front-end has answered. */
  ensure(done: (mapped: boolean) => void): void {
    const { region } = this;
    this.#waiting.push(done);
    if (region !== null && this.#state === 'unknown' && this.#isGuestMemory(region)) this.#settle('mapped');
    else if (region === null || this.#state === 'mapped') this.#tell(region !== null);
    else if (!this.#isAsked) this.#askFor(region);
  }

  /** The memory table has the window. (A whole region is longer: that of an ivshmem device.) */
  #isGuestMemory({ fd, windowBytes }: SharedRegion): boolean {
    return partsOfFile(this.#frontEnd.memory, fd).some(({ length }) => length === windowBytes);
  }

  #askFor({ fd, windowBytes }: SharedRegion): void {
    const round = this.#round;
    const wasMapped = this.#state === 'unknown';
    const { generation } = this.#frontEnd.memory;
    this.#isAsked = true;
    this.#unanswered += 1;
    void this.#frontEnd.mapShared(VIRTIO_GPU_SHM_ID_HOST_VISIBLE, fd, 0, 0, windowBytes).then((accepted) => {
      this.#unanswered -= 1;
      if (round !== this.#round) return;
      if (accepted && generation === this.#frontEnd.memory.generation) this.#awaitCommit();
      else this.#settle(accepted || wasMapped ? 'mapped' : 'absent');
    });
  }

  /** The memory table changed. */
  memoryChanged(): void {
    if (this.#commit !== null) this.#settle('mapped');
  }

  /** The queues stopped: the mapping may be gone. Who waits, waits for the next answer: somebody has to ask again. */
  doubt(): void {
    this.#startRound(this.#mayComeYet || this.#state !== 'absent' ? 'unknown' : 'absent');
  }

  /**
   * The device was reset, and nothing is placed: the mapping is gone, unless it was only asked for and comes after the
   * reset. Who waits is told that there is none. What lies there is not for the next driver, or the next guest.
   */
  forget(): void {
    this.#startRound(this.#mayComeYet ? 'unknown' : 'absent');
    this.#tell(false);
    this.#region?.clearWindow();
  }

  get #mayComeYet(): boolean {
    return this.#unanswered > 0 || this.#commit !== null;
  }

  #awaitCommit(): void {
    this.#commit = setTimeout(() => this.#settle('mapped'), MAP_COMMIT_WAIT_MAX_MS);
  }

  #settle(state: 'absent' | 'mapped'): void {
    this.#startRound(state);
    this.#tell(state === 'mapped');
  }

  #startRound(state: 'absent' | 'unknown' | 'mapped'): void {
    if (this.#commit !== null) clearTimeout(this.#commit);
    this.#commit = null;
    this.#state = state;
    this.#isAsked = false;
    this.#round += 1;
  }

  #tell(mapped: boolean): void {
    for (const done of this.#waiting.splice(0)) done(mapped);
  }
}

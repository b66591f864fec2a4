/**
 * One virtqueue on the device's side, whatever its ring format: life cycle, pool of chain records, batches. // hot
 *
 * The owner (the session) drives it: on a kick, `disableNotifications`, `pop` until null, `flush`, and again as
 * long as `enableNotifications` returns true. Nothing here waits, signals or logs.
 */
import { VhostUserError } from '../errors.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { Chain } from './chain.js';
import { PackedRing } from './packed-ring.js';
import { BROKEN, EMPTY, type Ring, TAKEN } from './ring.js';
import { RingImage } from './ring-image.js';
import { checkQueueSize, freshBase, type QueueLayout, ringLayout } from './ring-layout.js';
import { SplitRing } from './split-ring.js';
import type { DescriptorChain, Virtqueue } from './virtqueue.js';

export type { QueueLayout } from './ring-layout.js';

/** Bad chains that one `pop` passes over, so that a hostile ring can't keep it busy for long. */
const REJECTIONS_PER_POP_MAX = 16;

/** How a ring was left. */
interface Left {
  readonly layout: QueueLayout;
  readonly base: number;
  readonly epoch: number;
  /** What was in it, where its base does not tell that it was ever used. */
  readonly image: RingImage | null;
}

export class DeviceQueue implements Virtqueue {
  readonly index: number;
  /** Why the ring can't be used any more (VHOST_ERR_BAD_VRING), until the next `start`. */
  broken: Error | null = null;
  /** Bad chains since the queue was made, and what was wrong with the last one. */
  rejectedChains = 0;
  lastRejection: string | null = null;
  /**
   * Called when the queue needs its owner outside a batch: a first push that is to be flushed, or a resume or
   * enable after which there may be chains to pop.
   */
  onWork: (() => void) | null = null;
  /** For the chain records: another one after each start and stop, and the same again where a stopped ring goes on. */
  epoch = 0;
  /** Set by `yield`; the owner gives others their turn and clears it. */
  yielding = false;

  private ring: Ring | null = null;
  private layout: QueueLayout | null = null;
  private memory: GuestMemory | null = null;
  private generation = 0;
  private ringSize = 0;
  private enabled = false;
  private paused = false;
  private lastEpoch = 0;
  /** How the ring was left; null when nothing of it is to be found again. */
  private left: Left | null = null;
  private held = 0;
  private staged = 0;
  private pool: Chain[] = [];

  constructor(index: number) {
    this.index = index;
  }

  get size(): number {
    return this.ringSize;
  }

  get running(): boolean {
    return this.ring !== null && this.broken === null;
  }

  /** Chains that were popped and not pushed. */
  get heldChains(): number {
    return this.held;
  }

  /** Pushed chains that the driver can't see before `flush`. */
  get pendingPushes(): number {
    return this.staged;
  }

  /** True when there is something to flush or to pop. */
  get pendingWork(): boolean {
    return this.staged > 0 || (this.ready() && (this.ring as Ring).hasAvailable());
  }

  /**
   * Starts with the ring that the front-end described. Throws a VhostUserError (VHOST_ERR_BAD_VRING,
   * VHOST_ERR_BAD_INFLIGHT) and stays stopped when it can't be used. Where the ring goes on as it was left, the chains
   * that were held then are held still.
   */
  start(memory: GuestMemory, layout: QueueLayout): void {
    if (this.ring !== null) this.stop();
    this.broken = null;
    const { left } = this;
    this.left = null;
    checkQueueSize(layout.size, layout.packed);
    checkAlignment(layout);
    this.ring = layout.packed ? new PackedRing(memory, layout) : new SplitRing(memory, layout);
    this.layout = layout;
    this.memory = memory;
    this.generation = memory.generation;
    this.ringSize = layout.size;
    // What is held is this queue's affair only where no inflight region tells of it.
    if (left !== null && isSameRing(left, layout) && !left.layout.inflight && !layout.inflight) {
      this.epoch = left.epoch;
    } else {
      this.epoch = ++this.lastEpoch;
      this.held = 0;
    }
    this.staged = 0;
  }

  /**
   * True when a ring of this layout is the one that was stopped, at its place; and when nobody wrote to it since, where
   * that place is also the one of a ring that nobody used.
   */
  isAsLeft(memory: GuestMemory, layout: QueueLayout): boolean {
    const { left } = this;
    if (left === null || !isSameRing(left, layout)) return false;
    return left.base >>> 0 !== freshBase(layout.packed) || left.image?.matches(memory, layout) === true;
  }

  /** The driver is another one: chains that were held when the ring was stopped are void for good. */
  forget(): void {
    this.left = null;
  }

  /**
   * Stops, after publishing what was pushed. Chains that are still held are void while it is stopped: their records
   * can't reach memory. Returns the base for GET_VRING_BASE: split, the next entry of the available ring; packed,
   * bits 0-14 the same, 15 its wrap counter, 16-30 and 31 those of the used side. 0 when it was not started.
   */
  stop(): number {
    const ring = this.ring;
    if (ring === null) return 0;
    this.flush();
    const base = ring.base();
    const { layout, memory, epoch } = this;
    this.left = null;
    if (this.broken === null && layout !== null && memory !== null) {
      const image = base >>> 0 === freshBase(layout.packed) ? RingImage.take(memory, layout) : null;
      this.left = { layout, base, epoch, image };
    }
    this.ring = null;
    this.memory = null;
    this.layout = null;
    this.epoch = ++this.lastEpoch;
    this.pool = [];
    this.paused = false;
    return base;
  }

  /** The memory table changed. Throws VHOST_ERR_BAD_VRING, and is broken, when the ring is not in it any more. */
  rebind(): void {
    if (this.ring === null || this.memory === null) return;
    this.generation = this.memory.generation;
    try {
      this.ring.bind(this.memory);
    } catch (error) {
      this.broken = error as Error;
      throw error;
    }
  }

  /** SET_VRING_ENABLE: a disabled queue gives out no chains. */
  setEnabled(enabled: boolean): void {
    this.enabled = enabled;
    if (enabled) this.onWork?.();
  }

  yield(): void {
    this.yielding = true;
  }

  pause(): void {
    this.paused = true;
  }

  /** Goes on where `pause()` stopped. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.onWork?.();
  }

  /**
   * Takes the next chain; null when there is none now. Chains that break the rules are pushed back unused and
   * counted. A ring that makes no sense sets `broken`.
   */
  pop(): DescriptorChain | null {
    if (!this.ready()) return null;
    const ring = this.ring as Ring;
    const memory = this.memory as GuestMemory;
    for (let rejected = 0; rejected < REJECTIONS_PER_POP_MAX; rejected++) {
      const chain = this.pool.pop() ?? new Chain(this, memory);
      chain.begin(memory, this.epoch);
      const taken = ring.take(chain);
      if (taken === EMPTY || taken === BROKEN) {
        chain.end();
        this.pool.push(chain);
        if (taken === BROKEN) this.fail(ring.reason);
        return null;
      }
      // Only a driver that makes one descriptor available twice gets here; records are bounded by the ring.
      if (this.held === this.ringSize)
        return this.fail('more chains are in flight than the ring has descriptors');
      this.held++;
      if (taken === TAKEN) return chain;
      this.rejectedChains++;
      this.lastRejection = ring.reason;
      this.push(chain, 0);
    }
    return null;
  }

  /** Does nothing for a chain from before the last stop. */
  push(chain: DescriptorChain, used: number): void {
    const record = chain as Chain;
    if (record.epoch !== this.epoch || this.ring === null) return;
    this.held--;
    if (this.usable()) {
      // `used` tells the driver how much it may read: never more than there is.
      this.ring.put(record, Math.min(used, record.writableBytes));
      this.staged++;
    }
    record.end();
    this.pool.push(record);
    if (this.staged === 1) this.onWork?.();
  }

  /** Shows the driver what was pushed since the last flush. True when it wants an interrupt for that. */
  flush(): boolean {
    if (this.staged === 0) return false;
    this.staged = 0;
    return this.usable() && (this.ring as Ring).publish();
  }

  /**
   * Asks for a notification of the next buffer. True when there is something to pop already (it came before the
   * driver could know): pop again then, or the queue sleeps.
   */
  enableNotifications(): boolean {
    if (!this.usable()) return false;
    return (this.ring as Ring).enableNotifications() && this.ready();
  }

  /** Tells the driver that notifications are not needed now. It may send them all the same. */
  disableNotifications(): void {
    if (this.usable()) (this.ring as Ring).disableNotifications();
  }

  private ready(): boolean {
    return this.enabled && !this.paused && this.usable();
  }

  /** True when the ring may be touched. Follows a change of the memory table that nobody told of. */
  private usable(): boolean {
    if (this.ring === null || this.broken !== null) return false;
    if (this.generation !== (this.memory as GuestMemory).generation) {
      try {
        this.rebind();
      } catch {
        return false;
      }
    }
    return true;
  }

  private fail(what: string): null {
    this.broken = new VhostUserError('VHOST_ERR_BAD_VRING', `queue ${this.index}: ${what}`);
    return null;
  }
}

/** Whether a ring that was left goes on: it lies where it lay and starts where it stopped. */
function isSameRing({ layout: before, base }: Left, layout: QueueLayout): boolean {
  return (
    base >>> 0 === layout.baseIndex >>> 0 &&
    before.size === layout.size &&
    before.packed === layout.packed &&
    before.eventIdx === layout.eventIdx &&
    before.descUser === layout.descUser &&
    before.availUser === layout.availUser &&
    before.usedUser === layout.usedUser
  );
}

function checkAlignment(layout: QueueLayout): void {
  const areas = ringLayout(layout.size, layout.packed, layout.eventIdx);
  const misaligned =
    layout.descUser % areas.desc.alignment !== 0 ||
    layout.availUser % areas.avail.alignment !== 0 ||
    layout.usedUser % areas.used.alignment !== 0;
  if (misaligned)
    throw new VhostUserError('VHOST_ERR_BAD_VRING', 'a ring area is not aligned as its format wants');
}

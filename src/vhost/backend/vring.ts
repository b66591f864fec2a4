/**
 * One ring of a session: what the front-end told about it, its eventfds, and the batches that serve it.
 *
 * Ring states (vhost-user, "Ring states"): stopped until it has a size, addresses and a kick descriptor, then
 * started; the device is given chains while it is started and enabled ("active" here).
 */
import { setImmediate as immediate } from 'node:timers';
import type { EventFd } from 'vhost-user-native';
import type { VhostUserDevice } from '../device.js';
import { UNUSABLE_RING, VhostUserError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { DeviceQueue, type QueueLayout } from '../queue/device-queue.js';
import type { VringAddresses } from '../wire/payloads.js';
import { BusyWait } from './busy-wait.js';
import { ChainRate } from './chain-rate.js';
import { asDeviceError } from './device-error.js';

/** Chains taken and time spent before the event loop looks at other things, such as the front-end's socket. */
const CHAINS_PER_BATCH = 256;
/**
 * After so many chains the driver gets to see what is done, and the interrupt if it asked for one: it wakes up and makes
 * new ones while the rest is carried out. With one publication per batch both sides would sleep in turns.
 */
const CHAINS_PER_PUBLICATION = 8;
const BATCH_MS = 4;
/** To ask for the time costs as much as a small command does, so it is not asked for after each. */
const CHAINS_PER_CLOCK = 16;
/** A ring without a kick descriptor is looked at this often while it is idle. */
const POLL_MS = 1;
/** What a driver can cause at will is logged at most this often per ring and kind. */
const LOG_INTERVAL_MS = 1000;

/** After 1, 2, 4, 8, 16 chains, and then after every 16: no batch gets twice the time. */
function isClockDue(chains: number): boolean {
  return chains % CHAINS_PER_CLOCK === 0 || (chains < CHAINS_PER_CLOCK && (chains & (chains - 1)) === 0);
}

class LogLimit {
  private last = Number.NEGATIVE_INFINITY;

  /** True when the next line may be logged; the interval starts anew then. */
  due(): boolean {
    const now = performance.now();
    if (now - this.last < LOG_INTERVAL_MS) return false;
    this.last = now;
    return true;
  }
}

/** What a ring needs of its session. */
export interface VringOwner {
  readonly device: VhostUserDevice;
  readonly log: Logger;
  readonly memory: GuestMemory;
  /** True once the session fails or closes: nothing is served any more. */
  readonly ending: boolean;
  /** See BusyWait. */
  readonly busyWaitUs: number;
  /** See ChainRate; 0 = no limit. */
  readonly chainsPerSecond: number;
  fail(error: Error): void;
  /** A kick came for a ring that is not started. */
  kickedEarly(vring: Vring): void;
  /** A chain of this ring took long: the other rings have their turn. */
  turn(vring: Vring): void;
  /** A ring waits: its driver was quicker than it may be. */
  resting(): void;
  /** Used entries were published: the log of dirty pages changed, if there is one. */
  published(): void;
}

/** A layout whose place in the dirty log may change while the ring runs; the queue looks at each write. */
export type MutableLayout = { -readonly [K in keyof QueueLayout]: QueueLayout[K] };

/** What is wrong with a ring is what the driver chose; other errors stay what they are. */
export function unusableRing(error: unknown): unknown {
  if (!(error instanceof VhostUserError && error.code === 'VHOST_ERR_BAD_VRING')) return error;
  return new VhostUserError(UNUSABLE_RING, error.message, { cause: error });
}

export class Vring {
  readonly index: number;
  readonly queue: DeviceQueue;
  /** SET_VRING_NUM; 0 = not set. */
  size = 0;
  /** SET_VRING_ADDR. */
  addresses: VringAddresses | null = null;
  /** SET_VRING_BASE, or what the ring had reached when it was stopped. */
  base = 0;
  /** Where the ring stopped; null before the first stop, and while it is started. */
  stoppedBase: number | null = null;
  /** Chains taken since the device was last reset. */
  taken = 0;
  started = false;
  enabled = false;

  private readonly owner: VringOwner;
  private readonly busyWait: BusyWait;
  private readonly rate: ChainRate;
  private restTimer: NodeJS.Timeout | null = null;
  private kick: EventFd | null = null;
  private call: EventFd | null = null;
  private error: EventFd | null = null;
  private polling = false;
  private pollTimer: NodeJS.Timeout | null = null;
  private layout: MutableLayout | null = null;
  private active = false;
  private serving = false;
  private scheduled: NodeJS.Immediate | null = null;
  private rejectionsLogged = 0;
  private readonly rejectionLog = new LogLimit();
  private readonly brokenLog = new LogLimit();

  constructor(index: number, owner: VringOwner) {
    this.index = index;
    this.owner = owner;
    this.busyWait = new BusyWait(owner.busyWaitUs);
    this.rate = new ChainRate(owner.chainsPerSecond);
    this.queue = new DeviceQueue(index);
    // Pushes outside a batch are published in the check phase that follows the current poll phase: all events of
    // one turn of the loop share one publication and one interrupt. (A microtask would do it per callback.)
    this.queue.onWork = () => this.schedule();
  }

  /** True when the front-end has said everything that a start needs. */
  get complete(): boolean {
    return this.size > 0 && this.addresses !== null && (this.kick !== null || this.polling);
  }

  /** Takes over the kick eventfd; null = the ring has none and is polled. */
  setKick(kick: EventFd | null): void {
    this.dropKick();
    this.kick = kick;
    this.polling = kick === null;
    kick?.watch(() => this.kicked());
    if (this.started) this.updateActive();
  }

  /** Takes over the call eventfd; null = the driver polls. */
  setCall(call: EventFd | null): void {
    this.call?.close();
    this.call = call;
    // Used entries may have been published since the old one went: one interrupt too many does no harm.
    if (this.active) call?.signal();
  }

  /** Takes over the error eventfd. */
  setError(error: EventFd | null): void {
    this.error?.close();
    this.error = error;
  }

  setEnabled(enabled: boolean): void {
    this.enabled = enabled;
    this.updateActive();
  }

  /** SET_VRING_ADDR on a started ring may only turn logging on or off. */
  setLogAddress(logGuestAddress: number | null): void {
    if (this.layout !== null) this.layout.logGuestAddress = logGuestAddress;
  }

  /** Starts the ring. Throws VHOST_ERR_UNUSABLE_RING, VHOST_ERR_BAD_INFLIGHT; it stays stopped then. */
  start(layout: MutableLayout): void {
    try {
      this.queue.start(this.owner.memory, layout);
    } catch (error) {
      this.error?.signal();
      throw unusableRing(error);
    }
    this.layout = layout;
    this.started = true;
    this.stoppedBase = null;
    this.owner.log.debug({ queue: this.index, size: layout.size, packed: layout.packed }, 'ring started');
    this.updateActive();
  }

  /** Stops the ring and gives the kick descriptor up. Returns the base for GET_VRING_BASE. */
  stop(): number {
    this.dropKick();
    if (this.scheduled !== null) clearImmediate(this.scheduled);
    this.scheduled = null;
    if (this.restTimer !== null) clearTimeout(this.restTimer);
    this.restTimer = null;
    if (this.started) {
      this.started = false;
      // The device may answer what it holds: a machine that is only paused still waits for it when it goes on.
      this.updateActive();
      if (!this.owner.ending) this.publish();
      this.base = this.queue.stop() >>> 0;
      this.stoppedBase = this.base;
      this.layout = null;
      this.owner.log.debug({ queue: this.index, base: this.base }, 'ring stopped');
    }
    return this.base;
  }

  /** The memory table changed under a started ring. */
  rebind(): void {
    if (!this.started) return;
    try {
      this.queue.rebind();
    } catch {
      this.checkBroken();
    }
  }

  /** Stops, and closes every descriptor. */
  close(): void {
    this.stop();
    this.queue.onWork = null;
    this.call?.close();
    this.error?.close();
    this.call = null;
    this.error = null;
  }

  /** Serves the ring now if there is something to do. */
  look(): void {
    if (this.queue.pendingWork) this.serve();
  }

  private dropKick(): void {
    this.kick?.close();
    this.kick = null;
    this.polling = false;
    if (this.pollTimer !== null) clearTimeout(this.pollTimer);
    this.pollTimer = null;
  }

  private kicked(): void {
    if (this.owner.ending) return;
    if (!this.started) this.owner.kickedEarly(this);
    else this.serve();
  }

  private updateActive(): void {
    const active = this.started && this.enabled && this.queue.broken === null;
    this.queue.setEnabled(active);
    if (active === this.active) {
      if (active && this.polling) this.schedule();
      return;
    }
    this.active = active;
    const { device, ending } = this.owner;
    if (active) {
      device.queueStarted?.(this.queue);
      // Kicks from before may be lost: look at the ring.
      this.schedule();
    } else if (!ending) {
      device.queueStopped?.(this.queue);
    }
  }

  private schedule(): void {
    if (this.serving || this.scheduled !== null || this.owner.ending || !this.started) return;
    this.scheduled = immediate(() => {
      this.scheduled = null;
      this.serve();
    });
  }

  /** Gives the device what is available, within the budget, and publishes what it pushed. */
  private serve(): void {
    if (this.serving || this.owner.ending || !this.started) return;
    this.serving = true;
    this.busyWait.woken();
    let again = false;
    try {
      again = this.batches();
      this.checkBroken();
    } catch (error) {
      this.owner.fail(asDeviceError(error));
    }
    this.serving = false;
    if (this.owner.ending) return;
    if (again) this.schedule();
    else if (this.polling && this.active) this.pollLater();
  }

  /** True when the budget ran out before the ring did. */
  private batches(): boolean {
    const { queue, owner } = this;
    const now = performance.now();
    const end = now + BATCH_MS;
    let left = Math.min(CHAINS_PER_BATCH, this.rate.allowance(now));
    if (left <= 0) {
      this.rest();
      return false;
    }
    for (;;) {
      queue.disableNotifications();
      const before = left;
      left = this.batch(left, end);
      if (owner.ending) return false;
      owner.device.endBatch?.(queue);
      this.publish();
      if (owner.ending) return false;
      if (queue.yielding) {
        queue.yielding = false;
        owner.turn(this);
        if (owner.ending) return false;
        if (performance.now() > end) return true;
      }
      if (left <= 0) return true;
      if (before - left >= CHAINS_PER_PUBLICATION) continue;
      if (this.busyWait.wait(queue)) {
        if (performance.now() > end) return true;
        continue;
      }
      if (!queue.enableNotifications()) return false;
    }
  }

  /**
   * Has one publication's chains carried out. Returns what is left of the budget; 0 or less when it is used up, by
   * chains or by time. Rejected chains count: a driver on another processor can add them as fast as they are passed over.
   */
  private batch(budget: number, end: number): number {
    const { queue, owner } = this;
    const rejected = queue.rejectedChains;
    const limit = rejected + Math.min(budget, CHAINS_PER_PUBLICATION);
    let handled = 0;
    let late = false;
    while (!late && queue.rejectedChains + handled < limit) {
      const chain = queue.pop();
      if (chain === null) break;
      this.taken++;
      handled++;
      owner.device.handleChain(queue, chain);
      if (owner.ending || queue.yielding) break;
      late = isClockDue(handled) && performance.now() > end;
    }
    const spent = queue.rejectedChains - rejected + handled;
    this.rate.spend(spent);
    return late ? 0 : budget - spent;
  }

  /** The driver was quicker than it may be. Nothing new is taken for a while; what the device answers goes back. */
  private rest(): void {
    this.queue.disableNotifications();
    this.publish();
    if (this.owner.ending || this.restTimer !== null) return;
    this.owner.resting();
    this.restTimer = setTimeout(() => {
      this.restTimer = null;
      this.serve();
    }, this.rate.restMs);
  }

  private publish(): void {
    const work = this.queue.pendingPushes > 0;
    if (this.queue.flush()) this.call?.signal();
    if (work) this.owner.published();
    if (this.owner.memory.faulted()) {
      this.owner.fail(
        new VhostUserError('VHOST_ERR_MEMORY_GONE', 'a file behind guest memory was truncated while in use'),
      );
    }
    if (this.queue.rejectedChains > this.rejectionsLogged) this.logRejections();
  }

  private logRejections(): void {
    if (!this.rejectionLog.due()) return;
    const { rejectedChains, lastRejection } = this.queue;
    const count = rejectedChains - this.rejectionsLogged;
    this.rejectionsLogged = rejectedChains;
    this.owner.log.warn({ queue: this.index, count, reason: lastRejection }, 'chains rejected');
  }

  private checkBroken(): void {
    const broken = this.queue.broken;
    if (broken === null || !this.active || this.owner.ending) return;
    // A driver can break its ring, reset the device and start again as fast as the front-end lets it.
    if (this.brokenLog.due()) {
      this.owner.log.warn(
        { queue: this.index, reason: broken.message },
        'ring broken, stopped until set up anew',
      );
    }
    this.error?.signal();
    this.updateActive();
  }

  private pollLater(): void {
    this.pollTimer ??= setTimeout(() => {
      this.pollTimer = null;
      this.serve();
    }, POLL_MS);
  }
}

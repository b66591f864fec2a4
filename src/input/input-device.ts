/**
 * A virtio input device (virtio 1.3, 5.8) as a vhost-user device: keyboard, mouse, tablet or touchscreen, by its
 * profile. It serves one VM at a time.
 *
 * What happens is told with `key`, `moveTo`, `scroll` and so on, and goes to the guest at `frame`. What the profile
 * does not have is passed over: a host's seat has more keys than any one keyboard. Nothing is kept for a guest whose
 * driver isn't there: while no driver is, calls have no effect. While the machine is paused, they have.
 */
import type { DescriptorChain, VhostUserDevice, Virtqueue } from 'vhost-user-ts';
import { ConfigSpace } from './config-space.js';
import { EventQueue } from './event-queue.js';
import { Fraction } from './fraction.js';
import { PendingEvents } from './pending-events.js';
import { type InputProfile, POSITION_MAX, TOUCH_SLOTS } from './profile.js';
import { StatusQueue } from './status-queue.js';
import { EVENT_QUEUE, QUEUE_COUNT } from './wire/constants.js';
import * as ev from './wire/event-codes.js';

export interface InputDeviceOptions {
  readonly profile: InputProfile;
  /** The guest turned an LED (LED_* code) on or off. At a reset all go off. */
  onLed?(code: number, on: boolean): void;
  /** The driver is gone, or starts anew; the LEDs are off. */
  onReset?(): void;
}

/** What the device holds and did; for metrics. */
export interface InputStatus {
  /** A driver takes events, or will when its machine goes on. */
  readonly live: boolean;
  readonly eventsSent: number;
  /** Events to the guest that wait, in frames; and buffers that wait for events. */
  readonly waitingFrames: number;
  readonly waitingTransitions: number;
  readonly buffers: number;
  /** Times that key presses were dropped because the guest took none. */
  readonly overflows: number;
  /** The guest's mistakes. */
  readonly shortBuffers: number;
  readonly ignoredStatus: number;
}

export type ScrollAxis = 'vertical' | 'horizontal';

/** Units of REL_WHEEL_HI_RES in one detent of a wheel. */
const V120 = 120;

const WHEEL_CODES = {
  vertical: [ev.REL_WHEEL, ev.REL_WHEEL_HI_RES],
  horizontal: [ev.REL_HWHEEL, ev.REL_HWHEEL_HI_RES],
} as const;

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new RangeError(`${what}: ${value}`);
  return value;
}

/** 0..1 as the value of an absolute axis; what is outside comes to the edge. */
function position(fraction: number, what: string): number {
  return Math.round(Math.min(1, Math.max(0, finite(fraction, what))) * POSITION_MAX);
}

export class InputDevice implements VhostUserDevice {
  readonly queueCount = QUEUE_COUNT;
  readonly features = 0n;

  readonly #profile: InputProfile;
  readonly #config: ConfigSpace;
  readonly #pending = new PendingEvents();
  readonly #events: EventQueue;
  readonly #status: StatusQueue;
  readonly #onReset: () => void;
  /** Of each relative axis what is not a whole unit yet. */
  readonly #fractions = new Map<number, Fraction>();
  #live = false;

  /** RangeError for a profile that config space has no room for. */
  constructor(options: InputDeviceOptions) {
    this.#profile = options.profile;
    this.#config = new ConfigSpace(options.profile);
    this.#events = new EventQueue(this.#pending);
    this.#status = new StatusQueue(options.profile, (code, on) => options.onLed?.(code, on));
    this.#onReset = () => options.onReset?.();
  }

  get status(): InputStatus {
    return {
      live: this.#live,
      eventsSent: this.#events.sent,
      waitingFrames: this.#pending.waitingFrames,
      waitingTransitions: this.#pending.waitingTransitions,
      buffers: this.#events.buffers,
      overflows: this.#pending.overflows,
      shortBuffers: this.#events.shortBuffers,
      ignoredStatus: this.#status.ignored,
    };
  }

  /** LEDs that are on, by LED_* code. */
  get leds(): ReadonlySet<number> {
    return this.#status.lit;
  }

  /** A key (KEY_* code) goes down or up. Repeats are not told: a key that is down already stays down. */
  key(code: number, pressed: boolean): void {
    if (this.#accepts(ev.EV_KEY, code)) this.#pending.key(code, pressed);
  }

  /** A button (BTN_* code) goes down or up. */
  button(code: number, pressed: boolean): void {
    this.key(code, pressed);
  }

  /** The pointer is at (x, y), each 0 to 1: left to right, top to bottom. */
  moveTo(x: number, y: number): void {
    const [atX, atY] = [position(x, 'x'), position(y, 'y')];
    if (!this.#accepts(ev.EV_ABS, ev.ABS_X)) return;
    this.#pending.absolute(ev.ABS_X, atX);
    this.#pending.absolute(ev.ABS_Y, atY);
  }

  /** The pointer moved by (dx, dy) mouse units, right and down; fractions add up. */
  moveBy(dx: number, dy: number): void {
    this.#relative(ev.REL_X, finite(dx, 'dx'));
    this.#relative(ev.REL_Y, finite(dy, 'dy'));
  }

  /**
   * A wheel turned by `v120` / 120 detents, away from the user or to the right when positive; any resolution. The
   * guest gets both the fine movement and whole detents.
   */
  scroll(axis: ScrollAxis, v120: number): void {
    const [detents, fine] = WHEEL_CODES[axis];
    this.#relative(detents, finite(v120, 'v120'), V120);
    this.#relative(fine, v120);
  }

  /** The finger in a slot (0..15) is at (x, y), each 0 to 1: it came down there, or moved there. */
  touch(slot: number, x: number, y: number): void {
    const [atX, atY] = [position(x, 'x'), position(y, 'y')];
    this.#checkSlot(slot);
    if (!this.#accepts(ev.EV_ABS, ev.ABS_MT_SLOT)) return;
    this.#pending.touch(slot, atX, atY);
    this.#pending.key(ev.BTN_TOUCH, true);
  }

  /** The finger in the slot was lifted. */
  touchUp(slot: number): void {
    this.#checkSlot(slot);
    this.#pending.lift(slot);
    if (this.#pending.touchCount === 0) this.#pending.key(ev.BTN_TOUCH, false);
  }

  /** What was told since the last frame happened at one time, and goes to the guest. */
  frame(): void {
    this.#pending.frame();
    this.#events.pump();
  }

  /** Releases all keys and buttons and lifts all fingers: the host's focus went elsewhere. A frame of its own. */
  releaseAll(): void {
    this.#pending.frame();
    for (const slot of this.#pending.touched) this.#pending.lift(slot);
    for (const code of this.#pending.pressed) this.#pending.key(code, false);
    this.frame();
  }

  detach(): void {
    this.reset();
    this.#events.stopped();
  }

  /** The driver that comes starts with everything released. */
  reset(): void {
    this.#live = false;
    this.#events.clear();
    this.#pending.reset();
    this.#fractions.clear();
    this.#config.reset();
    this.#status.reset();
    this.#onReset();
  }

  queueStarted(queue: Virtqueue): void {
    if (queue.index !== EVENT_QUEUE) return;
    this.#live = true;
    this.#events.started(queue);
  }

  /** Whether it goes on or starts anew, nobody knows yet: what waits is kept. */
  queueStopped(queue: Virtqueue): void {
    if (queue.index === EVENT_QUEUE) this.#events.stopped();
  }

  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    if (queue.index === EVENT_QUEUE) this.#events.add(queue, chain);
    else this.#status.handle(queue, chain);
  }

  endBatch(queue: Virtqueue): void {
    if (queue.index === EVENT_QUEUE) this.#events.pump();
  }

  get configLength(): number {
    return this.#config.length;
  }

  readConfig(target: Uint8Array, offset: number): void {
    this.#config.read(target, offset);
  }

  writeConfig(data: Uint8Array, offset: number): void {
    this.#config.write(data, offset);
  }

  #accepts(type: number, code: number): boolean {
    return this.#live && (this.#profile.events.get(type)?.includes(code) ?? false);
  }

  #relative(code: number, amount: number, unit = 1): void {
    if (!this.#accepts(ev.EV_REL, code)) return;
    let fraction = this.#fractions.get(code);
    if (fraction === undefined) {
      fraction = new Fraction(unit);
      this.#fractions.set(code, fraction);
    }
    this.#pending.relative(code, fraction.add(amount));
  }

  #checkSlot(slot: number): void {
    if (!(Number.isInteger(slot) && slot >= 0 && slot < TOUCH_SLOTS)) throw new RangeError(`slot ${slot}`);
  }
}

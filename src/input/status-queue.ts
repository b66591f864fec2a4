/**
 * The status queue (virtio 1.3, 5.8.2 and 5.8.6): events from the guest, which are its keyboard's LEDs. Everything
 * else that comes is counted and passed over.
 */
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import type { InputProfile } from './profile.js';
import { EV_LED, EV_SYN } from './wire/event-codes.js';
import { Event } from './wire/structs.js';

/** Events that are read from one buffer; Linux puts one into each. */
const EVENTS_PER_BUFFER = 16;

export class StatusQueue {
  readonly #leds: ReadonlySet<number>;
  readonly #onLed: (code: number, on: boolean) => void;
  readonly #lit = new Set<number>();
  readonly #bytes = new Uint8Array(EVENTS_PER_BUFFER * Event.size);
  readonly #view = new DataView(this.#bytes.buffer);
  /** Events that the device has no use for, and buffers that hold none or part of one. */
  ignored = 0;

  constructor(profile: InputProfile, onLed: (code: number, on: boolean) => void) {
    this.#leds = new Set(profile.events.get(EV_LED) ?? []);
    this.#onLed = onLed;
  }

  /** LEDs that are on, by LED_* code. */
  get lit(): ReadonlySet<number> {
    return this.#lit;
  }

  /** All LEDs go out. */
  reset(): void {
    for (const code of [...this.#lit]) this.#light(code, false);
  }

  handle(queue: Virtqueue, chain: DescriptorChain): void {
    const length = chain.read(this.#bytes, 0, this.#bytes.length);
    const whole = Math.floor(length / Event.size) * Event.size;
    if (whole !== chain.readableBytes || whole === 0) this.ignored++;
    queue.push(chain, 0);
    for (let at = 0; at < whole; at += Event.size) this.#event(Event.read(this.#view, at));
  }

  #event({ type, code, value }: Event): void {
    if (type === EV_LED && this.#leds.has(code)) this.#light(code, value !== 0);
    else if (type !== EV_SYN) this.ignored++;
  }

  #light(code: number, on: boolean): void {
    if (this.#lit.has(code) === on) return;
    if (on) this.#lit.add(code);
    else this.#lit.delete(code);
    this.#onLed(code, on);
  }
}

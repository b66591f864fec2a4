/**
 * The event queue (virtio 1.3, 5.8.2 and 5.8.6): the driver fills it with buffers of one event each. They are held
 * until there is something to tell; then each takes one event.
 */
import type { DescriptorChain, Virtqueue } from 'vhost-user-ts';
import type { PendingEvents } from './pending-events.js';
import { Event } from './wire/structs.js';

export class EventQueue {
  readonly #pending: PendingEvents;
  readonly #bytes = new Uint8Array(Event.size);
  readonly #view = new DataView(this.#bytes.buffer);
  #queue: Virtqueue | null = null;
  /** Oldest first; at most as many as the ring has descriptors. */
  #buffers: DescriptorChain[] = [];
  /** Events that were sent, and buffers that were too short for one. */
  sent = 0;
  shortBuffers = 0;

  constructor(pending: PendingEvents) {
    this.#pending = pending;
  }

  /** Buffers that the driver lets us have now. */
  get buffers(): number {
    return this.#buffers.length;
  }

  started(queue: Virtqueue): void {
    this.#queue = queue;
  }

  /** What waits goes out when the queue runs again, with the buffers that are here: the machine may only be paused. */
  stopped(): void {
    this.#queue = null;
  }

  /** The driver is another one, or gone: so are its buffers. */
  clear(): void {
    this.#buffers = [];
  }

  /** Takes a buffer; one that is too short goes back unused. */
  add(queue: Virtqueue, buffer: DescriptorChain): void {
    if (buffer.writableBytes < Event.size) {
      this.shortBuffers++;
      queue.push(buffer, 0);
    } else {
      this.#buffers.push(buffer);
      // More than there can be: the oldest are of a ring that started over without a reset, and void.
      if (this.#buffers.length > queue.size) this.#buffers.shift();
    }
  }

  /** Sends what waits, as far as there are buffers. */
  pump(): void {
    const queue = this.#queue;
    if (queue === null) return;
    while (this.#buffers.length > 0) {
      const event = this.#pending.peek();
      if (event === null) return;
      const buffer = this.#buffers.shift() as DescriptorChain;
      Event.write(this.#view, 0, event);
      const written = buffer.write(this.#bytes, 0, Event.size);
      queue.push(buffer, written);
      // A buffer whose memory has gone took nothing: the event goes into the next one.
      if (written !== Event.size) continue;
      this.#pending.taken();
      this.sent++;
    }
  }
}

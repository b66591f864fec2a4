/** The device's config space (virtio 1.3, 5.7.4). */
import { viewOf } from 'vhost-user-ts';
import { Config } from './wire/structs.js';

export class ConfigSpace {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(numScanouts: number, numCapsets: number) {
    this.#bytes = Config.encode({ eventsRead: 0, eventsClear: 0, numScanouts, numCapsets, blobAlignment: 0 });
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** VIRTIO_GPU_EVENT_* bits that the driver has not cleared yet. */
  get eventsRead(): number {
    return this.#view.getUint32(Config.offsets.eventsRead, true);
  }

  /** Sets event bits. */
  raise(events: number): void {
    this.#view.setUint32(Config.offsets.eventsRead, this.eventsRead | events, true);
  }

  /** Clears all events. */
  reset(): void {
    this.#view.setUint32(Config.offsets.eventsRead, 0, true);
  }

  /** Copies the bytes from `offset` to `target`; what lies past the end is 0. */
  read(target: Uint8Array, offset: number): void {
    target.fill(0);
    target.set(this.#bytes.subarray(offset, offset + target.length));
  }

  /**
   * Bits that are 1 in `events_clear` clear the event (write 1 to clear); everything else is read-only. The
   * write may start anywhere and have any length: QEMU writes all of config space at once.
   */
  write(data: Uint8Array, offset: number): void {
    const { eventsRead, eventsClear } = Config.offsets;
    for (let i = 0; i < 4; i++) {
      const value = data[eventsClear + i - offset];
      if (value === undefined) continue;
      this.#bytes[eventsRead + i] = (this.#bytes[eventsRead + i] as number) & ~value;
    }
  }
}

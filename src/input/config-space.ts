/**
 * The device's config space (virtio 1.3, 5.8.4 and 5.8.5): the driver writes what it wants to know to the first two
 * bytes, and reads how long the answer is and the answer. What the device doesn't have is 0 bytes long.
 */
import type { InputProfile } from './profile.js';
import * as c from './wire/constants.js';
import { AbsInfo, Config, DevIds } from './wire/structs.js';

const NOTHING = new Uint8Array(0);

/** Bit n of the bitmap is bit n & 7 of byte n >> 3. As short as it can be; empty without numbers. */
function bitmap(numbers: readonly number[]): Uint8Array {
  const bits = new Uint8Array((Math.max(-8, ...numbers) >> 3) + 1);
  for (const n of numbers) bits[n >> 3] = (bits[n >> 3] as number) | (1 << (n & 7));
  return bits;
}

export class ConfigSpace {
  readonly length = Config.size;
  readonly #profile: InputProfile;
  #bytes: Uint8Array = new Uint8Array(Config.size);

  /** RangeError when a name is longer than config space has room for. */
  constructor(profile: InputProfile) {
    for (const text of [profile.name, profile.serial]) {
      if (Buffer.byteLength(text) > c.CONFIG_DATA_BYTES) {
        throw new RangeError(`longer than ${c.CONFIG_DATA_BYTES} bytes: ${text}`);
      }
    }
    this.#profile = profile;
  }

  /** Nothing is selected. */
  reset(): void {
    this.#bytes.fill(0);
  }

  /** Copies the bytes from `offset` to `target`; what lies past the end is 0. */
  read(target: Uint8Array, offset: number): void {
    target.fill(0);
    target.set(this.#bytes.subarray(offset, offset + target.length));
  }

  /** Bytes 0 and 1 select; the others are read-only. QEMU writes all of config space at once. */
  write(data: Uint8Array, offset: number): void {
    const select = data[Config.offsets.select - offset] ?? (this.#bytes[Config.offsets.select] as number);
    const subsel = data[Config.offsets.subsel - offset] ?? (this.#bytes[Config.offsets.subsel] as number);
    const answer = this.#answer(select, subsel);
    this.#bytes = Config.encode({ select, subsel, size: answer.length, reserved: NOTHING, data: answer });
  }

  #answer(select: number, subsel: number): Uint8Array {
    const { name, serial, ids, properties, events, axes } = this.#profile;
    if (select === c.VIRTIO_INPUT_CFG_EV_BITS) return bitmap(events.get(subsel) ?? []);
    if (select === c.VIRTIO_INPUT_CFG_ABS_INFO) {
      const info = axes.get(subsel);
      return info === undefined ? NOTHING : AbsInfo.encode(info);
    }
    if (subsel !== 0) return NOTHING;
    switch (select) {
      case c.VIRTIO_INPUT_CFG_ID_NAME:
        return Buffer.from(name);
      case c.VIRTIO_INPUT_CFG_ID_SERIAL:
        return Buffer.from(serial);
      case c.VIRTIO_INPUT_CFG_ID_DEVIDS:
        return DevIds.encode(ids);
      case c.VIRTIO_INPUT_CFG_PROP_BITS:
        return bitmap(properties);
      default:
        return NOTHING;
    }
  }
}

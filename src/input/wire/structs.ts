/** Layouts of virtio-input (virtio 1.3, 5.8.4 and 5.8.6), as linux/virtio_input.h has them. */
import { bytes, type Infer, i32, struct, u8, u16 } from 'vhost-user-ts';
import { CONFIG_DATA_BYTES } from './constants.js';

/** ABS_INFO: range and precision of an absolute axis, in the axis's units; `res` in units per millimeter. */
export const AbsInfo = struct('virtio_input_absinfo', { min: i32, max: i32, fuzz: i32, flat: i32, res: i32 });
export type AbsInfo = Infer<typeof AbsInfo>;

/** ID_DEVIDS: what EVIOCGID returns in the guest. */
export const DevIds = struct('virtio_input_devids', {
  bustype: u16,
  vendor: u16,
  product: u16,
  version: u16,
});
export type DevIds = Infer<typeof DevIds>;

/** Config space: the driver writes `select` and `subsel`, the rest answers. */
export const Config = struct('virtio_input_config', {
  select: u8,
  subsel: u8,
  size: u8,
  reserved: bytes(5),
  data: bytes(CONFIG_DATA_BYTES),
});

/** One event, in either direction. evdev's values are signed. */
export const Event = struct('virtio_input_event', { type: u16, code: u16, value: i32 });
export type Event = Infer<typeof Event>;

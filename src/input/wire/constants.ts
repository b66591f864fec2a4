/** Numbers of virtio-input's wire format, spelled as in the specification (virtio 1.3, 5.8 Input Device). */

/** Virtio device id (5.8.1). */
export const VIRTIO_ID_INPUT = 18;

/** The virtqueues (5.8.2). */
export const EVENT_QUEUE = 0;
export const STATUS_QUEUE = 1;
export const QUEUE_COUNT = 2;

/** Values of `virtio_input_config.select` (5.8.4). */
export const VIRTIO_INPUT_CFG_UNSET = 0x00;
export const VIRTIO_INPUT_CFG_ID_NAME = 0x01;
export const VIRTIO_INPUT_CFG_ID_SERIAL = 0x02;
export const VIRTIO_INPUT_CFG_ID_DEVIDS = 0x03;
export const VIRTIO_INPUT_CFG_PROP_BITS = 0x10;
export const VIRTIO_INPUT_CFG_EV_BITS = 0x11;
export const VIRTIO_INPUT_CFG_ABS_INFO = 0x12;

/** Bytes of the union in config space: strings and bitmaps are at most this long. */
export const CONFIG_DATA_BYTES = 128;

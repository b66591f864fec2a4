/** What is offered to a front-end: the transport's own features, and of the protocol's what the device can use. */
import type { VhostUserDevice } from '../device.js';
import { bits, Feature, ProtocolFeature } from '../wire/features.js';
import { CONFIG_BYTES_MAX, QUEUES_MAX, SHARED_REGIONS_MAX } from '../wire/limits.js';

const TRANSPORT_FEATURES = bits(
  Feature.LOG_ALL,
  Feature.RING_INDIRECT_DESC,
  Feature.RING_EVENT_IDX,
  Feature.PROTOCOL_FEATURES,
  Feature.VERSION_1,
);

/** Bits 0..23 and 50..63 (virtio 1.3, 2.2). */
const DEVICE_FEATURES = 0xfffc_0000_00ff_ffffn;

/** Bits for GET_FEATURES. */
export function offeredFeatures(device: VhostUserDevice, packedRings: boolean): bigint {
  return device.features | TRANSPORT_FEATURES | (packedRings ? bits(Feature.RING_PACKED) : 0n);
}

/** Bits for GET_PROTOCOL_FEATURES. */
export function offeredProtocolFeatures(device: VhostUserDevice): bigint {
  const always = bits(
    ProtocolFeature.MQ,
    ProtocolFeature.LOG_SHMFD,
    ProtocolFeature.REPLY_ACK,
    ProtocolFeature.BACKEND_REQ,
    ProtocolFeature.BACKEND_SEND_FD,
    ProtocolFeature.INFLIGHT_SHMFD,
    ProtocolFeature.RESET_DEVICE,
    ProtocolFeature.STATUS,
  );
  const config = (device.configLength ?? 0) > 0 ? bits(ProtocolFeature.CONFIG) : 0n;
  // Never both: QEMU 11.1 makes each shared mapping a memory slot then, and aborts above its limit of them.
  const shared = (device.sharedMemory ?? []).length > 0;
  return always | config | bits(shared ? ProtocolFeature.SHMEM : ProtocolFeature.CONFIGURE_MEM_SLOTS);
}

/** Throws a RangeError when a device can't be served: a mistake of its author, found before anyone connects. */
export function checkDevice(device: VhostUserDevice): void {
  const { queueCount, features, configLength = 0, sharedMemory = [] } = device;
  if (!(Number.isInteger(queueCount) && queueCount >= 1 && queueCount <= QUEUES_MAX)) {
    throw new RangeError(`queueCount ${queueCount} is not in 1..${QUEUES_MAX}`);
  }
  if ((features & ~DEVICE_FEATURES) !== 0n) {
    throw new RangeError('features: only bits 0..23 and 50..63 are the device’s');
  }
  if (!(Number.isInteger(configLength) && configLength >= 0 && configLength <= CONFIG_BYTES_MAX)) {
    throw new RangeError(`configLength ${configLength} is not in 0..${CONFIG_BYTES_MAX}`);
  }
  const ids = new Set<number>();
  for (const { id, length } of sharedMemory) {
    if (!(Number.isInteger(id) && id >= 0 && id < SHARED_REGIONS_MAX) || ids.has(id)) {
      throw new RangeError(
        `shared memory region ${id} is not one of its own in 0..${SHARED_REGIONS_MAX - 1}`,
      );
    }
    ids.add(id);
    if (!(Number.isSafeInteger(length) && length > 0 && length % 4096 === 0)) {
      throw new RangeError(`shared memory region ${id}: length ${length} is not a multiple of the page size`);
    }
  }
}

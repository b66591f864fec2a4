/** vhost-user-ts: virtio devices outside of the virtual machine monitor, in TypeScript. */
export { BusyWait, type Waited } from './backend/busy-wait.js';
export { ChainRate } from './backend/chain-rate.js';
export { BackEndServer, type Endpoint, type ServerOptions, serve } from './backend/server.js';
export { BackEndSession, type SessionOptions } from './backend/session.js';
export { Connection, type ConnectionHandlers, type SendOptions } from './connection/connection.js';
export { Message } from './connection/message.js';
export type {
  DeviceMemory,
  FrontEnd,
  GuestRanges,
  MemoryFile,
  SharedMemoryRegion,
  VhostUserDevice,
} from './device.js';
export { VhostUserError } from './errors.js';
export { type BackEndHandlers, BackEndRequests } from './frontend/back-end-requests.js';
export { DriverQueue } from './frontend/driver-queue.js';
export {
  type DriverQueueOptions,
  type MemoryWindow,
  type Piece,
  placeRing,
  type RawDescriptor,
  type RingPlacement,
  type UsedBuffer,
} from './frontend/driver-ring.js';
export { DirtyLogReader, InflightArea } from './frontend/front-end-areas.js';
export type { ReceivedMessage } from './frontend/front-end-channel.js';
export {
  FRONT_END_FEATURES,
  FRONT_END_PROTOCOL_FEATURES,
  FrontEndClient,
  type FrontEndClientOptions,
} from './frontend/front-end-client.js';
export { FrontEndMemory, type FrontEndMemoryOptions } from './frontend/front-end-memory.js';
export {
  type Completion,
  type Done,
  FrontEndQueue,
  type FrontEndQueueOptions,
  type SubmitOptions,
} from './frontend/front-end-queue.js';
export { type Logger, silentLogger } from './logger.js';
export { DirtyLog } from './memory/dirty-log.js';
export {
  type Area,
  GuestMemory,
  type Location,
  type MapFunction,
  type RegionDescription,
} from './memory/guest-memory.js';
export { DeviceQueue, type QueueLayout } from './queue/device-queue.js';
export { type InflightQueue, InflightRegion } from './queue/inflight.js';
export { checkQueueSize, type RingLayout, ringLayout } from './queue/ring-layout.js';
export type { DescriptorChain, Virtqueue } from './queue/virtqueue.js';
export { bits, Feature, hasBit, ProtocolFeature, Status } from './wire/features.js';
export * from './wire/limits.js';
export * from './wire/payloads.js';
export { BackEndRequest, FrontEndRequest, frontEndRequestName } from './wire/requests.js';
export {
  array,
  bytes,
  type Fields,
  type FieldType,
  type Infer,
  i32,
  type Struct,
  struct,
  u8,
  u16,
  u32,
  u64,
  u64big,
  viewOf,
} from './wire/struct.js';

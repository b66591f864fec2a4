/** vhost-user-ts: virtio devices outside of the virtual machine monitor, in TypeScript. */
export { BackEndServer, type Endpoint, type ServerOptions, serve } from './backend/server.js';
export { BackEndSession, type SessionOptions } from './backend/session.js';
export { Connection, type ConnectionHandlers, type SendOptions } from './connection/connection.js';
export { Message } from './connection/message.js';
export type { DeviceMemory, FrontEnd, GuestRange, SharedMemoryRegion, VhostUserDevice } from './device.js';
export { VhostUserError } from './errors.js';
export { type Logger, silentLogger } from './logger.js';
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

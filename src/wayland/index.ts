/** Wayland for Node.js: codec, connection, protocol tables and a client. */
export { compositorPath, connectToCompositor } from './client/connect.js';
export { Display, type DisplayHandlers, type DisplayOptions } from './client/display.js';
export {
  type DmabufBuffer,
  type DmabufImage,
  DmabufImporter,
  type DmabufMetrics,
  type DmabufState,
} from './client/dmabuf.js';
export { DRM_FORMAT_MOD_INVALID, DRM_FORMAT_MOD_LINEAR } from './client/dmabuf-formats.js';
export type { AnyWaylandObject, WaylandObject } from './client/object.js';
export type { BindOptions, Global, Registry, RegistryListener } from './client/registry.js';
export type {
  CursorImage,
  DmabufSource,
  HostWindow,
  PoolSource,
  Rect,
  ScrollDirection,
  ShownInfo,
  Size,
  WindowContent,
  WindowFrame,
  WindowInput,
  WindowLog,
  WindowMetrics,
  WindowOptions,
} from './client/windows/types.js';
export { WindowSystem, type WindowSystemOptions } from './client/windows/window-system.js';
export { type ConnectionHandlers, type ConnectionOptions, WaylandConnection } from './connection.js';
export { isPeerFault, ProtocolError, WaylandError, type WaylandErrorCode } from './errors.js';
export { shmPixelBytes } from './firewall/formats.js';
export * from './firewall/index.js';
export { SERVER_ID_START } from './limits.js';
export * from './protocol/generated/index.js';
export {
  type DecodeOptions,
  decodeArguments,
  type FdSource,
  type UntypedNewId,
  type WireValue,
} from './wire/decode.js';
export { type EncodedMessage, Encoder } from './wire/encode.js';
export { FdQueue } from './wire/fd-queue.js';
export { HEADER_BYTES, type Header, readHeader, writeHeader } from './wire/header.js';
export type * from './wire/table.js';
export { fdCount } from './wire/table.js';

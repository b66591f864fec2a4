/** Public surface of the GPU device. */
export { CAPSET_CROSS_DOMAIN } from './context/capset.js';
export {
  type AttachedBlob,
  CHANNEL_DATA_MAX,
  CHANNEL_ITEMS_MAX,
  CHANNEL_WAYLAND,
  type Channel,
  type ChannelFactory,
  type ChannelOwner,
  type ReceivedItem,
  type ReceivedMessage,
  type SentItem,
} from './context/channel.js';
export { type ContextLimits, DEFAULT_CONTEXT_LIMITS } from './context/context-limits.js';
export type { ContextStatus } from './context/context-table.js';
export { CURSOR_SOURCE_SIZE_MAX } from './display/cursor-image.js';
export { DamageList } from './display/damage.js';
export type { DisplayMode, DisplayModes } from './display/display-answers.js';
export type { CursorImage, DisplaySink, Rect, ScanoutSource } from './display-sink.js';
export { type EdidRequest, edidFor } from './edid.js';
export { FAULT_KINDS, type FaultKind } from './faults.js';
export { type ContextOptions, GpuDevice, type GpuDeviceOptions, type GpuStatus } from './gpu-device.js';
export { DEFAULT_LIMITS, type GpuLimits, OUTPUT_DIMENSION_MAX, RESOURCE_DIMENSION_MAX } from './limits.js';
export type { GpuMetrics } from './metrics.js';
export type { OutputOptions } from './output/output-table.js';
export type { QemuDisplayMetrics } from './output/qemu-display.js';
export type { DmabufExport, PixelBuffer, PixelHold } from './resource/pixel-buffer.js';
export {
  UDMABUF_REFUSALS,
  UdmabufExporter,
  type UdmabufHost,
  type UdmabufRefusal,
} from './resource/udmabuf.js';
export { CommandTrace, type TraceWriter } from './trace/command-trace.js';
export * from './trace/trace-format.js';
export * from './wire/constants.js';
export * from './wire/formats.js';
export * as wire from './wire/structs.js';

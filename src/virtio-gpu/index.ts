/** Public surface of the GPU device. */
export { CURSOR_SOURCE_SIZE_MAX } from './display/cursor-image.js';
export { DamageList } from './display/damage.js';
export type { DisplayMode, DisplayModes } from './display/display-answers.js';
export type { CursorImage, DisplaySink, Rect, ScanoutSource } from './display-sink.js';
export { type EdidRequest, edidFor } from './edid.js';
export { FAULT_KINDS, type FaultKind } from './faults.js';
export { GpuDevice, type GpuDeviceOptions, type GpuStatus } from './gpu-device.js';
export { DEFAULT_LIMITS, type GpuLimits, OUTPUT_DIMENSION_MAX } from './limits.js';
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
export * from './wire/constants.js';
export * from './wire/formats.js';

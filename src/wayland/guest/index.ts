/** The proxy that runs in a guest: Wayland clients there, windows on the host. */
export { type ArrivedItem, CrossDomainConnection, type SentItem } from './channel/cross-domain.js';
export { openVirtGpu } from './gpu/drm-virt-gpu.js';
export { BLOB_MEM_GUEST, BLOB_MEM_HOST3D, type GpuBlob, type VirtGpu } from './gpu/virt-gpu.js';
export { type Area, clip, Damage } from './memory/damage.js';
export { sizeClass } from './memory/window-blobs.js';
export { type CommandLine, type ProxyOptions, parseCommandLine } from './options.js';
export { type ForwardedGuest, type ForwardOptions, forwardClient } from './proxy/forward.js';
export type { GuestMetrics } from './proxy/metrics.js';
export type { SessionEnd } from './proxy/session.js';
export { type Endpoint, type Listening, listen } from './server/listen.js';
export { createLog, type Log, type LogFields, type LogLevel } from './server/log.js';
export { GuestProxyServer, type ServerOptions } from './server/server.js';

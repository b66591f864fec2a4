/** The firewall between a guest's Wayland clients and the host's compositor. */
export { type Ask, askBy, type Question, questionWords } from './ask.js';
export { BorderPixels } from './border/pixels.js';
export * from './channel.js';
export { ForwardedClient, type ForwardedClientMetrics, type ForwardedClientOptions } from './client.js';
export { WaylandFirewall, type WaylandFirewallOptions } from './firewall.js';
export { type FirewallLog, LimitedLog } from './log.js';
export { GLOBAL_RULES, type GlobalRule, NEVER } from './policy/globals.js';
export { PolicyError, parsePolicy, policyFrom } from './policy/parse.js';
export * from './policy/policy.js';
export type { ForwardedRegion } from './region-pool.js';
export { ForwardedWindow } from './scene/window.js';
export { WindowList } from './scene/window-list.js';
export { ContextSocket, SecurityContext, type SecurityContextOptions } from './security-context.js';
export { formatMessage } from './trace.js';
export { type RuleName, Violation } from './violation.js';

/**
 * What shows the guest on the host's desktop. It is a third of all code, so it is loaded only where windows or
 * forwarding are asked for.
 */
export {
  askBy,
  compositorPath,
  connectToCompositor,
  DEFAULT_POLICY,
  DmabufImporter,
  parsePolicy,
  policyFrom,
  questionWords,
  WaylandFirewall,
  WindowSystem,
} from '../wayland/index.js';
export { ScanoutWindows } from './window/scanout-windows.js';

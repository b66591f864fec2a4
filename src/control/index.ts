/** The control API: what drives a device from outside, over HTTP on a unix socket. */
export { ERROR_CODES, type ErrorCode } from './api/errors.js';
export { openApiDocument } from './api/openapi.js';
export type { Content, Route } from './api/route.js';
export { ROUTES, type RouteName, WAIT_MS_MAX } from './api/routes.js';
export { ControlClient, ControlError, type Place, type Region } from './client/client.js';
export { Input } from './input/input.js';
export { keyCode } from './input/key-names.js';
export { strokesOf } from './input/us-layout.js';
export { Screen } from './screen/screen.js';
export { ControlServer, type ControlServerOptions } from './server/server.js';
export {
  type ControlledInput,
  type ControlTarget,
  type ForwardedWindow,
  type InputKind,
  type InputReadiness,
  PolicyRefused,
} from './target.js';

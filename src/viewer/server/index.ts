/** The viewer's server: the guest's screens and windows in a browser. */

export {
  type ViewedParts,
  type ViewerAddress,
  type ViewerOptions,
  ViewerServer,
  type ViewerStatus,
} from './server.js';
export { randomTokens, type Tokens, tokensOf } from './tokens.js';
export type { Size, ViewProvider, ViewSource } from './view-source.js';

/** The viewer's server. */
export { PROTOCOL_VERSION } from '../protocol/index.js';

/** The package's interface to programs: a client of the control API, and a back-end within the own process. */
export { ControlClient, ControlError, type ErrorCode, type Place, type Region } from '../control/index.js';
export { type BackEnd, type BackEndOptions, startBackEnd } from './back-end.js';
export { type Guest, startGuest } from './guest.js';

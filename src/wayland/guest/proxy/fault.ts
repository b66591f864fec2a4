/** What a client did wrong, as the client gets to hear it. */
import { isPeerFault } from '../../index.js';

/** wl_display.error: errors that any object can have. */
export const DisplayError = {
  invalidObject: 0,
  invalidMethod: 1,
  noMemory: 2,
  implementation: 3,
} as const;

/** Ends the client, and nothing else: it is told by wl_display.error. */
export class ClientFault extends Error {
  override readonly name = 'ClientFault';
  /** As the client calls the object. */
  readonly objectId: number;
  /** From the `error` enum of the object's interface. */
  readonly code: number;

  constructor(message: string, objectId: number, code: number) {
    super(message);
    this.objectId = objectId;
    this.code = code;
  }
}

/** Whatever went wrong while a request of a client's was carried out. */
export function faultOf(error: unknown): ClientFault {
  if (error instanceof ClientFault) return error;
  if (isPeerFault(error)) return new ClientFault(error.message, 1, DisplayError.invalidMethod);
  return new ClientFault(`internal error: ${String(error)}`, 1, DisplayError.implementation);
}

/**
 * What can go wrong with a Wayland connection. The codes are stable; the messages are for people.
 *
 * Errors of the peer (everything that `decode` and the connection throw) end the connection, never the process.
 * Errors of the caller (WL_ERR_BAD_VALUE, WL_ERR_VERSION, WL_ERR_DEAD_OBJECT, ...) are thrown by the call.
 */

export type WaylandErrorCode =
  /** A header whose size is below 8, not a multiple of 4 or above the limit. */
  | 'WL_ERR_BAD_SIZE'
  /** An argument lies beyond the end of its message. */
  | 'WL_ERR_TRUNCATED'
  /** Bytes after the last argument. */
  | 'WL_ERR_TRAILING'
  /** A string without a final NUL, with one inside, or not UTF-8. */
  | 'WL_ERR_BAD_STRING'
  /** Null where the protocol wants a string, an object or a new id. */
  | 'WL_ERR_NULL_ARGUMENT'
  /** A message needs a descriptor that did not come, too many came, or the kernel dropped some. */
  | 'WL_ERR_BAD_FDS'
  /** An object that does not exist or has another interface than the protocol says. */
  | 'WL_ERR_BAD_OBJECT'
  /** A message that the object's interface does not have. */
  | 'WL_ERR_BAD_OPCODE'
  /** A new or deleted id that is out of range, taken or unknown. */
  | 'WL_ERR_BAD_ID'
  /** A system call on the socket failed. */
  | 'WL_ERR_CONNECTION'
  /** The peer closed the connection. */
  | 'WL_ERR_DISCONNECTED'
  /** The compositor reported a protocol error (see ProtocolError). */
  | 'WL_ERR_PROTOCOL'
  /** Limits of ours: the peer does not read, or it makes us keep too much. */
  | 'WL_ERR_OVERFLOW'
  /** A value that the argument can't carry. */
  | 'WL_ERR_BAD_VALUE'
  /** The object's version does not have this request. */
  | 'WL_ERR_VERSION'
  /** A request on an object that is gone. */
  | 'WL_ERR_DEAD_OBJECT'
  /** The compositor does not offer the global, or only an older version. */
  | 'WL_ERR_NO_GLOBAL'
  /** The connection was closed by this side. */
  | 'WL_ERR_CLOSED';

const PEER_FAULTS: ReadonlySet<WaylandErrorCode> = new Set<WaylandErrorCode>([
  'WL_ERR_BAD_SIZE',
  'WL_ERR_TRUNCATED',
  'WL_ERR_TRAILING',
  'WL_ERR_BAD_STRING',
  'WL_ERR_NULL_ARGUMENT',
  'WL_ERR_BAD_FDS',
  'WL_ERR_BAD_OBJECT',
  'WL_ERR_BAD_OPCODE',
  'WL_ERR_BAD_ID',
  'WL_ERR_CONNECTION',
  'WL_ERR_DISCONNECTED',
  'WL_ERR_PROTOCOL',
  'WL_ERR_OVERFLOW',
]);

/** Whether it ends the connection. All else is a mistake of the caller's, who gets to see it. */
export function isPeerFault(error: unknown): error is WaylandError {
  return error instanceof WaylandError && PEER_FAULTS.has(error.code);
}

export class WaylandError extends Error {
  override readonly name: string = 'WaylandError';
  readonly code: WaylandErrorCode;

  constructor(code: WaylandErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** wl_display.error: the compositor says what this client did wrong, and closes the connection. */
export class ProtocolError extends WaylandError {
  override readonly name = 'ProtocolError';
  /** The object that the error is about. */
  readonly objectId: number;
  /** Its interface; null when the id is unknown here. */
  readonly interfaceName: string | null;
  /** The number from that interface's `error` enum. */
  readonly protocolCode: number;

  constructor(objectId: number, interfaceName: string | null, protocolCode: number, message: string) {
    super('WL_ERR_PROTOCOL', message);
    this.objectId = objectId;
    this.interfaceName = interfaceName;
    this.protocolCode = protocolCode;
  }
}

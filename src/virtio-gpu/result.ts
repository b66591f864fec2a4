/**
 * What a command comes to. A guest's mistake is a value here, never an exception.
 */
import type { FaultKind } from './faults.js';
import {
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  VIRTIO_GPU_RESP_OK_NODATA,
} from './wire/constants.js';

/** The command was carried out; `body` follows the header of the response. */
export interface Success {
  readonly kind: 'ok';
  readonly type: number;
  readonly body: Uint8Array | null;
}

/** The command was refused. */
export interface Refusal {
  readonly kind: 'error';
  readonly type: number;
  readonly fault: FaultKind;
  /** For the log. */
  readonly reason: string;
}

/** The answer comes later; the queue waits for it. See `Request.answerLater`. */
export interface Held {
  readonly kind: 'held';
}

/** The command was carried out, or is being carried out; its answer is OK_NODATA. See `okWhen`. */
export interface Deferred {
  readonly kind: 'deferred';
  readonly start: (done: () => void) => void;
}

export type GpuAnswer = Success | Refusal;
export type GpuResult = GpuAnswer | Held | Deferred;

export const OK_NODATA: Success = { kind: 'ok', type: VIRTIO_GPU_RESP_OK_NODATA, body: null };
export const HELD: Held = { kind: 'held' };

/**
 * A success whose fence is signalled later. Where the request is fenced, `start` is called with the function that says
 * that it is done, at once or at any time; the answer goes back then and no sooner than those of older fences on the
 * same timeline. Where it is not fenced nobody waits: the answer goes back at once and `start` is not called.
 *
 * The queue goes on meanwhile. If it is stopped and goes on later, so does the wait; if the device is reset, `done` does
 * nothing after that.
 */
export function okWhen(start: (done: () => void) => void): GpuResult {
  return { kind: 'deferred', start };
}

/** A success with data: `body` is what follows the header. */
export function okWith(type: number, body: Uint8Array): Success {
  return { kind: 'ok', type, body };
}

function refusal(type: number, fault: FaultKind, reason: string): Refusal {
  return { kind: 'error', type, fault, reason };
}

// Refusals are made once: a guest that sends nothing but mistakes makes no garbage.
export const NO_SUCH_RESOURCE = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  'invalid-resource',
  'no such resource',
);
export const RESOURCE_ID_ZERO = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  'invalid-resource',
  'resource id 0 is not a resource',
);
export const RESOURCE_ID_TAKEN = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
  'invalid-resource',
  'the resource id is in use',
);
export const NO_SUCH_SCANOUT = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
  'invalid-scanout',
  'no such scanout',
);
export const BAD_FORMAT = invalidParameter('unknown pixel format');
export const BAD_DIMENSIONS = invalidParameter('width or height is 0 or above the limit');
export const RECT_OUTSIDE = invalidParameter('the rectangle does not lie inside the resource');
export const RECT_EMPTY = invalidParameter('a scanout can not be empty');
export const OFFSET_OUTSIDE = invalidParameter('the transfer reaches past the backing');
export const NO_ENTRIES = invalidParameter('a backing without entries');
export const ENTRY_EMPTY = invalidParameter('a backing entry of length 0');
export const ENTRY_OUTSIDE = invalidParameter('a backing entry is not guest memory');
export const NO_SUCH_CAPSET = invalidParameter('no such capset');
export const NOT_A_BLOB = invalidParameter('the resource is not a blob');
export const IS_A_BLOB = invalidParameter('the resource is a blob');
export const BAD_BLOB_MEMORY = invalidParameter('unknown kind of blob memory');
export const BAD_BLOB_FLAGS = invalidParameter('unknown blob flags');
export const BAD_BLOB_SIZE = invalidParameter(
  'the size is 0, too large, or not that of the memory behind it',
);
export const HOST_BLOB_WITH_ENTRIES = invalidParameter('a blob on the host has no backing entries');
export const NO_SUCH_BLOB = invalidParameter('the context has no such blob id');
export const BLOB_NOT_MAPPABLE = invalidParameter('the blob is not one that can be mapped');
export const BLOB_ALREADY_MAPPED = invalidParameter('the blob is mapped already');
export const MAP_OUTSIDE = invalidParameter('the blob does not lie in the window there, or not on pages');
export const MAP_OVERLAPS = invalidParameter('another blob lies there');
export const BLOB_NOT_MAPPED = invalidParameter('the blob is not mapped: it has no bytes to show');
export const BAD_LAYOUT = invalidParameter('the picture does not lie inside the blob');
export const NO_WINDOW = invalidState('the front-end maps no memory of the host');
export const NO_SUCH_CONTEXT = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  'invalid-context',
  'no such context',
);
export const CONTEXT_ID_TAKEN = refusal(
  VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
  'invalid-context',
  'the context id is 0 or in use',
);
export const BAD_CONTEXT_TYPE = invalidParameter('no such context type');
export const PAYLOAD_TOO_LONG = invalidParameter('a submission longer than the limit');
export const MALFORMED_COMMAND = invalidParameter('a context command whose lengths make no sense');
export const BAD_IDENTIFIER = invalidParameter('an identifier that stands for nothing that can be sent');
export const NOT_A_RING = invalidParameter('a ring must be an attached guest blob of at least 4096 bytes');
export const BAD_IMAGE = invalidParameter('an image of an unknown format, or empty, or too large');
export const NO_SUCH_ITEM = invalidParameter('no such item');
export const WRONG_ITEM_SIZE = invalidParameter('the blob is not as large as the item that it is made from');
export const TOO_MANY_CONTEXTS = outOfMemory('too many contexts');
export const TOO_MANY_ATTACHMENTS = outOfMemory('too many resources attached to contexts');
export const TOO_MANY_PIPES = outOfMemory('too many pipes');
export const TOO_MUCH_UNREAD = outOfMemory('too many bytes written that nobody reads');
export const NO_RENDERER = unsupported('there is no 3D renderer');
export const UNKNOWN_CONTEXT_COMMAND = unsupported('the context has no such command');
export const NO_SUCH_CHANNEL = unsupported('the channel can not be opened');
export const ALREADY_INITIALISED = invalidState('the context was initialised before');
export const CHANNEL_ENDED = invalidState('the channel has ended, or was never opened');
export const TOO_MANY_RESOURCES = outOfMemory('too many resources');
export const TOO_MUCH_MEMORY = outOfMemory('too much host memory');
export const TOO_MANY_ENTRIES = outOfMemory('too many backing entries');
export const ALREADY_BACKED = invalidState('the resource has a backing already');
export const NOT_BACKED = invalidState('the resource has no backing');
export const SHORT_COMMAND = refusal(
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  'short-command',
  'the command is shorter than its layout',
);
export const UNKNOWN_COMMAND = refusal(
  VIRTIO_GPU_RESP_ERR_UNSPEC,
  'unknown-command',
  'unknown command, or its feature was not negotiated',
);

function invalidParameter(reason: string): Refusal {
  return refusal(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, 'invalid-parameter', reason);
}

function invalidState(reason: string): Refusal {
  return refusal(VIRTIO_GPU_RESP_ERR_UNSPEC, 'invalid-state', reason);
}

function unsupported(reason: string): Refusal {
  return refusal(VIRTIO_GPU_RESP_ERR_UNSPEC, 'unknown-command', reason);
}

function outOfMemory(reason: string): Refusal {
  return refusal(VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, 'out-of-memory', reason);
}

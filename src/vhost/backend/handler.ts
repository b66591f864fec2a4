/** What a handler of a front-end request looks like, and what handlers share. */
import { adoptEventFd, closeFd, type EventFd } from 'vhost-user-native';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { U64 } from '../wire/payloads.js';
import type { SessionState } from './session-state.js';

/** A reply of the request's own. */
export interface Reply {
  readonly payload: Uint8Array;
  /** Rides on the reply; the connection closes it then. */
  readonly fd?: number;
}

export interface RequestHandler {
  /** Bytes of payload, least and most. */
  readonly payload: readonly [least: number, most: number];
  /** Descriptors that have to come along. Surplus ones are closed, whatever the request. */
  readonly fds?: number;
  /** The protocol feature that the request belongs to. */
  readonly feature?: number;
  /** The front-end waits for a reply of the request's own: where we can't make one, the connection ends. */
  readonly replies?: boolean;
  /** A failure leaves the session as it was, so that it can go on even when nobody asked for an answer. */
  readonly harmless?: boolean;
  /** Returns the reply, or null when the request has none. Throws a VhostUserError. */
  run(session: SessionState, message: Message): Reply | null;
}

export type Handlers = { readonly [request: number]: RequestHandler };

/** Requests without payload: some front-ends send a u64 anyway. */
export const NO_PAYLOAD = [0, 8] as const;
/** Questions: what comes along is not looked at. */
export const ANY_PAYLOAD = [0, Number.POSITIVE_INFINITY] as const;

/** A payload of exactly this many bytes. */
export function exactly(bytes: number): readonly [number, number] {
  return [bytes, bytes];
}

export function replyU64(value: bigint): Reply {
  return { payload: U64.encode({ value }) };
}

/** Takes the message's descriptor over as an eventfd. Throws VHOST_ERR_BAD_FDS when it is something else. */
export function takeEventFd(message: Message): EventFd {
  return adopt(message, adoptEventFd, 'an eventfd');
}

/** Takes a descriptor over, or closes it and throws VHOST_ERR_BAD_FDS. */
export function adopt<T>(message: Message, how: (fd: number) => T, what: string): T {
  const fd = message.takeFd();
  try {
    return how(fd);
  } catch (cause) {
    closeFd(fd);
    throw new VhostUserError('VHOST_ERR_BAD_FDS', `the descriptor is not ${what}`, { cause });
  }
}

/** Runs `use` with the message's descriptor, and closes it. */
export function withFd<T>(message: Message, use: (fd: number) => T): T {
  const fd = message.takeFd();
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

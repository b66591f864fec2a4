/**
 * What a back-end answers to which message (vhost-user, "Communication" and "REPLY_ACK"): decided again, from the
 * bytes that were sent.
 */
import {
  ConfigHeader,
  FrontEndRequest,
  hasBit,
  MESSAGE_FDS_MAX,
  MessageHeader,
  PAYLOAD_BYTES_MAX,
  ProtocolFeature,
  U64,
  VringState,
  viewOf,
} from 'vhost-user-ts';
import { Finding } from '../core/target.js';
import { QUEUES } from './device.js';

const VERSION = 1;
const FLAG_REPLY = 4;
const FLAG_NEED_REPLY = 8;

/** What has to come for one message. */
export interface Expected {
  readonly request: number;
  /**
   * 'answer': one of its own, for which the connection must last. 'maybe': the same, unless the connection ends. 'ack':
   * yes or no, unless the connection ends.
   */
  readonly reply: 'answer' | 'maybe' | 'ack' | 'none';
}

/** Questions that can't fail: what they need, and whether a payload is right. */
const QUESTIONS: ReadonlyMap<
  number,
  readonly [feature: number | null, fits: (payload: Uint8Array) => boolean]
> = new Map([
  [FrontEndRequest.GET_FEATURES, [null, () => true]],
  [FrontEndRequest.GET_PROTOCOL_FEATURES, [null, () => true]],
  [FrontEndRequest.GET_QUEUE_NUM, [ProtocolFeature.MQ, () => true]],
  [FrontEndRequest.GET_STATUS, [ProtocolFeature.STATUS, () => true]],
  [FrontEndRequest.GET_MAX_MEM_SLOTS, [ProtocolFeature.CONFIGURE_MEM_SLOTS, () => true]],
  [FrontEndRequest.GET_SHMEM_CONFIG, [ProtocolFeature.SHMEM, () => true]],
  [FrontEndRequest.GET_CONFIG, [ProtocolFeature.CONFIG, isConfig]],
  [FrontEndRequest.GET_VRING_BASE, [null, isRing]],
]);

function isConfig(payload: Uint8Array): boolean {
  return payload.length >= ConfigHeader.size && payload.length <= ConfigHeader.size + 256;
}

function isRing(payload: Uint8Array): boolean {
  return payload.length === VringState.size && VringState.read(viewOf(payload)).index < QUEUES;
}

/** The front-end's end of the conversation. */
export class Conversation {
  /** Messages that were sent whole and not judged yet. */
  readonly pending: Expected[] = [];
  /** No back-end could follow what was sent: it has to end the connection. */
  lost = false;
  /** What `SET_PROTOCOL_FEATURES` left. */
  features = 0n;
  /** The connection may end for reasons that are not in the messages. */
  fragile = false;
  private readonly offered: bigint;
  private outgoing = Buffer.alloc(0);

  constructor(offered: bigint) {
    this.offered = offered;
  }

  sent(bytes: Uint8Array, fds: number): void {
    if (this.lost) return;
    if (fds > MESSAGE_FDS_MAX || (fds > 0 && this.outgoing.length > 0)) this.fragile = true;
    this.outgoing = this.outgoing.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.outgoing, bytes]);
    while (this.outgoing.length >= MessageHeader.size) {
      const { request, flags, size } = MessageHeader.read(viewOf(this.outgoing));
      const end = MessageHeader.size + size;
      if (size > PAYLOAD_BYTES_MAX) this.lost = true;
      if (this.lost || this.outgoing.length < end) return;
      if ((flags & 3) !== VERSION || (flags & FLAG_REPLY) !== 0) {
        this.lost = true;
        return;
      }
      const payload = this.outgoing.subarray(MessageHeader.size, end);
      this.outgoing = this.outgoing.subarray(end);
      this.pending.push(this.expect(request, flags, payload));
    }
  }

  private expect(request: number, flags: number, payload: Uint8Array): Expected {
    const acked = (flags & FLAG_NEED_REPLY) !== 0 && hasBit(this.features, ProtocolFeature.REPLY_ACK);
    if (request === FrontEndRequest.SET_PROTOCOL_FEATURES && payload.length === U64.size) {
      this.features = U64.read(viewOf(payload)).value & this.offered;
    }
    const question = QUESTIONS.get(request);
    if (question !== undefined) {
      const [feature, fits] = question;
      const known = feature === null || hasBit(this.features, feature);
      if (known && fits(payload)) return { request, reply: this.fragile ? 'maybe' : 'answer' };
    }
    if (request === FrontEndRequest.GET_INFLIGHT_FD) return { request, reply: 'maybe' };
    if (acked) return { request, reply: 'ack' };
    return { request, reply: request === FrontEndRequest.SET_LOG_BASE ? 'maybe' : 'none' };
  }
}

/** One reply, whole. */
export interface ReceivedReply {
  readonly request: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

/**
 * Holds replies against what was expected; says for each message what happened, for whoever looks for new behaviour.
 * Throws a Finding. `ended`: the connection is over.
 */
export function judge(pending: Expected[], replies: readonly ReceivedReply[], ended: boolean): string[] {
  const seen: string[] = [];
  const left = [...replies];
  let asked = true;
  for (const { request, reply } of pending.splice(0)) {
    // The connection may have ended for what came before.
    asked &&= reply === 'answer';
    const next = left[0];
    const mine = next?.request === request && reply !== 'none' ? left.shift() : undefined;
    if (mine === undefined) {
      if (asked) throw new Finding(`request ${request} was not answered`);
      if (reply !== 'none' && !ended) throw new Finding(`no reply to request ${request}`);
      seen.push(`${request} ${ended ? 'end' : 'done'}`);
      continue;
    }
    checkReply(mine, reply);
    seen.push(`${request} ${reply} ${mine.payload.length} ${reply === 'ack' ? mine.payload[0] : ''}`);
  }
  if (left.length > 0) throw new Finding(`a reply to nothing: request ${left[0]?.request}`);
  return seen;
}

function checkReply({ request, flags, payload }: ReceivedReply, reply: Expected['reply']): void {
  if (flags !== (VERSION | FLAG_REPLY)) throw new Finding(`a reply with flags ${flags}`);
  if (reply !== 'ack') return;
  const { value } = payload.length === U64.size ? U64.read(viewOf(payload)) : { value: 2n };
  if (value > 1n) throw new Finding(`request ${request}: acknowledged by ${payload.length} bytes, ${value}`);
}

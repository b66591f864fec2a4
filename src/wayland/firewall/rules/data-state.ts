/** Sources and offers of clipboard, primary selection and drags, and which of them the policy lets through. */
import { closeFd, type Pipe } from 'vhost-user-native';
import { WaylandError } from '../../errors.js';
import type { ForwardedObject } from '../objects.js';
import { allowsFromGuest, allowsMimeType, allowsToGuest, type TransferPolicy } from '../policy/policy.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import type { Session } from '../session.js';
import { DisplayError, Violation } from '../violation.js';

export type Kind = 'clipboard' | 'primary' | 'drag';

/** Longer ones are nobody's: they are not offered. */
const TYPE_LENGTH_MAX = 1024;
/** A guest may have so many sources with as many types as the limit allows. */
const SOURCES_FULL_MAX = 16;

export interface Source {
  /** Null until it is used. */
  kind: Kind | null;
  /** In the order in which they were offered. */
  readonly mimeTypes: string[];
  actions: boolean;
}

export interface Offer {
  /** The device that announced it. */
  device: ForwardedObject | null;
  /** Null until the compositor says what the offer is for; the guest does not know it before. */
  kind: Kind | null;
  readonly mimeTypes: string[];
  /** Events that the guest gets with the offer: name and number. */
  readonly actions: [string, number][];
  /** Of a drag. */
  accepted: boolean;
  dropped: boolean;
  action: number;
  finished: boolean;
}

const sources = new WeakMap<ForwardedObject, Source>();
/** MIME types of all sources that live. */
const typesOf = new WeakMap<Session, number>();
const offers = new WeakMap<ForwardedObject, Offer>();

export function policyOf(session: Session, kind: Kind): TransferPolicy {
  return kind === 'drag' ? session.policy.dragAndDrop : session.policy[kind];
}

export function sourceOf(object: ForwardedObject): Source {
  let source = sources.get(object);
  if (source === undefined) {
    source = { kind: null, mimeTypes: [], actions: false };
    sources.set(object, source);
  }
  return source;
}

export function offerOf(object: ForwardedObject): Offer {
  let offer = offers.get(object);
  if (offer === undefined) {
    offer = {
      device: null,
      kind: null,
      mimeTypes: [],
      actions: [],
      accepted: false,
      dropped: false,
      action: 0,
      finished: false,
    };
    offers.set(object, offer);
  }
  return offer;
}

/** The guest offers a type. The compositor hears of it when it is known what the source is for. */
export function sourceOffers(session: Session, request: Request): Outcome {
  const source = sourceOf(request.object);
  const type = request.text('mime_type');
  if (source.mimeTypes.includes(type)) return 'drop';
  if (type.length > TYPE_LENGTH_MAX) return 'drop';
  const max = session.policy.limits.mimeTypes;
  const total = (typesOf.get(session) ?? 0) + 1;
  if (source.mimeTypes.length >= max || total > max * SOURCES_FULL_MAX) {
    throw new Violation('limit-mime-types', `more than ${max} MIME types`, 1, DisplayError.noMemory);
  }
  typesOf.set(session, total);
  request.object.gone = () => {
    typesOf.set(session, (typesOf.get(session) ?? 0) - source.mimeTypes.length);
  };
  source.mimeTypes.push(type);
  if (source.kind === null || !allowsMimeType(policyOf(session, source.kind), type)) return 'drop';
  return 'forward';
}

/**
 * The guest uses a source for a selection or a drag. False when the policy is against it: then the source is
 * cancelled, as when another application took the selection.
 */
export function useSource(session: Session, object: ForwardedObject, kind: Kind): boolean {
  const source = sourceOf(object);
  const policy = policyOf(session, kind);
  // One that the compositor does not know was made by a global that is gone; it would be passed on as none.
  if (!allowsFromGuest(policy) || object.hostId === 0) {
    session.emit(object, 'cancelled', []);
    return false;
  }
  source.kind = kind;
  for (const type of source.mimeTypes) {
    if (allowsMimeType(policy, type)) session.ask(object, 'offer', [type]);
  }
  return true;
}

/** The compositor announces an offer: it stays on this side until its use is known. */
export function newOffer(_: Session, event: HostEvent): Outcome {
  if (event.created !== null) offerOf(event.created).device = event.object;
  return 'done';
}

/** A type of an offer. */
export function offered(session: Session, event: HostEvent): Outcome {
  const offer = offerOf(event.object);
  const type = event.text('mime_type');
  if (offer.mimeTypes.length >= session.policy.limits.mimeTypes) return 'drop';
  if (offer.kind !== null && !allowsMimeType(policyOf(session, offer.kind), type)) return 'drop';
  offer.mimeTypes.push(type);
  return 'forward';
}

/** The guest gets to know an offer, with the types that the policy lets through. False when it does not. */
export function exposeOffer(
  session: Session,
  device: ForwardedObject,
  object: ForwardedObject,
  kind: Kind,
): boolean {
  const offer = offerOf(object);
  const policy = policyOf(session, kind);
  // The guest would get it from a device that may be of another version.
  if (offer.device !== device) {
    throw new WaylandError('WL_ERR_BAD_OBJECT', `${device}: ${object} was announced by another device`);
  }
  if (offer.kind !== null) return session.objects.known(object);
  if (!allowsToGuest(policy)) {
    session.destroyOnHost(object);
    return false;
  }
  offer.kind = kind;
  const types = offer.mimeTypes.filter((type) => allowsMimeType(policy, type));
  offer.mimeTypes.splice(0, offer.mimeTypes.length, ...types);
  session.objects.expose(object);
  session.emit(device, 'data_offer', [object.guestId]);
  for (const type of types) session.emit(object, 'offer', [type]);
  for (const [name, value] of offer.actions) session.emit(object, name, [value]);
  return true;
}

/** The guest wants an offer's data: it goes through a pipe of ours. */
export function receive(session: Session, request: Request): Outcome {
  const { object, item } = request;
  const { kind, mimeTypes } = offerOf(object);
  const type = request.text('mime_type');
  if (item?.kind !== 'read-pipe') throw new Violation('items', `${object}.receive needs a pipe`);
  checkTransfers(session);
  // (The pipe is closed when it is not taken: the guest sees an empty transfer.)
  if (kind === null || object.hostId === 0 || !mimeTypes.includes(type)) return 'drop';
  request.takeItem();
  const { fd } = item;
  const question = { kind, direction: 'to-guest', vm: session.vm, mimeType: type } as const;
  decide(session, question, (yes) => {
    if (!yes || !object.alive) return closeFd(fd);
    const pipe = session.transfers.pipe();
    if (pipe === null) return closeFd(fd);
    try {
      session.ask(object, 'receive', [type, pipe.writeFd], [pipe.writeFd]);
    } catch (error) {
      pipe.reader.close();
      closeFd(fd);
      throw error;
    } finally {
      closeFd(pipe.writeFd);
    }
    move(session, question, pipe.reader, fd);
  });
  return 'done';
}

/** An application of the host wants a source's data: the guest writes to a pipe of ours. */
export function send(session: Session, event: HostEvent): Outcome {
  const { object } = event;
  const { kind, mimeTypes } = sourceOf(object);
  const type = event.text('mime_type');
  const allowed = kind !== null && mimeTypes.includes(type) && allowsMimeType(policyOf(session, kind), type);
  if (!allowed || session.transfers.full) return 'drop';
  const fd = event.takeFd();
  const question = { kind, direction: 'from-guest', vm: session.vm, mimeType: type } as const;
  decide(session, question, (yes) => {
    if (!yes || !object.alive || !session.objects.known(object)) return closeFd(fd);
    const pipe = session.transfers.pipe();
    if (pipe === null) return closeFd(fd);
    session.emit(object, 'send', [type, 0], [{ kind: 'write-pipe', fd: pipe.writeFd }]);
    move(session, question, pipe.reader, fd);
  });
  return 'done';
}

/** Takes over pipe and descriptor. */
function move(session: Session, question: TransferQuestion, from: Pipe, toFd: number): void {
  session.transfers.start({
    from,
    toFd,
    maxBytes: policyOf(session, question.kind).maxBytes,
    ended: (bytes, cutOff) => report(session, question, bytes, cutOff),
  });
}

interface TransferQuestion {
  readonly kind: Kind;
  readonly direction: 'to-guest' | 'from-guest';
  readonly vm: string;
  readonly mimeType: string;
}

/** Calls back at once unless somebody has to be asked first. After the end of the session the answer is no. */
function decide(session: Session, question: TransferQuestion, then: (yes: boolean) => void): void {
  if (policyOf(session, question.kind).direction !== 'ask') {
    then(true);
    return;
  }
  const settle = session.transfers.reserve();
  session.transfers.ask(question, (yes) => {
    settle();
    if (!yes) session.ports.note('ask', `${question.kind} ${question.direction}: not allowed`);
    then(yes && !session.transfers.closed);
  });
}

function checkTransfers(session: Session): void {
  if (!session.transfers.full) return;
  const max = session.policy.limits.transfers;
  throw new Violation('limit-transfers', `more than ${max} transfers`, 1, DisplayError.noMemory);
}

function report(session: Session, question: TransferQuestion, bytes: number, cutOff: boolean): void {
  if (!cutOff) return;
  session.ports.note('transfer-size', `${question.kind} ${question.direction}: cut off after ${bytes} bytes`);
}

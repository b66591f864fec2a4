/** wl_data_device and the primary selection: what crosses, in which direction, is the policy's decision. */
import type { ForwardedObject } from '../objects.js';
import { allowsFromGuest } from '../policy/policy.js';
import type { HostEvent, Outcome, Request } from '../request.js';
import type { EventRule, RequestRule, Session } from '../session.js';
import { protocolViolation } from '../violation.js';
import {
  exposeOffer,
  type Kind,
  newOffer,
  offered,
  offerOf,
  policyOf,
  receive,
  send,
  sourceOf,
  sourceOffers,
  useSource,
} from './data-state.js';
import { takeRole } from './surface-state.js';

interface Device {
  /** A drag is over one of the guest's windows, and the guest does not know. */
  hiddenDrag: boolean;
  /** What is being dragged over them. */
  drag: ForwardedObject | null;
  /** A selection of the guest's that goes no further. */
  kept: ForwardedObject | null;
}

const devices = new WeakMap<ForwardedObject, Device>();

function deviceOf(object: ForwardedObject): Device {
  let device = devices.get(object);
  if (device === undefined) {
    device = { hiddenDrag: false, drag: null, kept: null };
    devices.set(object, device);
  }
  return device;
}

/**
 * Keeps a selection that the policy is against with the application that made it, which does not get to know: GTK takes
 * the mark off a text when its selection is cancelled. The next one replaces it.
 */
function keep(session: Session, device: Device, source: ForwardedObject | null): void {
  const { kept } = device;
  device.kept = source;
  if (kept !== null && kept !== source && kept.alive) session.emit(kept, 'cancelled', []);
}

function setSelection(kind: Kind): RequestRule {
  return (session, request) => {
    const source = request.ref('source');
    const device = deviceOf(request.object);
    if (source === null) {
      keep(session, device, null);
      const may = allowsFromGuest(policyOf(session, kind));
      return may && session.serials.has(request.number('serial')) ? 'forward' : 'drop';
    }
    const state = sourceOf(source);
    if (state.kind !== null || state.actions) {
      if (kind === 'clipboard' && (state.kind === 'drag' || state.actions)) {
        throw protocolViolation('state', source, 'invalid_source', 'a source of a drag as selection');
      }
      return 'drop';
    }
    if (!session.serials.has(request.number('serial'))) {
      session.emit(source, 'cancelled', []);
      return 'drop';
    }
    const may = allowsFromGuest(policyOf(session, kind));
    keep(session, device, may ? null : source);
    return may && useSource(session, source, kind) ? 'forward' : 'drop';
  };
}

function startDrag(session: Session, request: Request): Outcome {
  const source = request.ref('source');
  const icon = request.ref('icon');
  if (icon !== null) takeRole(icon, 'drag icon', null, request.object, 'role');
  const known = session.serials.has(request.number('serial'));
  if (source === null) return known ? 'forward' : 'drop';
  if (sourceOf(source).kind !== null) {
    throw protocolViolation('state', request.object, 'used_source', `${source} was used already`);
  }
  if (!known) {
    session.emit(source, 'cancelled', []);
    return 'drop';
  }
  return useSource(session, source, 'drag') ? 'forward' : 'drop';
}

function setSourceActions(_: Session, request: Request): Outcome {
  const source = sourceOf(request.object);
  if (source.actions || source.kind !== null) {
    throw protocolViolation('state', request.object, 'invalid_source', 'actions set twice, or after its use');
  }
  source.actions = true;
  return 'forward';
}

function accept(_: Session, request: Request): Outcome {
  const offer = offerOf(request.object);
  const type = request.text('mime_type');
  offer.accepted = type !== '' && offer.mimeTypes.includes(type);
  if (!offer.accepted) request.set('mime_type', null);
  return 'forward';
}

function finish(_: Session, request: Request): Outcome {
  const { object } = request;
  const offer = offerOf(object);
  if (offer.kind !== 'drag') {
    throw protocolViolation('state', object, 'invalid_finish', 'it is no drag');
  }
  // Too early, or too late: the compositor would end the connection, and a slow guest can't always know.
  if (!offer.dropped || !offer.accepted || offer.action === 0 || offer.finished) return 'drop';
  offer.finished = true;
  return 'forward';
}

function setOfferActions(_: Session, request: Request): Outcome {
  const { object } = request;
  const offer = offerOf(object);
  const actions = request.number('dnd_actions');
  const preferred = request.number('preferred_action');
  if (offer.kind !== 'drag') {
    throw protocolViolation('state', object, 'invalid_offer', 'actions of what is no drag');
  }
  const single = (preferred & (preferred - 1)) === 0;
  if (!single || (preferred & ~actions) !== 0) {
    throw protocolViolation('value', object, 'invalid_action', `${preferred} of ${actions}`);
  }
  return offer.finished ? 'drop' : 'forward';
}

function selection(kind: Kind): EventRule {
  return (session, event) => {
    const offer = event.ref('id');
    if (offer === null || exposeOffer(session, event.object, offer, kind)) return 'forward';
    session.emit(event.object, 'selection', [0]);
    return 'drop';
  };
}

function enter(session: Session, event: HostEvent): Outcome {
  const device = deviceOf(event.object);
  const offer = event.ref('id');
  device.hiddenDrag = offer !== null && !exposeOffer(session, event.object, offer, 'drag');
  device.drag = offer;
  return device.hiddenDrag ? 'drop' : 'forward';
}

function duringDrag(_: Session, event: HostEvent): Outcome {
  return deviceOf(event.object).hiddenDrag ? 'drop' : 'forward';
}

function leave(_: Session, event: HostEvent): Outcome {
  const device = deviceOf(event.object);
  const hidden = device.hiddenDrag;
  device.hiddenDrag = false;
  device.drag = null;
  return hidden ? 'drop' : 'forward';
}

function drop(_: Session, event: HostEvent): Outcome {
  const { hiddenDrag, drag } = deviceOf(event.object);
  if (drag !== null) offerOf(drag).dropped = true;
  return hiddenDrag ? 'drop' : 'forward';
}

/** Actions of an offer that the guest does not know yet wait with it. */
function offerActions(argument: string): EventRule {
  return (_, event) => {
    const offer = offerOf(event.object);
    const value = event.number(argument);
    if (event.message.name === 'action') offer.action = value;
    if (offer.kind !== null) return 'forward';
    if (offer.actions.length < 16) offer.actions.push([event.message.name, value]);
    return 'done';
  };
}

export const dataRequests: Readonly<Record<string, RequestRule>> = {
  'wl_data_source.offer': sourceOffers,
  'wl_data_source.set_actions': setSourceActions,
  'wl_data_device.set_selection': setSelection('clipboard'),
  'wl_data_device.start_drag': startDrag,
  'wl_data_offer.accept': accept,
  'wl_data_offer.receive': receive,
  'wl_data_offer.finish': finish,
  'wl_data_offer.set_actions': setOfferActions,
  'zwp_primary_selection_source_v1.offer': sourceOffers,
  'zwp_primary_selection_device_v1.set_selection': setSelection('primary'),
  'zwp_primary_selection_offer_v1.receive': receive,
};

export const dataEvents: Readonly<Record<string, EventRule>> = {
  'wl_data_device.data_offer': newOffer,
  'wl_data_device.selection': selection('clipboard'),
  'wl_data_device.enter': enter,
  'wl_data_device.motion': duringDrag,
  'wl_data_device.leave': leave,
  'wl_data_device.drop': drop,
  'wl_data_offer.offer': offered,
  'wl_data_offer.source_actions': offerActions('source_actions'),
  'wl_data_offer.action': offerActions('dnd_action'),
  'wl_data_source.send': send,
  'zwp_primary_selection_device_v1.data_offer': newOffer,
  'zwp_primary_selection_device_v1.selection': selection('primary'),
  'zwp_primary_selection_offer_v1.offer': offered,
  'zwp_primary_selection_source_v1.send': send,
};

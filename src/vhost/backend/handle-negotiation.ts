/** Owner, features, protocol features, status, reset, and the channel back. */
import { adoptSocket } from 'vhost-user-native';
import { VhostUserError } from '../errors.js';
import { Feature, hasBit, ProtocolFeature } from '../wire/features.js';
import { U64 } from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import { ANY_PAYLOAD, adopt, exactly, type Handlers, NO_PAYLOAD, replyU64 } from './handler.js';
import { RING_FEATURES, type SessionState } from './session-state.js';

function setFeatures(session: SessionState, wanted: bigint): void {
  const features = wanted & session.offered;
  if (features !== wanted) {
    // QEMU adds RING_RESET (bit 40) by itself.
    session.log.debug(
      { bits: (wanted ^ features).toString(16) },
      'features that were not offered are masked',
    );
  }
  if (session.ringsStarted && ((features ^ session.features) & RING_FEATURES) !== 0n) {
    throw new VhostUserError('VHOST_ERR_BAD_STATE', 'the ring format can’t change while rings are started');
  }
  const protocol = hasBit(features, Feature.PROTOCOL_FEATURES);
  const first = !session.featuresSet;
  session.featuresSet = true;
  session.features = features;
  // Front-ends repeat this message to turn logging on and off: rings that are enabled by then stay it.
  if (!protocol) session.enableRings(true);
  else if (first) session.enableRings(false);
  session.updateLogging();
}

export const negotiationHandlers: Handlers = {
  [FrontEndRequest.SET_OWNER]: {
    payload: NO_PAYLOAD,
    harmless: true,
    run(session) {
      if (session.owned) throw new VhostUserError('VHOST_ERR_BAD_STATE', 'the session has an owner');
      session.owned = true;
      return null;
    },
  },
  [FrontEndRequest.RESET_OWNER]: {
    payload: NO_PAYLOAD,
    run(session) {
      session.owned = false;
      session.resetRings();
      return null;
    },
  },
  [FrontEndRequest.GET_FEATURES]: {
    payload: ANY_PAYLOAD,
    replies: true,
    run: (session) => replyU64(session.offered),
  },
  [FrontEndRequest.SET_FEATURES]: {
    payload: exactly(U64.size),
    run(session, message) {
      setFeatures(session, U64.read(message.view).value);
      return null;
    },
  },
  [FrontEndRequest.GET_PROTOCOL_FEATURES]: {
    payload: ANY_PAYLOAD,
    replies: true,
    run: (session) => replyU64(session.offeredProtocol),
  },
  [FrontEndRequest.SET_PROTOCOL_FEATURES]: {
    payload: exactly(U64.size),
    run(session, message) {
      const wanted = U64.read(message.view).value;
      const features = wanted & session.offeredProtocol;
      if (features !== wanted) {
        session.warn({ bits: (wanted ^ features).toString(16) }, 'protocol features were not offered');
      }
      session.protocolFeatures = features;
      return null;
    },
  },
  [FrontEndRequest.GET_QUEUE_NUM]: {
    payload: ANY_PAYLOAD,
    feature: ProtocolFeature.MQ,
    replies: true,
    run: (session) => replyU64(BigInt(session.vrings.length)),
  },
  [FrontEndRequest.SET_BACKEND_REQ_FD]: {
    payload: NO_PAYLOAD,
    fds: 1,
    feature: ProtocolFeature.BACKEND_REQ,
    run(session, message) {
      session.setBackEndChannel(adopt(message, adoptSocket, 'a connected socket'));
      return null;
    },
  },
  [FrontEndRequest.RESET_DEVICE]: {
    payload: NO_PAYLOAD,
    feature: ProtocolFeature.RESET_DEVICE,
    run(session) {
      session.resetRings();
      session.resetDevice();
      return null;
    },
  },
  [FrontEndRequest.SET_STATUS]: {
    payload: exactly(U64.size),
    feature: ProtocolFeature.STATUS,
    run(session, message) {
      session.status = U64.read(message.view).value & 0xffn;
      if (session.status === 0n) session.expectReset();
      return null;
    },
  },
  [FrontEndRequest.GET_STATUS]: {
    payload: ANY_PAYLOAD,
    feature: ProtocolFeature.STATUS,
    replies: true,
    run: (session) => replyU64(session.status),
  },
};

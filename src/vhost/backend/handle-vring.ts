/** The rings: size, addresses, base, eventfds, enabling. */
import type { EventFd } from 'vhost-user-native';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { checkQueueSize } from '../queue/ring-layout.js';
import {
  U64,
  VRING_F_LOG,
  VRING_INDEX_MASK,
  VRING_NO_FD,
  VringAddresses,
  VringState,
} from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import { exactly, type Handlers, takeEventFd } from './handler.js';
import type { SessionState } from './session-state.js';
import { unusableRing, type Vring } from './vring.js';

/** The ring and the number of a VringState payload; the ring must be stopped when it is to be changed. */
function stoppedRing(session: SessionState, message: Message): { vring: Vring; num: number } {
  const { index, num } = VringState.read(message.view);
  const vring = session.vring(index);
  if (vring.started) throw badState(index);
  return { vring, num };
}

function badState(index: number): VhostUserError {
  return new VhostUserError('VHOST_ERR_BAD_STATE', `ring ${index} is started`);
}

function setAddresses(session: SessionState, message: Message): void {
  const addresses = VringAddresses.read(message.view);
  const vring = session.vring(addresses.index);
  const before = vring.addresses;
  const logging = (addresses.flags & VRING_F_LOG) !== 0;
  if (!(addresses.log <= Number.MAX_SAFE_INTEGER) && logging) {
    throw new VhostUserError(
      'VHOST_ERR_BAD_VRING',
      `ring ${addresses.index}: the log address does not fit 53 bits`,
    );
  }
  if (vring.started) {
    const same =
      before !== null &&
      before.descriptor === addresses.descriptor &&
      before.available === addresses.available &&
      before.used === addresses.used;
    if (!same) throw badState(addresses.index);
    vring.setLogAddress(logging ? addresses.log : null);
  } else {
    checkAddresses(session, addresses);
  }
  vring.addresses = addresses;
}

/** Finds nonsense now, where the front-end can be told; the whole areas are checked when the ring starts. */
function checkAddresses(session: SessionState, { index, descriptor, available, used }: VringAddresses): void {
  for (const address of [descriptor, available, used]) {
    if (session.memory.regionCount > 0 && session.memory.translateUser(address, 1) === null) {
      throw new VhostUserError('VHOST_ERR_BAD_VRING', `ring ${index} lies outside guest memory`);
    }
  }
}

/** The ring and the eventfd (or null) of SET_VRING_KICK, _CALL and _ERR. */
function ringAndEventFd(session: SessionState, message: Message): { vring: Vring; event: EventFd | null } {
  const { value } = U64.read(message.view);
  const word = Number(value);
  const vring = session.vring(word & VRING_INDEX_MASK);
  if ((word & ~(VRING_INDEX_MASK | VRING_NO_FD)) !== 0 || value > 0xffff_ffffn) {
    throw new VhostUserError('VHOST_ERR_BAD_VRING', `ring 0x${value.toString(16)}: unknown flags`);
  }
  return { vring, event: (word & VRING_NO_FD) !== 0 ? null : takeEventFd(message) };
}

export const vringHandlers: Handlers = {
  [FrontEndRequest.SET_VRING_NUM]: {
    payload: exactly(VringState.size),
    run(session, message) {
      const { vring, num } = stoppedRing(session, message);
      checkQueueSize(num, true);
      vring.size = 0;
      try {
        checkQueueSize(num, session.packed);
      } catch (error) {
        throw unusableRing(error);
      }
      vring.size = num;
      return null;
    },
  },
  [FrontEndRequest.SET_VRING_ADDR]: {
    payload: exactly(VringAddresses.size),
    run(session, message) {
      setAddresses(session, message);
      return null;
    },
  },
  [FrontEndRequest.SET_VRING_BASE]: {
    payload: exactly(VringState.size),
    run(session, message) {
      const { vring, num } = stoppedRing(session, message);
      session.setBase(vring, num);
      return null;
    },
  },
  [FrontEndRequest.GET_VRING_BASE]: {
    payload: exactly(VringState.size),
    replies: true,
    run(session, message) {
      const { index } = VringState.read(message.view);
      const num = session.stopRing(session.vring(index));
      return { payload: VringState.encode({ index, num }) };
    },
  },
  [FrontEndRequest.SET_VRING_KICK]: {
    payload: exactly(U64.size),
    run(session, message) {
      const { vring, event } = ringAndEventFd(session, message);
      vring.setKick(event);
      if (vring.complete) session.startRing(vring);
      return null;
    },
  },
  [FrontEndRequest.SET_VRING_CALL]: {
    payload: exactly(U64.size),
    run(session, message) {
      const { vring, event } = ringAndEventFd(session, message);
      vring.setCall(event);
      return null;
    },
  },
  [FrontEndRequest.SET_VRING_ERR]: {
    payload: exactly(U64.size),
    run(session, message) {
      const { vring, event } = ringAndEventFd(session, message);
      vring.setError(event);
      return null;
    },
  },
  [FrontEndRequest.SET_VRING_ENABLE]: {
    payload: exactly(VringState.size),
    run(session, message) {
      const { index, num } = VringState.read(message.view);
      const vring = session.vring(index);
      if (num > 1) throw new VhostUserError('VHOST_ERR_BAD_VRING', `ring ${index}: enable ${num}`);
      session.enableRing(vring, num === 1);
      return null;
    },
  },
};

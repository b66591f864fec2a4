/** The memory table, the dirty log, and the inflight region. */
import { createMemfd, fileSize, type Mapping, mapFile, Seal } from 'vhost-user-native';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { DirtyLog } from '../memory/dirty-log.js';
import { InflightRegion } from '../queue/inflight.js';
import { ProtocolFeature } from '../wire/features.js';
import {
  INFLIGHT_BYTES_MAX,
  LOG_BYTES_MAX,
  MEMORY_SLOTS_MAX,
  MEMORY_TABLE_REGIONS_MAX,
  QUEUE_SIZE_MAX,
} from '../wire/limits.js';
import {
  INFLIGHT_PADDED_BYTES,
  Inflight,
  LogDescription,
  MemoryRegion,
  MemoryTableHeader,
  SingleMemoryRegion,
} from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import {
  ANY_PAYLOAD,
  exactly,
  type Handlers,
  NO_PAYLOAD,
  type Reply,
  replyU64,
  takeEventFd,
  withFd,
} from './handler.js';
import type { SessionState } from './session-state.js';

function setMemoryTable(session: SessionState, message: Message): void {
  const { count } = MemoryTableHeader.read(message.view);
  if (count > MEMORY_TABLE_REGIONS_MAX) {
    refuseTable(`${count} regions, at most ${MEMORY_TABLE_REGIONS_MAX} fit the message`);
  }
  const needed = MemoryTableHeader.size + count * MemoryRegion.size;
  if (message.payload.length < needed) {
    refuseTable(`${message.payload.length} bytes of payload, ${count} regions take ${needed}`);
  }
  const fds = message.peekFds();
  if (fds.length < count) {
    throw new VhostUserError('VHOST_ERR_BAD_FDS', `${fds.length} descriptors came with ${count} regions`);
  }
  const regions = Array.from({ length: count }, (_, i) => ({
    ...MemoryRegion.read(message.view, MemoryTableHeader.size + i * MemoryRegion.size),
    fd: fds[i] as number,
  }));
  session.memory.replace(regions);
  session.memoryChanged();
}

function refuseTable(why: string): never {
  throw new VhostUserError('VHOST_ERR_BAD_MEMORY_TABLE', why);
}

/** Maps a range that the front-end describes. Throws VhostUserError with `code`. */
function mapDescribed(fd: number, offset: number, bytes: number, most: number, code: string): Mapping {
  if (!(bytes > 0 && bytes <= most)) throw new VhostUserError(code, `${bytes} bytes are not in 1..${most}`);
  try {
    const end = offset + bytes;
    if (end > fileSize(fd)) throw new VhostUserError(code, `it ends at ${end}, past the end of its file`);
    return mapFile(fd, offset, bytes, { writable: true });
  } catch (cause) {
    if (cause instanceof VhostUserError) throw cause;
    throw new VhostUserError(code, `it can't be mapped (${(cause as Error).message})`, { cause });
  }
}

function setLogBase(session: SessionState, message: Message): Reply {
  const { size, offset } = LogDescription.read(message.view);
  const mapping = withFd(message, (fd) => mapDescribed(fd, offset, size, LOG_BYTES_MAX, 'VHOST_ERR_BAD_LOG'));
  session.setDirtyLog(new DirtyLog(mapping));
  return replyU64(0n);
}

/** Queues and entries per queue as the front-end asked for. Throws VHOST_ERR_BAD_INFLIGHT. */
function inflightShape(
  session: SessionState,
  message: Message,
): { queueCount: number; queueSize: number; bytes: number } {
  const { queueCount, queueSize } = Inflight.read(message.view);
  const queues = session.vrings.length;
  if (!(queueCount >= 1 && queueCount <= queues && queueSize >= 1 && queueSize <= QUEUE_SIZE_MAX)) {
    throw new VhostUserError(
      'VHOST_ERR_BAD_INFLIGHT',
      `inflight region for ${queueCount} queues (of ${queues}) of ${queueSize} descriptors`,
    );
  }
  const bytes = InflightRegion.size(queueCount, queueSize, session.packed);
  if (bytes > INFLIGHT_BYTES_MAX) {
    throw new VhostUserError('VHOST_ERR_BAD_INFLIGHT', `an inflight region of ${bytes} bytes is too long`);
  }
  return { queueCount, queueSize, bytes };
}

function getInflight(session: SessionState, message: Message): Reply {
  const { queueCount, queueSize, bytes } = inflightShape(session, message);
  const payload = new Uint8Array(INFLIGHT_PADDED_BYTES);
  payload.set(Inflight.encode({ mmapSize: bytes, mmapOffset: 0, queueCount, queueSize }));
  const fd = createMemfd('vhost-user-inflight', { size: bytes, seals: Seal.SHRINK | Seal.GROW | Seal.SEAL });
  return { payload: payload.subarray(0, message.payload.length), fd };
}

function setInflight(session: SessionState, message: Message): void {
  if (session.ringsStarted) {
    throw new VhostUserError(
      'VHOST_ERR_BAD_STATE',
      'the inflight region can’t change while rings are started',
    );
  }
  const { queueCount, queueSize } = inflightShape(session, message);
  const { mmapSize, mmapOffset } = Inflight.read(message.view);
  const mapping = withFd(message, (fd) =>
    mapDescribed(fd, mmapOffset, mmapSize, INFLIGHT_BYTES_MAX, 'VHOST_ERR_BAD_INFLIGHT'),
  );
  try {
    session.setInflight(new InflightRegion(mapping, queueCount, queueSize, session.packed));
  } catch (error) {
    mapping.close();
    throw error;
  }
}

export const memoryHandlers: Handlers = {
  [FrontEndRequest.SET_MEM_TABLE]: {
    payload: [MemoryTableHeader.size, MemoryTableHeader.size + MEMORY_TABLE_REGIONS_MAX * MemoryRegion.size],
    run(session, message) {
      setMemoryTable(session, message);
      return null;
    },
  },
  [FrontEndRequest.GET_MAX_MEM_SLOTS]: {
    payload: ANY_PAYLOAD,
    feature: ProtocolFeature.CONFIGURE_MEM_SLOTS,
    replies: true,
    run: () => replyU64(BigInt(MEMORY_SLOTS_MAX)),
  },
  [FrontEndRequest.ADD_MEM_REG]: {
    payload: exactly(SingleMemoryRegion.size),
    fds: 1,
    feature: ProtocolFeature.CONFIGURE_MEM_SLOTS,
    run(session, message) {
      if (session.memory.regionCount >= MEMORY_SLOTS_MAX) refuseTable('no memory slot is free');
      const { region } = SingleMemoryRegion.read(message.view);
      withFd(message, (fd) => session.memory.add(region, fd));
      session.memoryChanged();
      return null;
    },
  },
  [FrontEndRequest.REM_MEM_REG]: {
    payload: exactly(SingleMemoryRegion.size),
    feature: ProtocolFeature.CONFIGURE_MEM_SLOTS,
    run(session, message) {
      const { region } = SingleMemoryRegion.read(message.view);
      if (!session.memory.remove(region)) refuseTable('there is no such region to remove');
      session.memoryChanged();
      return null;
    },
  },
  [FrontEndRequest.SET_LOG_BASE]: {
    payload: exactly(LogDescription.size),
    fds: 1,
    feature: ProtocolFeature.LOG_SHMFD,
    run: setLogBase,
  },
  [FrontEndRequest.SET_LOG_FD]: {
    payload: NO_PAYLOAD,
    fds: 1,
    run(session, message) {
      session.setLogEvent(takeEventFd(message));
      return null;
    },
  },
  [FrontEndRequest.GET_INFLIGHT_FD]: {
    payload: [Inflight.size, INFLIGHT_PADDED_BYTES],
    feature: ProtocolFeature.INFLIGHT_SHMFD,
    replies: true,
    run: getInflight,
  },
  [FrontEndRequest.SET_INFLIGHT_FD]: {
    payload: [Inflight.size, INFLIGHT_PADDED_BYTES],
    fds: 1,
    feature: ProtocolFeature.INFLIGHT_SHMFD,
    run(session, message) {
      setInflight(session, message);
      return null;
    },
  },
};

/** Config space, shared memory regions, the display socket. */
import { adoptSocket } from 'vhost-user-native';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { ProtocolFeature } from '../wire/features.js';
import { CONFIG_BYTES_MAX } from '../wire/limits.js';
import { ConfigHeader } from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import { ANY_PAYLOAD, adopt, type Handlers, NO_PAYLOAD, type Reply } from './handler.js';
import type { SessionState } from './session-state.js';
import { sharedMemoryConfig } from './shared-memory.js';

const CONFIG_PAYLOAD = [ConfigHeader.size, ConfigHeader.size + CONFIG_BYTES_MAX] as const;

/** The range that a config message names. Throws VHOST_ERR_BAD_CONFIG unless as many bytes came along. */
function configRange(message: Message): { offset: number; size: number } {
  const { offset, size } = ConfigHeader.read(message.view);
  if (size !== message.payload.length - ConfigHeader.size || offset + size > CONFIG_BYTES_MAX) {
    throw new VhostUserError(
      'VHOST_ERR_BAD_CONFIG',
      `config space [${offset}, +${size}) with ${message.payload.length} bytes of payload`,
    );
  }
  return { offset, size };
}

/** The reply has the request's size, whatever the device's own; no payload says "failed". */
function getConfig(session: SessionState, message: Message): Reply {
  let range: ReturnType<typeof configRange>;
  try {
    range = configRange(message);
  } catch (error) {
    session.warn({ reason: (error as Error).message }, 'GET_CONFIG refused');
    return { payload: new Uint8Array(0) };
  }
  const payload = message.payload.slice();
  const target = payload.subarray(ConfigHeader.size).fill(0);
  const length = Math.max(0, Math.min(range.size, (session.device.configLength ?? 0) - range.offset));
  if (length > 0) session.device.readConfig?.(target.subarray(0, length), range.offset);
  return { payload };
}

export const deviceHandlers: Handlers = {
  [FrontEndRequest.GET_CONFIG]: {
    payload: CONFIG_PAYLOAD,
    feature: ProtocolFeature.CONFIG,
    replies: true,
    run: getConfig,
  },
  [FrontEndRequest.SET_CONFIG]: {
    payload: CONFIG_PAYLOAD,
    feature: ProtocolFeature.CONFIG,
    harmless: true,
    run(session, message) {
      const { offset } = configRange(message);
      const room = Math.max(0, (session.device.configLength ?? 0) - offset);
      const data = message.payload.slice(ConfigHeader.size, ConfigHeader.size + room);
      if (data.length > 0) session.device.writeConfig?.(data, offset);
      return null;
    },
  },
  [FrontEndRequest.GET_SHMEM_CONFIG]: {
    payload: ANY_PAYLOAD,
    feature: ProtocolFeature.SHMEM,
    replies: true,
    run: (session) => ({ payload: sharedMemoryConfig(session.device) }),
  },
  [FrontEndRequest.GPU_SET_SOCKET]: {
    payload: NO_PAYLOAD,
    fds: 1,
    harmless: true,
    run(session, message) {
      const { device } = session;
      if (device.setGpuSocket === undefined) {
        throw new VhostUserError('VHOST_ERR_UNSUPPORTED', 'the device has no display');
      }
      device.setGpuSocket(adopt(message, adoptSocket, 'a connected socket'));
      return null;
    },
  },
};

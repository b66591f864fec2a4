/** One front-end's connection, from its first message to its end: who may ask what, and how it is answered. */
import type { UnixSocket } from 'vhost-user-native';
import { Connection } from '../connection/connection.js';
import type { Message } from '../connection/message.js';
import type { VhostUserDevice } from '../device.js';
import { UNUSABLE_RING, VhostUserError } from '../errors.js';
import type { Logger } from '../logger.js';
import { ProtocolFeature } from '../wire/features.js';
import { FLAG_REPLY, VERSION } from '../wire/payloads.js';
import { frontEndRequestName } from '../wire/requests.js';
import { asDeviceError } from './device-error.js';
import { deviceHandlers } from './handle-device.js';
import { memoryHandlers } from './handle-memory.js';
import { negotiationHandlers } from './handle-negotiation.js';
import { vringHandlers } from './handle-vring.js';
import { type Handlers, type Reply, type RequestHandler, replyU64 } from './handler.js';
import { checkDevice } from './offer.js';
import { type RingOptions, SessionState } from './session-state.js';

const HANDLERS: Handlers = {
  ...negotiationHandlers,
  ...memoryHandlers,
  ...vringHandlers,
  ...deviceHandlers,
};

/** The defaults are those of ServerOptions. */
export interface SessionOptions extends Partial<RingOptions> {
  readonly log: Logger;
  /** The session is over and everything is given back: null when the front-end hung up, else why. */
  ended(reason: Error | null): void;
}

/** Serves one connected front-end: answers its messages and runs the device's rings, until either side ends it. */
export class BackEndSession {
  private readonly connection: Connection;
  private readonly state: SessionState;
  private readonly options: SessionOptions;
  private over = false;

  /** Takes over a connected socket. Throws a RangeError when the device can't be served. */
  constructor(socket: UnixSocket, device: VhostUserDevice, options: SessionOptions) {
    checkDevice(device);
    this.options = options;
    this.connection = new Connection(socket, {
      message: (message) => this.receive(message),
      ended: (error) => this.finish(error),
    });
    // The failure may come from inside a handler of the device's: let that return before its memory goes.
    const { packedRings = true, busyWaitUs = 0, chainsPerSecond = 0, onRest = () => undefined } = options;
    const rings = { packedRings, busyWaitUs, chainsPerSecond, onRest };
    this.state = new SessionState(device, options.log, rings, (error) =>
      queueMicrotask(() => this.finish(error)),
    );
    try {
      device.attach?.(this.state);
    } catch (error) {
      this.state.fail(asDeviceError(error));
    }
  }

  /** Ends the session: closes the connection and all that the front-end gave us. Idempotent. */
  close(): void {
    this.finish(null);
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private finish(reason: Error | null): void {
    if (this.over) return;
    this.over = true;
    this.connection.close();
    this.state.close();
    this.options.ended(reason);
  }

  private receive(message: Message): void {
    const { state } = this;
    if (state.ending) return;
    const name = frontEndRequestName(message.request);
    if (message.isReply) throw new VhostUserError('VHOST_ERR_BAD_MESSAGE', `${name}: a reply to nothing`);
    const wantsAck = message.needsReply && state.hasProtocolFeature(ProtocolFeature.REPLY_ACK);
    const handler = HANDLERS[message.request];
    let reply: Reply | null;
    try {
      reply = this.handle(handler, message);
    } catch (thrown) {
      const error = asDeviceError(thrown);
      const reason = new VhostUserError(error.code, `${name}: ${error.message}`, { cause: thrown });
      const survivable = error.code !== 'VHOST_ERR_DEVICE' && handler?.replies !== true;
      const harmless = handler === undefined || handler.harmless === true || error.code === UNUSABLE_RING;
      if (!survivable || (!wantsAck && !harmless)) throw reason;
      state.warn({ code: reason.code, reason: reason.message }, 'request refused');
      if (wantsAck) this.answer(message, replyU64(1n));
      return;
    }
    if (reply !== null) this.answer(message, reply);
    else if (wantsAck) this.answer(message, replyU64(0n));
  }

  private handle(handler: RequestHandler | undefined, message: Message): Reply | null {
    if (handler === undefined) throw new VhostUserError('VHOST_ERR_UNSUPPORTED', 'it is not known');
    if (handler.feature !== undefined && !this.state.hasProtocolFeature(handler.feature)) {
      throw new VhostUserError('VHOST_ERR_UNSUPPORTED', 'its protocol feature was not negotiated');
    }
    const [least, most] = handler.payload;
    const bytes = message.payload.length;
    if (bytes < least || bytes > most) {
      throw new VhostUserError(
        'VHOST_ERR_BAD_MESSAGE',
        `${bytes} bytes of payload, ${least} to ${most} expected`,
      );
    }
    const fds = handler.fds ?? 0;
    if (message.fdCount < fds) throw new VhostUserError('VHOST_ERR_BAD_FDS', 'its descriptor is missing');
    return handler.run(this.state, message);
  }

  private answer(message: Message, reply: Reply): void {
    const options = reply.fd === undefined ? {} : { fds: [reply.fd], closeFds: true };
    this.connection.send(message.request, VERSION | FLAG_REPLY, reply.payload, options);
  }
}

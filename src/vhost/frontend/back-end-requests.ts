/** Serves the back-end's own requests (vhost-user, "Back-end message types"), one after the other. */
import type { UnixSocket } from 'vhost-user-native';
import { Connection } from '../connection/connection.js';
import type { Message } from '../connection/message.js';
import { VhostUserError } from '../errors.js';
import { FLAG_REPLY, SharedMemoryMapping, U64, VERSION } from '../wire/payloads.js';
import { BackEndRequest } from '../wire/requests.js';
import { closeAll } from './front-end-channel.js';

/** What the front-end does with them. A handler that is absent, throws or rejects refuses. */
export interface BackEndHandlers {
  /** CONFIG_CHANGE_MSG */
  configChanged?(): void;
  /** SHMEM_MAP. The descriptor is closed when the result is there: map or duplicate it before. */
  mapShared?(mapping: SharedMemoryMapping, fd: number): boolean | Promise<boolean>;
  /** SHMEM_UNMAP */
  unmapShared?(mapping: SharedMemoryMapping): boolean | Promise<boolean>;
  /** Any other request, for tests. */
  unknown?(request: number, payload: Uint8Array): boolean | Promise<boolean>;
}

/** The front-end's end of the back-end channel (SET_BACKEND_REQ_FD): answers what the back-end asks. */
export class BackEndRequests {
  private readonly connection: Connection;
  private readonly handlers: BackEndHandlers;
  private last: Promise<void> = Promise.resolve();

  /** Takes over the socket. `ended` is told when the back-end closes it (null) or breaks the protocol. */
  constructor(socket: UnixSocket, handlers: BackEndHandlers, ended: (error: Error | null) => void) {
    this.handlers = handlers;
    this.connection = new Connection(socket, { message: (message) => this.receive(message), ended });
  }

  /** Closes the channel; what was not answered is not. Idempotent. */
  close(): void {
    this.connection.close();
  }

  private receive(message: Message): void {
    const { request, needsReply } = message;
    const mapping = request === BackEndRequest.SHMEM_MAP || request === BackEndRequest.SHMEM_UNMAP;
    if (message.isReply || (mapping && message.payload.length !== SharedMemoryMapping.size)) {
      throw new VhostUserError('VHOST_ERR_BAD_MESSAGE', `a malformed back-end request ${request}`);
    }
    const payload = message.payload.slice();
    const fds: number[] = [];
    while (message.fdCount > 0) fds.push(message.takeFd());
    // Answers keep the order of the requests, whatever the handlers wait for.
    this.last = this.last.then(async () => {
      const accepted = await this.handle(request, payload, fds).catch(() => false);
      closeAll(fds);
      const answer = U64.encode({ value: accepted ? 0n : 1n });
      if (needsReply) this.connection.send(request, VERSION | FLAG_REPLY, answer);
    });
  }

  private async handle(request: number, payload: Uint8Array, fds: readonly number[]): Promise<boolean> {
    const { handlers } = this;
    const view = new DataView(payload.buffer);
    switch (request) {
      case BackEndRequest.CONFIG_CHANGE_MSG:
        handlers.configChanged?.();
        return handlers.configChanged !== undefined;
      case BackEndRequest.SHMEM_MAP: {
        const [fd, ...more] = fds;
        if (fd === undefined || more.length > 0) return false;
        return (await handlers.mapShared?.(SharedMemoryMapping.read(view), fd)) ?? false;
      }
      case BackEndRequest.SHMEM_UNMAP:
        return (await handlers.unmapShared?.(SharedMemoryMapping.read(view))) ?? false;
      default:
        return (await handlers.unknown?.(request, payload)) ?? false;
    }
  }
}

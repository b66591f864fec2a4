/** Accepts clients and gives each a context of the device. The device may come and go; clients are told. */
import type { UnixListener, UnixSocket } from 'vhost-user-native';
import type { VirtGpu } from '../gpu/virt-gpu.js';
import { CLIENTS_MAX } from '../limits.js';
import { type ForwardedGuest, type ForwardOptions, forwardClient } from '../proxy/forward.js';
import { refuseClient } from '../proxy/refuse.js';
import type { SessionEnd } from '../proxy/session.js';
import type { Log, LogFields } from './log.js';

export interface ServerOptions extends Omit<ForwardOptions, 'name'> {
  /** Opens the device for one more client; throws when it is not there. */
  readonly openGpu: () => VirtGpu;
  /** Default 32. */
  readonly clientsMax?: number;
  readonly log: Log;
}

export class GuestProxyServer {
  private readonly listeners: readonly UnixListener[];
  private readonly options: ServerOptions;
  private readonly clients = new Map<number, ForwardedGuest>();
  private starting = 0;
  private nextClient = 1;
  private closed = false;

  /** The listeners stay the caller's to close. */
  constructor(listeners: readonly UnixListener[], options: ServerOptions) {
    this.listeners = listeners;
    this.options = options;
    for (const listener of listeners) listener.watch(() => this.accept(listener));
  }

  get clientCount(): number {
    return this.clients.size;
  }

  /** Logs what each client has copied so far. */
  report(): void {
    for (const [client, guest] of this.clients) {
      this.options.log.info(summary(client, guest), 'client');
    }
  }

  /** Disconnects all clients and takes no more. */
  close(): void {
    this.closed = true;
    for (const listener of this.listeners) if (!listener.closed) listener.watch(null);
    for (const guest of this.clients.values()) guest.close('the proxy ends');
  }

  private accept(listener: UnixListener): void {
    let socket: UnixSocket | null;
    try {
      socket = listener.accept();
    } catch (error) {
      this.options.log.warn({ reason: reasonOf(error) }, 'a client could not be accepted');
      return;
    }
    if (socket === null) return;
    const client = this.nextClient++;
    this.serve(client, socket).catch((error: unknown) => {
      this.options.log.error({ client, reason: reasonOf(error) }, 'a client could not be served');
    });
  }

  private async serve(client: number, socket: UnixSocket): Promise<void> {
    const { clientsMax = CLIENTS_MAX, log } = this.options;
    if (this.clients.size + this.starting >= clientsMax) {
      log.warn({ client }, 'too many clients');
      refuseClient(socket, `more than ${clientsMax} clients`);
      return;
    }
    let gpu: VirtGpu;
    try {
      gpu = this.options.openGpu();
    } catch (error) {
      log.warn({ client, reason: reasonOf(error) }, 'no device');
      refuseClient(socket, `no virtual GPU that forwards Wayland: ${reasonOf(error)}`);
      return;
    }
    this.starting++;
    try {
      const options = { ...this.options, name: `client ${client}` };
      const guest = await forwardClient(socket, gpu, options, (end) => this.ended(client, end));
      this.clients.set(client, guest);
      log.info({ client }, 'client connected');
      if (this.closed) guest.close('the proxy ends');
    } finally {
      this.starting--;
    }
  }

  private ended(client: number, end: SessionEnd): void {
    const guest = this.clients.get(client);
    if (guest === undefined) return;
    this.clients.delete(client);
    const fields = { ...summary(client, guest), reason: end.reason };
    if (end.cause === 'client-left') this.options.log.info(fields, 'client left');
    else if (end.cause === 'host-left') this.options.log.info(fields, 'the host ended a client');
    else if (end.cause === 'client-fault') this.options.log.warn(fields, 'a client was ended for its fault');
    else this.options.log.warn(fields, 'a client was lost');
  }
}

function summary(client: number, { metrics, windowBytes }: ForwardedGuest): LogFields {
  return {
    client,
    'copied-bytes': metrics.copiedBytes,
    'copied-frames': metrics.copiedFrames,
    'direct-frames': metrics.directFrames,
    waits: metrics.waits,
    'window-bytes': windowBytes,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

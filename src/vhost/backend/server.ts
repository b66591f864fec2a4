/** Listens for front-ends and serves one after the other. */
import {
  adoptListener,
  adoptSocket,
  isSocketListening,
  listenUnix,
  type UnixListener,
  type UnixSocket,
} from 'vhost-user-native';
import type { VhostUserDevice } from '../device.js';
import type { VhostUserError } from '../errors.js';
import { type Logger, silentLogger } from '../logger.js';
import { checkDevice } from './offer.js';
import { BackEndSession } from './session.js';

/** After a failed `accept` (out of descriptors, say) the listener rests this long. */
const ACCEPT_RETRY_MS = 1000;

/** Where front-ends come from. */
export type Endpoint =
  /** A socket file to listen on; `mode`: its permissions (default: by the umask). */
  | { readonly path: string; readonly mode?: number }
  /** A descriptor from the parent: listening (socket activation), or connected (served once). Taken over. */
  | { readonly fd: number };

/** How a server serves its front-ends, and whom it tells of them. */
export interface ServerOptions {
  readonly log?: Logger;
  /**
   * Offer packed rings. Default true. QEMU's `packed` property decides for most of its devices, but those made of
   * vhost-user-base (rng, test-device and others) hand the offer on to the driver, which then takes it.
   */
  readonly packedRings?: boolean;
  /**
   * Microseconds that a ring is looked at after it ran empty, before its driver has to kick: while the driver keeps
   * coming back that soon. Answers come sooner, for more time of the processor. Default 0: never.
   */
  readonly busyWaitUs?: number;
  /**
   * Chains that one ring may have carried out per second, with one second's worth at once. Its driver waits beyond that,
   * the other rings and the front-end do not. Default 0: as many as come.
   */
  readonly chainsPerSecond?: number;
  /** A ring waits as its driver was over `chainsPerSecond`; for metrics. */
  onRest?(): void;
  /** Ready for a front-end: at start, and again after each disconnect. */
  onListening?(): void;
  /** A front-end has connected; nothing was negotiated with it yet. */
  onConnected?(): void;
  /** Everything of that front-end's is freed. `reason`: null when it hung up, else what went wrong. */
  onDisconnected?(reason: Error | null): void;
  /** Nobody will be served any more: `close()` was called, or the only connection (`fd`) ended. */
  onClosed?(): void;
}

/** Others that connect while a front-end is served wait in the listener's backlog. */
export class BackEndServer {
  private readonly device: VhostUserDevice;
  private readonly options: ServerOptions;
  private readonly log: Logger;
  private readonly listener: UnixListener | null;
  private session: BackEndSession | null = null;
  private retry: NodeJS.Timeout | null = null;
  private over = false;

  /**
   * Starts serving. Throws a RangeError when the device can't be served, and the system's error when the
   * endpoint can't be had (EADDRINUSE, ENOTSOCK; a descriptor stays the caller's then).
   */
  constructor(device: VhostUserDevice, endpoint: Endpoint, options: ServerOptions = {}) {
    checkDevice(device);
    this.device = device;
    this.options = options;
    this.log = options.log ?? silentLogger;
    if ('fd' in endpoint && !isSocketListening(endpoint.fd)) {
      this.listener = null;
      this.connected(adoptSocket(endpoint.fd));
    } else {
      this.listener = 'fd' in endpoint ? adoptListener(endpoint.fd) : listen(endpoint);
      this.listen();
    }
  }

  /** True while a front-end is served. */
  get busy(): boolean {
    return this.session !== null;
  }

  get closed(): boolean {
    return this.over;
  }

  /** Ends the session, if there is one, and stops listening. Idempotent. */
  close(): void {
    if (this.over) return;
    this.over = true;
    if (this.retry !== null) clearTimeout(this.retry);
    this.listener?.close();
    this.session?.close();
    this.options.onClosed?.();
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private listen(): void {
    if (this.over || this.listener === null) return;
    this.listener.watch(() => this.accept());
    this.log.debug({}, 'waiting for a front-end');
    this.options.onListening?.();
  }

  private accept(): void {
    const { listener } = this;
    if (listener === null || this.session !== null) return;
    try {
      const socket = listener.accept();
      if (socket === null) return;
      listener.watch(null);
      this.connected(socket);
    } catch (error) {
      this.log.error({ err: error }, 'accepting a front-end failed, trying again');
      listener.watch(null);
      this.retry = setTimeout(() => this.listen(), ACCEPT_RETRY_MS);
    }
  }

  private connected(socket: UnixSocket): void {
    this.session = new BackEndSession(socket, this.device, {
      log: this.log,
      packedRings: this.options.packedRings ?? true,
      busyWaitUs: this.options.busyWaitUs ?? 0,
      chainsPerSecond: this.options.chainsPerSecond ?? 0,
      onRest: () => this.options.onRest?.(),
      ended: (reason) => this.disconnected(reason),
    });
    this.log.info({}, 'front-end connected');
    this.options.onConnected?.();
  }

  private disconnected(reason: Error | null): void {
    this.session = null;
    if (reason === null) this.log.info({}, 'front-end disconnected');
    else
      this.log.error({ code: (reason as VhostUserError).code, reason: reason.message }, 'connection ended');
    this.options.onDisconnected?.(reason);
    if (this.listener === null) this.close();
    else this.listen();
  }
}

function listen(endpoint: { readonly path: string; readonly mode?: number }): UnixListener {
  return listenUnix(endpoint.path, endpoint.mode === undefined ? {} : { mode: endpoint.mode });
}

/** Serves `device` at `endpoint`; see BackEndServer. */
export function serve(
  device: VhostUserDevice,
  endpoint: Endpoint,
  options: ServerOptions = {},
): BackEndServer {
  return new BackEndServer(device, endpoint, options);
}

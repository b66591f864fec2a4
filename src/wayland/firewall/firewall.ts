/**
 * The host's side of Wayland forwarding for one VM: opens a client of the compositor for each context of the guest,
 * all under one policy, and inside one security context where the compositor has those.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { UnixSocket } from 'vhost-user-native';
import { WaylandError } from '../errors.js';
import { type Ask, askBy } from './ask.js';
import { BorderPixels } from './border/pixels.js';
import type { GuestChannelOwner } from './channel.js';
import { ForwardedClient, type HostLink } from './client.js';
import { type FirewallLog, LimitedLog } from './log.js';
import type { FirewallPolicy } from './policy/policy.js';
import type { ForwardedRegion } from './region-pool.js';
import { WindowList } from './scene/window-list.js';
import { ContextSocket, SecurityContext } from './security-context.js';
import { cleanAppId } from './text.js';
import { printable } from './trace.js';

export interface WaylandFirewallOptions {
  /** What labels and logs call the VM. */
  readonly vm: string;
  readonly policy: FirewallPolicy;
  /** The region that the guest's window shows. */
  readonly region: ForwardedRegion;
  /** Opens a connection to the compositor. */
  readonly connect: () => UnixSocket;
  /** Opens a connection to the socket of its security contexts. Default: directly. */
  readonly enter?: (path: string) => UnixSocket;
  /** Decides about transfers. Default: by running the policy's ask command. */
  readonly ask?: Ask;
  readonly log: FirewallLog;
  /** Whether blobs can be exported as dma-bufs; without, linux-dmabuf is not announced. Default false. */
  readonly dmabuf?: boolean;
  /** Each message as WAYLAND_DEBUG shows it. Default none. */
  readonly trace?: ((line: string) => void) | null;
}

/** Parts of a policy that more than connections are made by. */
const FIXED = ['ask', 'securityContext', 'border'] as const;

export class WaylandFirewall {
  private readonly options: WaylandFirewallOptions;
  private policy: FirewallPolicy;
  private readonly log: LimitedLog;
  private readonly ask: Ask;
  private readonly border: BorderPixels | null;
  private readonly instanceId = randomUUID();
  /** Null when the policy wants no security contexts. */
  readonly contextSocket: ContextSocket | null;
  /** Windows of all clients. */
  readonly windows: WindowList;
  private readonly clients = new Set<ForwardedClient>();
  private context: Promise<SecurityContext | null> | null = null;
  private contextSaid = '';
  private closed = false;

  /** Throws the system's error when there is no place for the socket of security contexts. */
  constructor(options: WaylandFirewallOptions) {
    this.options = options;
    this.windows = new WindowList(options.region);
    this.policy = options.policy;
    this.log = new LimitedLog(options.log);
    this.ask = options.ask ?? askBy(options.policy.ask);
    const { border } = options.policy;
    this.border = border.show === 'never' ? null : new BorderPixels(border);
    this.contextSocket = options.policy.securityContext === 'off' ? null : new ContextSocket();
  }

  /** Clients that are connected, or about to be. */
  get clientCount(): number {
    return this.clients.size;
  }

  /**
   * The policy of clients that come from now on; those that are there keep theirs. RangeError for one that is different
   * in what was set up at the start: who is asked, security contexts, borders.
   */
  setPolicy(policy: FirewallPolicy): void {
    for (const name of FIXED) {
      if (!isDeepStrictEqual(policy[name], this.policy[name])) {
        throw new RangeError(`${name} is fixed when the back-end starts, and can't be changed later`);
      }
    }
    this.policy = policy;
  }

  /** A client of its own for a context of the guest. What goes wrong later ends only that client. */
  open(owner: GuestChannelOwner): ForwardedClient {
    const { vm, region, dmabuf = false, trace = null } = this.options;
    const { policy } = this;
    const client = new ForwardedClient(this.connect(), {
      vm,
      owner,
      policy,
      region,
      ask: this.ask,
      log: this.log,
      windows: this.windows,
      dmabuf,
      border: this.border,
      trace,
      ended: () => this.clients.delete(client),
    });
    this.clients.add(client);
    return client;
  }

  /** Ends all clients. Idempotent. */
  close(): void {
    this.closed = true;
    for (const client of [...this.clients]) client.close();
    this.windows.close();
    const { context } = this;
    this.context = null;
    this.border?.close();
    context?.then(
      (made) => made?.close(),
      () => undefined,
    );
    this.contextSocket?.close();
  }

  private async connect(): Promise<HostLink> {
    const { connect } = this.options;
    const { policy } = this;
    if (this.contextSocket === null) return { socket: connect(), restricted: false };
    const context = await this.securityContext(this.contextSocket);
    this.checkOpen();
    if (context !== null) return { socket: context.connect(), restricted: true };
    if (policy.securityContext === 'require') {
      throw new WaylandError(
        'WL_ERR_NO_GLOBAL',
        'the compositor has no wp_security_context_manager_v1, which the policy requires',
      );
    }
    return { socket: connect(), restricted: false };
  }

  private checkOpen(): void {
    if (this.closed) throw new WaylandError('WL_ERR_CLOSED', 'forwarding was stopped');
  }

  private async securityContext(socket: ContextSocket): Promise<SecurityContext | null> {
    const before = this.context;
    if (before !== null) {
      const made = await before.catch(() => null);
      if (made !== null && !made.gone) return made;
      // Several clients may have waited: the first one makes the next.
      if (this.context === before) this.context = null;
    }
    this.checkOpen();
    this.context ??= SecurityContext.create({
      connect: this.options.connect,
      socket,
      ...(this.options.enter === undefined ? {} : { enter: this.options.enter }),
      appId: cleanAppId(this.options.vm, 200),
      instanceId: this.instanceId,
    });
    const made = await this.context;
    const how = made === null ? 'the compositor has none' : 'in use';
    if (how !== this.contextSaid) {
      this.log.info(`security context for ${printable(this.options.vm)}: ${how}`);
    }
    this.contextSaid = how;
    return made;
  }
}

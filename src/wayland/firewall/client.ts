/**
 * One client of the guest: its stream of bytes on one side, a compositor connection of its own on the other, a
 * Session between them. Flow is controlled both ways: while the guest takes nothing the compositor is not read,
 * while the compositor takes nothing (or the guest is too fast) the guest's bytes wait, up to a bound.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import { WaylandConnection } from '../connection.js';
import { WaylandError } from '../errors.js';
import type { Ask } from './ask.js';
import type { BorderPixels } from './border/pixels.js';
import type {
  GuestChannel,
  GuestChannelOwner,
  ItemForGuest,
  ItemFromGuest,
  MessageForGuest,
} from './channel.js';
import { GuestInput } from './guest-input.js';
import { GuestOutput } from './guest-output.js';
import type { LimitedLog } from './log.js';
import type { FirewallPolicy } from './policy/policy.js';
import { RateLimit } from './rate.js';
import type { ForwardedRegion } from './region-pool.js';
import { RegionPool } from './region-pool.js';
import { ItemQueue } from './request.js';
import { RULES } from './rules/index.js';
import type { WindowList } from './scene/window-list.js';
import { Session } from './session.js';
import { printable } from './trace.js';
import { Transfers } from './transfers.js';
import { DisplayError, Violation } from './violation.js';

/** While more waits for the guest, the compositor is not read. */
const OUTPUT_HIGH = 64 << 10;

/** A connection to the compositor. */
export interface HostLink {
  readonly socket: UnixSocket;
  /** It goes through a security context: the compositor knows whose windows these are. */
  readonly restricted: boolean;
}

export interface ForwardedClientOptions {
  readonly vm: string;
  readonly owner: GuestChannelOwner;
  readonly policy: FirewallPolicy;
  readonly region: ForwardedRegion;
  readonly ask: Ask;
  readonly log: LimitedLog;
  /** Where its windows are listed. */
  readonly windows: WindowList;
  /** Whether blobs can be exported as dma-bufs. */
  readonly dmabuf: boolean;
  /** What borders are drawn with; null: there are none. */
  readonly border: BorderPixels | null;
  /** Each message, as WAYLAND_DEBUG shows it; null: none. */
  readonly trace: ((line: string) => void) | null;
  /** Called once, when the client is over for whatever reason. */
  ended?(): void;
}

/** Counters of one client. */
export interface ForwardedClientMetrics {
  requests: number;
  events: number;
  /** The rule that ended it; null as long as none did. */
  violation: string | null;
}

export class ForwardedClient implements GuestChannel {
  readonly metrics: ForwardedClientMetrics = { requests: 0, events: 0, violation: null };
  private readonly options: ForwardedClientOptions;
  /** For people. */
  private readonly name: string;
  private readonly session: Session;
  private readonly input = new GuestInput();
  private readonly items = new ItemQueue();
  private readonly output = new GuestOutput();
  private readonly rate: RateLimit;
  private host: WaylandConnection | null = null;
  private started = false;
  private over = false;
  private closed = false;
  private endTold = false;
  private readyPlanned = false;
  private processing = false;
  private timer: NodeJS.Timeout | null = null;

  /** The host's socket is (or will be) a connection to the compositor that nobody else uses. */
  constructor(host: Promise<HostLink>, options: ForwardedClientOptions) {
    this.options = options;
    const { policy, trace } = options;
    this.name = printable(`${options.vm}/${options.owner.name}`);
    this.rate = new RateLimit(policy.limits.messagesPerSecond);
    this.session = new Session({
      vm: options.vm,
      name: this.name,
      policy,
      rules: RULES,
      pool: new RegionPool(options.region),
      transfers: new Transfers(this.ask, policy.limits.transfers),
      windows: options.windows,
      dmabuf: options.dmabuf,
      ports: {
        toHost: (bytes, fds) => this.host?.send(bytes, fds),
        toGuest: (bytes, items) => this.toGuest(bytes, items),
        hostError: (objectId, code, message) => this.hostError(objectId, code, message),
        note: (rule, message) => this.note(rule, message),
        trace: trace === null ? null : (line) => trace(`${this.name} ${line}`),
      },
    });
    host.then(
      (link) => this.connected(link),
      (error: unknown) => this.end('connection', `no compositor: ${messageOf(error)}`),
    );
  }

  send(data: Uint8Array, items: readonly ItemFromGuest[]): void {
    if (this.over) {
      for (const item of items) if (item.kind === 'read-pipe') closeFd(item.fd);
      return;
    }
    this.guarded(() => {
      this.items.push(items);
      this.input.push(data);
      this.process();
      const max = this.options.policy.limits.backlogBytes;
      if (this.input.bytes > max) {
        throw new Violation(
          'limit-backlog',
          `more than ${max} bytes of requests wait`,
          1,
          DisplayError.noMemory,
        );
      }
    });
  }

  receive(): MessageForGuest | 'end' | null {
    if (this.closed) return null;
    const message = this.output.next();
    if (this.host !== null && this.output.bytes <= OUTPUT_HIGH / 2) this.host.resume();
    if (message !== null) return message;
    if (!this.over || this.endTold) return null;
    this.endTold = true;
    return 'end';
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.finish();
    this.output.clear();
  }

  private connected({ socket, restricted }: HostLink): void {
    if (this.over) {
      socket.close();
      return;
    }
    this.host = new WaylandConnection(socket, {
      message: (objectId, opcode, body, fds) => {
        this.metrics.events++;
        this.guarded(() => this.session.event(objectId, opcode, body, fds));
      },
      drained: () => this.guarded(() => this.process()),
      ended: (error) => this.hostEnded(error),
    });
    const { border, policy } = this.options;
    const bordered = policy.border.show === 'always' || (policy.border.show === 'auto' && !restricted);
    this.guarded(() =>
      this.session.start(bordered ? border : null, () => {
        this.started = true;
        this.guarded(() => this.process());
      }),
    );
  }

  private readonly ask: Ask = (question, answer) => {
    this.options.ask(question, (yes) => {
      if (this.over) answer(false);
      else this.guarded(() => answer(yes));
    });
  };

  /** Runs what the guest can cause: whatever goes wrong ends this client and nothing else. */
  private guarded(run: () => void): void {
    if (this.over) return;
    try {
      run();
    } catch (error) {
      if (error instanceof Violation) this.refuse(error);
      else if (error instanceof WaylandError) this.hostEnded(error);
      else this.failed(error);
    }
  }

  /** A mistake of ours, or descriptors ran out: nothing more gets through, because nothing is known for sure. */
  private failed(error: unknown): void {
    this.metrics.violation ??= 'internal';
    this.sayError(1, DisplayError.implementation, 'internal: the firewall failed');
    this.end('internal', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Handles what came from the guest, as far as the compositor takes it. */
  private process(): void {
    if (!this.started || this.processing || this.timer !== null) return;
    this.processing = true;
    try {
      while (!this.over && this.host?.congested === false) {
        const message = this.input.next();
        if (message === null) return;
        this.metrics.requests++;
        this.session.request(message.objectId, message.opcode, message.body, this.items);
        if (!this.rate.take()) {
          this.wait();
          return;
        }
      }
    } finally {
      this.processing = false;
    }
  }

  private wait(): void {
    this.timer = setTimeout(() => {
      this.timer = null;
      this.guarded(() => this.process());
    }, this.rate.waitMs);
    this.timer.unref();
  }

  private toGuest(bytes: Uint8Array, items: readonly ItemForGuest[]): void {
    if (this.over) {
      for (const item of items) if (item.kind === 'write-pipe') closeFd(item.fd);
      return;
    }
    this.output.push(bytes, items);
    this.planReady();
    if (this.output.bytes > OUTPUT_HIGH) this.host?.pause();
    const max = this.options.policy.limits.outputBytes;
    if (this.output.bytes <= max + OUTPUT_HIGH) return;
    throw new Violation(
      'limit-output',
      `more than ${max} bytes wait for the guest`,
      1,
      DisplayError.noMemory,
    );
  }

  private planReady(): void {
    if (this.readyPlanned || this.closed) return;
    this.readyPlanned = true;
    setImmediate(() => {
      this.readyPlanned = false;
      if (!this.closed) this.options.owner.ready();
    });
  }

  private refuse(violation: Violation): void {
    this.metrics.violation = violation.rule;
    this.sayError(violation.objectId, violation.code, `${violation.rule}: ${violation.message}`);
    this.end(violation.rule, violation.message);
  }

  /** wl_display.error, beyond all limits: nothing comes after it. */
  private sayError(objectId: number, code: number, text: string): void {
    if (this.output.bytes > this.options.policy.limits.outputBytes) return;
    this.session.emitError(objectId, code, printable(text).slice(0, 1000));
  }

  private hostError(objectId: number, code: number, message: string): void {
    this.metrics.violation ??= 'compositor';
    if (objectId > 1) this.sayError(objectId, code, message);
    else this.sayError(1, objectId === 1 ? code : DisplayError.implementation, message);
    this.end('compositor', `the compositor reports an error: ${message}`);
  }

  private hostEnded(error: WaylandError): void {
    this.end('compositor', `the compositor connection is over: ${error.message}`);
  }

  private note(rule: string, message: string): void {
    this.options.log.warn(rule, `forwarded client ${this.name}: ${rule}: ${printable(message)}`);
  }

  /** The guest is told that nothing more comes, after what it was told before. */
  private end(rule: string, message: string): void {
    if (this.over) return;
    this.note(rule, message);
    this.finish();
    this.planReady();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.host?.close();
    this.host = null;
    this.items.close();
    this.input.clear();
    this.session.close();
    this.options.ended?.();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The firewall proper: one guest connection and one compositor connection, every object on both, every message
 * decoded, checked against the tables, judged by the rules, and written anew. Nothing is passed on as bytes.
 *
 * It does no I/O: what goes out is handed to its `SessionPorts`.
 */
import { WaylandError } from '../errors.js';
import { SERVER_ID_START } from '../limits.js';
import { wl_callback, wl_display } from '../protocol/generated/wayland.js';
import { decodeArguments, type FdSource, type WireValue } from '../wire/decode.js';
import { Encoder } from '../wire/encode.js';
import type { InterfaceTable, MessageTable } from '../wire/table.js';
import { resolveEvent, resolveRequest } from './arguments.js';
import { Borders } from './border/borders.js';
import type { BorderPixels } from './border/pixels.js';
import type { ItemForGuest } from './channel.js';
import { Counts } from './counts.js';
import { Globals } from './globals.js';
import { ForwardedObject, ObjectTable, type OwnListener } from './objects.js';
import type { FirewallPolicy } from './policy/policy.js';
import type { RegionPool } from './region-pool.js';
import { decodeRequest, HostEvent, type ItemQueue, type Outcome, Request } from './request.js';
import type { ForwardedWindow } from './scene/window.js';
import type { WindowList } from './scene/window-list.js';
import { Serials } from './serials.js';
import { messageOf } from './tables.js';
import { formatMessage } from './trace.js';
import type { Transfers } from './transfers.js';
import { DisplayError, Violation } from './violation.js';

export type RequestRule = (session: Session, request: Request) => Outcome;
export type EventRule = (session: Session, event: HostEvent) => Outcome;

/** What has no rule is passed on, once it is well-formed. */
export interface RuleBook {
  readonly requests: ReadonlyMap<MessageTable, RequestRule>;
  readonly events: ReadonlyMap<MessageTable, EventRule>;
}

export interface SessionPorts {
  /** Copied; the descriptors are lent. */
  toHost(bytes: Uint8Array, fds: readonly number[]): void;
  /** Copied; the items are handed over. */
  toGuest(bytes: Uint8Array, items: readonly ItemForGuest[]): void;
  /** The compositor ends the connection with a protocol error (the guest's ids are in it). */
  hostError(objectId: number, code: number, message: string): void;
  /** One line for the log; it may be suppressed when there are many. */
  note(rule: string, message: string): void;
  /** Null unless messages are traced. */
  readonly trace: ((line: string) => void) | null;
}

export interface SessionOptions {
  /** What the labels call the VM. */
  readonly vm: string;
  /** What people call the client. */
  readonly name: string;
  readonly policy: FirewallPolicy;
  readonly rules: RuleBook;
  readonly ports: SessionPorts;
  readonly pool: RegionPool;
  readonly transfers: Transfers;
  /** Where its windows are listed. */
  readonly windows: WindowList;
  /** Whether blobs can be exported as dma-bufs. */
  readonly dmabuf: boolean;
}

export class Session {
  readonly vm: string;
  /** For people. */
  readonly name: string;
  readonly policy: FirewallPolicy;
  readonly ports: SessionPorts;
  readonly objects: ObjectTable;
  readonly globals: Globals;
  readonly serials = new Serials();
  readonly pool: RegionPool;
  readonly transfers: Transfers;
  readonly counts: Counts;
  readonly display = new ForwardedObject(wl_display, 1);
  /** Of all of the VM's clients; `shown` are this one's, popups as well. */
  readonly windows: WindowList;
  readonly shown = new Set<ForwardedWindow>();
  /** Null: none are drawn. */
  borders: Borders | null = null;
  private readonly rules: RuleBook;
  private readonly encoder = new Encoder();

  constructor(options: SessionOptions) {
    this.vm = options.vm;
    this.name = options.name;
    this.windows = options.windows;
    this.policy = options.policy;
    this.rules = options.rules;
    this.ports = options.ports;
    this.pool = options.pool;
    this.transfers = options.transfers;
    this.objects = new ObjectTable(this.display, options.policy.limits.objects, (object) =>
      this.counts.remove(object),
    );
    this.counts = new Counts(options.policy.limits);
    this.display.listener = (message, values) => this.displayEvent(message, values);
    this.globals = new Globals(this, options.dmabuf);
  }

  /** Asks the compositor for its globals; `ready` is called when they are known. `border`: what it is drawn with. */
  start(border: BorderPixels | null, ready: () => void): void {
    this.globals.start();
    // The first brings the globals, the second what was asked of them.
    this.afterRoundtrip(() => {
      if (border !== null) this.borders = new Borders(this, border);
      this.afterRoundtrip(ready);
    });
  }

  /** Calls back once the compositor has handled everything so far. */
  afterRoundtrip(done: () => void): void {
    const callback = this.own(wl_callback, 1, () => {
      callback.state = 'ended';
      done();
    });
    this.ask(this.display, 'sync', [callback.hostId]);
  }

  /** An object of ours on the compositor's side; the caller makes the request that creates it. */
  own(table: InterfaceTable, version: number, listener: OwnListener): ForwardedObject {
    const object = new ForwardedObject(table, version);
    object.listener = listener;
    this.objects.addHost(object);
    return object;
  }

  /** A request of ours (or one that a rule changed); ids are the compositor's. None of an object that it does not know. */
  ask(
    object: ForwardedObject,
    name: string,
    values: readonly WireValue[],
    fds: readonly number[] = [],
  ): void {
    if (object.hostId === 0) return;
    const message = messageOf(object.table.requests, name);
    const encoded = this.encoder.encode(object.hostId, message, values);
    this.ports.toHost(encoded.bytes, fds);
  }

  /** An event for the guest; ids are the guest's. */
  emit(
    object: ForwardedObject,
    name: string,
    values: readonly WireValue[],
    items: readonly ItemForGuest[] = [],
  ): void {
    this.emitMessage(object, messageOf(object.table.events, name), values, items);
  }

  /** wl_display.error. */
  emitError(objectId: number, code: number, text: string): void {
    this.emit(this.display, 'error', [objectId, code, text]);
  }

  /** Destroys an object on the compositor's side that the guest never knew, or knows no more. */
  destroyOnHost(object: ForwardedObject): void {
    const message = object.table.requests.find(
      ({ destructor, args, since }) => destructor === true && args.length === 0 && since <= object.version,
    );
    if (message === undefined || object.hostId === 0) return;
    if (object.state === 'alive') object.state = 'destroyed';
    this.ask(object, message.name, []);
  }

  /** Destroys on the compositor's side what the guest keeps; its requests go no further from now on. */
  sever(object: ForwardedObject): void {
    if (object.hostId !== 0 && object.alive) this.destroyOnHost(this.objects.detach(object));
  }

  /** The request is from the guest: it throws a Violation when it is not acceptable. */
  request(objectId: number, opcode: number, body: Uint8Array, items: ItemQueue): void {
    const object = this.objects.guest(objectId);
    if (object === undefined || object.state === 'destroyed') {
      const what = object === undefined ? 'does not exist' : `(${object}) was destroyed`;
      throw new Violation(
        'object-unknown',
        `request ${opcode} of object ${objectId}, which ${what}`,
        1,
        DisplayError.invalidObject,
      );
    }
    const message = object.table.requests[opcode];
    if (message === undefined || message.since > object.version) {
      throw new Violation(
        'request-unknown',
        `${object} has no request ${opcode} in version ${object.version}`,
        1,
        DisplayError.invalidMethod,
      );
    }
    const request = new Request(object, message, decodeRequest(object, message, body, items));
    request.attach(items.claim());
    try {
      resolveRequest(this, request);
      this.carryOut(request, this.judge(request));
    } finally {
      request.dispose();
    }
  }

  /** The event is from the compositor: it throws a WaylandError when it can't be followed. */
  event(hostId: number, opcode: number, body: Uint8Array, fds: FdSource): void {
    const object = this.objects.host(hostId);
    if (object === undefined) throw new WaylandError('WL_ERR_BAD_OBJECT', `an event of object ${hostId}`);
    const message = object.table.events[opcode];
    if (message === undefined) {
      throw new WaylandError('WL_ERR_BAD_OPCODE', `event ${opcode} of a ${object.table.name}`);
    }
    const values = decodeArguments(message, body, fds, { invalidUtf8: 'replace' });
    const event = new HostEvent(object, message, values);
    try {
      if (object.listener !== null) object.listener(message, values);
      else this.deliver(event);
    } finally {
      event.dispose();
    }
  }

  /** Neither side gets anything more. */
  close(): void {
    for (const window of this.shown) this.windows.remove(window);
    this.shown.clear();
    this.transfers.close();
    this.objects.clear();
    this.pool.close();
  }

  /** Sends a request of the guest's on, as its (possibly changed) values say. */
  forward(request: Request): Outcome {
    const { object, message, created } = request;
    if (object.hostId === 0) return 'drop';
    const values: WireValue[] = [];
    let next = 0;
    for (const arg of message.args) {
      const index = values.length;
      const ref = request.refs[index] ?? null;
      if (arg.type === 'fd') values.push(request.fds[next++] ?? -1);
      else if (arg.type !== 'object') values.push(request.values[index] ?? null);
      else if (ref !== null && ref.hostId !== 0) values.push(ref.hostId);
      else if (arg.nullable === true) values.push(0);
      else return 'drop';
    }
    if (created !== null) {
      this.objects.addHost(created);
      values[message.args.findIndex(({ type }) => type === 'new_id')] = created.hostId;
    }
    const encoded = this.encoder.encode(object.hostId, message, values);
    this.ports.toHost(encoded.bytes, encoded.fds);
    if (message.destructor === true) this.destroyed(object);
    return 'done';
  }

  /** An event in the guest's terms. 'drop' when it is about something that the guest does not know. */
  pass(event: HostEvent): Outcome {
    const { object, message, created } = event;
    if (!this.objects.known(object)) return 'drop';
    const values: WireValue[] = [];
    for (const arg of message.args) {
      const index = values.length;
      const ref = event.refs[index] ?? null;
      if (arg.type === 'fd') values.push(0);
      else if (arg.type !== 'object') values.push(event.values[index] ?? null);
      else if (ref !== null && this.objects.known(ref)) values.push(ref.guestId);
      else if (arg.nullable === true) values.push(0);
      else return 'drop';
    }
    if (created !== null) {
      this.objects.expose(created);
      values[message.args.findIndex(({ type }) => type === 'new_id')] = created.guestId;
    }
    this.serials.record(object.table, message, event.values);
    this.emitMessage(object, message, values, event.items);
    return 'done';
  }

  /** An object that exists for the guest only, counted like any other. */
  addLocal(table: InterfaceTable, version: number, id: number): ForwardedObject {
    const object = new ForwardedObject(table, version);
    this.objects.addGuest(object, id);
    this.counts.add(object);
    return object;
  }

  private judge(request: Request): Outcome {
    const { object, message } = request;
    if (object.state === 'ended') return 'drop';
    const rule = this.rules.requests.get(message);
    if (rule === undefined && request.item !== undefined) {
      throw new Violation('items', `${object}.${message.name} takes nothing that a guest could attach`);
    }
    return rule === undefined ? 'forward' : rule(this, request);
  }

  private carryOut(request: Request, judged: Outcome): void {
    const { object, message } = request;
    const known = this.ports.trace === null ? null : [...request.values];
    const outcome = judged === 'forward' ? this.forward(request) : judged;
    if (known !== null) {
      const note = outcome === 'drop' ? 'not passed on' : '';
      this.ports.trace?.(formatMessage('request', object, message, known, note));
    }
    if (outcome === 'drop' && message.destructor === true) this.destroyed(object);
  }

  /** The guest destroyed it; the compositor was told, if it knew it. */
  private destroyed(object: ForwardedObject): void {
    object.state = 'destroyed';
    const { destroyed } = object;
    object.destroyed = null;
    destroyed?.();
    const ours = object.guestId >= SERVER_ID_START;
    if (object.hostId >= SERVER_ID_START) {
      // Nothing will say delete_id of these.
      this.afterRoundtrip(() => this.objects.finish(object));
    } else if (object.hostId !== 0) return;
    this.objects.guestDestroyed(object);
    if (!ours) this.emit(this.display, 'delete_id', [object.guestId]);
  }

  private deliver(event: HostEvent): void {
    const { object, message } = event;
    resolveEvent(this.objects, event);
    if (!object.alive || message.since > object.version) {
      if (event.created !== null) this.destroyOnHost(event.created);
      return;
    }
    const rule = this.rules.events.get(message);
    let outcome: Outcome = 'forward';
    if (rule !== undefined) outcome = rule(this, event);
    else if (event.hasFds) {
      this.ports.note('items', `${object.table.name}.${message.name} came with a descriptor: dropped`);
      outcome = 'drop';
    }
    if (outcome === 'forward') outcome = this.pass(event);
    if (outcome === 'drop' && event.created !== null) this.destroyOnHost(event.created);
    if (message.destructor === true) object.state = 'ended';
  }

  private displayEvent(message: MessageTable, values: readonly WireValue[]): void {
    if (message.name === 'delete_id') {
      const id = Number(values[0]);
      const object = this.objects.host(id);
      const known = object !== undefined && object.guestId > 1 && this.objects.known(object);
      if (this.objects.hostDeleted(id) === null) {
        throw new WaylandError('WL_ERR_BAD_ID', `delete_id of ${id}`);
      }
      if (known && object.guestId < SERVER_ID_START) this.emit(this.display, 'delete_id', [object.guestId]);
      return;
    }
    const object = this.objects.host(Number(values[0]));
    const guestId = object !== undefined && this.objects.known(object) ? object.guestId : 0;
    this.ports.hostError(guestId, Number(values[1]), `${object?.table.name ?? 'object'}: ${values[2]}`);
  }

  private emitMessage(
    object: ForwardedObject,
    message: MessageTable,
    values: readonly WireValue[],
    items: readonly ItemForGuest[],
  ): void {
    this.ports.trace?.(formatMessage('event', object, message, values));
    const encoded = this.encoder.encode(object.guestId, message, values);
    this.ports.toGuest(encoded.bytes, items);
  }
}

/**
 * One client: its connection, its context at the host, and all its objects. Messages are passed on with the ids
 * changed; those that a feature has a handler for (memory, descriptors, globals) are the feature's.
 */
import { closeFd, sealedFile, type UnixSocket } from 'vhost-user-native';
import {
  Encoder,
  type FdQueue,
  fdCount,
  type InterfaceTable,
  isPeerFault,
  WaylandConnection,
  WaylandError,
  type WireValue,
  wl_display,
} from '../../index.js';
import type { ArrivedItem, CrossDomainConnection, SentItem } from '../channel/cross-domain.js';
import { EventAssembler } from '../channel/event-assembler.js';
import { FIRST_ANSWER_MS, WAITING_ITEMS_MAX } from '../limits.js';
import { Confirmations } from './confirmations.js';
import { ClientFault, DisplayError, faultOf } from './fault.js';
import { Message } from './message.js';
import { ObjectTable, ProxyObject } from './objects.js';
import { interfaceByName, messageOf } from './tables.js';

/** One that can't finish at once hands the rest of it to `suspend`. Descriptors that it does not take are closed. */
export type RequestHandler = (message: Message) => void;
/** `fds` are lent. */
export type EventHandler = (message: Message, fds: readonly number[]) => void;

/** How a client's connection ended. */
export interface SessionEnd {
  readonly reason: string;
  /** Whether the client did wrong, the host or device failed, or all is well. */
  readonly cause: 'client-left' | 'client-fault' | 'host-left' | 'failure';
}

export class Session {
  readonly objects: ObjectTable;
  readonly display = new ProxyObject(wl_display, 1);
  /** By 'interface.message'. What has none is passed on. */
  readonly requests = new Map<string, RequestHandler>();
  readonly events = new Map<string, EventHandler>();
  readonly host: CrossDomainConnection;
  private readonly client: WaylandConnection;
  private readonly assembler = new EventAssembler();
  private readonly encoder = new Encoder();
  private readonly items: ArrivedItem[] = [];
  private readonly confirmations: Confirmations;
  private readonly ended: (end: SessionEnd) => void;
  private readonly endings: (() => void)[] = [];
  private working = false;
  private full = false;
  private flushPlanned = false;
  private over = false;

  /** Takes over the socket, and the host's connection, whose handlers lead to `fromHost` and `hostEnded`. */
  constructor(socket: UnixSocket, host: CrossDomainConnection, ended: (end: SessionEnd) => void) {
    this.host = host;
    this.ended = ended;
    this.objects = new ObjectTable(this.display);
    this.confirmations = new Confirmations({
      ask: (confirmed) => this.askHost(confirmed),
      full: (full) => this.setFull(full),
      silent: () => this.end({ cause: 'failure', reason: `no answer within ${FIRST_ANSWER_MS} ms` }),
    });
    this.client = new WaylandConnection(socket, {
      message: (objectId, opcode, body, fds) => this.fromClient(objectId, opcode, body, fds),
      drained: () => this.host.resume(),
      ended: (error) => this.clientEnded(error),
    });
    this.confirmations.start();
  }

  get closed(): boolean {
    return this.over;
  }

  /** Called when the session is over. */
  onEnd(callback: () => void): void {
    this.endings.push(callback);
  }

  /** Bytes from the host, with what is attached to them. */
  fromHost(data: Uint8Array, items: readonly ArrivedItem[]): void {
    this.items.push(...items);
    this.attempt(() => {
      if (this.items.length > WAITING_ITEMS_MAX) {
        throw new WaylandError('WL_ERR_BAD_FDS', 'the host attached more than its events take');
      }
      this.assembler.push(data, (objectId, opcode, body) => {
        if (!this.over) this.event(objectId, opcode, body);
      });
    });
    if (!this.over && this.client.congested) this.host.hold();
  }

  hostEnded(error: Error | null): void {
    if (error === null) this.end({ cause: 'host-left', reason: 'the host closed the connection' });
    else this.end({ cause: 'failure', reason: error.message });
  }

  close(reason: string): void {
    this.end({ cause: 'failure', reason });
  }

  /** Sends a request of the client's on, in the host's terms; takes over the items. */
  forward(message: Message, items: readonly SentItem[] = []): void {
    const { object, table, created } = message;
    if (object.hostId === 0) {
      if (table.destructor === true) this.destroyLocal(object);
      return;
    }
    for (const [index, ref] of message.refs.entries()) {
      if (ref === null) continue;
      // A buffer of the client's own memory, in a place where no feature expects one.
      if (ref.hostId === 0)
        throw new ClientFault(
          `${object}.${table.name}: ${ref} can't be forwarded`,
          1,
          DisplayError.implementation,
        );
      message.setUint(index, ref.hostId);
    }
    const made = table.args.findIndex(({ type }) => type === 'new_id');
    if (created !== null) {
      this.objects.addHost(created);
      if (table.args[made]?.interface === undefined) message.setUntypedId(made, created.hostId);
      else message.setUint(made, created.hostId);
    }
    this.toHost(message.address(object.hostId), items);
    if (table.destructor === true) object.alive = false;
  }

  /** A request of the proxy's. */
  call(
    object: ProxyObject,
    name: string,
    values: readonly WireValue[],
    items: readonly SentItem[] = [],
  ): void {
    const table = messageOf(object.table.requests, name);
    this.toHost(this.encoder.encode(object.hostId, table, values).bytes, items);
    if (table.destructor === true) object.alive = false;
  }

  /** An object that the host knows and the client does not. */
  makeOwn(table: InterfaceTable, version: number, listener: (event: Message) => void): ProxyObject {
    const object = new ProxyObject(table, version);
    object.listener = listener;
    this.objects.addHost(object);
    return object;
  }

  /** An event of the proxy's own; the descriptors stay the caller's. */
  emit(object: ProxyObject, name: string, values: readonly WireValue[]): void {
    const table = messageOf(object.table.events, name);
    const { bytes, fds } = this.encoder.encode(object.clientId, table, values);
    this.client.send(bytes, fds);
    if (table.destructor === true) object.alive = false;
  }

  /** Passes an event on, in the client's terms. Nothing when the client does not know its object. */
  pass(message: Message, fds: readonly number[] = []): void {
    const { object } = message;
    if (object.clientId === 0) return;
    for (const [index, ref] of message.refs.entries()) {
      if (ref !== null) message.setUint(index, ref.clientId);
    }
    this.client.send(message.address(object.clientId), fds);
  }

  /** The client destroyed an object that the host never knew. */
  destroyLocal(object: ProxyObject): void {
    const { clientId } = object;
    this.objects.localDestroyed(object);
    this.emit(this.display, 'delete_id', [clientId]);
  }

  /** Makes the object that a request's new_id stands for. */
  create(table: InterfaceTable, version: number, clientId: number): ProxyObject {
    const object = new ProxyObject(table, version);
    this.objects.addClient(object, clientId);
    return object;
  }

  /** Leaves the client's further requests unread until the work is done; its failure is the client's end. */
  suspend(work: Promise<void>): void {
    this.working = true;
    this.updateReading();
    work
      .catch((error: unknown) => this.fault(error))
      .finally(() => {
        this.working = false;
        this.updateReading();
      });
  }

  /** Ends the client with wl_display.error, when it is still there. */
  fault(error: unknown): void {
    if (this.over) return;
    const fault = faultOf(error);
    this.emit(this.display, 'error', [fault.objectId, fault.code, fault.message.slice(0, 1024)]);
    this.end({
      cause: error instanceof ClientFault || isPeerFault(error) ? 'client-fault' : 'failure',
      reason: fault.message,
    });
  }

  private toHost(bytes: Uint8Array, items: readonly SentItem[]): void {
    this.host.send(bytes, items);
    this.confirmations.sent(bytes.length);
    if (this.flushPlanned) return;
    this.flushPlanned = true;
    queueMicrotask(() => {
      this.flushPlanned = false;
      this.host.flush();
    });
  }

  private fromClient(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void {
    if (this.over) return;
    let taken: number[] = [];
    try {
      const message = this.decode(objectId, opcode, body);
      taken = fds.take(fdCount(message.table.args));
      message.fds = taken;
      this.request(message);
    } catch (error) {
      this.fault(error);
    } finally {
      closeAll(taken);
    }
  }

  private updateReading(): void {
    if (this.over) return;
    if (this.working || this.full) this.client.pause();
    else this.client.resume();
  }

  private setFull(full: boolean): void {
    this.full = full;
    this.updateReading();
  }

  private decode(objectId: number, opcode: number, body: Uint8Array): Message {
    const object = this.objects.client(objectId);
    if (object?.alive !== true) {
      throw new ClientFault(`invalid object ${objectId}`, 1, DisplayError.invalidObject);
    }
    const table = object.table.requests[opcode];
    if (table === undefined || table.since > object.version) {
      throw new ClientFault(`invalid method ${opcode}, ${object}`, 1, DisplayError.invalidMethod);
    }
    return new Message(object, table, body);
  }

  private request(message: Message): void {
    const { object, table } = message;
    for (const [index, arg] of table.args.entries()) {
      if (arg.type === 'object') message.refs[index] = this.find(message, index, arg.interface);
      if (arg.type !== 'new_id' || arg.interface === undefined) continue;
      message.created = this.create(interfaceByName(arg.interface), object.version, message.uint(index));
    }
    const handler = this.requests.get(`${object.table.name}.${table.name}`);
    if (handler !== undefined) {
      handler(message);
      return;
    }
    if (message.fds.length > 0) {
      throw new ClientFault(
        `${object}.${table.name}: its descriptor can't be forwarded`,
        1,
        DisplayError.implementation,
      );
    }
    this.forward(message);
  }

  private find(message: Message, index: number, wanted: string | undefined): ProxyObject | null {
    const id = message.uint(index);
    if (id === 0) return null;
    const ref = this.objects.client(id);
    if (ref?.alive !== true || (wanted !== undefined && ref.table.name !== wanted)) {
      const what = `${message.object}.${message.table.name}: ${id} is no ${wanted ?? 'object'}`;
      throw new ClientFault(what, 1, DisplayError.invalidObject);
    }
    return ref;
  }

  private event(hostId: number, opcode: number, body: Uint8Array): void {
    const object = this.objects.host(hostId);
    const table = object?.table.events[opcode];
    if (object === undefined || table === undefined) {
      throw new WaylandError('WL_ERR_BAD_OBJECT', `event ${opcode} of object ${hostId}`);
    }
    const message = new Message(object, table, body);
    if (object === this.display) {
      this.displayEvent(message);
      return;
    }
    this.resolve(message);
    if (table.destructor === true) object.alive = false;
    const fds = this.takeFds(fdCount(table.args));
    try {
      if (object.listener !== null) object.listener(message);
      else this.deliver(message, fds);
    } finally {
      closeAll(fds);
    }
  }

  private deliver(message: Message, fds: readonly number[]): void {
    const handler = this.events.get(`${message.object.table.name}.${message.table.name}`);
    if (handler === undefined) this.pass(message, fds);
    else handler(message, fds);
  }

  private resolve(message: Message): void {
    for (const [index, arg] of message.table.args.entries()) {
      if (arg.type === 'object' && message.uint(index) !== 0) {
        const ref = this.objects.host(message.uint(index));
        if (ref === undefined) throw new WaylandError('WL_ERR_BAD_OBJECT', `${message.object}: an event`);
        message.refs[index] = ref;
      }
      if (arg.type !== 'new_id') continue;
      message.created = new ProxyObject(interfaceByName(arg.interface ?? ''), message.object.version);
      this.objects.addFromHost(message.created, message.uint(index));
    }
  }

  private takeFds(count: number): number[] {
    if (count > this.items.length) {
      throw new WaylandError('WL_ERR_BAD_FDS', 'the host attached less than its events take');
    }
    return this.items
      .splice(0, count)
      .map((item) => (item.kind === 'pipe' ? item.fd : sealedFile('wayland', item.content)));
  }

  private displayEvent(message: Message): void {
    if (message.table.name === 'delete_id') {
      const { clientId } = this.objects.hostDeleted(message.uint(0));
      if (clientId !== 0) this.emit(this.display, 'delete_id', [clientId]);
      return;
    }
    const object = this.objects.host(message.uint(0));
    const about = object === undefined || object.clientId === 0 ? this.display : object;
    // A code of another object's would be misread.
    const code = object === about ? message.uint(1) : DisplayError.implementation;
    const text = message.string(2);
    this.emit(this.display, 'error', [about.clientId, code, text]);
    this.end({ cause: 'client-fault', reason: `error ${code} of ${about}: ${text}` });
  }

  private askHost(confirmed: () => void): void {
    const callback = this.makeOwn(interfaceByName('wl_callback'), 1, confirmed);
    this.host.send(this.encoder.encode(1, messageOf(wl_display.requests, 'sync'), [callback.hostId]).bytes);
    this.host.flush();
  }

  private clientEnded(error: WaylandError): void {
    const left = error.code === 'WL_ERR_DISCONNECTED';
    this.end({ cause: left ? 'client-left' : 'client-fault', reason: error.message });
  }

  /** What the host sends can be wrong, too; then this client is over. */
  private attempt(call: () => void): void {
    try {
      call();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.end({ cause: 'failure', reason: `the host's events can't be followed: ${reason}` });
    }
  }

  private end(end: SessionEnd): void {
    if (this.over) return;
    if (end.cause === 'failure' && !this.client.closed) {
      this.emit(this.display, 'error', [
        1,
        DisplayError.implementation,
        `guest proxy: ${end.reason}`.slice(0, 1024),
      ]);
    }
    this.over = true;
    this.confirmations.close();
    for (const callback of this.endings.splice(0)) callback();
    this.objects.clear();
    for (const item of this.items.splice(0)) if (item.kind === 'pipe') closeFd(item.fd);
    this.client.close();
    this.host.close();
    setImmediate(() => this.ended(end));
  }
}

function closeAll(fds: number[]): void {
  for (const fd of fds.splice(0)) closeFd(fd);
}

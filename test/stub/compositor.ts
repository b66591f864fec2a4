/**
 * A compositor in the test's own process, driven by the protocol tables: it knows its objects and their versions,
 * answers what every compositor answers (sync, registry, bind, delete_id), and leaves the rest to handlers. What a
 * client does wrong on the wire (unknown object, bad arguments, ...) ends its connection, with `ended` telling why.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import {
  decodeArguments,
  Encoder,
  type FdQueue,
  INTERFACES,
  type InterfaceTable,
  type MessageTable,
  WaylandConnection,
  WaylandError,
  type WireValue,
} from '../../src/wayland/index.js';

export interface StubObject {
  readonly id: number;
  readonly interface: string;
  readonly version: number;
  alive: boolean;
}

/** An argument as a handler sees it: objects (and new ones) are StubObjects. */
export type StubValue = number | string | null | Uint8Array | StubObject;

export interface StubRequest {
  readonly object: StubObject;
  readonly name: string;
  readonly values: readonly StubValue[];
}

export type StubHandler = (request: StubRequest) => void;

export interface StubGlobal {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

/** The first id that a server hands out. */
const SERVER_ID_START = 0xff000000;

export class StubCompositor {
  readonly connection: WaylandConnection;
  /** Everything that came, oldest first. */
  readonly requests: StubRequest[] = [];
  readonly objects = new Map<number, StubObject>();
  ended: WaylandError | null = null;
  /** Whether `requests` grows. */
  remembers = true;
  /** Never says that an id is free again. */
  keepsIds = false;
  private readonly encoder = new Encoder();
  private readonly globals = new Map<number, StubGlobal>();
  private readonly registries: StubObject[] = [];
  private readonly handlers = new Map<string, StubHandler>();
  private readonly fds = new Set<number>();
  private nextGlobal = 1;
  private nextServerId = SERVER_ID_START;

  /** Takes over the socket. */
  constructor(socket: UnixSocket, globals: readonly (readonly [string, number])[]) {
    for (const [name, version] of globals) this.addGlobal(name, version);
    this.objects.set(1, { id: 1, interface: 'wl_display', version: 1, alive: true });
    this.connection = new WaylandConnection(socket, {
      message: (objectId, opcode, body, fds) => this.message(objectId, opcode, body, fds),
      ended: (error) => {
        this.ended = error;
        this.closeFds();
      },
    });
    this.on('wl_display', 'sync', ({ values }) => this.send(asObject(values[0]), 'done', [0]));
    this.on('wl_display', 'get_registry', ({ values }) => {
      const registry = asObject(values[0]);
      this.registries.push(registry);
      for (const global of this.globals.values()) this.announce(registry, global);
    });
  }

  /** Calls back for a request, instead of any handler before. */
  on(interfaceName: string, request: string, handler: StubHandler): void {
    messageOf(interfaceName, 'requests', request);
    this.handlers.set(`${interfaceName}.${request}`, handler);
  }

  /** What is called back for a request now. */
  handler(interfaceName: string, request: string): StubHandler {
    return this.handlers.get(`${interfaceName}.${request}`) ?? (() => undefined);
  }

  /** Sends an event: objects as StubObject or id, descriptors stay the caller's. Flushed at once. */
  send(object: StubObject, event: string, values: readonly StubValue[] = []): void {
    const message = messageOf(object.interface, 'events', event);
    const wire = values.map((value): WireValue => (isObject(value) ? value.id : value));
    const { bytes, fds } = this.encoder.encode(object.id, message, wire);
    this.connection.send(bytes, fds);
    if (message.destructor === true) this.forget(object);
    this.connection.flush();
  }

  /** A new object of the server's, for an event that makes one. */
  create(interfaceName: string, version: number): StubObject {
    return this.add(this.nextServerId++, interfaceName, version);
  }

  addGlobal(interfaceName: string, version: number): StubGlobal {
    const global = { name: this.nextGlobal++, interface: interfaceName, version };
    this.globals.set(global.name, global);
    for (const registry of this.registries) this.announce(registry, global);
    return global;
  }

  removeGlobal(global: StubGlobal): void {
    this.globals.delete(global.name);
    for (const registry of this.registries) this.send(registry, 'global_remove', [global.name]);
  }

  /** wl_display.error, and the end. */
  fail(object: StubObject, code: number, text: string): void {
    this.send(asObject(this.objects.get(1) ?? null), 'error', [object, code, text]);
    this.close();
  }

  /** Requests with that name so far, of any object. */
  all(name: string): StubRequest[] {
    return this.requests.filter((request) => request.name === name);
  }

  /** Living objects of an interface. */
  living(interfaceName: string): StubObject[] {
    return [...this.objects.values()].filter((object) => object.alive && object.interface === interfaceName);
  }

  /** A descriptor that came with a request is the caller's from now on. */
  takeFd(value: StubValue | undefined): number {
    this.fds.delete(Number(value));
    return Number(value);
  }

  close(): void {
    this.connection.close();
    this.closeFds();
  }

  private closeFds(): void {
    for (const fd of this.fds) closeFd(fd);
    this.fds.clear();
  }

  private announce(registry: StubObject, { name, interface: interfaceName, version }: StubGlobal): void {
    this.send(registry, 'global', [name, interfaceName, version]);
  }

  private add(id: number, interfaceName: string, version: number): StubObject {
    if (this.objects.get(id)?.alive === true) throw new WaylandError('WL_ERR_BAD_ID', `id ${id} is taken`);
    // libwayland takes no id before the one below it was used.
    if (id > 1 && id < SERVER_ID_START && !this.objects.has(id - 1)) {
      throw new WaylandError('WL_ERR_BAD_ID', `id ${id} comes too early`);
    }
    const object = { id, interface: interfaceName, version, alive: true };
    this.objects.set(id, object);
    return object;
  }

  private forget(object: StubObject): void {
    object.alive = false;
    const display = this.objects.get(1);
    if (!this.keepsIds && object.id < SERVER_ID_START && display !== undefined)
      this.send(display, 'delete_id', [object.id]);
  }

  private message(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void {
    const object = this.objects.get(objectId);
    if (object?.alive !== true) throw new WaylandError('WL_ERR_BAD_OBJECT', `a request of ${objectId}`);
    const message = INTERFACES.get(object.interface)?.requests[opcode];
    if (message === undefined || message.since > object.version) {
      throw new WaylandError('WL_ERR_BAD_OPCODE', `request ${opcode} of a ${object.interface}`);
    }
    const wire = decodeArguments(message, body, fds);
    const values = message.args.map((arg, index) => this.value(object, arg, wire[index] ?? null));
    const request: StubRequest = { object, name: message.name, values };
    if (this.remembers) this.requests.push(request);
    this.handlers.get(`${object.interface}.${message.name}`)?.(request);
    if (message.destructor === true && object.alive) this.forget(object);
  }

  private value(from: StubObject, arg: MessageTable['args'][number], value: WireValue): StubValue {
    if (arg.type === 'fd') this.fds.add(Number(value));
    if (typeof value === 'object' && value !== null && 'id' in value) {
      return this.add(value.id, value.interface, value.version);
    }
    if (arg.type === 'new_id') return this.add(Number(value), arg.interface ?? '', from.version);
    if (arg.type !== 'object' || value === 0) return arg.type === 'object' ? null : value;
    const object = this.objects.get(Number(value));
    if (object?.alive !== true || (arg.interface !== undefined && arg.interface !== object.interface)) {
      throw new WaylandError('WL_ERR_BAD_OBJECT', `${from.interface}: argument ${arg.name} is ${value}`);
    }
    return object;
  }
}

export function isObject(value: StubValue | undefined): value is StubObject {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

export function asObject(value: StubValue | undefined): StubObject {
  if (!isObject(value)) throw new Error(`not an object: ${String(value)}`);
  return value;
}

function messageOf(interfaceName: string, kind: 'requests' | 'events', name: string): MessageTable {
  const table: InterfaceTable | undefined = INTERFACES.get(interfaceName);
  const message = table?.[kind].find((candidate) => candidate.name === name);
  if (message === undefined) throw new Error(`no ${interfaceName}.${name}`);
  return message;
}

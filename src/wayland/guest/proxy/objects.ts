/**
 * Every object of a client, by the id that the client knows and by the one that the host knows. Ids below 0xff000000
 * are chosen by clients, here and there independently: objects that stay in the proxy (pools and buffers of the
 * client's own memory) take no id of the host's, and objects that the proxy makes for itself take none of the client's.
 * Ids from there on are chosen by the host and are the same on both sides.
 */
import { type InterfaceTable, SERVER_ID_START, WaylandError } from '../../index.js';
import { OBJECTS_MAX } from '../limits.js';
import { ClientFault, DisplayError } from './fault.js';
import type { Message } from './message.js';

export class ProxyObject {
  readonly table: InterfaceTable;
  readonly version: number;
  /** 0: the client does not know it. */
  clientId = 0;
  /** 0: the host does not know it. */
  hostId = 0;
  /** False once a request or event has destroyed it. */
  alive = true;
  /** Of an object that the proxy made for itself: gets its events. */
  listener: ((event: Message) => void) | null = null;
  /** Called once, when neither side uses it any more, or when the connection is over. */
  gone: (() => void) | null = null;

  constructor(table: InterfaceTable, version: number) {
    this.table = table;
    this.version = version;
  }

  toString(): string {
    return `${this.table.name}@${this.clientId}`;
  }
}

export class ObjectTable {
  private readonly byClient = new Map<number, ProxyObject>();
  private readonly byHost = new Map<number, ProxyObject>();
  private readonly freeHostIds: number[] = [];
  private nextHostId = 2;

  constructor(display: ProxyObject) {
    display.clientId = 1;
    display.hostId = 1;
    this.byClient.set(1, display);
    this.byHost.set(1, display);
  }

  /** The object, dead or alive. */
  client(id: number): ProxyObject | undefined {
    return this.byClient.get(id);
  }

  /** The object, dead or alive. */
  host(id: number): ProxyObject | undefined {
    return this.byHost.get(id);
  }

  /** An object that the client makes. */
  addClient(object: ProxyObject, id: number): void {
    if (id < 2 || id >= SERVER_ID_START || this.byClient.has(id)) {
      throw new ClientFault(`invalid new id ${id}`, 1, DisplayError.invalidObject);
    }
    if (this.byClient.size >= OBJECTS_MAX) {
      throw new ClientFault(`more than ${OBJECTS_MAX} objects`, 1, DisplayError.noMemory);
    }
    object.clientId = id;
    this.byClient.set(id, object);
  }

  /** Gives the object an id on the host's side. */
  addHost(object: ProxyObject): void {
    object.hostId = this.freeHostIds.pop() ?? this.nextHostId++;
    this.byHost.set(object.hostId, object);
  }

  /** An object that the host makes. */
  addFromHost(object: ProxyObject, id: number): void {
    const before = this.byHost.get(id);
    if (id < SERVER_ID_START || before?.alive === true) {
      throw new WaylandError('WL_ERR_BAD_ID', `new object ${id} of the host's`);
    }
    if (before === undefined && this.byHost.size >= 2 * OBJECTS_MAX) {
      throw new WaylandError('WL_ERR_OVERFLOW', 'too many objects of the host');
    }
    if (before !== undefined) this.finish(before);
    object.hostId = id;
    object.clientId = id;
    this.byHost.set(id, object);
    this.byClient.set(id, object);
  }

  /** The host has forgotten the object. */
  hostDeleted(id: number): ProxyObject {
    const object = this.byHost.get(id);
    if (object === undefined || id <= 1 || id >= SERVER_ID_START) {
      throw new WaylandError('WL_ERR_BAD_ID', `delete_id of ${id}`);
    }
    this.byHost.delete(id);
    this.freeHostIds.push(id);
    this.byClient.delete(object.clientId);
    this.finish(object);
    return object;
  }

  /** The client destroyed an object that the host never knew. */
  localDestroyed(object: ProxyObject): void {
    this.byClient.delete(object.clientId);
    this.finish(object);
  }

  /** The connection is over. */
  clear(): void {
    const all = new Set([...this.byClient.values(), ...this.byHost.values()]);
    this.byClient.clear();
    this.byHost.clear();
    for (const object of all) this.finish(object);
  }

  private finish(object: ProxyObject): void {
    object.alive = false;
    const { gone } = object;
    object.gone = null;
    gone?.();
  }
}

/**
 * Every object of a forwarded client, by the id that the guest knows and by the one that the compositor knows. The
 * two are independent: objects that stay on this side (registries, pools) take no id there, ours take none here.
 *
 * The guest's ids: 2 and up are the guest's, taken until we say delete_id; 0xff000000 and up are ours, for objects
 * that the compositor made, free as soon as the guest destroys them. The compositor's ids: the same, seen from the
 * other side.
 */
import { SERVER_ID_START } from '../limits.js';
import type { WireValue } from '../wire/decode.js';
import type { InterfaceTable, MessageTable } from '../wire/table.js';
import { Violation } from './violation.js';

/** Handles the events of an object of our own. */
export type OwnListener = (message: MessageTable, values: readonly WireValue[]) => void;

export class ForwardedObject {
  readonly table: InterfaceTable;
  readonly version: number;
  /** 0: the guest does not know it. */
  guestId = 0;
  /** 0: the compositor does not know it; requests are checked and go no further. */
  hostId = 0;
  /** 'destroyed': by the guest's request. 'ended': by an event; the guest may not have seen it yet. */
  state: 'alive' | 'destroyed' | 'ended' = 'alive';
  /** Set for objects of ours. */
  listener: OwnListener | null = null;
  /** Neither side refers to it any more; called once. */
  gone: (() => void) | null = null;
  /** The guest's request destroyed it; called once. */
  destroyed: (() => void) | null = null;
  /** `gone` was called, or is not needed any more. */
  finished = false;

  constructor(table: InterfaceTable, version: number) {
    this.table = table;
    this.version = version;
  }

  get alive(): boolean {
    return this.state === 'alive';
  }

  toString(): string {
    return `${this.table.name}@${this.guestId}`;
  }
}

export class ObjectTable {
  private readonly byGuest = new Map<number, ForwardedObject>();
  private readonly byHost = new Map<number, ForwardedObject>();
  private readonly freeHostIds: number[] = [];
  private readonly freeServerIds: number[] = [];
  private readonly max: number;
  private readonly onGone: (object: ForwardedObject) => void;
  private nextHostId = 2;
  private nextServerId = SERVER_ID_START;

  /** `onGone` is called once for each object, when neither side refers to it any more. */
  constructor(display: ForwardedObject, max: number, onGone: (object: ForwardedObject) => void) {
    this.max = max;
    this.onGone = onGone;
    display.guestId = 1;
    display.hostId = 1;
    this.byGuest.set(1, display);
    this.byHost.set(1, display);
  }

  guest(id: number): ForwardedObject | undefined {
    return this.byGuest.get(id);
  }

  host(id: number): ForwardedObject | undefined {
    return this.byHost.get(id);
  }

  /** An object that the guest makes. */
  addGuest(object: ForwardedObject, id: number): void {
    if (id < 2 || id >= SERVER_ID_START) {
      throw new Violation('new-id', `new id ${id} is not in the client's range`, 1, 0);
    }
    const taken = this.byGuest.get(id);
    if (taken !== undefined) throw new Violation('new-id', `new id ${id} is taken (${taken})`, 1, 0);
    this.checkRoom();
    object.guestId = id;
    this.byGuest.set(id, object);
  }

  /** An object that the guest gets to know by an event. */
  expose(object: ForwardedObject): void {
    this.checkRoom();
    object.guestId = this.freeServerIds.pop() ?? this.nextServerId++;
    this.byGuest.set(object.guestId, object);
  }

  /** Gives the object an id on the compositor's side. */
  addHost(object: ForwardedObject): void {
    object.hostId = this.freeHostIds.pop() ?? this.nextHostId++;
    this.byHost.set(object.hostId, object);
  }

  /** An object that the compositor made; false when it can't have that id. */
  addFromHost(object: ForwardedObject, id: number): boolean {
    if (id < SERVER_ID_START) return false;
    const before = this.byHost.get(id);
    if (before?.alive === true) return false;
    if (before === undefined && this.byHost.size >= this.max + 1024) return false;
    if (before !== undefined) this.finish(before);
    object.hostId = id;
    this.byHost.set(id, object);
    return true;
  }

  /** The compositor said delete_id. Null when there is no such object, else what it was. */
  hostDeleted(id: number): ForwardedObject | null {
    const object = this.byHost.get(id);
    if (object === undefined || id <= 1 || id >= SERVER_ID_START) return null;
    this.byHost.delete(id);
    this.freeHostIds.push(id);
    this.dropGuest(object);
    this.finish(object);
    return object;
  }

  /** Whether the guest knows it, dead or alive. */
  known(object: ForwardedObject): boolean {
    return this.byGuest.get(object.guestId) === object;
  }

  /**
   * The guest destroyed an object that the compositor never knew, or one that the compositor made (which may still
   * send events for it, until it uses the id again).
   */
  guestDestroyed(object: ForwardedObject): void {
    this.dropGuest(object);
    if (object.hostId === 0) this.finish(object);
  }

  /**
   * Splits the object: the one that is returned has its id on the compositor's side, the guest keeps one whose
   * requests go no further.
   */
  detach(object: ForwardedObject): ForwardedObject {
    const ghost = new ForwardedObject(object.table, object.version);
    ghost.hostId = object.hostId;
    object.hostId = 0;
    this.byHost.set(ghost.hostId, ghost);
    return ghost;
  }

  finish(object: ForwardedObject): void {
    if (object.finished) return;
    object.finished = true;
    if (object.state === 'alive') object.state = 'ended';
    object.gone?.();
    this.onGone(object);
  }

  /** The connection is over: everything is given back. */
  clear(): void {
    for (const object of [...this.byGuest.values(), ...this.byHost.values()]) this.finish(object);
    this.byGuest.clear();
    this.byHost.clear();
  }

  private dropGuest(object: ForwardedObject): void {
    if (this.byGuest.get(object.guestId) !== object) return;
    this.byGuest.delete(object.guestId);
    if (object.guestId >= SERVER_ID_START) this.freeServerIds.push(object.guestId);
  }

  private checkRoom(): void {
    if (this.byGuest.size < this.max) return;
    throw new Violation('limit-objects', `more than ${this.max} objects`, 1, 2);
  }
}

/** A request of the guest while it is looked at: decoded, its objects found, what is attached in hand. */
import { closeFd } from 'vhost-user-native';
import { WaylandError } from '../errors.js';
import { decodeArguments, type FdSource, type WireValue } from '../wire/decode.js';
import type { ArgTable, MessageTable } from '../wire/table.js';
import type { ItemForGuest, ItemFromGuest } from './channel.js';
import type { ForwardedObject } from './objects.js';
import { Violation } from './violation.js';

/** Things from the guest that no message has taken yet. */
export const WAITING_ITEMS_MAX = 128;

/** What a rule says. 'drop': it goes no further, what it makes is known to the guest only. 'done': all is done. */
export type Outcome = 'forward' | 'drop' | 'done';

/** Keeps what the guest attached, in order; blobs are retained as long as they are here. */
export class ItemQueue implements FdSource {
  private waiting: ItemFromGuest[] = [];
  /** What `take` handed out. */
  private taken: ItemFromGuest[] = [];

  push(items: readonly ItemFromGuest[]): void {
    for (const item of items) {
      if (item.kind === 'blob') item.blob.retain();
      this.waiting.push(item);
    }
    if (this.waiting.length > WAITING_ITEMS_MAX) {
      throw new Violation('items', `${this.waiting.length} things attached that no message takes`);
    }
  }

  take(count: number): number[] {
    if (count === 0) return [];
    if (count > this.waiting.length) {
      throw new Violation('items', `a request takes ${count} attached things, ${this.waiting.length} came`);
    }
    this.taken = this.waiting.splice(0, count);
    return this.taken.map((_, index) => index);
  }

  /** The things of the message that was just decoded; they are the caller's. */
  claim(): ItemFromGuest[] {
    const { taken } = this;
    this.taken = [];
    return taken;
  }

  close(): void {
    for (const item of [...this.taken, ...this.waiting]) disposeItem(item);
    this.taken = [];
    this.waiting = [];
  }
}

export function disposeItem(item: ItemFromGuest): void {
  if (item.kind === 'blob') item.blob.release();
  else closeFd(item.fd);
}

/** Access to a message's arguments by name. */
abstract class Message {
  readonly object: ForwardedObject;
  readonly message: MessageTable;
  /** Ids in it are those of the side that the message came from. */
  readonly values: WireValue[];
  /** The objects behind object arguments; null elsewhere and for null. */
  readonly refs: (ForwardedObject | null)[];
  /** What its new_id argument makes. */
  created: ForwardedObject | null = null;

  constructor(object: ForwardedObject, message: MessageTable, values: WireValue[]) {
    this.object = object;
    this.message = message;
    this.values = values;
    this.refs = values.map(() => null);
  }

  number(name: string): number {
    return Number(this.values[this.indexOf(name)]);
  }

  text(name: string): string {
    const value = this.values[this.indexOf(name)];
    return typeof value === 'string' ? value : '';
  }

  set(name: string, value: WireValue): void {
    this.values[this.indexOf(name)] = value;
  }

  ref(name: string): ForwardedObject | null {
    return this.refs[this.indexOf(name)] ?? null;
  }

  private indexOf(name: string): number {
    const index = this.message.args.findIndex((arg) => arg.name === name);
    if (index < 0) throw new Error(`${this.message.name} has no argument ${name}`);
    return index;
  }
}

export class Request extends Message {
  /** For the fd arguments, in order: what the compositor gets. Lent. */
  fds: number[] = [];
  private items: ItemFromGuest[] = [];

  attach(items: ItemFromGuest[]): void {
    this.items = items;
  }

  /** The one thing attached. */
  get item(): ItemFromGuest | undefined {
    return this.items[0];
  }

  /** The caller takes over the one thing attached. */
  takeItem(): void {
    this.items.shift();
  }

  /** The new object; only for requests that make one. */
  get made(): ForwardedObject {
    if (this.created === null) throw new Error(`${this.message.name} makes nothing`);
    return this.created;
  }

  /** Like `ref`, where null is not allowed. */
  target(name: string): ForwardedObject {
    const ref = this.ref(name);
    if (ref === null) throw new Error(`${this.message.name}.${name} may be null`);
    return ref;
  }

  /** Gives back what nobody took. */
  dispose(): void {
    for (const item of this.items.splice(0)) disposeItem(item);
  }
}

export class HostEvent extends Message {
  /** For the fd arguments, in order: what the guest gets. */
  items: ItemForGuest[] = [];
  private readonly fds: number[];

  constructor(object: ForwardedObject, message: MessageTable, values: WireValue[]) {
    super(object, message, values);
    this.fds = values.filter((_, index) => isFd(message.args[index])).map(Number);
  }

  get hasFds(): boolean {
    return this.message.args.some(isFd);
  }

  /** The descriptor of the message's fd argument; still the event's. */
  get fd(): number {
    return this.fds[0] ?? -1;
  }

  /** The caller takes over the descriptor. */
  takeFd(): number {
    return this.fds.shift() ?? -1;
  }

  dispose(): void {
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }
}

function isFd(arg: ArgTable | undefined): boolean {
  return arg?.type === 'fd';
}

/** What the guest sent, as its table says; a Violation when it says otherwise. */
export function decodeRequest(
  object: ForwardedObject,
  message: MessageTable,
  body: Uint8Array,
  items: ItemQueue,
): WireValue[] {
  try {
    return decodeArguments(message, body, items);
  } catch (error) {
    if (!(error instanceof WaylandError)) throw error;
    throw new Violation('wire-format', `${object}.${error.message}`);
  }
}

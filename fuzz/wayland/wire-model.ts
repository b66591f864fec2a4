/**
 * One Wayland connection as libwayland sees it, from both ends: ids, versions, argument types, destructors and
 * delete_id. It decodes with code of its own (not that of src/wayland), and is at least as strict as libwayland is.
 */
import {
  INTERFACES,
  type InterfaceTable,
  type MessageTable,
  SERVER_ID_START,
} from '../../src/wayland/index.js';
import { type ModelValue, readArguments } from './arguments.js';

/** A message that no libwayland would take, or that no peer may send. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

export class ModelObject {
  readonly id: number;
  readonly table: InterfaceTable;
  readonly version: number;
  /** 'destroyed' by a request, 'ended' by an event; the id is taken until it is deleted. */
  state: 'alive' | 'destroyed' | 'ended' = 'alive';

  constructor(id: number, table: InterfaceTable, version: number) {
    this.id = id;
    this.table = table;
    this.version = version;
  }

  toString(): string {
    return `${this.table.name}@${this.id}`;
  }
}

export interface ModelMessage {
  readonly object: ModelObject;
  readonly message: MessageTable;
  readonly values: readonly ModelValue[];
  /** The objects that it names, by argument. */
  readonly refs: readonly (ModelObject | null)[];
  readonly created: ModelObject | null;
  readonly fds: number;
}

export interface ModelOptions {
  /** Client ids must not leave holes, as libwayland's map wants it. */
  readonly denseIds: boolean;
  /** For messages. */
  readonly name: string;
}

export class WireModel {
  readonly objects = new Map<number, ModelObject>();
  private readonly options: ModelOptions;
  /** One past the highest client id ever. */
  private top = 2;

  constructor(options: ModelOptions) {
    this.options = options;
    const display = INTERFACES.get('wl_display');
    if (display === undefined) throw new Error('no wl_display');
    this.objects.set(1, new ModelObject(1, display, 1));
  }

  /** From the client. `fds` descriptors are there to be taken. */
  request(objectId: number, opcode: number, body: Uint8Array, fds: number): ModelMessage {
    const object = this.objects.get(objectId);
    if (object === undefined || object.state === 'destroyed') this.refuse(`a request of object ${objectId}`);
    const parsed = this.parse(object, object.table.requests, opcode, body, fds, (id) =>
      this.checkClientId(id),
    );
    if (parsed.message.destructor === true) this.destroyed(object);
    return parsed;
  }

  /** From the server. */
  event(objectId: number, opcode: number, body: Uint8Array, fds: number): ModelMessage {
    const object = this.objects.get(objectId);
    if (object === undefined) this.refuse(`an event of object ${objectId}`);
    const parsed = this.parse(object, object.table.events, opcode, body, fds, (id) => this.checkServerId(id));
    if (object.id === 1 && parsed.message.name === 'delete_id') this.deleted(Number(parsed.values[0]));
    if (parsed.message.destructor === true && object.state === 'alive') object.state = 'ended';
    return parsed;
  }

  /** Living objects, of one interface or all. */
  living(interfaceName?: string): ModelObject[] {
    const found: ModelObject[] = [];
    for (const object of this.objects.values()) {
      if (object.state !== 'alive') continue;
      if (interfaceName === undefined || object.table.name === interfaceName) found.push(object);
    }
    return found;
  }

  /** An id for the client's next object. */
  freeClientId(): number {
    let id = 2;
    while (this.objects.has(id)) id++;
    return id;
  }

  /** An id for the server's next object. */
  freeServerId(): number {
    let id = SERVER_ID_START;
    while (this.objects.get(id)?.state === 'alive') id++;
    return id;
  }

  private parse(
    object: ModelObject,
    messages: readonly MessageTable[],
    opcode: number,
    body: Uint8Array,
    fds: number,
    checkId: (id: number) => void,
  ): ModelMessage {
    const message = messages[opcode];
    if (message === undefined) this.refuse(`${object} has no message ${opcode}`);
    const where = `${object}.${message.name}`;
    if (message.since > object.version) this.refuse(`${where} in version ${object.version}`);
    const { values, problem } = readArguments(message.args, body);
    if (problem !== null) this.refuse(`${where}: ${problem}`);
    const needed = message.args.filter(({ type }) => type === 'fd').length;
    if (needed > fds) this.refuse(`${where} without its descriptor`);
    const refs = message.args.map((arg, index) => {
      const id = Number(values[index]);
      if (arg.type !== 'object' || id === 0) return null;
      const found = this.objects.get(id);
      if (found === undefined) this.refuse(`${where}: argument ${arg.name}: no object ${id}`);
      if (found.state === 'destroyed' && messages === object.table.requests) {
        this.refuse(`${where}: argument ${arg.name}: ${found} was destroyed`);
      }
      if (arg.interface !== undefined && arg.interface !== found.table.name) {
        this.refuse(`${where}: argument ${arg.name} is ${found}`);
      }
      return found;
    });
    const created = this.create(object, message, values, checkId);
    return { object, message, values, refs, created, fds: needed };
  }

  private create(
    object: ModelObject,
    message: MessageTable,
    values: readonly ModelValue[],
    checkId: (id: number) => void,
  ): ModelObject | null {
    const index = message.args.findIndex(({ type }) => type === 'new_id');
    const value = values[index];
    if (index < 0 || value === undefined || value === null) return null;
    const untyped = typeof value === 'object' && 'interface' in value ? value : null;
    const name = untyped?.interface ?? message.args[index]?.interface ?? '';
    const id = untyped?.id ?? Number(value);
    const table = INTERFACES.get(name);
    if (table === undefined) this.refuse(`${object}.${message.name} makes a ${name}`);
    checkId(id);
    const made = new ModelObject(id, table, untyped?.version ?? object.version);
    this.objects.set(id, made);
    return made;
  }

  private checkClientId(id: number): void {
    if (id < 2 || id >= SERVER_ID_START) this.refuse(`new id ${id} is not in the client's range`);
    if (this.objects.has(id)) this.refuse(`new id ${id} is taken`);
    if (this.options.denseIds && id > this.top)
      this.refuse(`new id ${id} leaves a hole after ${this.top - 1}`);
    this.top = Math.max(this.top, id + 1);
  }

  private checkServerId(id: number): void {
    if (id < SERVER_ID_START) this.refuse(`new id ${id} is not in the server's range`);
    const before = this.objects.get(id);
    if (before?.state === 'alive') this.refuse(`new id ${id} is taken by ${before}`);
  }

  /** Ids of the server's are free at once; the event that may be on its way finds what is left of the object. */
  private destroyed(object: ModelObject): void {
    object.state = 'destroyed';
  }

  private deleted(id: number): void {
    const object = this.objects.get(id);
    if (object === undefined || id >= SERVER_ID_START || id < 2) this.refuse(`delete_id of ${id}`);
    // (Compositors delete the frame callbacks of a surface that is gone, which nothing ended.)
    const silent = object.table.requests.length === 0;
    if (object.state === 'alive' && !silent) this.refuse(`delete_id of ${object}, which is alive`);
    this.objects.delete(id);
  }

  private refuse(what: string): never {
    throw new Refusal(`${this.options.name}: ${what}`);
  }
}

/**
 * Objects of the protocol as the client sees them. Their request methods come from the tables at run time and from
 * the generated interfaces at compile time: `surface.damageBuffer(0, 0, 10, 10)`, with the protocol's names in
 * camel case.
 */
import { WaylandError } from '../errors.js';
import type { UntypedNewId, WireValue } from '../wire/decode.js';
import type { ArgTable, InterfaceTable, MessageTable } from '../wire/table.js';

export interface WaylandObject<Name extends string, Events> {
  readonly id: number;
  readonly interfaceName: Name;
  /** The version that was bound. */
  readonly version: number;
  /** Requests may be made on it. */
  readonly alive: boolean;
  /**
   * Calls back for events, instead of any listener before. Events without a callback are dropped (and their
   * descriptors closed); descriptors given to a callback are the callback's to close. Listen in the same turn that
   * made the object, so that nothing is missed.
   */
  listen(listener: Partial<Events>): void;
}

/** An object whose interface does not matter. */
export type AnyWaylandObject = WaylandObject<string, object>;

/** What an object needs of its display. */
export interface ObjectHost {
  /** Sends a request that was checked; creates and returns the object that it makes, if it makes one. */
  request(
    from: ProxyObject,
    message: MessageTable,
    values: WireValue[],
    created: InterfaceTable | null,
  ): unknown;
  interfaceByName(name: string): InterfaceTable;
}

type Listener = Readonly<Record<string, unknown>>;

/** The run-time side of every WaylandObject. */
export class ProxyObject implements WaylandObject<string, object> {
  readonly id: number;
  readonly version: number;
  readonly table: InterfaceTable;
  readonly host: ObjectHost;
  private listener: Listener = {};
  private isAlive = true;

  constructor(host: ObjectHost, table: InterfaceTable, id: number, version: number) {
    this.host = host;
    this.table = table;
    this.id = id;
    this.version = version;
  }

  get interfaceName(): string {
    return this.table.name;
  }

  get alive(): boolean {
    return this.isAlive;
  }

  listen(listener: object): void {
    this.listener = listener as Listener;
  }

  /** No requests and no events from now on. */
  kill(): void {
    this.isAlive = false;
    this.listener = {};
  }

  /** The call that delivers an event; null when nobody listens. */
  callbackFor(event: MessageTable): ((...values: unknown[]) => void) | null {
    const { listener } = this;
    const name = camelCase(event.name);
    const callback = listener[name];
    if (typeof callback !== 'function') return null;
    return (...values) => void callback.apply(listener, values);
  }
}

type ProxyClass = typeof ProxyObject;
const classes = new Map<InterfaceTable, ProxyClass>();

/** A new object of the interface, with its request methods. */
export function createProxy(
  host: ObjectHost,
  table: InterfaceTable,
  id: number,
  version: number,
): ProxyObject {
  let made = classes.get(table);
  if (made === undefined) {
    made = class extends ProxyObject {};
    for (const request of table.requests) {
      Object.defineProperty(made.prototype, camelCase(request.name), { value: requestMethod(request) });
    }
    classes.set(table, made);
  }
  return new made(host, table, id, version);
}

function requestMethod(request: MessageTable): (this: ProxyObject, ...given: unknown[]) => unknown {
  return function (this: ProxyObject, ...given: unknown[]): unknown {
    const about = `${this.table.name}.${request.name}`;
    if (!this.alive) throw new WaylandError('WL_ERR_DEAD_OBJECT', `${about}: the object ${this.id} is gone`);
    if (request.since > this.version) {
      throw new WaylandError(
        'WL_ERR_VERSION',
        `${about} needs version ${request.since}, this is ${this.version}`,
      );
    }
    let created: InterfaceTable | null = null;
    let next = 0;
    const values = request.args.map((arg): WireValue => {
      if (arg.type !== 'new_id') return toWire(this, about, arg, given[next++]);
      // The display fills in the id.
      if (arg.interface !== undefined) {
        created = this.host.interfaceByName(arg.interface);
        return 0;
      }
      const table = given[next++] as InterfaceTable;
      const untyped: UntypedNewId = { interface: table.name, version: given[next++] as number, id: 0 };
      created = table;
      return untyped;
    });
    return this.host.request(this, request, values, created);
  };
}

function toWire(from: ProxyObject, about: string, arg: ArgTable, value: unknown): WireValue {
  // The encoder looks at all other values.
  if (arg.type !== 'object' || value === null) return value as WireValue;
  if (!(value instanceof ProxyObject) || value.host !== from.host) {
    throw new WaylandError(
      'WL_ERR_BAD_VALUE',
      `${about}: argument ${arg.name} is no object of this connection`,
    );
  }
  if (!value.alive) throw new WaylandError('WL_ERR_DEAD_OBJECT', `${about}: argument ${arg.name} is gone`);
  if (arg.interface !== undefined && arg.interface !== value.table.name) {
    throw new WaylandError('WL_ERR_BAD_VALUE', `${about}: argument ${arg.name} is a ${value.table.name}`);
  }
  return value.id;
}

const camelNames = new Map<string, string>();

/** What a message of the protocol is called here: set_input_region -> setInputRegion. As the generator does it. */
export function camelCase(name: string): string {
  let camel = camelNames.get(name);
  if (camel === undefined) {
    camel = name.replace(/_+(.)?/g, (_match, letter: string | undefined) => (letter ?? '').toUpperCase());
    camelNames.set(name, camel);
  }
  return camel;
}

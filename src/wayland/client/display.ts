/**
 * A client's view of a compositor: the connection, its objects, the registry. The compositor is not trusted with
 * more than its own windows: whatever it sends, the worst is that this connection ends with an error.
 */
import { closeFd, type UnixSocket } from 'vhost-user-native';
import { type ConnectionOptions, WaylandConnection } from '../connection.js';
import { ProtocolError, WaylandError } from '../errors.js';
import { INTERFACES } from '../protocol/generated/index.js';
import { type WlDisplay, wl_display } from '../protocol/generated/wayland.js';
import { decodeArguments, type WireValue } from '../wire/decode.js';
import { Encoder } from '../wire/encode.js';
import type { FdQueue } from '../wire/fd-queue.js';
import type { ArgTable, InterfaceTable, MessageTable } from '../wire/table.js';
import { createProxy, type ObjectHost, type ProxyObject } from './object.js';
import { ObjectMap } from './object-map.js';
import { Registry } from './registry.js';

export interface DisplayHandlers {
  /** The compositor is gone, or what it sent can't be followed. Called once, and not after `close()`. */
  ended?(error: WaylandError): void;
  /** The compositor reads again (see `congested`). */
  drained?(): void;
}

export interface DisplayOptions extends ConnectionOptions {
  /** Objects at one time. Default 65536. */
  readonly objectsMax?: number;
  /** Interfaces beside the built-in ones, by name, that objects may have. */
  readonly interfaces?: ReadonlyMap<string, InterfaceTable>;
}

interface Waiting {
  resolve(): void;
  reject(error: WaylandError): void;
}

export class Display {
  readonly registry: Registry;
  private readonly connection: WaylandConnection;
  private readonly handlers: DisplayHandlers;
  private readonly objects: ObjectMap;
  private readonly encoder: Encoder;
  private readonly host: ObjectHost;
  private readonly root: WlDisplay;
  private readonly waiting = new Set<Waiting>();
  private readonly moreInterfaces: ReadonlyMap<string, InterfaceTable>;
  private readonly endWatchers = new Set<() => void>();
  private endError: WaylandError | null = null;

  /** Takes over the socket (see `connectToCompositor`) and asks for the globals. */
  constructor(socket: UnixSocket, handlers: DisplayHandlers = {}, options: DisplayOptions = {}) {
    this.handlers = handlers;
    this.moreInterfaces = options.interfaces ?? new Map();
    this.objects = new ObjectMap(options.objectsMax);
    this.connection = new WaylandConnection(
      socket,
      {
        message: (objectId, opcode, body, fds) => this.event(objectId, opcode, body, fds),
        drained: () => this.handlers.drained?.(),
        ended: (error) => this.end(error),
      },
      options,
    );
    this.encoder = new Encoder(this.connection.messageBytesMax);
    this.host = {
      request: (from, message, values, created) => this.request(from, message, values, created),
      interfaceByName: (name) => this.interfaceByName(name),
    };
    const root = createProxy(this.host, wl_display, 1, 1);
    this.objects.add(root);
    this.root = root as unknown as WlDisplay;
    // (Its other event, `error`, is not left to a listener.)
    this.root.listen({ deleteId: (id) => this.objects.deleteId(id) });
    this.registry = new Registry(this.root.getRegistry());
  }

  get closed(): boolean {
    return this.endError !== null;
  }

  /** The compositor does not keep up: hold back what can wait, until `drained`. */
  get congested(): boolean {
    return this.connection.congested;
  }

  /** Bytes that wait for the compositor to read. */
  get backlogBytes(): number {
    return this.connection.backlogBytes;
  }

  /** Objects that exist, the destroyed ones included whose ids the compositor has not freed. */
  get objectCount(): number {
    return this.objects.size;
  }

  /** Resolves when the compositor has handled every request so far, and its events were delivered. */
  sync(): Promise<void> {
    const result = new Promise<void>((resolve, reject) => {
      if (this.endError !== null) {
        reject(this.endError);
        return;
      }
      const waiting = { resolve, reject };
      this.roundTrip(() => {
        this.waiting.delete(waiting);
        resolve();
      });
      this.waiting.add(waiting);
    });
    // Whoever does not wait for it hears of the end from `ended`; nobody's rejection would end the process.
    result.catch(() => undefined);
    return result;
  }

  /**
   * Calls back when the compositor has handled every request so far, before any event that it sent later is
   * delivered (which `sync` can't promise); never when the connection ends before. WL_ERR_DEAD_OBJECT after the end.
   */
  roundTrip(done: () => void): void {
    this.root.sync().listen({ done });
  }

  /** Calls back once when the connection is over, whoever ended it. */
  watchEnd(ended: () => void): void {
    this.endWatchers.add(ended);
  }

  /** Sends what was requested so far now, instead of at the end of this turn of the event loop. */
  flush(): void {
    this.connection.flush();
  }

  /** Ends the connection; every object is dead afterwards, each `sync` rejects. Idempotent. */
  close(): void {
    if (this.endError !== null) return;
    this.connection.close();
    this.finish(new WaylandError('WL_ERR_CLOSED', 'the connection was closed'));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private end(error: WaylandError): void {
    if (this.endError !== null) return;
    this.finish(error);
    this.handlers.ended?.(error);
  }

  private finish(error: WaylandError): void {
    this.endError = error;
    this.objects.killAll();
    for (const { reject } of this.waiting) reject(error);
    this.waiting.clear();
    for (const ended of this.endWatchers) ended();
    this.endWatchers.clear();
  }

  private interfaceByName(name: string): InterfaceTable {
    const table = INTERFACES.get(name) ?? this.moreInterfaces.get(name);
    if (table === undefined) throw new Error(`no interface ${name}`);
    return table;
  }

  private request(
    from: ProxyObject,
    message: MessageTable,
    values: WireValue[],
    created: InterfaceTable | null,
  ): unknown {
    let object: ProxyObject | undefined;
    if (created !== null) {
      const id = this.objects.peekId();
      let { version } = from;
      const at = message.args.findIndex(({ type }) => type === 'new_id');
      const untyped = values[at];
      if (typeof untyped === 'object' && untyped !== null && 'interface' in untyped) {
        ({ version } = untyped);
        values[at] = { interface: untyped.interface, version, id };
      } else {
        values[at] = id;
      }
      object = createProxy(this.host, created, id, version);
    }
    // Nothing has changed so far: a value that can't be sent leaves no trace.
    const { bytes, fds } = this.encoder.encode(from.id, message, values);
    this.connection.send(bytes, fds);
    if (object !== undefined) this.objects.add(object);
    if (message.destructor === true) from.kill();
    return object;
  }

  private event(objectId: number, opcode: number, body: Uint8Array, fds: FdQueue): void {
    const object = this.objects.get(objectId);
    if (object === undefined) throw new WaylandError('WL_ERR_BAD_OBJECT', `an event of object ${objectId}`);
    const message = object.table.events[opcode];
    if (message === undefined) {
      throw new WaylandError('WL_ERR_BAD_OPCODE', `event ${opcode} of a ${object.table.name}`);
    }
    if (object.table === wl_display && message.name === 'error') this.decodeProtocolError(message, body, fds);
    const values = decodeArguments(message, body, fds, { invalidUtf8: 'replace' });
    const callback = object.callbackFor(message);
    let given: unknown[] = [];
    try {
      given = message.args.map((arg, index) => this.fromWire(object, message, arg, values[index] ?? null));
    } catch (error) {
      closeFds(message, values);
      throw error;
    }
    if (message.destructor === true) object.kill();
    if (callback === null) closeFds(message, values);
    else callback(...given);
  }

  private fromWire(from: ProxyObject, message: MessageTable, arg: ArgTable, value: WireValue): unknown {
    const about = `${from.table.name}.${message.name}: argument ${arg.name}`;
    if (arg.type === 'new_id') {
      const made = createProxy(
        this.host,
        this.interfaceByName(arg.interface ?? ''),
        Number(value),
        from.version,
      );
      this.objects.addServerObject(made);
      // What a destroyed object makes is never seen here; its events still have to be understood.
      if (!from.alive) made.kill();
      return made;
    }
    if (arg.type !== 'object') return value;
    if (value === 0) return null;
    const object = this.objects.get(Number(value));
    if (object === undefined) throw new WaylandError('WL_ERR_BAD_OBJECT', `${about}: no object ${value}`);
    if (arg.interface !== undefined && object.table.name !== arg.interface) {
      throw new WaylandError('WL_ERR_BAD_OBJECT', `${about}: a ${object.table.name}`);
    }
    return object.alive ? object : null;
  }

  /** Its object may be one that was never known here, so it is looked at before the general rules are applied. */
  private decodeProtocolError(message: MessageTable, body: Uint8Array, fds: FdQueue): never {
    const plain = { ...message, args: message.args.map((arg) => (arg.type === 'object' ? ANY_ID : arg)) };
    const [id, code, text] = decodeArguments(plain, body, fds, { invalidUtf8: 'replace' });
    return this.protocolError(Number(id), Number(code), String(text));
  }

  private protocolError(objectId: number, code: number, text: string): never {
    const table = this.objects.get(objectId)?.table ?? null;
    const entry = table?.enums
      .find(({ name }) => name === 'error')
      ?.entries.find(({ value }) => value === code);
    const what = `${table?.name ?? 'object'} ${objectId}: error ${code}${entry === undefined ? '' : ` (${entry.name})`}`;
    throw new ProtocolError(objectId, table?.name ?? null, code, `${what}: ${text}`);
  }
}

const ANY_ID: ArgTable = { name: 'object_id', type: 'uint' };

/** Closes the descriptors of an event that nobody takes. */
function closeFds(message: MessageTable, values: readonly WireValue[]): void {
  message.args.forEach((arg, index) => {
    if (arg.type === 'fd') closeFd(Number(values[index]));
  });
}

/**
 * Which of the host's globals the client sees, and the one that the proxy adds. An interface that is not in the
 * protocol tables can't be forwarded: nobody here would know what its messages carry.
 */
import { INTERFACES, type InterfaceTable, vhost_window_memory_v1, wl_shm } from '../../index.js';
import { ClientFault, DisplayError } from './fault.js';
import type { Message } from './message.js';
import type { ProxyObject } from './objects.js';
import type { Session } from './session.js';

/** The name of the proxy's own global; hosts count from 1. */
const OWN_NAME = 0xfffffff0;

/** Globals whose messages carry descriptors that mean nothing on the other side of the device. */
const NEVER: ReadonlySet<string> = new Set([
  'wp_linux_drm_syncobj_manager_v1',
  'wp_security_context_manager_v1',
  vhost_window_memory_v1.name,
]);

interface KnownGlobal {
  readonly table: InterfaceTable;
  readonly version: number;
}

export class Globals {
  private readonly session: Session;
  private readonly known = new Map<number, KnownGlobal>([
    [OWN_NAME, { table: vhost_window_memory_v1, version: vhost_window_memory_v1.version }],
  ]);
  private readonly hidden: ReadonlySet<string>;
  private readonly shmFormats = new Set<number>();
  private ownShm: ProxyObject | null = null;

  /** `hidden`: further interfaces that clients don't see. */
  constructor(session: Session, hidden: readonly string[]) {
    this.session = session;
    this.hidden = new Set([...NEVER, ...hidden]);
    session.requests.set('wl_display.get_registry', (message) => this.getRegistry(message));
    session.requests.set('wl_registry.bind', (message) => this.bind(message));
    session.events.set('wl_registry.global', (message) => this.announced(message));
    session.events.set('wl_registry.global_remove', (message) => this.removed(message));
  }

  /** The proxy's own wl_shm; it is there once the client has one. */
  get shm(): ProxyObject {
    if (this.ownShm === null) throw new Error('no wl_shm');
    return this.ownShm;
  }

  /** Whether the compositor said that it takes buffers of that format (wl_shm.format). */
  takesFormat(format: number): boolean {
    return this.shmFormats.has(format);
  }

  private getRegistry(message: Message): void {
    this.session.forward(message);
    const { name, version } = vhost_window_memory_v1;
    if (message.created !== null) {
      this.session.emit(message.created, 'global', [OWN_NAME, name, version]);
    }
  }

  private announced(message: Message): void {
    const name = message.uint(0);
    const table = INTERFACES.get(message.string(1));
    if (table === undefined || this.hidden.has(table.name) || name === OWN_NAME) return;
    const version = Math.min(message.uint(2), table.version);
    this.known.set(name, { table, version });
    message.setUint(2, version);
    this.session.pass(message);
  }

  private removed(message: Message): void {
    const name = message.uint(0);
    // The client may be binding it right now: it stays known.
    if (this.known.has(name) && name !== OWN_NAME) this.session.pass(message);
  }

  private bind(message: Message): void {
    const name = message.uint(0);
    const wanted = message.untyped(1);
    const known = this.known.get(name) ?? this.notAnnounced(wanted.name);
    if (
      known === null ||
      known.table.name !== wanted.name ||
      wanted.version < 1 ||
      wanted.version > known.version
    ) {
      const what = `invalid global ${wanted.name.slice(0, 64)} (${name}), version ${wanted.version}`;
      throw new ClientFault(what, message.object.clientId, DisplayError.invalidObject);
    }
    message.created = this.session.create(known.table, wanted.version, wanted.id);
    if (name === OWN_NAME) return;
    if (known.table.name === wl_shm.name) this.bindOwnShm(message.object, name);
    this.session.forward(message);
  }

  /** A client may know the name from elsewhere: then the host says whether it is right. */
  private notAnnounced(interfaceName: string): KnownGlobal | null {
    const table = INTERFACES.get(interfaceName);
    return table === undefined || this.hidden.has(interfaceName) ? null : { table, version: table.version };
  }

  /** Before the client's, so that its formats are known before the client can choose one. */
  private bindOwnShm(registry: ProxyObject, name: number): void {
    if (this.ownShm !== null) return;
    this.ownShm = this.session.makeOwn(wl_shm, 1, (event) => {
      if (event.table.name === 'format') this.shmFormats.add(event.uint(0));
    });
    const id = { interface: wl_shm.name, version: 1, id: this.ownShm.hostId };
    this.session.call(registry, 'bind', [name, id]);
  }
}

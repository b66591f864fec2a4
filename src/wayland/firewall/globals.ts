/**
 * The globals as a guest sees them: those that the policy allows, under names of our own, in versions that the
 * compositor, the policy and our tables all have. Registries of the guest exist on this side only.
 */
import { GLOBALS_MAX } from '../limits.js';
import { INTERFACES } from '../protocol/generated/index.js';
import {
  wl_compositor,
  wl_registry,
  wl_seat,
  wl_shm,
  wl_subcompositor,
} from '../protocol/generated/wayland.js';
import type { UntypedNewId, WireValue } from '../wire/decode.js';
import type { InterfaceTable, MessageTable } from '../wire/table.js';
import type { ForwardedObject, OwnListener } from './objects.js';
import type { Session } from './session.js';
import { DisplayError, Violation } from './violation.js';

interface ForwardedGlobal {
  readonly hostName: number;
  readonly guestName: number;
  readonly table: InterfaceTable;
  readonly version: number;
  /** The compositor took it back; a guest may not have seen that yet. */
  removed: boolean;
  /** Of a seat: every capability that it ever had; null until that is known. */
  capabilities: number | null;
}

/** Removed globals that a late bind may still name. */
const REMOVED_MAX = 256;

/** What we make objects of our own with, whether or not the guest may. */
const OWN_USE: ReadonlySet<string> = new Set([wl_shm.name, wl_compositor.name, wl_subcompositor.name]);

export class Globals {
  private readonly session: Session;
  private readonly dmabuf: boolean;
  private registry: ForwardedObject | null = null;
  private readonly byHostName = new Map<number, ForwardedGlobal>();
  private readonly byGuestName = new Map<number, ForwardedGlobal>();
  private readonly guestRegistries = new Set<ForwardedObject>();
  private readonly forOwnUse = new Map<string, number>();
  private readonly seats = new WeakMap<ForwardedObject, ForwardedGlobal>();
  private nextName = 1;

  constructor(session: Session, dmabuf: boolean) {
    this.session = session;
    this.dmabuf = dmabuf;
  }

  start(): void {
    const { session } = this;
    this.registry = session.own(wl_registry, 1, (message, values) => this.event(message, values));
    session.ask(session.display, 'get_registry', [this.registry.hostId]);
  }

  /** The guest made a registry. */
  addRegistry(registry: ForwardedObject): void {
    this.guestRegistries.add(registry);
    registry.gone = () => this.guestRegistries.delete(registry);
    for (const global of this.byGuestName.values()) if (!global.removed) this.announce(registry, global);
  }

  /** wl_registry.bind of the guest. */
  bind(name: number, wanted: UntypedNewId): void {
    const { session } = this;
    const global = this.byGuestName.get(name);
    const what = `bind of global ${name} as ${wanted.interface} version ${wanted.version}`;
    if (global === undefined) throw new Violation('global', `${what}: no such global`, 1, 0);
    if (global.table.name !== wanted.interface) {
      throw new Violation('global', `${what}: it is a ${global.table.name}`, 1, DisplayError.invalidObject);
    }
    if (wanted.version < 1 || wanted.version > global.version) {
      throw new Violation(
        'global',
        `${what}: version ${global.version} was announced`,
        1,
        DisplayError.invalidObject,
      );
    }
    const object = session.addLocal(global.table, wanted.version, wanted.id);
    if (global.table === wl_seat) this.seats.set(object, global);
    // The guest did not know yet: it gets an object that never does anything.
    if (global.removed) return;
    this.bindOnHost(global, object);
  }

  /** A binding of our own in version 1, null when the compositor has none. */
  bindOwn(table: InterfaceTable, listener: OwnListener): ForwardedObject | null {
    const { session, registry } = this;
    const name = this.forOwnUse.get(table.name);
    if (name === undefined || registry === null) return null;
    const object = session.own(table, 1, listener);
    session.ask(registry, 'bind', [name, { interface: table.name, version: 1, id: object.hostId }]);
    return object;
  }

  /** Every capability that a seat of the guest's ever had; null as long as the compositor did not say. */
  capabilitiesOf(seat: ForwardedObject): number | null {
    return this.seats.get(seat)?.capabilities ?? null;
  }

  /** A binding of our own, so that they are known before the guest asks for the first device. */
  private watchSeat(global: ForwardedGlobal): void {
    const seat = this.session.own(wl_seat, 1, (message, values) => {
      if (message.name === 'capabilities') {
        global.capabilities = (global.capabilities ?? 0) | Number(values[0]);
      }
    });
    this.bindOnHost(global, seat);
  }

  private bindOnHost(global: ForwardedGlobal, object: ForwardedObject): void {
    const { session, registry } = this;
    if (registry === null) return;
    if (object.hostId === 0) session.objects.addHost(object);
    session.ask(registry, 'bind', [
      global.hostName,
      { interface: global.table.name, version: object.version, id: object.hostId },
    ]);
  }

  private event(message: MessageTable, values: readonly WireValue[]): void {
    const name = Number(values[0]);
    if (message.name === 'global') this.add(name, String(values[1]), Number(values[2]));
    else this.remove(name);
  }

  private add(hostName: number, name: string, hostVersion: number): void {
    if (OWN_USE.has(name)) this.forOwnUse.set(name, hostName);
    const allowed = this.session.policy.globals.get(name);
    const table = INTERFACES.get(name);
    if (allowed === undefined || table === undefined) return;
    if (name === 'zwp_linux_dmabuf_v1' && !this.dmabuf) return;
    const version = Math.min(hostVersion, allowed, table.version);
    if (version < 1 || this.byHostName.has(hostName) || this.byHostName.size >= GLOBALS_MAX) return;
    const global: ForwardedGlobal = {
      hostName,
      guestName: this.nextName++,
      table,
      version,
      removed: false,
      capabilities: null,
    };
    this.byHostName.set(hostName, global);
    this.byGuestName.set(global.guestName, global);
    if (table === wl_seat) this.watchSeat(global);
    for (const registry of this.guestRegistries) this.announce(registry, global);
  }

  private remove(hostName: number): void {
    for (const [name, used] of this.forOwnUse) if (used === hostName) this.forOwnUse.delete(name);
    const global = this.byHostName.get(hostName);
    if (global === undefined) return;
    global.removed = true;
    this.byHostName.delete(hostName);
    for (const registry of this.guestRegistries) {
      this.session.emit(registry, 'global_remove', [global.guestName]);
    }
    if (this.byGuestName.size <= GLOBALS_MAX + REMOVED_MAX) return;
    for (const [guestName, { removed }] of this.byGuestName) {
      if (removed) this.byGuestName.delete(guestName);
      if (this.byGuestName.size <= GLOBALS_MAX + REMOVED_MAX / 2) break;
    }
  }

  private announce(registry: ForwardedObject, global: ForwardedGlobal): void {
    this.session.emit(registry, 'global', [global.guestName, global.table.name, global.version]);
  }
}

/** The compositor's globals: what it offers, and binding to it. */
import { WaylandError } from '../errors.js';
import { GLOBALS_MAX } from '../limits.js';
import type { WlRegistry } from '../protocol/generated/wayland.js';
import type { TypedInterface } from '../wire/table.js';

export interface Global {
  /** The number that the compositor gave it. */
  readonly name: number;
  readonly interface: string;
  /** The newest version that the compositor has. */
  readonly version: number;
}

export interface RegistryListener {
  added?(global: Global): void;
  removed?(global: Global): void;
}

export interface BindOptions {
  /** The oldest version that is of use. Default 1. */
  readonly min?: number;
  /** The newest version that the caller was written for. Default: the newest that is known here. */
  readonly max?: number;
  /** Which of several globals with that interface. Default: the first. */
  readonly global?: Global;
}

export class Registry {
  private readonly object: WlRegistry;
  private readonly byName = new Map<number, Global>();
  private readonly listeners = new Set<RegistryListener>();

  constructor(object: WlRegistry) {
    this.object = object;
    object.listen({
      global: (name, interfaceName, version) => this.add({ name, interface: interfaceName, version }),
      globalRemove: (name) => this.remove(name),
    });
  }

  /** What is there now. (Complete after the display's first `sync`.) */
  get globals(): readonly Global[] {
    return [...this.byName.values()];
  }

  find(table: TypedInterface<unknown>): Global | null {
    for (const global of this.byName.values()) if (global.interface === table.name) return global;
    return null;
  }

  /** Binds the newest version that compositor, tables and caller know. WL_ERR_NO_GLOBAL when there is none. */
  bind<T>(table: TypedInterface<T>, options: BindOptions = {}): T {
    const global = options.global ?? this.find(table);
    if (global === null || global.interface !== table.name || this.byName.get(global.name) !== global) {
      throw new WaylandError('WL_ERR_NO_GLOBAL', `the compositor has no ${table.name}`);
    }
    const version = Math.min(global.version, table.version, options.max ?? table.version);
    if (version < (options.min ?? 1)) {
      throw new WaylandError(
        'WL_ERR_NO_GLOBAL',
        `the compositor's ${table.name} is too old (${global.version})`,
      );
    }
    return this.object.bind(global.name, table, version);
  }

  /** Tells about globals that come and go from now on. The result ends that. */
  watch(listener: RegistryListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  private add(global: Global): void {
    if (this.byName.has(global.name)) {
      throw new WaylandError('WL_ERR_BAD_ID', `global ${global.name} announced twice`);
    }
    if (global.version === 0) {
      throw new WaylandError('WL_ERR_BAD_OBJECT', `version 0 of ${global.interface}`);
    }
    if (this.byName.size >= GLOBALS_MAX)
      throw new WaylandError('WL_ERR_OVERFLOW', `more than ${GLOBALS_MAX} globals`);
    this.byName.set(global.name, global);
    for (const listener of [...this.listeners]) listener.added?.(global);
  }

  private remove(name: number): void {
    const global = this.byName.get(name);
    if (global === undefined) return;
    this.byName.delete(name);
    for (const listener of [...this.listeners]) listener.removed?.(global);
  }
}

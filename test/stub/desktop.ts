/**
 * The stub compositor with a shell: surfaces with their double-buffered state, windows that are configured, frames
 * that are called back, shown and released when the test says so.
 */
import type { UnixSocket } from 'vhost-user-native';
import { asObject, isObject, StubCompositor, type StubObject, type StubValue } from './compositor.js';

export const DESKTOP_GLOBALS = [
  ['wl_compositor', 6],
  ['wl_shm', 1],
  ['wl_seat', 9],
  ['wl_output', 4],
  ['xdg_wm_base', 6],
  ['wl_subcompositor', 1],
  ['wp_viewporter', 1],
  ['wp_presentation', 1],
  ['wp_fractional_scale_manager_v1', 1],
  ['zxdg_decoration_manager_v1', 1],
  ['xdg_toplevel_icon_manager_v1', 1],
  ['zwp_pointer_constraints_v1', 1],
  ['zwp_relative_pointer_manager_v1', 1],
  ['zwp_keyboard_shortcuts_inhibit_manager_v1', 1],
] as const;

export interface StubBuffer {
  readonly object: StubObject;
  /** offset, width, height, stride, format. */
  readonly place: readonly number[];
}

export class StubSurface {
  readonly object: StubObject;
  readonly stub: StubCompositor;
  /** Commits so far, with and without a buffer. */
  commits = 0;
  buffer: StubBuffer | null = null;
  /** Of the last commit that had any: x, y, width, height. */
  damage: number[][] = [];
  destination: number[] | null = null;
  scale = 1;
  /** Committed frame callbacks that were not called. */
  callbacks: StubObject[] = [];
  feedbacks: StubObject[] = [];
  /** Buffers that were committed and not released, oldest first; twice when committed twice. */
  readonly held: StubObject[] = [];
  onCommit: () => void = () => undefined;
  readonly pending = {
    buffer: undefined as StubBuffer | null | undefined,
    damage: [] as number[][],
    destination: undefined as number[] | undefined,
    scale: undefined as number | undefined,
    callbacks: [] as StubObject[],
    feedbacks: [] as StubObject[],
  };

  constructor(stub: StubCompositor, object: StubObject) {
    this.stub = stub;
    this.object = object;
  }

  commit(): void {
    const { pending } = this;
    this.commits++;
    if (pending.buffer !== undefined) {
      this.buffer = pending.buffer;
      if (pending.buffer !== null) this.held.push(pending.buffer.object);
    }
    if (pending.damage.length > 0) this.damage = pending.damage;
    this.destination = pending.destination ?? this.destination;
    this.scale = pending.scale ?? this.scale;
    this.callbacks.push(...pending.callbacks);
    this.feedbacks.push(...pending.feedbacks);
    pending.buffer = undefined;
    pending.damage = [];
    pending.destination = undefined;
    pending.scale = undefined;
    pending.callbacks = [];
    pending.feedbacks = [];
    this.onCommit();
  }

  /** Calls the frame callbacks. */
  done(timeMs = 1000): void {
    for (const callback of this.callbacks.splice(0)) this.stub.send(callback, 'done', [timeMs]);
  }

  presented(seconds = 5, nsec = 7, refresh = 16_666_666, flags = 1): void {
    for (const feedback of this.feedbacks.splice(0)) {
      this.stub.send(feedback, 'presented', [0, seconds, nsec, refresh, 0, 1, flags]);
    }
  }

  discard(): void {
    for (const feedback of this.feedbacks.splice(0)) this.stub.send(feedback, 'discarded');
  }

  /** Releases a buffer (the oldest that is held by default), once for all its commits. */
  release(buffer: StubObject | undefined = this.held[0]): void {
    if (buffer === undefined) throw new Error('no buffer is held');
    for (let at = this.held.indexOf(buffer); at >= 0; at = this.held.indexOf(buffer)) this.held.splice(at, 1);
    if (buffer.alive) this.stub.send(buffer, 'release');
  }
}

export class StubWindow {
  readonly surface: StubSurface;
  readonly shell: StubObject;
  readonly toplevel: StubObject;
  title = '';
  appId = '';
  geometry: number[] | null = null;
  min: number[] = [];
  max: number[] = [];
  /** Serials that were acknowledged. */
  readonly acked: number[] = [];
  fullscreenWanted = false;
  configures = 0;
  private serial = 100;

  constructor(surface: StubSurface, shell: StubObject, toplevel: StubObject) {
    this.surface = surface;
    this.shell = shell;
    this.toplevel = toplevel;
  }

  /** Returns the serial. States are xdg_toplevel.state numbers. */
  configure(width: number, height: number, states: readonly number[] = []): number {
    const { stub } = this.surface;
    this.configures++;
    stub.send(this.toplevel, 'configure', [width, height, arrayOf(states)]);
    stub.send(this.shell, 'configure', [++this.serial]);
    return this.serial;
  }
}

export class StubDesktop {
  readonly stub: StubCompositor;
  readonly surfaces = new Map<StubObject, StubSurface>();
  readonly windows: StubWindow[] = [];
  /** The size and states of each window's first configure. */
  firstConfigure: { width: number; height: number; states: readonly number[] } = {
    width: 0,
    height: 0,
    states: [],
  };
  private readonly buffers = new Map<StubObject, StubBuffer>();
  private readonly shells = new Map<StubObject, StubSurface>();
  private readonly viewports = new Map<StubObject, StubSurface>();

  constructor(
    socket: UnixSocket,
    globals: readonly (readonly [string, number])[] = DESKTOP_GLOBALS,
    formats: readonly number[] = [0, 1],
  ) {
    this.stub = new StubCompositor(socket, globals);
    const { stub } = this;
    stub.on('wl_registry', 'bind', ({ values }) => {
      const object = asObject(values[1]);
      if (object.interface === 'wl_shm') for (const format of formats) stub.send(object, 'format', [format]);
    });
    stub.on('wl_compositor', 'create_surface', ({ values }) => {
      const object = asObject(values[0]);
      this.surfaces.set(object, new StubSurface(stub, object));
    });
    stub.on('wl_shm_pool', 'create_buffer', ({ values }) => {
      const object = asObject(values[0]);
      this.buffers.set(object, { object, place: values.slice(1).map(Number) });
    });
    this.surfaceRequests();
    this.shellRequests();
  }

  /** The first window. */
  get window(): StubWindow {
    const [window] = this.windows;
    if (window === undefined) throw new Error('there is no window');
    return window;
  }

  surface(object: StubValue | undefined): StubSurface {
    const found = isObject(object) ? this.surfaces.get(object) : undefined;
    if (found === undefined) throw new Error('no such surface');
    return found;
  }

  private surfaceRequests(): void {
    const { stub } = this;
    const on = (name: string, handler: (surface: StubSurface, values: readonly StubValue[]) => void): void =>
      stub.on('wl_surface', name, ({ object, values }) => handler(this.surface(object), values));
    on('attach', (surface, [buffer]) => {
      surface.pending.buffer = isObject(buffer) ? (this.buffers.get(buffer) ?? null) : null;
    });
    on('damage_buffer', (surface, values) => surface.pending.damage.push(values.map(Number)));
    on('frame', (surface, [callback]) => surface.pending.callbacks.push(asObject(callback)));
    on('set_buffer_scale', (surface, [scale]) => {
      surface.pending.scale = Number(scale);
    });
    on('commit', (surface) => surface.commit());
    stub.on('wp_viewporter', 'get_viewport', ({ values }) => {
      this.viewports.set(asObject(values[0]), this.surface(values[1]));
    });
    stub.on('wp_viewport', 'set_destination', ({ object, values }) => {
      const surface = this.viewports.get(object);
      if (surface !== undefined) surface.pending.destination = values.map(Number);
    });
    stub.on('wp_presentation', 'feedback', ({ values }) => {
      this.surface(values[0]).pending.feedbacks.push(asObject(values[1]));
    });
  }

  private shellRequests(): void {
    const { stub } = this;
    stub.on('xdg_wm_base', 'get_xdg_surface', ({ values }) => {
      this.shells.set(asObject(values[0]), this.surface(values[1]));
    });
    stub.on('xdg_surface', 'get_toplevel', ({ object, values }) => {
      const surface = this.shells.get(object);
      if (surface === undefined) throw new Error('a shell surface without a surface');
      const window = new StubWindow(surface, object, asObject(values[0]));
      this.windows.push(window);
      surface.onCommit = () => {
        const { width, height, states } = this.firstConfigure;
        if (window.configures === 0) window.configure(width, height, states);
      };
    });
    const shell = (name: string, handler: (window: StubWindow, values: readonly number[]) => void): void =>
      stub.on('xdg_surface', name, ({ object, values }) => {
        for (const window of this.windows) if (window.shell === object) handler(window, values.map(Number));
      });
    shell('ack_configure', (window, [serial]) => window.acked.push(serial ?? 0));
    shell('set_window_geometry', (window, values) => {
      window.geometry = [...values];
    });
    const top = (name: string, handler: (window: StubWindow, values: readonly StubValue[]) => void): void =>
      stub.on('xdg_toplevel', name, ({ object, values }) => {
        for (const window of this.windows) if (window.toplevel === object) handler(window, values);
      });
    top('set_title', (window, [title]) => {
      window.title = String(title);
    });
    top('set_app_id', (window, [appId]) => {
      window.appId = String(appId);
    });
    top('set_min_size', (window, values) => {
      window.min = values.map(Number);
    });
    top('set_max_size', (window, values) => {
      window.max = values.map(Number);
    });
    top('set_fullscreen', (window) => {
      window.fullscreenWanted = true;
    });
    top('unset_fullscreen', (window) => {
      window.fullscreenWanted = false;
    });
    stub.on('xdg_toplevel', 'destroy', ({ object }) => {
      const at = this.windows.findIndex((window) => window.toplevel === object);
      if (at >= 0) this.windows.splice(at, 1);
    });
  }
}

/** 32-bit words as an array argument. */
export function arrayOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

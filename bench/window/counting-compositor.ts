/**
 * A compositor that shows nothing: it takes each frame at once, gives the one before back, and notes when it came. It
 * runs in this process, so what it costs is not in the back-end's CPU time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  closeFd,
  listenUnix,
  type Mapping,
  mapFile,
  type UnixListener,
  type UnixSocket,
} from 'vhost-user-native';
import { asObject, type StubObject } from '../../test/stub/compositor.js';
import { StubDesktop, type StubSurface } from '../../test/stub/desktop.js';

const NAME = 'wayland-bench';

/** One frame as it arrived. */
export interface ArrivedFrame {
  /** On the clock of `process.hrtime`. */
  readonly timeNs: bigint;
  /** The first pixel's word. */
  readonly pixel: number;
  readonly width: number;
  readonly height: number;
}

export class CountingCompositor {
  /** For the programs that are to find it. */
  readonly env: NodeJS.ProcessEnv;
  /** The frames since `clear`, oldest first. */
  readonly frames: ArrivedFrame[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'bench-'));
  private readonly listener: UnixListener;
  private readonly desktops: StubDesktop[] = [];
  private arrived: () => void = () => undefined;
  private readonly pools = new Map<StubObject, Mapping>();

  constructor() {
    this.env = { ...process.env, XDG_RUNTIME_DIR: this.folder, WAYLAND_DISPLAY: NAME };
    this.listener = listenUnix(join(this.folder, NAME));
    this.listener.watch(() => {
      const socket = this.listener.accept();
      if (socket !== null) this.serve(socket);
    });
  }

  /** Resolves when the latest frame begins with that word. */
  async shows(pixel: number): Promise<void> {
    while (this.frames.at(-1)?.pixel !== pixel) {
      await new Promise<void>((resolve) => {
        this.arrived = resolve;
      });
    }
  }

  clear(): void {
    this.frames.length = 0;
  }

  close(): void {
    this.listener.close();
    for (const { stub } of this.desktops) stub.close();
    for (const mapping of this.pools.values()) mapping.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private serve(socket: UnixSocket): void {
    const desktop = new StubDesktop(socket);
    const { stub } = desktop;
    stub.remembers = false;
    this.desktops.push(desktop);
    /** Pools by buffer. */
    const poolOf = new Map<StubObject, StubObject>();
    const place = stub.handler('wl_shm_pool', 'create_buffer');
    stub.on('wl_shm', 'create_pool', ({ values }) => {
      const fd = stub.takeFd(values[1]);
      this.pools.set(asObject(values[0]), mapFile(fd, 0, Number(values[2]), { writable: false }));
      closeFd(fd);
    });
    stub.on('wl_shm_pool', 'create_buffer', (request) => {
      place(request);
      poolOf.set(asObject(request.values[0]), request.object);
    });
    stub.on('wl_surface', 'commit', ({ object }) => {
      const timeNs = process.hrtime.bigint();
      const surface = desktop.surface(object);
      const attached = surface.pending.buffer !== undefined;
      surface.commit();
      if (attached) this.show(surface, poolOf, timeNs);
    });
  }

  private show(surface: StubSurface, poolOf: Map<StubObject, StubObject>, timeNs: bigint): void {
    const { buffer } = surface;
    while (surface.held.length > 1) surface.release();
    surface.done();
    surface.presented();
    if (buffer === null) return;
    const [offset = 0, width = 0, height = 0] = buffer.place;
    const mapping = this.pools.get(poolOf.get(buffer.object) as StubObject);
    const pixel = mapping === undefined ? 0 : (new Uint32Array(mapping.window(offset, 4))[0] ?? 0);
    this.frames.push({ timeNs, pixel, width, height });
    this.arrived();
  }
}

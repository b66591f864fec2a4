/** A compositor in the test's process, behind a socket file, that dies and comes back. */
import {
  closeFd,
  listenUnix,
  type Mapping,
  mapFile,
  type UnixListener,
  type UnixSocket,
} from 'vhost-user-native';
import { DESKTOP_GLOBALS, StubDesktop } from '../stub/desktop.js';

/** Each connection gets a desktop of its own, which shows frames at once. */
export class MortalCompositor {
  readonly path: string;
  /** Of the connections that have not ended. */
  desktops: StubDesktop[] = [];
  private listener: UnixListener | null = null;
  private sockets: UnixSocket[] = [];
  private readonly pools = new Map<StubDesktop, Mapping>();

  constructor(path: string) {
    this.path = path;
    this.start();
  }

  start(): void {
    const listener = listenUnix(this.path);
    this.listener = listener;
    listener.watch(() => {
      const socket = listener.accept();
      if (socket === null) return;
      this.sockets = [...this.sockets.filter(({ closed }) => !closed), socket];
      this.desktops = [...this.desktops.filter(({ stub }) => stub.ended === null), this.desktop(socket)];
    });
  }

  /** Every connection ends, and nobody listens. */
  kill(): void {
    this.listener?.close();
    for (const { stub } of this.desktops) stub.close();
    for (const pool of this.pools.values()) pool.close();
    this.desktops = [];
    this.sockets = [];
    this.pools.clear();
  }

  /** It stops reading, until it is killed. */
  hang(): void {
    for (const socket of this.sockets) if (!socket.closed) socket.watch(0, () => undefined);
  }

  /** How many windows are there. */
  get windows(): number {
    return this.desktops.reduce((sum, { windows }) => sum + windows.length, 0);
  }

  /** Whether a window shows these bytes. */
  shows(expected: Uint8Array): boolean {
    return this.desktops.some((desktop) =>
      desktop.windows.some(({ surface: { buffer } }) => {
        const pool = this.pools.get(desktop);
        if (buffer === null || pool === undefined) return false;
        const [offset = 0, width = 0, height = 0] = buffer.place;
        const bytes = width * height * 4;
        if (bytes !== expected.length) return false;
        return Buffer.compare(new Uint8Array(pool.window(offset, bytes)), expected) === 0;
      }),
    );
  }

  private desktop(socket: UnixSocket): StubDesktop {
    const desktop = new StubDesktop(socket, DESKTOP_GLOBALS);
    const { stub } = desktop;
    stub.remembers = false;
    stub.on('wl_shm', 'create_pool', ({ values }) => {
      const fd = stub.takeFd(values[1]);
      this.pools.set(desktop, mapFile(fd, 0, Number(values[2]), { writable: false }));
      closeFd(fd);
    });
    const toplevel = stub.handler('xdg_surface', 'get_toplevel');
    stub.on('xdg_surface', 'get_toplevel', (request) => {
      toplevel(request);
      const surface = desktop.windows.at(-1)?.surface;
      if (surface === undefined) return;
      const configure = surface.onCommit;
      surface.onCommit = () => {
        configure();
        if (surface.buffer === null) return;
        surface.presented();
        surface.done();
        while (surface.held.length > 1) surface.release();
      };
    });
    return desktop;
  }
}

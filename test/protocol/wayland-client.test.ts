/** The Wayland client against a real compositor: weston, headless. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { closeFd, createMemfd, mapFile } from 'vhost-user-native';
import {
  connectToCompositor,
  Display,
  ProtocolError,
  type WaylandError,
  WlShmFormat,
  wl_compositor,
  wl_shm,
  wl_surface,
  xdg_wm_base,
} from '../../src/wayland/index.js';
import { TestProcess } from '../e2e/harness/processes.js';

const WIDTH = 64;
const HEIGHT = 48;

class Weston {
  readonly env: NodeJS.ProcessEnv;
  private readonly folder = mkdtempSync(join(tmpdir(), 'wayland-test-'));
  private readonly child: TestProcess;

  constructor() {
    this.env = { ...process.env, XDG_RUNTIME_DIR: this.folder, WAYLAND_DISPLAY: 'test-0' };
    const args = [
      '--backend=headless-backend.so',
      '--use-pixman',
      '--socket=test-0',
      '--idle-time=0',
      '--no-config',
    ];
    const env = { ...this.env };
    delete env.WAYLAND_DISPLAY;
    delete env.NODE_OPTIONS;
    this.child = new TestProcess('weston', 'weston', args, env);
  }

  /** A connection, as soon as it listens: weston launches its shell once its socket is there. */
  async connect(ended: (error: WaylandError) => void = () => undefined): Promise<Display> {
    try {
      await this.child.waitForOutput(/launching '/);
    } catch (error) {
      if (this.child.exit?.code !== 127) throw error;
      throw new Error('weston is not installed: apt-get install weston (scripts/setup does it)');
    }
    return new Display(connectToCompositor({ ...this.env }), { ended });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.child.stop(signal);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let weston: Weston;
t.before(() => {
  weston = new Weston();
});
t.teardown(() => weston.stop());

t.test('globals', async (t) => {
  using display = await weston.connect();
  await display.sync();
  const names = display.registry.globals.map((global) => global.interface);
  for (const name of [
    'wl_compositor',
    'wl_shm',
    'wl_output',
    'xdg_wm_base',
    'wp_viewporter',
    'wp_presentation',
  ]) {
    t.ok(names.includes(name), name);
  }
  const shm = display.registry.bind(wl_shm);
  const formats: number[] = [];
  shm.listen({ format: (format) => formats.push(format) });
  await display.sync();
  t.ok(formats.includes(WlShmFormat.argb8888) && formats.includes(WlShmFormat.xrgb8888), 'shm formats');
});

t.test('a window: configure, buffer, frame callbacks, release', async (t) => {
  using display = await weston.connect();
  await display.sync();
  const { registry } = display;
  const compositor = registry.bind(wl_compositor, { min: 4 });
  const shm = registry.bind(wl_shm);
  const base = registry.bind(xdg_wm_base);
  base.listen({ ping: (serial) => base.pong(serial) });
  const surface = compositor.createSurface();
  const shell = base.getXdgSurface(surface);
  const toplevel = shell.getToplevel();
  const configured = new Promise<void>((resolve) => {
    shell.listen({
      configure: (serial) => {
        shell.ackConfigure(serial);
        resolve();
      },
    });
  });
  let sized = 0;
  toplevel.listen({ configure: () => sized++ });
  toplevel.setTitle('client test');
  toplevel.setAppId('wayland-client.test');
  surface.commit();
  await configured;
  t.ok(sized > 0, 'xdg_toplevel.configure');

  const bytes = WIDTH * HEIGHT * 4;
  const fd = createMemfd('window', { size: bytes * 2 });
  const mapping = mapFile(fd, 0, bytes * 2, { writable: true });
  const pool = shm.createPool(fd, bytes * 2);
  closeFd(fd);
  const buffers = [0, 1].map((index) =>
    pool.createBuffer(index * bytes, WIDTH, HEIGHT, WIDTH * 4, WlShmFormat.xrgb8888),
  );
  pool.destroy();
  let released = 0;
  for (const buffer of buffers) buffer.listen({ release: () => released++ });
  for (let frame = 0; frame < 10; frame++) {
    const buffer = buffers[frame % 2] ?? null;
    const presented = new Promise<number>((resolve) => surface.frame().listen({ done: resolve }));
    surface.attach(buffer, 0, 0);
    surface.damageBuffer(0, 0, WIDTH, HEIGHT);
    surface.commit();
    t.type(await presented, 'number', `frame ${frame}`);
  }
  await display.sync();
  t.ok(released > 0, 'buffers come back');
  t.ok(display.objectCount < 16, `ids of the callbacks are reused (${display.objectCount} objects)`);
  mapping.close();
});

t.test("a client's mistake is a protocol error with its place", async (t) => {
  let ended: WaylandError | null = null;
  const display = await weston.connect((error) => {
    ended = error;
  });
  await display.sync();
  const surface = display.registry.bind(wl_compositor).createSurface();
  surface.setBufferScale(-1);
  await t.rejects(display.sync(), { code: 'WL_ERR_PROTOCOL' });
  t.ok((ended as unknown) instanceof ProtocolError);
  t.match(ended, { interfaceName: wl_surface.name, objectId: surface.id });
  t.notOk(surface.alive);
});

t.test('a compositor that is killed is a disconnect', async (t) => {
  const victim = new Weston();
  let tell: (error: WaylandError) => void = () => undefined;
  const ended = new Promise<WaylandError>((resolve) => {
    tell = resolve;
  });
  const display = await victim.connect((error) => tell(error));
  await display.sync();
  const surface = display.registry.bind(wl_compositor).createSurface();
  await victim.stop('SIGKILL');
  t.match(await ended, { code: 'WL_ERR_DISCONNECTED' });
  t.notOk(surface.alive);
  await t.rejects(display.sync(), { code: 'WL_ERR_DISCONNECTED' });
});

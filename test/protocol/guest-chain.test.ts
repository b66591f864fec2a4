/**
 * The whole way of a window in one process, but for the virtual machine: a client, the guest proxy, a driver over the
 * front-end double, the device with its contexts, the firewall, and weston.
 */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectUnix, pageSize } from 'vhost-user-native';
import { SharedRegion } from '../../src/region/index.js';
import { GuestProxyServer, type Listening, type LogFields, listen } from '../../src/wayland/guest/index.js';
import {
  DEFAULT_POLICY,
  Display,
  WaylandFirewall,
  type WlBuffer,
  wl_compositor,
  wl_shm,
  xdg_wm_base,
} from '../../src/wayland/index.js';
import { HostCompositor } from '../e2e/harness/compositor.js';
import { computed, placeOf, type RgbPicture } from '../e2e/harness/picture.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { weston } from '../e2e/harness/weston.js';
import { until } from '../unit/gpu-socket-fixture.js';
import { Canvas, Memory } from '../unit/guest-support.js';
import { Machine } from './gpu-machine.js';
import { GuestDriver } from './guest-driver.js';

/** Of the window; the screen is larger, and weston places the window. */
const WIDTH = 160;
const HEIGHT = 100;

/** Everything from the clients' socket to the compositor. */
class Chain {
  readonly compositor: HostCompositor;
  readonly machine: Machine;
  readonly driver: GuestDriver;
  readonly firewall: WaylandFirewall;
  readonly server: GuestProxyServer;
  readonly log: { message: string; fields: LogFields }[] = [];
  readonly warnings: string[] = [];
  readonly env: NodeJS.ProcessEnv;
  /** Told of each line of the log. */
  private readonly logged = new EventEmitter();
  private readonly region = SharedRegion.create({ windowBytes: 16384 * pageSize, hostBytes: 0 });
  private readonly folder = mkdtempSync(join(tmpdir(), 'chain-'));
  private readonly listening: Listening;

  private constructor(compositor: HostCompositor) {
    this.compositor = compositor;
    this.firewall = new WaylandFirewall({
      vm: 'chain',
      policy: DEFAULT_POLICY,
      region: this.region,
      connect: () => compositor.connect(),
      log: { info: () => undefined, warn: (message) => this.warnings.push(message) },
    });
    const channels = {
      types: [1],
      open: (_type: number, owner: Parameters<WaylandFirewall['open']>[0]) => this.firewall.open(owner),
    };
    this.machine = new Machine({ region: this.region, contexts: { channels } });
    this.driver = new GuestDriver(this.machine, this.region);
    const env = { XDG_RUNTIME_DIR: this.folder };
    this.listening = listen({ kind: 'socket', name: 'guest' }, env);
    const note = (fields: LogFields, message: string): void => {
      this.log.push({ message, fields });
      this.logged.emit('line');
    };
    const log = { debug: note, info: note, warn: note, error: note };
    this.server = new GuestProxyServer(this.listening.listeners, { openGpu: () => this.driver.open(), log });
    const { NODE_OPTIONS: _, WAYLAND_SOCKET: __, ...rest } = process.env;
    this.env = { ...rest, ...env, WAYLAND_DISPLAY: 'guest' };
  }

  static async start(): Promise<Chain> {
    const program = weston({ version: '10', width: 640, height: 480, shell: 'desktop' });
    const chain = new Chain(await HostCompositor.start(program));
    await chain.machine.connect();
    await chain.machine.start();
    await chain.driver.probe();
    return chain;
  }

  connect(): Display {
    return new Display(connectUnix(join(this.folder, 'guest')));
  }

  /** What was logged of a client that has gone; resolves once it has. */
  async gone(): Promise<LogFields> {
    const find = (): LogFields | undefined =>
      this.log.find(({ message }) => message === 'client left')?.fields;
    while (find() === undefined) await once(this.logged, 'line');
    return find() ?? {};
  }

  async close(): Promise<void> {
    this.server.close();
    this.listening.close();
    await until(() => this.server.clientCount === 0);
    this.machine.disconnect();
    await until(() => !this.machine.device.status.attached);
    this.firewall.close();
    this.machine.close();
    this.region.close();
    await this.compositor.close();
    rmSync(this.folder, { recursive: true });
  }
}

const color = (frame: number, x: number, y: number): number =>
  ((x * 5 + frame * 40) & 0xff) | (((y * 3) & 0xff) << 8) | (((x ^ y) & 0xff) << 16);

/** Null when the picture is somewhere on the screen, pixel for pixel. */
function missing(screen: RgbPicture, wanted: RgbPicture): string | null {
  return placeOf(wanted, screen) === null ? 'the window is not on the screen' : null;
}

t.test('a window of a client in the guest, pixel for pixel on the host', async (t) => {
  const chain = await Chain.start();
  const display = chain.connect();
  await display.sync();
  const { registry } = display;
  const names = registry.globals.map(({ interface: name }) => name);
  t.ok(names.includes('xdg_wm_base') && names.includes('vhost_window_memory_v1'));
  t.notOk(
    names.some((name) => name.startsWith('weston_')),
    'the firewall is in between',
  );
  const base = registry.bind(xdg_wm_base);
  base.listen({ ping: (serial) => base.pong(serial) });
  const surface = registry.bind(wl_compositor, { min: 4 }).createSurface();
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
  toplevel.setTitle('chain');
  surface.commit();
  await configured;
  const memory = new Memory(2 * WIDTH * HEIGHT * 4);
  const pool = memory.pool(registry.bind(wl_shm));
  const canvases = [0, 1].map((index) => new Canvas(memory, pool, index * WIDTH * HEIGHT * 4, WIDTH, HEIGHT));
  const draw = async (frame: number, part: number): Promise<void> => {
    const canvas = canvases[frame % 2] as Canvas;
    canvas.copyFrom(canvases[(frame + 1) % 2] as Canvas);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = part; x < WIDTH; x++) canvas.fill(0xff000000 | color(frame, x, y), x, y, 1, 1);
    }
    const presented = new Promise<number>((resolve) => surface.frame().listen({ done: resolve }));
    surface.attach(canvas.buffer as WlBuffer, 0, 0);
    surface.damageBuffer(part, 0, WIDTH - part, HEIGHT);
    surface.commit();
    await presented;
    t.equal(canvas.released, Math.floor(frame / 2) + 1);
  };
  await draw(0, 0);
  const first = computed(WIDTH, HEIGHT, (x, y) => color(0, x, y));
  await chain.compositor.waitForShot((shot) => missing(shot, first));
  for (let frame = 1; frame <= 5; frame++) await draw(frame, 100);
  const last = computed(WIDTH, HEIGHT, (x, y) => color(x < 100 ? 0 : 5, x, y));
  await chain.compositor.waitForShot((shot) => missing(shot, last));
  display.close();
  const fields = await chain.gone();
  t.equal(fields['copied-frames'], 6);
  t.equal(fields['direct-frames'], 0);
  t.ok(Number(fields['copied-bytes']) < (2 + 5) * WIDTH * HEIGHT * 4, `${fields['copied-bytes']} bytes`);
  memory.close();
  await until(() => chain.machine.device.status.resources === 0);
  t.same(chain.driver.refused, []);
  t.same(chain.warnings, []);
  await chain.close();
});

t.test("weston's own example, which has never heard of virtual machines", async (t) => {
  const chain = await Chain.start();
  const child = new TestProcess('weston-simple-shm', 'weston-simple-shm', [], chain.env);
  // It draws a moving pattern within a white frame, 250 pixels wide.
  const frame = computed(250, 16, () => 0xffffff);
  await chain.compositor.waitForShot((shot) => missing(shot, frame));
  t.equal(chain.server.clientCount, 1);
  await child.stop('SIGKILL');
  const fields = await chain.gone();
  t.ok(Number(fields['copied-frames']) > 0);
  await until(() => chain.machine.device.status.resources === 0);
  t.same(chain.driver.refused, []);
  t.same(chain.warnings, []);
  await chain.close();
});

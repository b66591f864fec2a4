/**
 * Runs as root in a guest whose first process is systemd (harness/system-guest), after the user has enabled the sockets of the
 * machine `work`: without a desktop, with one, and with the windows of this guest's own applications on its host.
 */
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FrontEndClient } from 'vhost-user-ts';
import { connectToCompositor, Display } from '../../../src/wayland/index.js';
import { DISPLAY, HostCompositor } from '../harness/compositor.js';
import { picture } from '../harness/pattern.js';
import { weston } from '../harness/weston.js';
import { HEIGHT, WIDTH } from './framebuffer.js';
import {
  END,
  Machine,
  Manager,
  RUNTIME,
  report,
  rightsOf,
  STATE,
  statOf,
  USER_ID,
} from './systemd-machine.js';

const SIZE = { width: WIDTH, height: HEIGHT };
const manager = new Manager('user');
const [service, socket] = ['vhost-user-gpu-window@work.service', 'vhost-user-gpu-window@work.socket'];
const [proxy, proxySocket] = ['wayland-guest-proxy.service', 'wayland-guest-proxy.socket'];
const folder = join(RUNTIME, 'vhost-user-gpu/work');
let machine: Machine;
let compositor: HostCompositor;
await report({
  waiting: async () => ({
    sockets: Object.fromEntries(readdirSync(folder).map((name) => [name, statOf(join(folder, name))])),
    ...manager.show(service, ...STATE),
  }),
  /** There is no desktop yet. */
  noDesktop: async () => {
    const clients = readdirSync(folder).map((name) => FrontEndClient.connect({ path: join(folder, name) }));
    for (const client of clients) await client.negotiate();
    const served = clients.filter(({ features }) => features > 0n).length;
    const log = manager.log(service);
    const rights = rightsOf(manager.pid(service));
    for (const client of clients) client.close();
    manager.control(['stop', service]);
    return { served, rights, log, ...manager.show(service, ...END) };
  },
  /** The desktop has come, and has told where it is. */
  window: async () => {
    compositor = await HostCompositor.start(weston({ version: 'current', programs: '/weston/bin', ...SIZE }));
    const display = join(compositor.runtimeFolder, DISPLAY);
    for (const path of [compositor.runtimeFolder, display]) chownSync(path, USER_ID, USER_ID);
    manager.control(['import-environment', 'WAYLAND_DISPLAY'], { WAYLAND_DISPLAY: display });
    machine = await Machine.start(join(folder, 'gpu.sock'), { shown: false });
    await machine.draw(5);
    await compositor.waitForScreen('systemd-window', picture(WIDTH, HEIGHT, 5));
    return { ...manager.show(service, ...STATE), log: manager.log(service) };
  },
  windowStopped: async () => {
    manager.control(['stop', socket]);
    await machine.vm.closed;
    machine.close();
    await manager.untilShown(service, { ActiveState: 'inactive' });
    await compositor.close();
    return { ...manager.show(service, ...END), left: readdirSync(folder) };
  },
  /** This guest's own virtio-gpu leads to a compositor of its host. */
  proxy: async () => {
    manager.control(['enable', '--now', proxySocket]);
    const before = manager.show(proxy, ...STATE);
    const path = join(RUNTIME, 'wayland-host');
    const client = new Display(connectToCompositor({ WAYLAND_DISPLAY: path }));
    await client.sync();
    const globals = client.registry.globals.map((global) => global.interface).sort();
    client.close();
    return {
      before,
      socket: statOf(path),
      globals: globals.join(' '),
      ...manager.show(proxy, ...STATE),
      rights: rightsOf(manager.pid(proxy)),
      log: manager.log(proxy),
    };
  },
  proxyStopped: async () => {
    manager.control(['stop', proxySocket]);
    await manager.untilShown(proxy, { ActiveState: 'inactive' });
    return { ...manager.show(proxy, ...END), left: existsSync(join(RUNTIME, 'wayland-host')) };
  },
});

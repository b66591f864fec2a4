/** The harness' compositors tell when a client breaks the protocol, and a test in which one did fails at its end. */
import t from 'tap';
import { closeFd, createMemfd } from 'vhost-user-native';
import { Display, wl_shm } from '../../src/wayland/index.js';
import { HostCompositor } from '../e2e/harness/compositor.js';
import { sway } from '../e2e/harness/sway.js';
import { weston } from '../e2e/harness/weston.js';

const SIZE = { width: 64, height: 64 };
const PROGRAMS = [
  sway(SIZE),
  sway({ version: 'current', ...SIZE }),
  weston({ version: '10', ...SIZE }),
  weston({ version: 'current', ...SIZE }),
];

/** A pool of no bytes is an error of wl_shm. */
async function breakProtocol(compositor: HostCompositor): Promise<void> {
  const display = new Display(compositor.connect());
  await display.sync();
  const fd = createMemfd('pool', { size: 4096 });
  display.registry.bind(wl_shm).createPool(fd, 0);
  closeFd(fd);
  await new Promise<void>((resolve) => display.watchEnd(() => resolve()));
}

for (const program of PROGRAMS) {
  t.test(program.name, async (t) => {
    const compositor = await HostCompositor.start(program);
    const display = new Display(compositor.connect());
    await display.sync();
    display.close();
    await breakProtocol(compositor);
    await compositor.complaint();
    t.pass('it complained');
    await breakProtocol(compositor);
    // A new one in its place has a log of its own; what was in the last one stays known.
    await compositor.become(program);
    await t.rejects(compositor.close(), /complains:\n.*error in client communication/);
  });
}

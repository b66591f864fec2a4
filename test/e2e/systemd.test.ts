/**
 * The units of systemd/ under systemd, as the first process of a Debian guest: sockets, readiness, restarts, the
 * watchdog, and what a service of them may do. The commands are those of docs/systemd.md.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { BackEnd, displayDevice } from './harness/back-end.js';
import { HostCompositor } from './harness/compositor.js';
import { BUILTIN } from './harness/machine.js';
import { SystemGuest } from './harness/system-guest.js';
import { weston } from './harness/weston.js';
import { GENERIC_DEVICE, GENERIC_PROPERTIES } from './harness/window-machine.js';
import { fencedBlocks } from './harness/workflow.js';

/** What the program in the guest found (nested/systemd-system, nested/systemd-user). */
type Found = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const [commands = ''] = fencedBlocks(readFileSync('docs/systemd.md', 'utf8'), 'sh');
const [SYSTEM = '', USER = ''] = commands.trim().split('\n');

const WAITS = { ActiveState: 'inactive', SubState: 'dead', NRestarts: '0' };
const RUNS = { ActiveState: 'active', SubState: 'running' };
/** CLD_EXITED, 0. */
const ENDED_WELL = { ActiveState: 'inactive', Result: 'success', ExecMainCode: '1', ExecMainStatus: '0' };
const NO_RIGHTS = { root: false, capabilities: [0, 0, 0], noNewPrivileges: true, seccomp: true };

async function found(guest: SystemGuest, kind: 'system' | 'user'): Promise<Found> {
  const { status, output } = await guest.program(`systemd-${kind}`);
  if (status !== 0) throw new Error(output);
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return Object.assign({}, ...lines.map((line) => JSON.parse(line) as Found)) as Found;
}

t.test('units', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(weston({ version: '10', width: 640, height: 480 }));
  const backEnd = await BackEnd.startIn(compositor.env, () => ['--wayland']);
  let guest: SystemGuest | null = null;
  try {
    guest = await SystemGuest.boot(displayDevice(backEnd.socketPath, GENERIC_DEVICE, GENERIC_PROPERTIES));
    const system = guest;
    await t.test("the system's", async (t) => {
      await system.run(SYSTEM);
      const is = await found(system, 'system');
      t.match(
        is.waiting,
        { socket: 'socket 660 root kvm', ...WAITS },
        'nothing runs before somebody connects',
      );
      t.match(is.started, { picture: 'shown', ...RUNS, NRestarts: '0', log: /sandboxed/ }, 'READY has come');
      t.match(is.started, { process: NO_RIGHTS, children: 0 }, 'a user without rights');
      t.same(is.started?.namespaces, ['ipc', 'mnt', 'net', 'user']);
      t.same(is.started?.devices, ['/dev/udmabuf'], 'which the group kvm may open, and nothing else');
      t.match(is.killed, { picture: 'shown', ...RUNS, NRestarts: '1' }, 'killed: the next machine has one');
      t.match(
        is.hung,
        { picture: 'shown', ...RUNS, NRestarts: '2', log: /Watchdog timeout/ },
        'hung: replaced',
      );
      t.match(is.stopped, { ...ENDED_WELL, socket: 'active', left: true }, 'stopped: the socket stays');
      t.match(is.stopped, { leftBySocket: false }, 'and goes when it is stopped, too');
    });
    await t.test("the user's", async (t) => {
      await system.runAsUser(USER);
      const is = await found(system, 'user');
      const socket = 'socket 600 user user';
      const sockets = ['gpu', 'keyboard', 'tablet', 'mouse', 'touch'].map((name) => [`${name}.sock`, socket]);
      t.match(is.waiting, WAITS);
      t.same(is.waiting?.sockets, Object.fromEntries(sockets));
      t.match(is.noDesktop, { served: 5, ...ENDED_WELL, log: /nowhere to show windows.*WAYLAND_DISPLAY/ });
      t.match(is.noDesktop?.rights, { root: false, noNewPrivileges: true, seccomp: true });
      t.match(is.window, { ...RUNS, NRestarts: '0' }, "the picture was on the user's desktop");
      t.match(is.windowStopped, { ...ENDED_WELL, left: [] });
      t.match(is.proxy, { before: WAITS, socket, ...RUNS, NRestarts: '0' });
      t.match(is.proxy?.rights, { root: false, noNewPrivileges: true, seccomp: true });
      t.match(is.proxy?.globals, /wl_compositor.*xdg_wm_base/, "what the host's compositor has");
      t.match(is.proxyStopped, { ...ENDED_WELL, left: false });
    });
  } finally {
    if (!t.passing() && guest !== null) {
      t.comment(`journal:\n${await guest.journal()}\nguest:\n${guest.consoleLog}`);
    }
    await guest?.close();
    t.equal(await backEnd.stop(), 0, 'the back-end ended cleanly');
    if (!t.passing()) t.comment(`back-end:\n${backEnd.process.output}`);
    await compositor.close();
  }
});

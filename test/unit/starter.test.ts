/** What the process says to who started it: by sd_notify(3)'s protocol, and on `run`'s socket. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { dupFd, socketPair, type UnixSocket } from 'vhost-user-native';
import { STARTER_FD_VARIABLE, Starter, starterFds } from '../../src/cli/starter.js';
import { TestProcess } from '../e2e/harness/processes.js';

/** A service manager's ear: prints each message that comes. */
const LISTENER = `
import socket, sys
name = sys.argv[1]
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind("\\0" + name[1:] if name[0] == "@" else name)
print("bound", flush=True)
while True:
    print("<" + ear.recv(4096).decode().strip() + ">", flush=True)
`;

async function listen(t: Test, name: string): Promise<TestProcess> {
  const ear = new TestProcess('ear', 'python3', ['-c', LISTENER, name]);
  t.teardown(() => ear.stop('SIGKILL'));
  await ear.waitForOutput(/bound/);
  return ear;
}

function received(socket: UnixSocket): string {
  const bytes = Buffer.alloc(256);
  return bytes.toString('utf8', 0, Math.max(0, socket.receive(bytes).bytes));
}

t.test('a service manager, at a path and at an abstract name', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'starter-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const name of [join(folder, 'notify'), `@starter-${process.pid}`]) {
    const ear = await listen(t, name);
    const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '2000', WATCHDOG_PID: String(process.pid), OTHER: 'x' };
    const starter = new Starter(env);
    t.same(env, { OTHER: 'x' }, 'nothing of it for child processes');
    starter.ready();
    await ear.waitForOutput(/<READY=1>\s+<WATCHDOG=1>\s+<WATCHDOG=1>/);
    starter.stopping();
    await ear.waitForOutput(/<STOPPING=1>/);
    starter.close();
    starter.close();
    starter.ready();
  }
});

t.test('a watchdog that is for somebody else, and none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'starter-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const name = join(folder, 'notify');
  const ear = await listen(t, name);
  for (const more of [{ WATCHDOG_USEC: '2000', WATCHDOG_PID: '1' }, { WATCHDOG_USEC: 'soon' }, {}]) {
    const starter = new Starter({ NOTIFY_SOCKET: name, ...more });
    starter.ready();
    starter.close();
  }
  await ear.waitForOutput(/(<READY=1>\s+){3}/);
  t.notMatch(ear.output, /WATCHDOG/);
});

t.test("run's socket", async (t) => {
  const [near, far] = socketPair();
  const fd = dupFd(far.fd);
  far.close();
  const env = { [STARTER_FD_VARIABLE]: String(fd) };
  t.same(starterFds(env), [fd]);
  const before = readdirSync('/proc/self/fd').length;
  const starter = new Starter(env);
  starter.ready();
  t.equal(received(near), 'READY=1\n');
  t.same(env, {});
  near.close();
  await starter.left;
  starter.stopping();
  starter.close();
  t.equal(readdirSync('/proc/self/fd').length, before - 2, 'both ends are closed');
});

t.test('nobody, or nobody who listens', async (t) => {
  const starter = new Starter({});
  starter.ready();
  starter.close();
  t.throws(() => new Starter({ NOTIFY_SOCKET: '/nonexistent/notify' }), { code: 'ENOENT' });
  t.throws(() => new Starter({ [STARTER_FD_VARIABLE]: '999999' }), { code: 'EBADF' });
  t.same(starterFds({ [STARTER_FD_VARIABLE]: 'x' }), []);
});

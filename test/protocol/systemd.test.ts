/**
 * The units of systemd/: systemd's own opinion of them, and socket activation by its own program with the options that
 * they have. (Under a service manager they are in test/e2e/systemd.test.ts.)
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { FrontEndClient } from 'vhost-user-ts';
import { TestProcess } from '../e2e/harness/processes.js';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const KINDS = ['system', 'user'] as const;
/** What `systemd-analyze security` may say at most, of 10. */
const EXPOSURE: Readonly<Record<string, number>> = {
  'vhost-user-gpu-ts@.service': 1.5,
  'vhost-user-gpu-window@.service': 6.5,
  'wayland-guest-proxy.service': 6.5,
};

/** Prints what a service says to its manager. */
const LISTENER = `
import socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print("<" + ear.recv(4096).decode().strip() + ">", flush=True)
`;

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'systemd-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The value of a unit's setting; all lines of it. */
function settings(unit: string, key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value as string);
}

t.test('systemd takes the units', async (t) => {
  for (const kind of KINDS) {
    // With programs that are there: verify looks for them.
    const folder = temporaryFolder(t);
    for (const name of readdirSync(join('systemd', kind))) {
      const text = readFileSync(join('systemd', kind, name), 'utf8');
      writeFileSync(join(folder, name), text.replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`));
    }
    for (const name of readdirSync(folder)) {
      const args = ['verify', '--man=no', `--${kind}`, `./${name}`];
      const env = { ...process.env, XDG_RUNTIME_DIR: folder };
      const { status, stderr } = spawnSync('systemd-analyze', args, { cwd: folder, encoding: 'utf8', env });
      t.same(
        { status, stderr: stderr.replace(/^.*(manager|bus|cgroup).*\n/gim, '') },
        { status: 0, stderr: '' },
        name,
      );
      if (!name.endsWith('.service')) continue;
      const security = ['security', '--offline=yes', '--no-pager', `./${name}`];
      const said = execFileSync('systemd-analyze', security, { cwd: folder, encoding: 'utf8' });
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
      t.ok(exposure <= (EXPOSURE[name] ?? 0), `${name}: exposure ${exposure}`);
    }
  }
});

t.test('they name commands and options that there are', async (t) => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
  for (const kind of KINDS) {
    for (const name of readdirSync(join('systemd', kind)).filter((file) => file.endsWith('.service'))) {
      const [line = ''] = settings(readFileSync(join('systemd', kind, name), 'utf8'), 'ExecStart');
      const [program = '', ...args] = line.replaceAll('%i', 'work').split(' ');
      const command = program.replace('/usr/bin/', '');
      t.ok(command in bin, name);
      // Nothing was passed: that is all that is wrong.
      const { NODE_OPTIONS: _, ...env } = process.env;
      const { status, stderr } = spawnSync(process.execPath, [commandPath(command), ...args], {
        encoding: 'utf8',
        env,
      });
      t.ok(status !== 0 && /no sockets were passed/.test(stderr), `${name}: ${stderr}`);
    }
  }
});

function commandPath(command: string): string {
  return command === 'wayland-guest-proxy' ? join(COMMAND, '../../wayland/guest/main.js') : COMMAND;
}

/** The sockets of a unit in a folder, and its command behind systemd's own activation. */
async function activate(t: Test, kind: 'system' | 'user', name: string): Promise<Activated> {
  const folder = temporaryFolder(t);
  const socketUnit = readFileSync(join('systemd', kind, `${name}@.socket`), 'utf8');
  const paths = settings(socketUnit, 'ListenStream').map((path) =>
    path.replaceAll('%i', 'vm').replace(/^(%t|\/run)/, folder),
  );
  for (const path of paths) mkdirSync(join(path, '..'), { recursive: true });
  const names = settings(socketUnit, 'FileDescriptorName');
  const notify = join(folder, 'notify');
  const ear = new TestProcess('ear', 'python3', ['-c', LISTENER, notify]);
  t.teardown(() => ear.stop('SIGKILL'));
  await ear.waitForOutput(/bound/);
  const [line = ''] = settings(readFileSync(join('systemd', kind, `${name}@.service`), 'utf8'), 'ExecStart');
  const options = line.replaceAll('%i', 'vm').split(' ').slice(1);
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, ...env } = process.env;
  const all = [
    ...paths.flatMap((path) => ['-l', path]),
    ...(names.length > 0 ? [`--fdname=${names.join(':')}`] : []),
    ...['-E', `NOTIFY_SOCKET=${notify}`, '-E', 'WATCHDOG_USEC=200000', '-E', `XDG_RUNTIME_DIR=${folder}`],
    ...[process.execPath, COMMAND, ...options],
  ];
  const service = new TestProcess(name, 'systemd-socket-activate', all, env);
  await service.waitForOutput(/Listening on/);
  return { service, ear, paths };
}

interface Activated {
  readonly service: TestProcess;
  readonly ear: TestProcess;
  readonly paths: readonly string[];
}

for (const [kind, name, count] of [
  ['system', 'vhost-user-gpu-ts', 1],
  ['user', 'vhost-user-gpu-window', 5],
] as const) {
  t.test(`activation of ${name}`, async (t) => {
    const { service, ear, paths } = await activate(t, kind, name);
    t.equal(paths.length, count);
    t.notMatch(ear.output, /READY/, 'nothing runs before somebody connects');
    // The first one wakes it; all are connected as QEMU does it, one after the other.
    const clients = paths.map((path) => FrontEndClient.connect({ path }));
    for (const client of clients) {
      await client.negotiate();
      t.ok(client.features > 0n, 'each is served');
    }
    await ear.waitForOutput(/<READY=1>[\s\S]*<WATCHDOG=1>\s+<WATCHDOG=1>/);
    t.match(service.output, /sandboxed landlock/, 'the signs of life come from inside of the sandbox');
    for (const client of clients) client.close();
    const again = FrontEndClient.connect({ path: paths[0] as string });
    await again.negotiate();
    again.close();
    t.same(await service.stop('SIGTERM'), { code: 0, signal: null });
    await ear.waitForOutput(/<STOPPING=1>/);
    t.ok(
      paths.every((path) => statSync(path).isSocket()),
      "the sockets are systemd's: they stay",
    );
  });
}

t.test('sockets that are not what they should be', async (t) => {
  const folder = temporaryFolder(t);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const run = (names: string, ...args: readonly string[]): TestProcess => {
    const sockets = names.split(':').flatMap((_name, i) => ['-l', join(folder, `${i}`)]);
    const command = [process.execPath, COMMAND, '--systemd', ...args];
    return new TestProcess(
      'command',
      'systemd-socket-activate',
      [...sockets, `--fdname=${names}`, ...command],
      env,
    );
  };
  for (const [names, args, said] of [
    ['gpu:printer', [], /named printer/],
    ['keyboard:mouse', [], /no socket is named gpu/],
    ['gpu:mouse:mouse', [], /more than one socket is named mouse/],
    ['gpu', ['--fd=3'], /exactly one of/],
    ['gpu', ['--mouse-socket=/x'], /passed, too/],
  ] as const) {
    const command = run(names, ...args);
    await command.waitForOutput(/Listening on/);
    const client = FrontEndClient.connect({ path: join(folder, '0') });
    t.same(await command.exited, { code: 2, signal: null }, names);
    t.match(command.output, said);
    client.close();
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
  }
});

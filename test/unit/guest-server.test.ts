/** The guest proxy's command: sockets, command line, clients without a device, what it logs. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { closeFd, connectUnix, dupFd, listenUnix, lockFile, type UnixListener } from 'vhost-user-native';
import {
  GuestProxyServer,
  type Listening,
  type Log,
  type LogFields,
  listen,
  parseCommandLine,
} from '../../src/wayland/guest/index.js';
import { Display, type WaylandError } from '../../src/wayland/index.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { fakeHost, type LookedAtHost } from './guest-support.js';
import { openFds } from './native-support.js';
import { until } from './wayland-support.js';

const MAIN = fileURLToPath(new URL('../../src/wayland/guest/main.js', import.meta.url));

let folder = '';
let fdsBefore = 0;
t.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guest-'));
  fdsBefore = openFds();
});
t.afterEach(async () => {
  rmSync(folder, { recursive: true });
  await until(() => openFds() === fdsBefore, 'all descriptors to be closed');
});

class Lines implements Log {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];
  debug = this.at('debug');
  info = this.at('info');
  warn = this.at('warn');
  error = this.at('error');

  find(message: string): LogFields | undefined {
    return this.lines.find((line) => line.message === message)?.fields;
  }

  private at(level: string): (fields: LogFields, message: string) => void {
    return (fields, message) => this.lines.push({ level, message, fields });
  }
}

/** Connects, and waits for the end of it. */
function refusal(path: string): Promise<WaylandError> {
  return new Promise((resolve) => new Display(connectUnix(path), { ended: resolve }));
}

interface Running {
  readonly server: GuestProxyServer;
  readonly log: Lines;
  readonly host: LookedAtHost;
  connect(): { display: Display; ended(): WaylandError | null };
  stop(): Promise<void>;
}

function running(clientsMax = 32): Running {
  const host = fakeHost();
  const log = new Lines();
  const listening = listen({ kind: 'socket', name: 'wayland-7' }, { XDG_RUNTIME_DIR: folder });
  const server = new GuestProxyServer(listening.listeners, { openGpu: () => host.open(), log, clientsMax });
  const displays: Display[] = [];
  return {
    server,
    log,
    host,
    connect: () => {
      let ended: WaylandError | null = null;
      const display = new Display(connectUnix(join(folder, 'wayland-7')), {
        ended: (error) => (ended = error),
      });
      displays.push(display);
      return { display, ended: () => ended };
    },
    stop: async () => {
      for (const display of displays) display.close();
      server.close();
      listening.close();
      await until(() => server.clientCount === 0, 'clients to end');
      for (const compositor of host.compositors) compositor.close();
    },
  };
}

t.test('a socket is taken as compositors do it', async (t) => {
  const env = { XDG_RUNTIME_DIR: folder };
  const open: Listening[] = [];
  const socket = (name: string | null): Listening => {
    const listening = listen({ kind: 'socket', name }, env);
    open.push(listening);
    return listening;
  };
  t.equal(socket(null).display, 'wayland-0');
  t.equal(socket(null).display, 'wayland-1');
  t.throws(() => socket('wayland-1'), /in use/);
  // Somebody without a lock listens.
  const stranger = listenUnix(join(folder, 'wayland-2'));
  t.equal(socket(null).display, 'wayland-3');
  stranger.close();
  const lock = lockFile(join(folder, 'wayland-2.lock'));
  t.equal(socket(null).display, 'wayland-4', 'a lock counts');
  closeFd(lock ?? -1);
  t.equal(socket(join(folder, 'by-path')).display, join(folder, 'by-path'));
  t.ok(existsSync(join(folder, 'by-path')));
  for (const listening of open) listening.close();
  for (const listening of open) listening.close();
  t.notOk(readdirSync(folder).some((name) => name === 'wayland-0' || name === 'by-path'));
  t.throws(() => listen({ kind: 'socket', name: null }, {}), /XDG_RUNTIME_DIR/);
  t.throws(() => listen({ kind: 'socket', name: 'x' }, { XDG_RUNTIME_DIR: join(folder, 'missing') }), {
    code: 'ENOENT',
  });
});

t.test('inherited sockets', async (t) => {
  const bound: UnixListener = listenUnix(join(folder, 'inherited'));
  const { listeners, display } = listen({ kind: 'fd', fd: dupFd(bound.fd) });
  t.equal(listeners.length, 1);
  t.equal(display, null);
  const client = connectUnix(join(folder, 'inherited'));
  const accepted = listeners[0]?.accept();
  t.not(accepted, null);
  accepted?.close();
  client.close();
  for (const listener of listeners) listener.close();
  bound.close();
  const pid = String(process.pid);
  t.throws(() => listen({ kind: 'systemd' }, {}), /no sockets/);
  t.throws(() => listen({ kind: 'systemd' }, { LISTEN_PID: '1', LISTEN_FDS: '1' }), /no sockets/);
  t.throws(() => listen({ kind: 'systemd' }, { LISTEN_PID: pid, LISTEN_FDS: '0' }), /no sockets/);
  t.throws(() => listen({ kind: 'systemd' }, { LISTEN_PID: pid, LISTEN_FDS: 'x' }), /no sockets/);
});

t.test('clients come and go; one too many is refused with a word', async (t) => {
  const { server, log, host, connect, stop } = running(2);
  const [first, second] = [connect(), connect()];
  await Promise.all([first.display.sync(), second.display.sync()]);
  t.equal(server.clientCount, 2);
  t.equal(host.gpus.size, 2, 'a context each');
  server.report();
  t.match(log.find('client'), { client: 1, 'copied-bytes': 0 });
  const third = connect();
  await until(() => third.ended() !== null, 'the refusal');
  t.match(third.ended(), { code: 'WL_ERR_PROTOCOL', objectId: 1, message: /more than 2 clients/ });
  first.display.close();
  await until(() => server.clientCount === 1, 'the first to go');
  t.match(log.find('client left'), { client: 1 });
  await connect().display.sync();
  await stop();
  t.equal(host.gpus.size, 0);
});

t.test('no device: clients hear it, and are served once there is one', async (t) => {
  const { server, host, connect, stop, log } = running();
  host.gone = true;
  const refused = connect();
  await until(() => refused.ended() !== null, 'the refusal');
  t.match(refused.ended(), {
    code: 'WL_ERR_PROTOCOL',
    message: /no virtual GPU that forwards Wayland: ENODEV/,
  });
  host.gone = false;
  const served = connect();
  await served.display.sync();
  host.unplug();
  await until(() => served.ended() !== null, 'the end');
  await until(() => log.find('a client was lost') !== undefined, 'the log');
  t.equal(server.clientCount, 0);
  host.gone = false;
  await connect().display.sync();
  host.channels = 0;
  const none = connect();
  await until(() => none.ended() !== null, 'the end');
  await stop();
});

t.test('command line', async (t) => {
  const write = process.stderr.write;
  const out = process.stdout.write;
  let text = '';
  const parse = (...args: string[]): unknown => {
    const capture = (part: string | Uint8Array): boolean => {
      text += String(part);
      return true;
    };
    process.stderr.write = capture;
    process.stdout.write = capture;
    try {
      return parseCommandLine(args, '1.2.3');
    } finally {
      process.stderr.write = write;
      process.stdout.write = out;
    }
  };
  t.match(parse(), {
    action: 'run',
    options: { endpoint: { kind: 'socket', name: null }, device: null, dmabuf: 'auto', clientsMax: 32 },
  });
  t.match(parse('--socket', 'x', '--max-window-memory=7', '--dmabuf', 'off', '--device', '/dev/dri/card0'), {
    options: { endpoint: { name: 'x' }, windowBytesMax: 7 << 20, dmabuf: 'off', device: '/dev/dri/card0' },
  });
  t.match(parse('--fd=5'), { options: { endpoint: { kind: 'fd', fd: 5 } } });
  t.match(parse('--systemd'), { options: { endpoint: { kind: 'systemd' } } });
  t.match(parse('--version'), { action: 'exit', code: 0 });
  t.match(text, '1.2.3');
  const bad = [
    ['--fd=x'],
    ['--fd=1', '--systemd'],
    ['extra'],
    ['--max-clients=0'],
    ['--dmabuf=maybe'],
    ['--no'],
  ];
  for (const args of bad) t.same(parse(...args), { action: 'exit', code: 2 }, args.join(' '));
});

t.test('the command, where there is no virtual GPU', async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = [MAIN, '--socket=wayland-9', '--device=/dev/null'];
  const child = new TestProcess('guest proxy', process.execPath, args, { ...env, XDG_RUNTIME_DIR: folder });
  await child.waitForOutput(/listening display=wayland-9/);
  t.match(await refusal(join(folder, 'wayland-9')), { message: /\/dev\/null is no DRM device/ });
  await child.waitForOutput(/no device client=1/);
  const second = new TestProcess('second', process.execPath, args, { ...env, XDG_RUNTIME_DIR: folder });
  t.same(await second.exited, { code: 1, signal: null });
  t.match(second.output, /cannot listen reason=.*in use/);
  t.same(await child.stop(), { code: 0, signal: null });
  t.notOk(existsSync(join(folder, 'wayland-9')));
});

t.test('the command, started by a service manager', async (t) => {
  const path = join(folder, 'activated');
  const listener = listenUnix(path);
  const { NODE_OPTIONS: _, ...env } = process.env;
  // The shell becomes the command, so that the process id is known before.
  const script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"';
  const args = ['-c', script, process.execPath, MAIN, '--systemd', '--device=/dev/null'];
  const child = spawn('sh', args, { env, stdio: ['ignore', 'ignore', 'pipe', listener.fd] });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.match(await refusal(path), { code: 'WL_ERR_PROTOCOL' });
  child.kill('SIGTERM');
  t.equal(await exited, 0);
  t.ok(existsSync(path), "the socket is the manager's");
  listener.close();
});

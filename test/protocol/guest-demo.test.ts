/** The demo client that draws into the host's window, and the proxy as a guest gets it: packed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectUnix } from 'vhost-user-native';
import { GuestProxyServer, type LogFields, listen } from '../../src/wayland/guest/index.js';
import { Display, type WaylandError } from '../../src/wayland/index.js';
import { HostCompositor } from '../e2e/harness/compositor.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { weston } from '../e2e/harness/weston.js';
import { FakeHost } from '../unit/guest-fake-gpu.js';

const folder = mkdtempSync(join(tmpdir(), 'demo-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const { NODE_OPTIONS: _, WAYLAND_SOCKET: __, ...env } = process.env;
const program = join(folder, 'window-demo');
let compositor: HostCompositor;
t.before(async () => {
  const flags = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', program];
  execFileSync('gcc', [...flags, 'guest/window-demo.c']);
  compositor = await HostCompositor.start(
    weston({ version: '10', width: 640, height: 480, shell: 'desktop' }),
  );
});
t.teardown(() => compositor.close());

/** Runs the demo through a proxy of its own; what the proxy logged of it at its end. */
async function demo(...args: string[]): Promise<{ output: string; fields: LogFields }> {
  const host = new FakeHost(() => compositor.connect());
  const listening = listen({ kind: 'socket', name: 'demo' }, { XDG_RUNTIME_DIR: folder });
  const left = new Promise<LogFields>((resolve) => {
    const note = (fields: LogFields, message: string): void => {
      if (message !== 'client connected') resolve({ ...fields, message });
    };
    const log = { debug: note, info: note, warn: note, error: note };
    new GuestProxyServer(listening.listeners, { openGpu: () => host.open(), log });
  });
  const child = new TestProcess('window-demo', program, args, {
    ...env,
    XDG_RUNTIME_DIR: folder,
    WAYLAND_DISPLAY: 'demo',
  });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`${code}: ${child.output}`);
  const fields = await left;
  listening.close();
  return { output: child.output, fields };
}

t.test('the demo draws into the window: nothing is copied', async (t) => {
  const { output, fields } = await demo('40');
  t.equal(output, 'memory: window\ndrawn: 40\n');
  t.match(fields, { message: 'client left', 'copied-bytes': 0, 'copied-frames': 0, 'direct-frames': 40 });
});

t.test('the same with plain memory: all of it is copied', async (t) => {
  const { output, fields } = await demo('--plain', '40');
  t.equal(output, 'memory: plain\ndrawn: 40\n');
  t.match(fields, { message: 'client left', 'copied-frames': 40, 'direct-frames': 0 });
  t.ok(Number(fields['copied-bytes']) >= 40 * 320 * 240 * 4);
});

t.test('without a proxy it is an ordinary client', async (t) => {
  const child = new TestProcess('window-demo', program, ['10'], compositor.env);
  t.same(await child.exited, { code: 0, signal: null });
  t.equal(child.output, 'memory: plain\ndrawn: 10\n');
});

t.test('the packed proxy runs where it is unpacked', async (t) => {
  const archive = join(folder, 'proxy.tar.gz');
  execFileSync('scripts/pack-guest', [archive]);
  const first = execFileSync('sha256sum', [archive]).toString();
  execFileSync('scripts/pack-guest', [archive]);
  t.equal(execFileSync('sha256sum', [archive]).toString(), first, 'the same again');
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  const root = join(folder, 'wayland-guest-proxy');
  t.same(readdirSync(join(root, 'node_modules')).sort(), ['commander', 'vhost-user-native']);
  const proxy = new TestProcess('packed', join(root, 'bin/wayland-guest-proxy'), ['--device=/dev/null'], {
    ...env,
    XDG_RUNTIME_DIR: folder,
  });
  await proxy.waitForOutput(/listening display=wayland-0/);
  const ended = await new Promise<WaylandError>((resolve) => {
    new Display(connectUnix(join(folder, 'wayland-0')), { ended: resolve });
  });
  t.match(ended, { message: /no DRM device/ });
  t.same(await proxy.stop(), { code: 0, signal: null });
});

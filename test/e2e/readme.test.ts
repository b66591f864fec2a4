/** The README's commands, pasted: the guest's picture is there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HostCompositor } from './harness/compositor.js';
import { DrmTest } from './harness/drm-test.js';
import { clientsTree, GuestPrograms, inTree } from './harness/forward-machine.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { TestProcess } from './harness/processes.js';
import { Qemu } from './harness/qemu.js';
import { sharedFolder, stageApp } from './harness/staged-app.js';
import { sway, swayWindows } from './harness/sway.js';
import { weston } from './harness/weston.js';

const SCRIPT = 'test/e2e/harness/run-readme';
const SIZE = { width: 800, height: 600 };
const WINDOW_TIMEOUT_MS = 60_000;

/** Boots a guest by the block under a heading. */
function boot(
  heading: string,
  qemu: '10.0' | '11.1',
  env: NodeJS.ProcessEnv,
  device: readonly string[] = [],
): Promise<Qemu> {
  return Qemu.boot({ qemu, kernel: '6.12', device, launcher: [SCRIPT, heading], launcherEnv: env });
}

/** The commands under a heading. */
function block(heading: string): string {
  const text = readFileSync('README.md', 'utf8');
  const [, after = ''] = text.split(`\n### ${heading}\n`);
  const commands = /```sh\n([\s\S]*?)```/.exec(after)?.[1];
  if (commands === undefined) throw new Error(`README has no commands under "${heading}"`);
  return commands;
}

/** Runs `body` on a machine, and ends QEMU: its block's other processes end with it. */
async function withBlock(
  t: Test,
  machine: Promise<Qemu>,
  body: (qemu: Qemu) => Promise<void>,
): Promise<void> {
  await withMachine(t, machine, async (qemu) => {
    try {
      await body(qemu);
    } finally {
      await qemu.qmp.command('quit').catch(() => undefined);
      t.same(await qemu.process.exited, { code: 0, signal: null });
    }
  });
}

/** The first window that sway has (which tells nobody about it). */
async function untilWindow(
  compositor: HostCompositor,
  log: () => Promise<string>,
): Promise<{ name: string; appId: string }> {
  const deadline = Date.now() + WINDOW_TIMEOUT_MS;
  for (;;) {
    const [window] = await swayWindows(compositor);
    if (window !== undefined) return window;
    if (Date.now() > deadline) throw new Error(`no window: ${await log()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

t.test('the first five minutes', { skip: BUILTIN }, async (t) => {
  const [, after = ''] = readFileSync('README.md', 'utf8').split('\n## Try it\n');
  const lines = (/```sh\n([\s\S]*?)```/.exec(after)?.[1] ?? '').trim().split('\n');
  t.equal(lines.length, 3);
  t.match(lines.at(-1), /^npm test /, 'which runs this');
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, ...env } = process.env;
  for (const line of lines.slice(0, -1)) {
    const since = Date.now();
    const demo = new TestProcess(line, 'bash', ['-e', '-c', line], env);
    t.same(await demo.exited, { code: 0, signal: null }, demo.output);
    const pictures = readdirSync('out').filter((name) => statSync(join('out', name)).mtimeMs >= since);
    t.ok(pictures.filter((name) => name.endsWith('.png')).length > 0, `${line}: ${pictures.join(', ')}`);
  }
});

for (const [name, heading] of [
  ['one command', 'One command: `run` before your own'],
  ['screen mode', "Screen mode: the guest's screen in QEMU's display"],
] as const) {
  t.test(name, { skip: BUILTIN }, async (t) => {
    await withBlock(t, boot(heading, '10.0', {}), async (qemu) => {
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, SIZE.width, SIZE.height, 1);
      await qemu.waitForScreen('readme-screen', picture(SIZE.width, SIZE.height, 1));
      await drm.quit();
    });
  });
}

t.test('window mode', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(weston({ version: 'current', ...SIZE }));
  try {
    const heading = "Window mode: the guest's screens as windows on your Wayland desktop";
    await withBlock(t, boot(heading, '11.1', compositor.env), async (qemu) => {
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, SIZE.width, SIZE.height, 2);
      await compositor.waitForScreen('readme-window', picture(SIZE.width, SIZE.height, 2));
      await drm.quit();
    });
  } finally {
    await compositor.close();
  }
});

t.test('applications', { skip: BUILTIN }, async (t) => {
  const compositor = await HostCompositor.start(sway(SIZE));
  const app = mkdtempSync(join(tmpdir(), 'readme-'));
  try {
    stageApp(app);
    execFileSync('scripts/pack-guest', [join(app, 'proxy.tar.gz')]);
    const folders = [...sharedFolder(app, 'app'), ...sharedFolder(clientsTree(), 'clients')];
    const machine = boot('Applications: on the host', '11.1', compositor.env, folders);
    await withBlock(t, machine, async ({ guest }) => {
      await new GuestPrograms(guest).prepare();
      // What a person has there: Node.js, an application, and the archive.
      await guest.run(`
        mkdir -p /tmp/bin && cd /tmp && cp /app/proxy.tar.gz .
        printf '%s\\n' '#!/bin/sh' '${inTree('weston-simple-shm', 'wayland-host').replaceAll("'", "'\\''")}' >bin/some-application
        chmod +x bin/some-application`);
      await guest.run(`
        cd /tmp
        export PATH=/tmp/bin:/app/bin:$PATH XDG_RUNTIME_DIR=/clients/run/user
        (${block('Applications: in the guest')}) >/tmp/block.log 2>&1 &`);
      const seen = await untilWindow(compositor, () => guest.run('cat /tmp/block.log'));
      t.match(seen, { name: '[work] simple-shm', appId: 'work.org.freedesktop.weston.simple-shm' });
      const found = await guest.run(`
        export PATH=/app/bin:$PATH XDG_RUNTIME_DIR=/clients/run/user
        /tmp/wayland-guest-proxy/bin/wayland-guest-proxy doctor --json`);
      const { findings } = JSON.parse(found) as { findings: { check: string; state: string }[] };
      t.same(
        findings.map(({ check, state }) => `${check} ${state}`),
        ['device ok', 'kernel ok', 'permissions ok', 'forwarding ok', 'proxy ok'],
      );
    });
  } finally {
    rmSync(app, { recursive: true, force: true });
    await compositor.close();
  }
});

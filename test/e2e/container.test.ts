/**
 * The container by a real engine: built and run as docs/container.md says, by a user without rights, with a real QEMU on it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlClient } from '../../src/npm/index.js';
import { displayDevice } from './harness/back-end.js';
import { DrmTest } from './harness/drm-test.js';
import { BUILTIN, withMachine } from './harness/machine.js';
import { picture } from './harness/pattern.js';
import { difference } from './harness/picture.js';
import { decodePng } from './harness/png.js';
import { Podman } from './harness/podman.js';
import { Qemu } from './harness/qemu.js';
import { fencedBlocks } from './harness/workflow.js';

/** What the recipe starts from, and what stands for it here (scripts/container-bases). */
const BASES: Readonly<Record<string, string>> = {
  'docker.io/library/node:20-bookworm': 'node.tar',
  'docker.io/library/debian:12-slim': 'debian.tar',
};
/** What is no part of a new checkout. */
const MADE = new Set(['.git', '.tap', 'build', 'dist', 'node_modules', 'out']);
const [BLOCK = ''] = fencedBlocks(readFileSync('docs/container.md', 'utf8'), 'sh');
const RUN = BLOCK.slice(BLOCK.indexOf('podman run'));

/** The images that the recipe names are there, and a checkout. */
async function prepare(t: Test, podman: Podman): Promise<string> {
  const recipe = readFileSync('container/Containerfile', 'utf8');
  const named = [...recipe.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name);
  t.same(named, Object.keys(BASES));
  const bases = join(podman.folder, 'bases');
  execFileSync('scripts/container-bases', [bases], { stdio: ['ignore', 'ignore', 'inherit'] });
  for (const [name, file] of Object.entries(BASES)) {
    await podman.run(`podman import --quiet ${join(bases, file)} ${name}`);
  }
  const checkout = join(podman.folder, 'checkout');
  cpSync('.', checkout, { recursive: true, filter: (path) => !MADE.has(basename(path)) });
  return checkout;
}

/** Lines of /proc/PID/status by name. */
async function status(podman: Podman, pid: string): Promise<Map<string, string>> {
  const text = await podman.run(`cat /proc/${pid}/status`);
  return new Map(text.split('\n').map((line) => line.split(/:\s+/) as [string, string]));
}

/** The engine has taken rights away, and the command the rest: its broker has only what the engine left. */
async function checkRights(t: Test, podman: Podman, volume: string): Promise<void> {
  const pid = await podman.run("podman inspect --latest --format '{{.State.Pid}}'");
  const command = await status(podman, pid);
  const broker = await status(podman, await podman.run(`cat /proc/${pid}/task/${pid}/children`));
  for (const each of [command, broker]) {
    t.match(each.get('Uid'), new RegExp(`^${podman.uid}\t`), 'the user outside');
    for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb', 'CapBnd']) t.match(each.get(set), /^0+$/, set);
    t.equal(each.get('NoNewPrivs'), '1');
    t.equal(each.get('Seccomp'), '2');
  }
  t.equal(broker.get('Seccomp_filters'), '1', "the engine's");
  t.ok(Number(command.get('Seccomp_filters')) > 1, 'and its own');
  for (const name of ['gpu.sock', 'control.sock']) t.equal(statSync(join(volume, name)).uid, podman.uid);
}

/** A guest's picture is on QEMU's display and in the control API, pixel for pixel. */
async function checkMachine(t: Test, volume: string): Promise<void> {
  const device = displayDevice(join(volume, 'gpu.sock'), 'vhost-user-gpu-pci');
  const control = new ControlClient(join(volume, 'control.sock'));
  try {
    await withMachine(t, Qemu.boot({ qemu: '10.0', kernel: '6.12', device }), async (qemu) => {
      const expected = picture(1024, 768, 5);
      const drm = await DrmTest.start(qemu.guest);
      await drm.mode(0, 1024, 768, 5);
      await qemu.waitForScreen('container', expected);
      t.equal(difference(decodePng(await control.screenshot()), expected), null);
      await drm.quit();
    });
  } finally {
    control.close();
  }
}

t.test('as docs/container.md says', { skip: BUILTIN }, async (t) => {
  const podman = await Podman.start();
  const volume = join(podman.runtime, 'vhost-user-gpu');
  try {
    const checkout = await prepare(t, podman);
    const container = podman.start(BLOCK, checkout);
    await container.waitForOutput(/listening/);
    t.match(container.output, /sandboxed/);
    t.notMatch(container.output, /incomplete/);
    await t.test('its rights', async (t) => checkRights(t, podman, volume));
    await t.test('a machine', async (t) => checkMachine(t, volume));
    await t.test('stopped', async (t) => {
      await podman.run('podman stop --latest');
      t.same(await container.exited, { code: 0, signal: null });
      t.same(readdirSync(volume), []);
      t.equal(await podman.run('podman ps --all --quiet'), '');
    });
    await t.test('killed, and started again', async (t) => {
      const first = podman.start(RUN);
      await first.waitForOutput(/listening/);
      await podman.run('podman kill --latest');
      t.match(await first.exited, { code: 137 });
      // Its sockets may be there still: nothing outlives the first process of a container.
      const second = podman.start(RUN);
      await second.waitForOutput(/listening/);
      await podman.run('podman stop --latest');
      t.same(await second.exited, { code: 0, signal: null });
      t.same(readdirSync(volume), []);
    });
  } finally {
    await podman.close();
  }
});

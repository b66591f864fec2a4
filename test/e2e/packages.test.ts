/**
 * The packages as people get them: installed by npm on Node.js 20, 22 and 24 without a compiler, and used.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodePng } from '../../src/capture/index.js';
import { ControlClient } from '../../src/npm/index.js';
import { playAnimation } from '../unit/apng-player.js';
import { BUILTIN } from './harness/machine.js';
import { TestProcess } from './harness/processes.js';
import { fencedBlocks, parseYaml, runStep, type Step, type Workflow } from './harness/workflow.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const NPM = realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim());

/** A front-end of the library meets the command; the command's own interface is there, too. */
const LIBRARY_PROGRAM = `
import { startBackEnd } from 'vhost-user-gpu-ts';
import { BackEndServer, FrontEndClient } from 'vhost-user-ts';
const client = FrontEndClient.connect({ path: process.argv[2] });
await client.negotiate();
client.close();
console.log(typeof BackEndServer, typeof startBackEnd, 'negotiated');
`;

let folder = '';
t.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'packages-'));
  execFileSync('scripts/pack', [folder], { stdio: 'pipe' });
});
t.after(() => rmSync(folder, { recursive: true, force: true }));

/** What npm runs in: programs of a machine without compilers. */
function bareMachine(name: string, node: string): { path: string; env: NodeJS.ProcessEnv } {
  const path = join(folder, name);
  mkdirSync(join(path, 'bin'), { recursive: true });
  symlinkSync(realpathSync(node), join(path, 'bin/node'));
  symlinkSync('/bin/sh', join(path, 'bin/sh'));
  for (const program of ['env', 'setpriv']) symlinkSync(`/usr/bin/${program}`, join(path, 'bin', program));
  writeFileSync(join(path, 'package.json'), '{ "type": "module", "private": true }');
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, ...env } = process.env;
  return { path, env: { ...env, PATH: join(path, 'bin') } };
}

/** Installs both archives. */
function install(path: string, env: NodeJS.ProcessEnv, ...options: readonly string[]): void {
  const archives = ['vhost-user-ts', 'vhost-user-gpu-ts'].map((name) =>
    join(folder, `${name}-${version}.tgz`),
  );
  const args = [NPM, 'install', '--no-audit', '--no-fund', '--loglevel=error', ...options, ...archives];
  execFileSync(join(path, 'bin/node'), args, { cwd: path, env, stdio: 'pipe' });
}

/** The installed command serves a front-end from inside of its sandbox. */
async function checkCommand(t: Test, path: string, env: NodeJS.ProcessEnv): Promise<void> {
  const program = join(path, 'node_modules/.bin/vhost-user-gpu-ts');
  const said = execFileSync(program, ['--version'], { env, encoding: 'utf8' });
  t.equal(said.trim(), version);
  const socket = join(path, 'gpu.sock');
  const command = new TestProcess('command', program, [`--socket-path=${socket}`, '--window'], env, path);
  await command.waitForOutput(/listening/);
  t.match(command.output, /sandboxed/);
  writeFileSync(join(path, 'library.js'), LIBRARY_PROGRAM);
  const library = [join(path, 'bin/node'), ['library.js', socket]] as const;
  t.match(execFileSync(...library, { cwd: path, env, encoding: 'utf8' }), /function function negotiated/);
  t.same(await command.stop('SIGTERM'), { code: 0, signal: null });
}

for (const line of [20, 22, 24]) {
  t.test(`Node.js ${line}, no compiler`, async (t) => {
    const own = process.version.startsWith(`v${line}.`);
    const node = own
      ? process.execPath
      : execFileSync('scripts/node-tree', [`${line}`], { encoding: 'utf8' }).trim();
    const { path, env } = bareMachine(`node-${line}`, node);
    install(path, env);
    await checkCommand(t, path, env);
    const proxy = join(path, 'node_modules/.bin/wayland-guest-proxy');
    t.equal(execFileSync(proxy, ['--version'], { env, encoding: 'utf8' }).trim(), version);
  });
}

/** What a runner has: QEMU with our guest for a disk, and no need of root. */
function runner(path: string): NodeJS.ProcessEnv {
  const output = (script: string, ...args: string[]): string =>
    execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  const [image, qemu] = [output('guest/build', '6.12'), output('scripts/qemu-tree', '10.0')];
  const append = 'console=tty0 vt.cur_default=1 vt.global_cursor_default=0 quiet loglevel=4 guest.shell';
  const script = (name: string, text: string): void =>
    writeFileSync(join(path, 'bin', name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  mkdirSync(join(path, 'bin'));
  symlinkSync(process.execPath, join(path, 'bin/node'));
  for (const name of ['npm', 'npx']) symlinkSync(join(NPM, `../${name}-cli.js`), join(path, 'bin', name));
  script('sudo', `echo "$*" >>'${path}/sudo.log'`);
  script(
    'qemu-system-x86_64',
    `args=()
for word; do
  if [[ $word == disk.qcow2 ]]; then
    args+=(-kernel '${image}/vmlinuz' -initrd '${image}/initramfs' -append '${append}')
  else
    args+=("$word")
  fi
done
[[ $* == *help* || $* == --version ]] || echo $$ >'${path}/qemu.pid'
exec '${qemu}' -nodefaults -smp 2 "\${args[@]}"`,
  );
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, DISPLAY: ___, ...env } = process.env;
  return { ...env, PATH: `${join(path, 'bin')}:${process.env.PATH}`, XDG_RUNTIME_DIR: path };
}

/** The guest's console becomes what people who copy the workflow have: a picture to log in at, and one behind it. */
async function prepareScreens(path: string): Promise<void> {
  const control = new ControlClient(join(path, 'control.sock'));
  mkdirSync(join(path, 'screens'));
  try {
    await control.inputReady('keyboard', { timeoutMs: 180_000 });
    await control.settled(0, { timeoutMs: 60_000 });
    await control.type("secret() { printf '\\033[44m\\033[2J'; }; clear\n");
    await control.settled(0, { quietMs: 2000, timeoutMs: 60_000 });
    writeFileSync(join(path, 'screens/login.png'), await control.screenshot());
    copyFileSync('examples/blue.png', join(path, 'screens/desktop.png'));
  } finally {
    control.close();
  }
}

t.test('the workflow of docs/ci.md', { skip: BUILTIN }, async (t) => {
  const [text = ''] = fencedBlocks(readFileSync('docs/ci.md', 'utf8'), 'yaml');
  const { jobs } = parseYaml(text) as Workflow;
  const { steps = [], env: jobEnv } = jobs.guest ?? {};
  const named = (name: string): Step => {
    const step = steps.find((step) => step.name === name);
    if (step === undefined) throw new Error(`no step ${name}`);
    return step;
  };
  t.same(
    steps.filter(({ run }) => run === undefined).map(({ uses }) => uses),
    ['actions/checkout@v4', 'actions/setup-node@v4', 'actions/upload-artifact@v4'],
    'the others are run here',
  );
  const path = join(folder, 'workflow');
  mkdirSync(path);
  const env = runner(path);
  copyFileSync(
    join(folder, `vhost-user-gpu-ts-${version}.tgz`),
    join(path, `vhost-user-gpu-ts-${version}.tgz`),
  );
  const run = async (name: string, expected = 0, patience = jobEnv?.PATIENCE_MS): Promise<void> => {
    const { code, output } = await runStep(named(name), { ...env, PATIENCE_MS: String(patience) }, path);
    t.equal(code, expected, `${name}: ${output}`);
  };
  try {
    await run('QEMU, and KVM for this user');
    t.match(readFileSync(join(path, 'sudo.log'), 'utf8'), /apt-get install .* qemu-system-x86\n/);
    await run('The back-end');
    await run('Start the guest');
    await prepareScreens(path);
    await run('Log in');
    t.same(readdirSync(join(path, 'pictures')), [], 'nothing to keep');
    // What it waits for is not there any more.
    await run('Log in', 4, 1000);
    await run('What was seen');
    t.same(readdirSync(join(path, 'pictures')).sort(), ['film.png', 'login-diff.png', 'screen.png']);
    const { width, height } = await decodePng(readFileSync(join(path, 'pictures/screen.png')), 1 << 24);
    t.same([width, height], [1024, 768]);
    t.ok(playAnimation(readFileSync(join(path, 'pictures/film.png'))).frames.length > 1);
  } finally {
    const pid = join(path, 'qemu.pid');
    if (existsSync(pid)) process.kill(Number(readFileSync(pid, 'utf8')), 'SIGTERM');
    while (existsSync(join(path, 'control.sock'))) await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

t.test('our own workflow', async (t) => {
  const { permissions, jobs } = parseYaml(readFileSync('.github/workflows/ci.yml', 'utf8')) as Workflow;
  t.same(permissions, { contents: 'read' });
  const { container, steps = [] } = jobs.test ?? {};
  t.equal(container?.image, 'debian:12');
  const runs = steps.flatMap(({ run }) => run ?? []);
  t.equal(runs.at(-1), 'npm test', 'what the README says, and what runs now');
  t.match(readFileSync('README.md', 'utf8'), /^npm test {2}/m);
  const node = steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'))?.with?.['node-version'];
  t.equal(node, 20);
  const cached = steps.find(({ uses }) => uses?.startsWith('actions/cache@'))?.with?.path;
  const shared = 'source scripts/lib/common.sh; printf %s "$CACHE_ROOT"';
  const own = { PATH: process.env.PATH, HOME: '~' };
  t.equal(
    execFileSync('bash', ['-c', shared], { env: own, encoding: 'utf8' }),
    cached,
    'the cache that is used',
  );
});

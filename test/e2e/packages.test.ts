/**
 * The packages as people get them: installed by npm on Node.js 20, 22 and 24 without a compiler, and used.
 */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { TestProcess } from './harness/processes.js';

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

/**
 * Our compiled code with this Node.js, in a folder that a guest mounts: `bin/node` runs the programs below `dist`. The
 * machine of the tests has Node.js already, so the guest needs no packages for it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestChannel } from './guest-channel.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const MOUNT_OPTIONS = 'trans=virtio,version=9p2000.L,msize=1048576,cache=loose,ro';

/** The kernel ends children of tests with the test (util-linux's setpriv); busybox has no such program. */
const SETPRIV = '#!/bin/sh\n# setpriv --pdeathsig SIGNAL COMMAND...\nshift 2\nexec "$@"\n';
const NODE = '#!/bin/sh\nexec /app/node/ld.so --library-path /app/node/lib /app/node/node "$@"\n';

/** This program with its libraries: it may be built for another Linux than the guest's. */
function stageNode(folder: string): void {
  mkdirSync(join(folder, 'lib'), { recursive: true });
  cpSync(process.execPath, join(folder, 'node'), { dereference: true });
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  for (const [path] of libraries.matchAll(/\/\S+/g)) {
    const name = /\/ld-linux[^/]*$/.test(path) ? 'ld.so' : join('lib', basename(path));
    cpSync(path, join(folder, name), { dereference: true });
  }
}

/** A module of ours, compiled. */
function stageWorkspace(from: string, to: string, parts: readonly string[]): void {
  for (const part of ['package.json', ...parts]) {
    cpSync(join(ROOT, from, part), join(to, part), { recursive: true, dereference: true });
  }
}

/** A package that is nothing but JavaScript. */
function stagePackage(name: string, modules: string): void {
  cpSync(join(ROOT, 'node_modules', name), join(modules, name), { recursive: true, dereference: true });
}

/** koffi, with its native part for this machine. */
function stageKoffi(modules: string): void {
  const require = createRequire(join(ROOT, 'native', 'package.json'));
  const koffi = dirname(require.resolve('koffi'));
  const scope = join(dirname(koffi), '@koromix', 'koffi-linux-x64');
  cpSync(koffi, join(modules, 'koffi'), { recursive: true, dereference: true });
  cpSync(scope, join(modules, '@koromix', 'koffi-linux-x64'), { recursive: true, dereference: true });
}

function writeProgram(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** Fills `folder`. */
export function stageApp(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  stageNode(join(folder, 'node'));
  writeProgram(join(folder, 'bin', 'node'), NODE);
  writeProgram(join(folder, 'bin', 'setpriv'), SETPRIV);
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path),
  });
  stageWorkspace('native', join(modules, 'vhost-user-native'), ['dist', 'build/Release/core.node']);
  stageWorkspace('src/vhost', join(modules, 'vhost-user-ts'), ['dist']);
  stageKoffi(modules);
  stagePackage('commander', modules);
}

/** QEMU's arguments for a folder of ours that the guest can mount. */
export function sharedFolder(path: string, tag: string): string[] {
  return ['-virtfs', `local,path=${path},mount_tag=${tag},security_model=none,readonly=on`];
}

/** Mounts such a folder at /TAG. */
export async function mountShared(guest: GuestChannel, tag: string): Promise<void> {
  await guest.run(`mkdir /${tag} && mount -t 9p -o ${MOUNT_OPTIONS} ${tag} /${tag}`);
}

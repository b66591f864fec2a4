/**
 * A guest that plays the host, for what this machine's kernel may lack: /dev/udmabuf. It runs Linux 6.12 with our
 * compiled code, this Node.js and a current weston, all mounted from here; the programs of test/e2e/nested run in it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuestResult } from './guest-channel.js';
import { Qemu } from './qemu.js';

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

function stage(folder: string): void {
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
}

function shared(path: string, tag: string): string[] {
  return ['-virtfs', `local,path=${path},mount_tag=${tag},security_model=none,readonly=on`];
}

export class NestedHost {
  private readonly qemu: Qemu;
  private readonly folder: string;

  private constructor(qemu: Qemu, folder: string) {
    this.qemu = qemu;
    this.folder = folder;
  }

  static async boot(): Promise<NestedHost> {
    const folder = mkdtempSync(join(tmpdir(), 'nested-'));
    try {
      stage(folder);
      const programs = execFileSync('scripts/weston-tree', {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      }).trim();
      const device = [...shared(folder, 'app'), ...shared(dirname(programs), 'weston')];
      const qemu = await Qemu.boot({ qemu: '11.1', kernel: '6.12', device });
      try {
        for (const tag of ['app', 'weston']) {
          await qemu.guest.run(`mkdir /${tag} && mount -t 9p -o ${MOUNT_OPTIONS} ${tag} /${tag}`);
        }
      } catch (error) {
        await qemu.close();
        throw error;
      }
      return new NestedHost(qemu, folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What the kernel in there wrote to its console. */
  get consoleLog(): string {
    return this.qemu.consoleLog;
  }

  /** Runs a shell command in there. */
  shell(command: string): Promise<string> {
    return this.qemu.guest.run(command);
  }

  /** Runs a program of test/e2e/nested, named without its extension. */
  program(name: string, ...args: readonly string[]): Promise<GuestResult> {
    const words = [`/app/dist/test/e2e/nested/${name}.js`, ...args].join(' ');
    return this.qemu.guest.try(`export PATH=/app/bin:$PATH; cd /tmp && node ${words}`);
  }

  async close(): Promise<void> {
    await this.qemu.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

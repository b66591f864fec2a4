/**
 * Every command in the documentation is run by a test: those of this table here, as they stand there, others by the test that
 * is named; and what no test can run says why.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { TestProcess } from '../e2e/harness/processes.js';
import { fencedBlocks } from '../e2e/harness/workflow.js';
import { COMMAND } from './command.js';
import { ControlGuest } from './control-guest.js';

/** Where a block is run: a folder of its own, with the command in the path. */
interface Place {
  readonly t: Test;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Starts a block; the paths of a system (/tmp, /usr) are in the folder. */
  start(block: string): TestProcess;
  /** Runs it to its end, which has to be a good one; resolves with what it said. */
  run(block: string): Promise<string>;
}

type How =
  | { readonly here: (place: Place, block: string) => Promise<void> }
  | { readonly by: string }
  | { readonly not: string };

/** The blocks, by file and first line. */
const BLOCKS: Readonly<Record<string, How>> = {
  'README.md: npm run demo   # boots a Linux guest on the device; leaves its console and a test picture as PNG files in out/':
    { by: 'test/e2e/readme.test.ts' },
  'README.md: npm install && npm run build': { not: 'scripts/setup has done it when a test runs' },
  'README.md: node dist/vhost-user-gpu-ts.js run -- qemu-system-x86_64 -m 2G disk.qcow2': {
    by: 'test/e2e/readme.test.ts',
  },
  'README.md: node dist/vhost-user-gpu-ts.js --socket-path=/tmp/gpu.sock &': {
    by: 'test/e2e/readme.test.ts',
  },
  'README.md: node dist/vhost-user-gpu-ts.js --socket-path=/tmp/gpu.sock --window \\': {
    by: 'test/e2e/readme.test.ts',
  },
  "README.md: scripts/pack-guest /tmp/proxy.tar.gz   # the guest's part; bring it to the guest": {
    by: 'test/e2e/readme.test.ts',
  },
  'README.md: tar -xzf proxy.tar.gz': { by: 'test/e2e/readme.test.ts' },
  'docs/container.md: podman build --file container/Containerfile --tag vhost-user-gpu-ts .': {
    by: 'test/e2e/container.test.ts',
  },
  'docs/control.md: curl --unix-socket control.sock http://localhost/v1/outputs': { here: control },
  'docs/control.md: vhost-user-gpu-ts ctl control.sock outputs': { here: control },
  'docs/control.md: vhost-user-gpu-ts replay trace                 # output 0 1280x800 SHA256, as the control API gives it':
    { here: control },
  'docs/dependencies.md: npm ci --ignore-scripts && npm rebuild --workspace native && npm run build': {
    not: 'it would take the modules away from under the tests',
  },
  'docs/fuzzing.md: scripts/fuzz wayland --inputs 10000000 --seed 1      # or: npm run fuzz -- wayland ...': {
    not: 'hours; test/unit/fuzz.test.ts runs the same with fewer inputs, and plays the findings again',
  },
  'docs/fuzzing.md: scripts/fuzz native --inputs 10000000 --seed 1     # --compiler gcc or clang': {
    not: 'hours; test/unit/fuzz-native.test.ts runs the same with fewer inputs',
  },
  'docs/fuzzing.md: scripts/soak --minutes 30     # --apart --seed 1 --stall 60 -- OPTIONS OF THE BACK-ENDS':
    {
      not: 'half an hour; test/protocol/soak.test.ts runs a short one',
    },
  'docs/libvirt.md: vhost-user-gpu-ts install-descriptor': { here: descriptor },
  'docs/libvirt.md: virt-install … --memorybacking source.type=memfd,access.mode=shared \\': {
    not: 'the beginning of a command; test/e2e/libvirt.test.ts starts a domain with the XML that it makes',
  },
  'docs/packages.md: vhost-user-gpu-ts completion bash >/usr/share/bash-completion/completions/vhost-user-gpu-ts':
    {
      here: manual,
    },
  'docs/recovery.md: vhost-user-gpu-ts supervise --qmp=/tmp/monitor.sock -- --socket-path=/tmp/gpu.sock --window':
    { here: listens },
  'docs/systemd.md: systemctl enable --now vhost-user-gpu-ts@work.socket': {
    by: 'test/e2e/systemd.test.ts',
  },
  'docs/viewer.md: vhost-user-gpu-ts run --display=viewer -- qemu-system-x86_64 -m 4G disk.qcow2': {
    here: runs,
  },
  'docs/viewer.md: vhost-user-gpu-ts --socket-path=gpu.sock --viewer=127.0.0.1:8600 --viewer-token-file=viewer.tokens \\':
    { here: listens },
  'docs/viewer.md: ssh -L 8600:127.0.0.1:8600 host': { not: 'another machine' },
};

/** On a back-end with a guest that shows something, has a keyboard, and is traced. */
async function control({ t, folder, run }: Place, block: string): Promise<void> {
  const trace = join(folder, 'trace');
  const guest = await ControlGuest.start({ options: [`--trace-file=${trace}`] });
  try {
    symlinkSync(guest.backEnd.control.socketPath, join(folder, 'control.sock'));
    const keyboard = await guest.plug('keyboard');
    await guest.mode(1280, 800, 0x204060);
    const said = await run(block);
    const sha256 = await guest.backEnd.control.hash();
    if (block.includes('replay')) {
      // Twice by --each: after the command, and at the end.
      t.ok(said.split(`output 0 1280x800 ${sha256}`).length > 4, 'the same picture, each time');
      t.ok(existsSync(join(folder, 'output-0.png')));
    } else {
      t.match(said, /"enabled":true|enabled=true/);
      t.equal(readFileSync(join(folder, 'screen.png')).toString('latin1', 1, 4), 'PNG');
      t.ok((await keyboard.take(6)).length >= 6, 'keys have arrived');
    }
  } finally {
    guest.close();
  }
}

/** As a user who is not root, whose home is the folder. */
async function descriptor({ t, folder, env }: Place, block: string): Promise<void> {
  const somebody =
    process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=1000', '--map-group=1000'] : [];
  const [program = '', ...args] = [...somebody, 'bash', '-e', '-c', block];
  execFileSync(program, args, { env: { ...env, HOME: folder }, cwd: folder });
  const file = join(folder, '.config/qemu/vhost-user/50-vhost-user-gpu-ts.json');
  const { type, binary } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  t.equal(type, 'gpu');
  t.match(execFileSync(binary ?? '', ['--print-capabilities'], { env }).toString(), /"gpu"/);
}

async function manual({ t, folder, run }: Place, block: string): Promise<void> {
  const targets = [...block.matchAll(/>(\/usr\S+)/g)].map(([, path = '']) => join(folder, path));
  for (const path of targets) mkdirSync(dirname(path), { recursive: true });
  await run(block);
  t.equal(targets.length, 3);
  for (const path of targets) t.match(readFileSync(path, 'utf8'), /vhost-user-gpu-ts/);
  t.ok(readdirSync(join(folder, 'usr/share/man/man1')).includes('vhost-user-gpu-ts-ctl.1'));
}

/** A command that serves until it is told to end. */
async function listens({ t, start }: Place, block: string): Promise<void> {
  const command = start(block.replace(':8600', ':0'));
  await command.waitForOutput(/listening/);
  t.same(await command.stop('SIGTERM'), { code: 0, signal: null });
}

/** `run`, with a QEMU that is a script: it is given the device. */
async function runs({ t, folder, run }: Place, block: string): Promise<void> {
  const script = `case $1 in --version) echo 'QEMU emulator version 11.1.3 (a script)'; exit ;; esac
case $2 in help) printf 'name "%s", bus PCI\\n' vhost-user-gpu-pci vhost-user-input-pci; exit ;; esac
echo "$@"`;
  writeFileSync(join(folder, 'bin/qemu-system-x86_64'), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  // The token is told to terminals only.
  const said = await run(`script --quiet --return --command '${block.trim()}' /dev/null`);
  t.match(said, /http:\/\/127\.0\.0\.1:\d+\/#token=/, 'where to look');
  t.match(said, /-m 4G disk\.qcow2 .*-device vhost-user-gpu-pci,/);
}

function place(t: Test): Place {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'tmp'));
  symlinkSync(COMMAND, join(folder, 'bin/vhost-user-gpu-ts'));
  const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, DISPLAY: ___, XDG_CONFIG_HOME: ____, ...rest } = process.env;
  const env = { ...rest, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, XDG_RUNTIME_DIR: folder };
  const start = (block: string): TestProcess => {
    const inside = block.replaceAll(/(?<=[=> ])\/(tmp|usr)\//g, `${folder}/$1/`).trim();
    return new TestProcess('block', 'bash', ['-e', '-c', inside], env, folder);
  };
  const run = async (block: string): Promise<string> => {
    const command = start(block);
    t.same(await command.exited, { code: 0, signal: null }, command.output);
    return command.output;
  };
  return { t, folder, env, start, run };
}

const found = new Map<string, string>();
for (const file of ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)]) {
  if (!file.endsWith('.md')) continue;
  for (const block of fencedBlocks(readFileSync(file, 'utf8'), 'sh')) {
    found.set(`${file}: ${block.split('\n')[0]}`, block);
  }
}

t.test('the table has every block, and no others', async (t) => {
  t.same([...found.keys()].sort(), Object.keys(BLOCKS).sort());
  for (const [name, how] of Object.entries(BLOCKS)) {
    if (!('by' in how)) continue;
    const [file = ''] = name.split(': ');
    t.ok(readFileSync(how.by, 'utf8').includes(`'${file}'`), `${how.by} reads ${file}`);
  }
});

t.test('docs/README.md leads to every page', async (t) => {
  const index = readFileSync('docs/README.md', 'utf8');
  const pages = readdirSync('docs').filter((name) => name !== 'README.md');
  t.same(
    pages.filter((name) => !index.includes(`](${name})`)),
    [],
  );
});

t.test('links lead somewhere', async (t) => {
  for (const file of ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)]) {
    if (!file.endsWith('.md')) continue;
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(dirname(file), target)), `${file}: ${target}`);
    }
  }
});

for (const [name, how] of Object.entries(BLOCKS)) {
  if ('here' in how) t.test(name, async (t) => how.here(place(t), found.get(name) ?? ''));
}

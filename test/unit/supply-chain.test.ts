/** What comes with the command from others, and what is made of it: the lock file, its licences, the package. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as T;
}

const { packages } = readJson<{ packages: Record<string, LockedPackage & Manifest> }>('package-lock.json');

/** What others wrote, by name. */
function locked(): readonly (readonly [name: string, LockedPackage])[] {
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && link !== true)
    .map(([path, entry]) => [path.replace(/^.*node_modules\//, ''), entry]);
}

/** Licences that let anybody use, change and pass on what is under them. */
const PERMISSIVE = new Set([
  'Apache-2.0',
  'MIT',
  'ISC',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'CC-BY-3.0',
  'Python-2.0',
]);

/** Their entries lack what their own package.json or licence file says. */
const STATED_ELSEWHERE = new Map([['jsonc-simple-parser', 'MIT']]);

function isPermissive(license: string): boolean {
  const choices = license.replace(/[()]/g, '').split(' OR ');
  return choices.some((each) => PERMISSIVE.has(each));
}

t.test('every package is pinned by its content, under a permissive licence', async (t) => {
  for (const [name, { integrity = '', license = STATED_ELSEWHERE.get(name) ?? 'unknown' }] of locked()) {
    if (!integrity.startsWith('sha512-')) t.fail(`${name} is not pinned`);
    if (!isPermissive(license)) t.fail(`${name}: ${license}`);
  }
});

t.test('the lock file is that of the manifests', async (t) => {
  for (const folder of ['', 'native', 'src/vhost']) {
    const { dependencies, devDependencies } = readJson<Manifest>(join(folder, 'package.json'));
    const pinned = packages[folder];
    t.same(pinned?.dependencies, dependencies, `${folder}: dependencies`);
    t.same(pinned?.devDependencies, devDependencies, `${folder}: devDependencies`);
  }
});

t.test('what runs is what docs/dependencies.md lists, with the same licences', async (t) => {
  const text = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');
  const rows = text.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm);
  const listed = new Map([...rows].map(([, name = '', license = '']) => [name, license.trim()]));
  // koffi's binaries, one package for each system.
  const named = (name: string): string => name.replace(/^@koromix\/koffi-.*/, '@koromix/koffi-*');
  const running = locked().filter(([, { dev }]) => dev !== true);
  const found = new Map(running.map(([name, { license }]) => [named(name), license]));
  for (const [name, license] of found) t.equal(listed.get(name), license, name);
  const direct = readJson<Manifest>('package.json').devDependencies ?? {};
  const all = new Set([...found.keys(), ...Object.keys(direct)]);
  t.same([...listed.keys()].sort(), [...all].sort(), 'neither more nor less');
});

/** Packs into a folder of its own; the hash of the archive. */
function pack(umask: string, timeZone: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pack-'));
  try {
    const script = `umask ${umask}; exec npm pack --ignore-scripts --silent --pack-destination "$0"`;
    const env: NodeJS.ProcessEnv = { ...process.env, TZ: timeZone };
    // The test runner's own loaders have no business in there.
    delete env.NODE_OPTIONS;
    execFileSync('sh', ['-c', script, folder], { cwd: ROOT, env, stdio: 'pipe' });
    const [archive = ''] = readdirSync(folder);
    return createHash('sha256')
      .update(readFileSync(join(folder, archive)))
      .digest('hex');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

t.test('npm pack: the same archive for the same content, whoever packs it and when', async (t) => {
  t.equal(pack('077', 'Pacific/Kiritimati'), pack('022', 'UTC'));
});

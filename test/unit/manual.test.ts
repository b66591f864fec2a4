/** Completion and manual pages: taken by the shells and by man, with every command and option that is declared. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { allCommands, innerCommands, visibleOptions } from '../../src/cli/manual/commands.js';
import { completion, SHELLS } from '../../src/cli/manual/completion.js';
import { manPage, pageName } from '../../src/cli/manual/man-page.js';
import { reference } from '../../src/cli/manual/markdown.js';

const COMMAND = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const COMMANDS = allCommands('1.2.3');
const ALL = COMMANDS.flatMap((named) => [named, ...innerCommands(named)]);
const LONG = ALL.flatMap(({ command }) => visibleOptions(command).flatMap(({ long }) => long ?? []));
const WORDS = ALL.map(({ word }) => word).filter((word) => word !== '');

/** What bash offers for a line whose last word is not finished. */
function bashOffers(words: readonly string[], folder: string): string[] {
  const script = `
    source ./completion.bash
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _vhost_user_gpu_ts
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['-c', script, 'bash', ...words];
  return execFileSync('bash', args, { cwd: folder, encoding: 'utf8' }).split('\n').filter(Boolean);
}

t.test('every shell reads its completion, which has all there is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'manual-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const shell of SHELLS) {
    const text = completion(shell, COMMANDS);
    const file = join(folder, shell);
    writeFileSync(file, text);
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    t.same({ status, stderr }, { status: 0, stderr: '' }, shell);
    const named = (name: string): boolean => text.includes(shell === 'fish' ? `-l ${name.slice(2)} ` : name);
    t.same(
      LONG.filter((name) => !named(name)),
      [],
      `${shell}: options`,
    );
    t.same(
      WORDS.filter((word) => !text.includes(word)),
      [],
      `${shell}: commands`,
    );
  }
});

t.test('bash offers what fits', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'manual-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'completion.bash'), completion('bash', COMMANDS));
  const offers = (...words: string[]): string[] => bashOffers(['vhost-user-gpu-ts', ...words], folder);
  t.same(offers('sup'), ['supervise']);
  t.same(offers('--sock'), ['--socket-path']);
  t.same(offers('run', '--dry'), ['--dry-run']);
  t.same(offers('run', '--qmp'), [], "another command's");
  t.same(offers('--sandbox', 'a'), ['auto']);
  t.same(offers('--sandbox', '='), ['on', 'auto', 'off']);
  t.same(offers('--log-format', '=', 'j'), ['json']);
  t.same(offers('ctl', 's'), [], 'a socket: bash offers files');
  t.same(offers('ctl', 'sock', 'screen'), ['screenshot']);
  t.same(offers('ctl', 'sock', 'screenshot', '--c'), ['--cursor']);
  t.same(offers('ctl', 'sock', 'click', '--button', 'r'), ['right']);
});

t.test('manual pages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'manual-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { NODE_OPTIONS: _, ...env } = process.env;
  execFileSync(process.execPath, [COMMAND, 'completion', '--man', folder], { env });
  t.same(readdirSync(folder).sort(), COMMANDS.map((named) => `${pageName(named)}.1`).sort());
  for (const named of COMMANDS) {
    const path = join(folder, `${pageName(named)}.1`);
    t.match(readFileSync(path, 'utf8'), manPage(named, '', COMMANDS).split('\n')[2] ?? '');
    const shown = spawnSync('man', ['--local-file', '--warnings', path], {
      encoding: 'utf8',
      env: { ...env, MANWIDTH: '400', LC_ALL: 'C.UTF-8' },
    });
    t.same({ status: shown.status, stderr: shown.stderr }, { status: 0, stderr: '' }, pageName(named));
    const options = [named, ...innerCommands(named)].flatMap(({ command }) => visibleOptions(command));
    const missing = options.filter(({ long }) => !shown.stdout.includes(long ?? ''));
    t.same(
      missing.map(({ flags }) => flags),
      [],
    );
    t.ok(shown.stdout.includes(named.command.description()), 'the whole description');
  }
});

t.test('docs/cli.md is what they declare (npm run generate:cli)', async (t) => {
  t.equal(readFileSync('docs/cli.md', 'utf8'), reference(COMMANDS));
});

t.test('the command line of it', async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const run = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [COMMAND, 'completion', ...args], { encoding: 'utf8', env });
  t.match(run('fish'), { status: 0, stdout: /^# fish completion/, stderr: '' });
  t.match(run('--help'), { status: 0, stdout: /Usage/ });
  t.match(run(), { status: 2, stdout: '', stderr: /Usage/ });
  t.match(run('tcsh'), { status: 2 });
});

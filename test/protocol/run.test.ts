/** `run` with a QEMU that is a script, and the real back-end: what is started, how it ends, and what is left. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FrontEndClient } from 'vhost-user-ts';
import { startGuest } from '../../src/npm/index.js';
import { TestProcess } from '../e2e/harness/processes.js';
import { COMMAND } from './command.js';

/** What a QEMU answers, and then `body`. */
const qemuScript = (body: string): string => `#!/bin/bash
case $1 in
  --version) echo 'QEMU emulator version 11.1.3 (a script)'; exit ;;
esac
if [[ $2 == help ]]; then
  printf 'name "%s", bus PCI\\n' vhost-user-gpu-pci vhost-user-test-device-pci vhost-user-input-pci
  exit
fi
# Where the back-end listens.
for word in "$@"; do
  [[ $word != *path=*/gpu* ]] || socket=\${word##*path=}
done
echo "QEMU $$ $socket"
${body}
`;

/** `run`, in a world of its own. */
class Running {
  readonly folder = mkdtempSync(join(tmpdir(), 'run-'));
  private process: TestProcess | null = null;

  start(body: string, ...options: readonly string[]): TestProcess {
    const program = join(this.folder, 'qemu-system-x86_64');
    writeFileSync(program, qemuScript(body));
    chmodSync(program, 0o755);
    return this.command(...options, '--', program, '-accel', 'tcg');
  }

  command(...args: readonly string[]): TestProcess {
    // (Without the test runner's own loaders: they write files when a process ends, which a sandboxed one can't.)
    const { NODE_OPTIONS: _, WAYLAND_DISPLAY: __, DISPLAY: ___, ...env } = process.env;
    const own = { ...env, XDG_RUNTIME_DIR: this.folder };
    this.process = new TestProcess('run', process.execPath, [COMMAND, 'run', ...args], own);
    return this.process;
  }

  /** QEMU's process and its back-end's socket, once QEMU runs. */
  async qemu(): Promise<{ pid: number; socket: string }> {
    await this.process?.waitForOutput(/QEMU \d+ .*sock/);
    const [, pid, socket = ''] = /QEMU (\d+) (.*)/.exec(this.process?.output ?? '') ?? [];
    return { pid: Number(pid), socket };
  }

  /** What is there besides the script. */
  get left(): string[] {
    return readdirSync(this.folder).filter((name) => !name.startsWith('qemu'));
  }
}

function scenario(name: string, body: (t: Test, running: Running) => Promise<void>): void {
  t.test(name, async (t) => {
    const running = new Running();
    try {
      await body(t, running);
    } finally {
      rmSync(running.folder, { recursive: true, force: true });
    }
  });
}

scenario("QEMU's exit status, and nothing left", async (t, r) => {
  const run = r.start('[[ -S $socket ]] && exit 7');
  t.same(await run.exited, { code: 7, signal: null });
  t.same(r.left, []);
});

scenario('QEMU is killed', async (t, r) => {
  t.same(await r.start('kill -KILL $$').exited, { code: 137, signal: null });
  t.same(r.left, []);
});

scenario('signals are passed on', async (t, r) => {
  const run = r.start("trap 'echo got it; exit 3' TERM; echo waiting; while :; do read -rt 1 <> <(:); done");
  await run.waitForOutput(/waiting/);
  t.same(await run.stop('SIGTERM'), { code: 3, signal: null });
  t.match(run.output, /got it/);
  t.same(r.left, []);
});

scenario('input devices are there before QEMU starts', async (t, r) => {
  const sockets = ['keyboard', 'tablet', 'mouse', 'touch'].map((name) => `"$\{socket%/*}/${name}.sock"`);
  const run = r.start(`for s in ${sockets.join(' ')}; do [[ -S $s ]] || exit 1; done; exit 9`, '--window');
  t.same(await run.exited, { code: 9, signal: null });
  t.same(r.left, []);
});

scenario('a viewer, with what it feeds', async (t, r) => {
  const sockets = ['keyboard', 'tablet', 'touch'].map((name) => `"$\{socket%/*}/${name}.sock"`);
  const run = r.start(
    `for s in ${sockets.join(' ')}; do [[ -S $s ]] || exit 1; done; exit 9`,
    ...['--display=viewer', `--viewer-token-file=${join(r.folder, 'qemu-tokens')}`, '--log-level=info'],
  );
  t.same(await run.exited, { code: 9, signal: null });
  t.match(run.output, /viewer ready address=http:\/\/127\.0\.0\.1:\d+\//);
  t.same(r.left, []);
});

scenario('a back-end that can not start: no QEMU', async (t, r) => {
  const run = r.start('exit 7', '--window', '--policy=/nonexistent');
  t.same(await run.exited, { code: 1, signal: null });
  t.match(run.output, /ENOENT.*\/nonexistent/);
  t.notMatch(run.output, /QEMU \d+/);
  t.same(r.left, []);
});

scenario('a back-end that dies is not passed over in silence', async (t, r) => {
  const run = r.start(
    'kill -KILL $(cat /proc/$PPID/task/*/children | tr " " "\\n" | grep -vx $$); exec sleep 1000',
  );
  await run.waitForOutput(/the back-end ended with 137: the guest has no GPU any more/);
  const { pid } = await r.qemu();
  process.kill(pid, 'SIGTERM');
  t.same(await run.exited, { code: 143, signal: null });
});

scenario('run is killed: the back-end goes when its machine does', async (t, r) => {
  const run = r.start('exec sleep 1000');
  const { pid, socket } = await r.qemu();
  const client = FrontEndClient.connect({ path: socket });
  await client.negotiate();
  process.kill(run.pid, 'SIGKILL');
  t.ok(existsSync(socket), 'it still serves');
  client.close();
  await untilGone(socket);
  process.kill(pid, 'SIGKILL');
  t.same(await run.exited, { code: null, signal: 'SIGKILL' }, 'nobody holds its output any more');
});

/** Resolves when a socket's file is gone. (Its owner is nobody's child.) */
async function untilGone(socket: string): Promise<void> {
  while (existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
}

scenario('programs that are no QEMU', async (t, r) => {
  for (const [program, said] of [
    ['/nonexistent/qemu', /there is no program \/nonexistent\/qemu/],
    ['true', /true is no QEMU/],
    ['false', /false --version failed/],
  ] as const) {
    const run = r.command('--', program, '-accel', 'tcg');
    t.same(await run.exited, { code: 2, signal: null }, program);
    t.match(run.output, said);
  }
});

scenario('--dry-run, --help', async (t, r) => {
  const dry = r.start('exit 7', '--dry-run', '--window', '--label=my vm');
  t.same(await dry.exited, { code: 0, signal: null });
  t.match(dry.output, /^vhost-user-gpu-ts --socket-path=\S+XXXXXX\/gpu\.sock .*'--title=my vm' .*&$/m);
  t.match(dry.output, /qemu-system-x86_64 -accel tcg -object .* -device vhost-user-test-device-pci,/);
  const help = r.command('--help');
  t.same(await help.exited, { code: 0, signal: null });
  t.match(help.output, /--dry-run/);
  t.same(r.left, []);
});

t.test("the package's startGuest: the same for a test, in its own process", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'run-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'qemu-system-x86_64');
  const told = join(folder, 'told');
  writeFileSync(program, qemuScript(`[[ -S $socket ]] && echo "$@" >'${told}'; exit 7`));
  chmodSync(program, 0o755);
  const guest = await startGuest([program, '-accel', 'tcg'], { inputs: ['keyboard'] });
  t.equal(await guest.exited, 7);
  const line = readFileSync(told, 'utf8');
  t.match(line, /-device vhost-user-test-device-pci,.* -device vhost-user-input-pci,id=keyboard/);
  t.match(line, /-display none/);
  t.match(await guest.control.call('getHealth'), { machine: false });
  guest.close();
  await guest.exited;
  t.notOk(existsSync(guest.socketPath), 'nothing left');
  await t.rejects(startGuest([program, '-vga', 'std']), { message: /GPU already/ });
  await t.rejects(startGuest([join(folder, 'none')]), { message: /./ });
});

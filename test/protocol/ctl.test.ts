/** `vhost-user-gpu-ts ctl` against a real control server: every route from a shell, its answers and its exit codes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import t, { type Test } from 'tap';
import { decodePng, encodePng } from '../../src/capture/index.js';
import { createCtlCommand } from '../../src/cli/ctl/command.js';
import { OPERATIONS } from '../../src/cli/ctl/operations.js';
import { ROUTES } from '../../src/control/index.js';
import { playAnimation } from '../unit/apng-player.js';
import { parseMetrics } from '../unit/prometheus.js';
import { COMMAND } from './command.js';
import { ControlGuest } from './control-guest.js';

const RED = 0xff0000;
const { NODE_OPTIONS: _, ...ENV } = process.env;

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** Runs `ctl` as a shell does. */
function ctl(socket: string, ...args: readonly string[]): Promise<Said> {
  const child = spawn(process.execPath, [COMMAND, 'ctl', socket, ...args], { env: ENV });
  const [out, err]: Buffer[][] = [[], []];
  child.stdout.on('data', (piece: Buffer) => out?.push(piece));
  child.stderr.on('data', (piece: Buffer) => err?.push(piece));
  return new Promise((resolve) => {
    child.once('close', (status) => {
      const bytes = Buffer.concat(out ?? []);
      resolve({ status, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err ?? []).toString() });
    });
  });
}

interface World {
  readonly guest: ControlGuest;
  readonly folder: string;
  readonly run: (...args: readonly string[]) => Promise<Said>;
}

function scenario(name: string, body: (t: Test, world: World) => Promise<void>): void {
  t.test(name, async (t) => {
    const guest = await ControlGuest.start();
    const folder = mkdtempSync(join(tmpdir(), 'ctl-'));
    try {
      await body(t, { guest, folder, run: (...args) => ctl(guest.backEnd.control.socketPath, ...args) });
    } finally {
      guest.close();
      rmSync(folder, { recursive: true });
    }
  });
}

function plain(width: number, height: number, color: number): Uint8Array {
  const one = [color >> 16, (color >> 8) & 255, color & 255, 255];
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => one[i % 4] as number);
  return encodePng(width, height, rgba);
}

t.test('there is a word for each route', async (t) => {
  t.same(
    OPERATIONS.map(({ route }) => route),
    Object.keys(ROUTES),
  );
  const words = OPERATIONS.map(({ word }) => word);
  t.equal(new Set(words).size, words.length, 'each its own');
  t.ok(words.every((word) => /^[a-z][a-z-]*$/.test(word)));
});

scenario('pictures, hashes, outputs, metrics', async (t, { guest, folder, run }) => {
  const refused = await run('hash');
  t.match(refused, { status: 1, stdout: '', stderr: /^output 0 shows nothing\n$/ });
  await guest.mode(64, 48, RED);
  t.match(await run('outputs'), {
    status: 0,
    stdout: /^id=0 enabled=true .* shown\.width=64 shown\.height=48 .*\n$/,
  });
  const sha256 = await guest.backEnd.control.hash();
  t.match(await run('hash'), { status: 0, stdout: `width=64 height=48 sha256=${sha256}\n` });
  t.match(JSON.parse((await run('hash', '--json', '--x=3')).stdout), { width: 61, sequence: Number });
  const file = join(folder, 'screen.png');
  t.match(await run('screenshot', '--to', file), { status: 0, stdout: '' });
  const shot = readFileSync(file);
  t.match(await decodePng(shot, 1 << 20), { width: 64, height: 48 });
  t.same((await run('screenshot')).bytes, shot, 'on standard output, too');
  t.match(await run('health'), { status: 0, stdout: /apiVersion=1 machine=true/ });
  t.match(await run('windows'), { status: 0, stdout: '' });
  const families = parseMetrics((await run('metrics')).stdout);
  t.ok(families.has('vhost_user_gpu_commands_total'));
});

scenario('waits tell by their exit code', async (t, { guest, folder, run }) => {
  const file = join(folder, 'red.png');
  writeFileSync(file, plain(8, 8, RED));
  t.match(await run('settled', '--quiet-ms=1', '--timeout-ms=30'), {
    status: 4,
    stdout: /^settled=false/,
  });
  await guest.mode(64, 48, RED);
  t.match(await run('settled', '--quiet-ms=20'), { status: 0, stdout: /^settled=true/ });
  t.match(await run('match', file, '--x=3', '--y=3'), { status: 0, stdout: /^matched=true/ });
  await guest.fill(4, 4, 2, 2, 0x0000ff);
  const diff = join(folder, 'diff.png');
  t.match(await run('match', file, '--timeout-ms=1', '--diff', diff), {
    status: 4,
    stdout: /^matched=false .*differentPixels=4 differenceMax=255\n$/,
  });
  t.match(await decodePng(readFileSync(diff), 1 << 20), { width: 8, height: 8 });
  t.match(await run('match', file, '--different-max=4'), { status: 0 });
  t.match(await run('changed', '--since=1'), { status: 0, stdout: /^changed=true sequence=\d+\n$/ });
  t.match(await run('ready', 'keyboard', '--timeout-ms=10'), { status: 4, stdout: 'ready=false\n' });
});

scenario('input', async (t, { guest, run }) => {
  t.match(await run('press', 'KEY_A'), { status: 1, stderr: /does not use/ });
  const keyboard = await guest.plug('keyboard');
  t.match(await run('ready', 'keyboard'), { status: 0 });
  t.match(await run('press', 'KEY_LEFTCTRL', 'KEY_C'), { status: 0, stdout: '' });
  t.same(await keyboard.take(4), ['1 29 1', '1 46 1', '1 46 0', '1 29 0']);
  t.match(await run('press', 'KEY_A,KEY_B', '--action=press'), { status: 0 });
  t.same(await keyboard.take(2), ['1 30 1', '1 48 1']);
  t.match(await run('release-input'), { status: 0 });
  await keyboard.take(2);
  t.match(await run('type', 'a\n'), { status: 0 });
  t.same(await keyboard.take(4), ['1 30 1', '1 30 0', '1 28 1', '1 28 0']);
  t.match(await run('press', 'KEY_NONE'), { status: 1, stderr: /KEY_NONE/ });
  const tablet = await guest.plug('tablet');
  await guest.mode(100, 50, RED);
  t.match(await run('click', '50', '25', '--button=right'), { status: 0 });
  t.same(await tablet.take(4), ['3 0 16384', '3 1 16384', '1 273 1', '1 273 0']);
  t.match(await run('pointer', '--scroll-vertical=-1'), { status: 0 });
  t.same(await tablet.take(2), ['2 8 -1', '2 11 -120']);
  t.match(await run('touch', '[{"finger":1,"x":1,"y":1}]'), { status: 1, stderr: /--touch-socket/ });
  t.match(await run('set-output', '--width=1024', '--enabled=true'), { status: 0, stdout: 'told=true\n' });
});

scenario('recordings', async (t, { guest, folder, run }) => {
  await guest.mode(16, 16, RED);
  const film = join(folder, 'film.png');
  const draw = run('record', film, '--', process.execPath, '-e', 'process.exit(7)');
  t.match(await draw, { status: 7 }, 'ends as the command did');
  t.match(playAnimation(readFileSync(film)), { width: 16, height: 16 });
  t.match(await run('record', film, '--', '/no/such/program'), { status: 1, stderr: /ENOENT/ });
  t.match(await run('start-recording'), { status: 0, stdout: /^id=(\d+) output=0 state=running/ });
  t.match(await run('recordings'), { status: 0, stdout: /state=running.*\n$/ });
  const { recordings } = await guest.backEnd.control.call('getRecordings');
  const id = String(recordings[0]?.id);
  t.match(await run('recording-file', id), { status: 1, stderr: /./ }, 'it still runs');
  t.match(await run('stop-recording', id), { status: 0, stdout: /state=stopped/ });
  t.match(await run('recording-file', id, '--to', film), { status: 0 });
  t.match(await run('delete-recording', id), { status: 0, stdout: '' });
  t.match(await run('recordings'), { status: 0, stdout: '' });
});

scenario('policies are files', async (t, { folder, run }) => {
  const file = join(folder, 'policy.json');
  writeFileSync(file, '{"globals": ');
  t.match(await run('put-policy', file), { status: 2, stderr: `${file}: not JSON\n` });
  writeFileSync(file, '{}');
  t.match(await run('put-policy', file), { status: 1, stderr: /--wayland/ });
  t.match(await run('put-policy', join(folder, 'none')), { status: 1, stderr: /ENOENT/ });
});

t.test('wrong command lines', async (t) => {
  for (const [args, message] of [
    [['nonsense'], /unknown command 'nonsense'/],
    [['hash', '--x=-1'], /x: expected an integer from 0/],
    [['hash', '--x=red'], /x: expected an integer/],
    [['hash', '--output=16'], /from 0 to 15/],
    [['set-output', '--enabled=yes'], /expected true or false/],
    [['touch', 'up'], /expected JSON/],
    [['touch', '[{"finger":1,"z":1}]'], /z: not known/],
    [['ready', 'drum'], /expected one of keyboard/],
    [['delete-recording', '0'], /from 1/],
    [['type'], /missing required argument 'text'/],
    [['click', '1', 'left'], /number of pixels/],
    [['hash', 'more'], /too many arguments/],
  ] as const) {
    const command = createCtlCommand(() => t.fail('it is refused'));
    let said = '';
    const writeErr = (text: string): void => {
      said += text;
    };
    for (const each of [command, ...command.commands]) each.configureOutput({ writeErr });
    t.throws(() => command.parse([...args], { from: 'user' }), CommanderError);
    t.match(said, message, args.join(' '));
  }
  t.match(await ctl('socket', 'hash', 'more'), { status: 2, stdout: '', stderr: /too many/ });
  t.match(await ctl('socket'), { status: 2, stdout: '', stderr: /SOCKET COMMAND/ });
});

t.test('nobody there, and somebody else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ctl-'));
  const socket = join(folder, 'socket');
  t.match(await ctl(socket, 'health'), { status: 1, stderr: /ENOENT/ });
  t.match(await ctl('--help'), { status: 0, stdout: /SOCKET COMMAND/ });
  t.match(await ctl('--json', 'health'), { status: 2 });
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(request.url === '/metrics' ? 502 : 200).end('<html>');
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.match(await ctl(socket, 'metrics'), { status: 1, stderr: /status 502/ });
  t.match(await ctl(socket, 'health'), { status: 1, stderr: /JSON/ });
  server.close();
  rmSync(folder, { recursive: true });
});

/** The command as a process: what it prints, its exit codes, its sockets and its end. No QEMU. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectUnix, listenUnix, socketPair } from 'vhost-user-native';
import { attach, attachOnceThere, INHERITED_FD, run, scenario } from './harness/command.js';

const PACKAGE = new URL('../../../package.json', import.meta.url);

t.test('--help, --version', async (t) => {
  const help = await run('--help');
  t.match(help, { code: 0, stdout: /--socket-path <path>/, stderr: /^$/ });
  t.match(help.stdout, /Exit codes: 0 /);
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
  t.same(await run('--version'), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
});

t.test('--print-capabilities is JSON, alone on stdout', async (t) => {
  const { code, stdout, stderr } = await run('--print-capabilities', '--socket-path=/nonexistent/socket');
  t.same({ code, stderr }, { code: 0, stderr: '' });
  t.same(JSON.parse(stdout), { type: 'gpu', features: [] });
});

t.test('what it can not do has an exit code of its own', async (t) => {
  for (const option of ['--virgl', '--render-node=/dev/dri/renderD128']) {
    t.match(await run('--socket-path=/nonexistent/socket', option), { code: 3, stdout: /^$/, stderr: /3D/ });
  }
});

t.test('a wrong command line', async (t) => {
  for (const args of [[], ['--socket-path=/s', '--fd=3'], ['--socket-path=/s', '--outputs=17'], ['--what']]) {
    t.match(await run(...args), { code: 2, stdout: /^$/, stderr: /./ }, args.join(' '));
  }
});

scenario('a socket that can not be had', async (t, start, folder) => {
  const file = join(folder, 'file');
  writeFileSync(file, 'precious');
  const taken = listenUnix(join(folder, 'taken'));
  try {
    for (const path of [
      '/nonexistent/socket',
      file,
      join(folder, 'taken'),
      join(folder, 'x'.repeat(200)),
      '',
    ]) {
      const { code, stderr } = await start([`--socket-path=${path}`]).ended;
      t.equal(code, 1, path);
      t.match(stderr, /error cannot serve/, 'one line says so');
      t.equal(stderr.split('\n').length, 2, 'and nothing else');
    }
  } finally {
    taken.close();
  }
  t.equal(readFileSync(file, 'utf8'), 'precious', 'a file that is no socket stays');
});

scenario('a part that can not be had ends all others, and nothing is left', async (t, start, folder) => {
  const inside = (name: string): string => join(folder, name);
  writeFileSync(inside('policy'), '{');
  const all = [
    `--socket-path=${inside('gpu')}`,
    `--keyboard-socket=${inside('keyboard')}`,
    `--ivshmem=${inside('shm')}`,
  ];
  for (const [options, reason] of [
    [[...all, '--window', '--wayland', '--policy=/nonexistent'], /ENOENT.*\/nonexistent/],
    [[...all, '--wayland', `--policy=${inside('policy')}`], /policy/],
    [[...all, '--mouse-socket=/nonexistent/mouse'], /ENOENT/],
    [[...all.slice(0, 2), '--ivshmem=/nonexistent/shm', '--window'], /ENOENT/],
    [['--socket-path=/nonexistent/gpu', ...all.slice(1), '--window', '--wayland'], /ENOENT/],
  ] as const) {
    const { code, stderr } = await start([...options]).ended;
    t.equal(code, 1, options.join(' '));
    const errors = stderr.split('\n').filter((line) => / error /.test(line));
    t.equal(errors.length, 1, 'one line says so');
    t.match(errors[0], reason);
    t.notMatch(stderr, /^ +at /m, 'without a stack');
    t.same(readdirSync(folder), ['policy']);
  }
});

scenario('one that was killed is started again on the same paths', async (t, start, folder) => {
  const inside = (name: string): string => join(folder, name);
  const options = [
    `--socket-path=${inside('gpu')}`,
    `--keyboard-socket=${inside('keyboard')}`,
    `--ivshmem=${inside('shm')}`,
    '--region-size=16',
  ];
  // A sandboxed one has a broker that cleans up after it.
  options.push('--sandbox=off');
  for (let round = 0; round < 2; round++) {
    const command = start(options);
    await command.logged(/listening/);
    (await attach({ path: inside('gpu') })).close();
    t.equal(statSync(inside('shm')).size, 16 * 2 ** 20);
    t.equal((await command.stop('SIGKILL')).signal, 'SIGKILL');
    t.same(readdirSync(folder), ['gpu', 'keyboard', 'shm']);
  }
  const last = start(options);
  await last.logged(/listening/);
  t.match(await last.stop(), { code: 0, signal: null });
  t.same(readdirSync(folder), []);
});

scenario(
  '--fd with windows and input, and no compositor: ends with its front-end',
  async (t, start, folder) => {
    const [near, far] = socketPair();
    const options = ['--window', '--wayland', `--keyboard-socket=${join(folder, 'keyboard')}`];
    const command = start([`--fd=${INHERITED_FD}`, ...options], { inherited: far.fd });
    far.close();
    const client = await attach({ socket: near });
    client.close();
    t.match(await command.ended, { code: 0, signal: null });
    t.same(readdirSync(folder), []);
  },
);

scenario('descriptors that are no unix sockets', async (t, start, folder) => {
  const file = openSync(join(folder, 'file'), 'w');
  const onFile = start([`--fd=${INHERITED_FD}`], { inherited: file });
  closeSync(file);
  t.match(await onFile.ended, { code: 1, stderr: /cannot serve/ });
  t.match(await start(['--fd=1000']).ended, { code: 1, stderr: /cannot serve/ });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  scenario(`${signal} ends it, idle or not, and removes the socket`, async (t, start, folder) => {
    const path = join(folder, 'socket');
    for (const connected of [false, true]) {
      const command = start([`--socket-path=${path}`]);
      await command.logged(/listening/);
      const client = connected ? await attach({ path }) : null;
      t.match(await command.stop(signal), { code: 0, signal: null, stdout: /^$/ });
      t.notOk(existsSync(path), 'the socket file is gone');
      if (client !== null) t.equal(await client.closed, null, 'the front-end sees an orderly end');
      client?.close();
    }
  });
}

scenario(
  '--socket-path: one front-end after the other, and a bad one in between',
  async (t, start, folder) => {
    const path = join(folder, 'socket');
    const command = start([`--socket-path=${path}`]);
    await command.logged(/listening/);
    for (let round = 1; round <= 3; round++) {
      (await attach({ path })).close();
      await command.logged(/listening/, 2 * round);
      const stranger = connectUnix(path);
      stranger.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await command.logged(/connection ended/, round);
      stranger.close();
      await command.logged(/listening/, 2 * round + 1);
    }
    t.equal((await command.stop()).code, 0);
  },
);

scenario('--fd, connected: ends with its front-end', async (t, start) => {
  const [near, far] = socketPair();
  const command = start([`--fd=${INHERITED_FD}`], { inherited: far.fd });
  far.close();
  const client = await attach({ socket: near });
  client.close();
  t.match(await command.ended, { code: 0, signal: null });
});

scenario('--fd, connected to somebody who does not speak vhost-user', async (t, start) => {
  const [near, far] = socketPair();
  const command = start([`--fd=${INHERITED_FD}`], { inherited: far.fd });
  far.close();
  near.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  t.match(await command.ended, { code: 1, stderr: /connection ended/ });
  near.close();
});

scenario('--fd, listening: stays, and leaves the socket file alone', async (t, start, folder) => {
  const path = join(folder, 'socket');
  const listener = listenUnix(path);
  const command = start([`--fd=${INHERITED_FD}`], { inherited: listener.fd });
  for (let round = 1; round <= 3; round++) {
    (await attach({ path })).close();
    await command.logged(/listening/, round + 1);
  }
  t.equal((await command.stop()).code, 0);
  t.ok(existsSync(path), 'its maker removes it');
  listener.close();
});

scenario('logs: text for people, JSON for machines, nothing when silent', async (t, start, folder) => {
  const path = join(folder, 'socket');
  const log = async (...options: string[]): Promise<string[]> => {
    const command = start([`--socket-path=${path}`, ...options]);
    (await attachOnceThere(path)).close();
    const { stderr } = await command.stop();
    return stderr.split('\n').slice(0, -1);
  };
  for (const line of await log()) {
    t.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (info |warn |error) \S/);
  }
  const records = (await log('--log-format=json')).map((line) => JSON.parse(line) as Record<string, unknown>);
  t.match(records[0], { level: 30, msg: 'sandboxed' });
  t.match(records[1], { level: 30, msg: 'listening', endpoint: path });
  t.match(records[2], { level: 30, msg: 'front-end connected' });
  t.same(await log('--log-level=silent'), []);
});

scenario('output that nobody takes is a failure, in one word', async (t, start) => {
  for (const option of ['--print-capabilities', '--help']) {
    const full = openSync('/dev/full', 'w');
    const command = start([option], { stdout: full });
    closeSync(full);
    t.match(await command.ended, { code: 1, stderr: /^$/ });
  }
});

scenario('a log that nobody takes costs nothing but the lines', async (t, start, folder) => {
  const path = join(folder, 'socket');
  const full = openSync('/dev/full', 'w');
  const command = start([`--socket-path=${path}`], { stderr: full });
  closeSync(full);
  for (let round = 0; round < 3; round++) (await attachOnceThere(path)).close();
  t.equal((await command.stop()).code, 0);
});

scenario('forwarding without a compositor says so at once, and waits for one', async (t, start, folder) => {
  const before = process.env.WAYLAND_DISPLAY;
  process.env.WAYLAND_DISPLAY = join(folder, 'nobody');
  const command = start([`--socket-path=${join(folder, 'socket')}`, '--wayland']);
  if (before === undefined) delete process.env.WAYLAND_DISPLAY;
  else process.env.WAYLAND_DISPLAY = before;
  (await attachOnceThere(join(folder, 'socket'))).close();
  const { code, stderr } = await command.stop();
  t.equal(code, 0);
  t.match(stderr, /no compositor at .*nobody: ENOENT.*WAYLAND_DISPLAY and XDG_RUNTIME_DIR have to be/);
});

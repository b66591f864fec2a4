/**
 * Somebody else's code in the command's process, for its tests: preloaded by `node --import`, it does nothing until a
 * signal. SIGHUP: it tries to reach out and writes to stderr what became of that. SIGWINCH: it calls ptrace. The
 * environment says what there is to reach: PROBE_FILE (to be made), PROBE_SOCKET, PROBE_PORT.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { listenUnix } from 'vhost-user-native';

const { PROBE_FILE: file = '', PROBE_SOCKET: path = '', PROBE_PORT: port } = process.env;
const PTRACE = process.arch === 'arm64' ? 117 : 101;

const require = createRequire(import.meta.url);
const koffi: typeof import('koffi') = createRequire(import.meta.resolve('vhost-user-native'))('koffi');
const systemCall = koffi.load(null).func('long syscall(long number, intptr_t, intptr_t, intptr_t, intptr_t)');

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

async function connectTo(target: { path: string } | { port: number; host: string }): Promise<string> {
  const socket = connect(target);
  const failed = once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? 'unknown');
  const result = await Promise.race([once(socket, 'connect').then(() => 'done'), failed]);
  socket.destroy();
  return result;
}

async function tryEverything(): Promise<Readonly<Record<string, string>>> {
  return {
    read: codeOf(() => readFileSync('/etc/passwd')),
    memory: codeOf(() => openSync('/proc/self/mem', 'r+')),
    write: codeOf(() => writeFileSync(file, '')),
    list: codeOf(() => readdirSync('/')),
    pool: await open('/etc/passwd').then(
      () => 'done',
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown',
    ),
    module: codeOf(() => require('fast-check')),
    unix: await connectTo({ path }),
    tcp: await connectTo({ port: Number(port), host: '127.0.0.1' }),
    listen: codeOf(() => listenUnix(file)),
    program: (spawnSync('/bin/true').error as NodeJS.ErrnoException | undefined)?.code ?? 'done',
    signal: codeOf(() => process.kill(process.ppid, 0)),
  };
}

process.on('SIGHUP', () => {
  void tryEverything().then((result) => writeSync(2, `probe ${JSON.stringify(result)}\n`));
});
process.on('SIGWINCH', () => {
  systemCall(PTRACE, 16, process.ppid, 0, 0);
  writeSync(2, 'probe survived\n');
});

/**
 * Runs a command for which some system calls are not there (ENOSYS), as on an older kernel or in a container:
 *
 *   node without-calls.js NUMBER[,NUMBER]... COMMAND [ARGUMENT]...
 *
 * by a seccomp filter of the main thread's, which the processes that it starts inherit.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** This file, compiled. */
export const WITHOUT_CALLS = fileURLToPath(import.meta.url);

/** Calls of the sandbox, and one that it has no use for. */
export const LANDLOCK_CREATE_RULESET = 444;
export const IO_URING_SETUP = 425;
export const SECCOMP = process.arch === 'arm64' ? 277 : 317;

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const NO_SUCH_CALL = 0x0005_0000 | 38;

/** One struct sock_filter. */
function instruction(code: number, jumps: readonly [number, number], value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.set(jumps, 2);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

function hide(calls: readonly number[]): void {
  const koffi: typeof import('koffi') = createRequire(import.meta.resolve('vhost-user-native'))('koffi');
  const libc = koffi.load(null);
  koffi.struct('sock_fprog', { len: 'uint16', filter: 'uint8_t *' });
  const set = libc.func(
    'int prctl(int option, unsigned long value, unsigned long, unsigned long, unsigned long)',
  );
  const load = libc.func('int prctl(int option, unsigned long mode, const sock_fprog *program)');
  const filter = Buffer.concat([
    instruction(LOAD_WORD, [0, 0], 0),
    ...calls.flatMap((call) => [
      instruction(JUMP_IF_EQUAL, [0, 1], call),
      instruction(RETURN, [0, 0], NO_SUCH_CALL),
    ]),
    instruction(RETURN, [0, 0], ALLOW),
  ]);
  const program = { len: filter.length / 8, filter };
  if (
    set(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0 ||
    load(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) !== 0
  ) {
    throw new Error(`prctl failed with ${koffi.errno()}`);
  }
}

const [, script, list, command, ...args] = process.argv;
if (script === import.meta.filename && list !== undefined && command !== undefined) {
  hide(list.split(',').map(Number));
  const { status, signal } = spawnSync(command, args, { stdio: 'inherit' });
  if (signal !== null) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
}

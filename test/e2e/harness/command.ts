/** The command as a process, without QEMU: what it prints, how it ends, and a front-end of ours. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { connectUnix } from 'vhost-user-native';
import { FrontEndClient } from 'vhost-user-ts';
import { VIRTIO_GPU_RESP_OK_EDID } from '../../../src/virtio-gpu/wire/constants.js';
import { getEdid, typeOf } from '../../unit/gpu-commands.js';
import { SANDBOX_OPTIONS } from './sandbox.js';

const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
/** Where a descriptor that is passed on lies in the child. */
export const INHERITED_FD = 3;

/** For env: the test runner's own loaders write files when a process ends, which a sandboxed one can't. */
const WITHOUT_RUNNER = ['-u', 'NODE_OPTIONS'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command, running. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stderr = '';

  /**
   * `inherited` becomes the child's descriptor 3; `stdout` and `stderr` stand in for pipes to us; `prefix` is a command
   * that runs ours.
   */
  constructor(
    args: readonly string[],
    options: {
      inherited?: number;
      stdout?: number;
      stderr?: number;
      env?: NodeJS.ProcessEnv;
      prefix?: readonly string[];
    } = {},
  ) {
    const {
      inherited = 'ignore',
      stdout: out = 'pipe',
      stderr = 'pipe',
      env = process.env,
      prefix = [],
    } = options;
    const stdio = ['ignore', out, stderr, inherited] as const;
    const command = [process.execPath, COMMAND, ...SANDBOX_OPTIONS, ...args];
    const all = [...WITHOUT_RUNNER, ...prefix, ...command];
    this.child = spawn('env', all, { stdio: [...stdio], env });
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
    });
    const stdout = this.child.stdout === null ? '' : text(this.child.stdout);
    this.ended = Promise.all([once(this.child, 'close'), stdout]).then(([[code, signal], out]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: out,
      stderr: this.stderr,
    }));
  }

  /** Resolves when stderr has matched `count` times; rejects when it can't any more. */
  async logged(pattern: RegExp, count = 1): Promise<void> {
    const all = new RegExp(pattern, 'g');
    while ((this.stderr.match(all) ?? []).length < count) {
      const more = once(this.child.stderr as NonNullable<ChildProcess['stderr']>, 'data');
      const over = this.ended.then(({ code }) => {
        throw new Error(`ended with ${code} before ${pattern}:\n${this.stderr}`);
      });
      await Promise.race([more, over]);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

export function run(...args: string[]): Promise<Ended> {
  return new Running(args).ended;
}

/** A subtest with a folder of its own and nothing left running. */
export function scenario(
  name: string,
  body: (
    t: Test,
    start: (...args: ConstructorParameters<typeof Running>) => Running,
    folder: string,
  ) => Promise<void>,
): void {
  t.test(name, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-command-'));
    const running: Running[] = [];
    try {
      await body(
        t,
        (...args) => {
          const command = new Running(...args);
          running.push(command);
          return command;
        },
        folder,
      );
    } finally {
      await Promise.all(running.map((command) => command.stop('SIGKILL')));
      rmSync(folder, { recursive: true });
    }
  });
}

/** Connects, negotiates and has one command answered: the device is there and alive. */
export async function attach(
  endpoint: { readonly path: string } | { readonly socket: ReturnType<typeof connectUnix> },
): Promise<FrontEndClient> {
  const client = FrontEndClient.connect(endpoint);
  await client.negotiate();
  await client.shareMemory();
  await client.startQueue(0);
  const { data } = (await client.queues.get(0)?.request(getEdid(0), 2048)) ?? { data: new Uint8Array(0) };
  if (typeOf(data) !== VIRTIO_GPU_RESP_OK_EDID) throw new Error(`EDID was answered with ${typeOf(data)}`);
  return client;
}

/** The same with a command that has no log to tell when it listens. */
export async function attachOnceThere(path: string): Promise<FrontEndClient> {
  for (;;) {
    try {
      return await attach({ path });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

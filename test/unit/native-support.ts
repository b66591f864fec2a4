/** What the tests of the native addon share. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Where the addon's façade is, for the source text of child processes and workers. */
export const nativeUrl = import.meta.resolve('vhost-user-native');

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs ESM source in a process of its own, with `native` imported; resolves when it has ended. */
export function runScript(source: string, nodeArgs: string[] = [], prefix: string[] = []): Promise<Ended> {
  const text = `import * as native from ${JSON.stringify(nativeUrl)};\n${source}`;
  const command = [...prefix, process.execPath, ...nodeArgs, '--input-type=module', '-e', text];
  return new Promise((resolve, reject) => {
    const env = { ...process.env };
    // The test runner's own loaders have no business in there.
    delete env.NODE_OPTIONS;
    const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      stdout += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      stderr += part;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Open descriptors of this process. (The one that lists them comes and goes, so it counts alike each time.) */
export function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

export function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
}

export function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & 0o4000) !== 0;
}

/** Numbers that no offset, length, count or descriptor may be. */
export const badNumbers = [Number.NaN, -1, 0.5, 2 ** 53, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
/** Values of other types. */
export const notNumbers = [undefined, null, '1', {}, [], 1n, true, Symbol.iterator];

/** What a call throws; null when it returns. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return null;
  } catch (error) {
    return error;
  }
}

/** Calls a method with arguments that its type forbids. */
export function callWith(self: object, method: string, args: readonly unknown[]): unknown {
  return Reflect.apply(Reflect.get(self, method), self, args);
}

/** A QEMU on this machine: its version, the devices and displays that it has. */
import { execFile } from 'node:child_process';
import { LineMistake } from './qemu-line.js';

/** QEMU answers within a second; a program that is no QEMU may never do. */
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

export interface QemuProgram {
  readonly path: string;
  readonly version: { readonly major: number; readonly minor: number; readonly text: string };
  readonly devices: ReadonlySet<string>;
  readonly displays: ReadonlySet<string>;
}

/** What a program writes; rejects when it fails, and when it takes too long. */
function outputOf(path: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: ANSWER_MS, maxBuffer: ANSWER_BYTES_MAX, killSignal: 'SIGKILL' } as const;
    const child = execFile(path, args, limits, (error, stdout, stderr) => {
      // (Some versions write their help to stderr.)
      if (error === null) resolve(`${stdout}${stderr}`);
      else reject(new LineMistake(reasonOf(path, args, error)));
    });
    child.stdin?.end();
  });
}

function reasonOf(path: string, args: readonly string[], error: Error & { killed?: boolean }): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `there is no program ${path}`;
  if (error.killed) return `${path} ${args.join(' ')} did not answer within ${ANSWER_MS / 1000} s`;
  return `${path} ${args.join(' ')} failed: ${error.message.split('\n').slice(0, 3).join(' ')}`;
}

export function parseVersion(text: string): QemuProgram['version'] | null {
  const match = /QEMU emulator version ((\d+)\.(\d+)\S*)/.exec(text);
  if (match === null) return null;
  return { major: Number(match[2]), minor: Number(match[3]), text: match[1] as string };
}

/** The names, and the other names, in `-device help`. */
export function parseDevices(text: string): Set<string> {
  return new Set([...text.matchAll(/\b(?:name|alias) "([^"]+)"/g)].map(([, name]) => name as string));
}

/** The names in `-display help`: each alone on its line. */
export function parseDisplays(text: string): Set<string> {
  return new Set([...text.matchAll(/^([a-z][\w-]*)$/gm)].map(([, name]) => name as string));
}

/** Rejects with a LineMistake that says what is wrong with it. */
export async function askQemu(path: string): Promise<QemuProgram> {
  const version = parseVersion(await outputOf(path, ['--version']));
  if (version === null) throw new LineMistake(`${path} is no QEMU: its --version says something else`);
  const [devices, displays] = await Promise.all([
    outputOf(path, ['-device', 'help']),
    outputOf(path, ['-display', 'help']),
  ]);
  return { path, version, devices: parseDevices(devices), displays: parseDisplays(displays) };
}

/** Whether it is that version or a newer one. */
export function atLeast({ version }: QemuProgram, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

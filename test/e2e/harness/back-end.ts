/** Our back-end under test: as the real command, in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestProcess } from './processes.js';
import { SANDBOX_OPTIONS } from './sandbox.js';

const COMMAND = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

/** A whole line of the log. */
const STATUS_LINE = /^\{.*"msg":"status"\}$/gm;

export class BackEnd {
  readonly process: TestProcess;
  readonly socketPath: string;
  private readonly folder: string;

  private constructor(process: TestProcess, folder: string, socketPath: string) {
    this.process = process;
    this.folder = folder;
    this.socketPath = socketPath;
  }

  /** Starts `vhost-user-gpu-ts --socket-path=…` and waits until it listens. */
  static async start(...options: string[]): Promise<BackEnd> {
    return BackEnd.startIn(process.env, () => options);
  }

  /** The same in an environment of its own, with options that may name files beside the socket. */
  static async startIn(env: NodeJS.ProcessEnv, options: (socketPath: string) => string[]): Promise<BackEnd> {
    const all = (path: string): string[] => [
      ...SANDBOX_OPTIONS,
      `--socket-path=${path}`,
      '--log-format=json',
      ...options(path),
    ];
    return BackEnd.startScript(COMMAND, all, env);
  }

  /** Starts a compiled script that listens on the path it is given, and says so in its output. */
  static async startScript(
    script: string,
    args: (socketPath: string) => string[],
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<BackEnd> {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-back-end-'));
    const path = join(folder, 'vhost-user.sock');
    // Without the test runner's own loaders: they write files when a process ends, which a sandboxed one can't.
    const command = ['-u', 'NODE_OPTIONS', process.execPath, script, ...args(path)];
    const child = new TestProcess('back-end', 'env', command, env);
    try {
      await child.waitForOutput(/listening/);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return new BackEnd(child, folder, path);
  }

  /** Its counters, by part (see Service.status). */
  async status(): Promise<Record<string, Record<string, number>>> {
    const lines = (): string[] => this.process.output.match(STATUS_LINE) ?? [];
    const known = lines().length;
    process.kill(this.process.pid, 'SIGUSR2');
    while (lines().length === known) await this.process.nextOutput();
    return JSON.parse(lines().at(-1) as string) as Record<string, Record<string, number>>;
  }

  /** Ends it as a service manager would; returns its exit code. */
  async stop(): Promise<number | null> {
    const { code } = await this.process.stop('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }
}

/** QEMU's arguments for a display device behind a vhost-user socket. The device's id is `gpu`. */
export function displayDevice(socketPath: string, driver: string, properties = ''): string[] {
  const options = properties === '' ? '' : `,${properties}`;
  return [
    '-chardev',
    `socket,id=gpu-socket,path=${socketPath}`,
    '-device',
    `${driver},id=gpu,chardev=gpu-socket${options}`,
  ];
}

/** Child processes of a test: output kept for the failure report, all of them ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process';

const OUTPUT_KEPT_BYTES = 256 * 1024;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class TestProcess {
  readonly name: string;
  readonly exited: Promise<Exit>;
  /** How it ended; null while it runs. */
  exit: Exit | null = null;
  private readonly child: ChildProcess;
  private text = '';
  /** The beginning of a line whose end has not come yet. */
  private line = '';
  private readonly watched: { readonly pattern: RegExp; readonly found: string[] }[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(
    name: string,
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
    folder = process.cwd(),
  ) {
    this.name = name;
    // setpriv: the kernel ends the process with us, even when we are killed.
    const wrapped = ['--pdeathsig', 'KILL', command, ...args];
    this.child = spawn('setpriv', wrapped, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd: folder });
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        if (this.exit !== null) return;
        this.exit = exit;
        running.delete(this.child);
        resolve(exit);
        this.notify();
      };
      this.child.once('error', (error) => {
        this.text += `${error.message}\n`;
        ended({ code: 127, signal: null });
      });
      this.child.once('close', (code, signal) => ended({ code, signal }));
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.text = (this.text + chunk).slice(-OUTPUT_KEPT_BYTES);
        this.watch(chunk);
        this.notify();
      });
    }
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** What it wrote to stdout and stderr (the end of it, when it is very long). */
  get output(): string {
    return this.text;
  }

  /** The lines that match, from now on; unlike `output` this has all of them. */
  collect(pattern: RegExp): readonly string[] {
    const found: string[] = [];
    this.watched.push({ pattern, found });
    return found;
  }

  /** Resolves when the output matches; rejects when the process ends before. */
  async waitForOutput(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.exit !== null) {
        throw new Error(`${this.name} ended (${JSON.stringify(this.exit)}) before ${pattern}:\n${this.text}`);
      }
      await this.nextOutput();
    }
  }

  /** Resolves when it writes something, or ends; rejects when it has ended. */
  async nextOutput(): Promise<void> {
    if (this.exit !== null) throw new Error(`${this.name} has ended (${JSON.stringify(this.exit)})`);
    await new Promise<void>((resolve) => this.listeners.add(resolve));
  }

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.exit === null) this.child.kill(signal);
    return this.exited;
  }

  private watch(chunk: string): void {
    const lines = (this.line + chunk).split('\n');
    this.line = (lines.pop() ?? '').slice(-OUTPUT_KEPT_BYTES);
    for (const { pattern, found } of this.watched) found.push(...lines.filter((line) => pattern.test(line)));
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
    this.listeners.clear();
  }
}

/** A shell in the guest, on its second serial port: runs one command at a time. */
import { randomBytes } from 'node:crypto';
import type { LineSocket } from './line-socket.js';

/** What a command in the guest wrote and how it ended. */
export interface GuestResult {
  readonly status: number;
  /** stdout and stderr. */
  readonly output: string;
}

export class GuestChannel {
  private readonly socket: LineSocket;

  constructor(socket: LineSocket) {
    this.socket = socket;
  }

  /** Resolves when the guest has booted (again). */
  async ready(): Promise<void> {
    while ((await this.socket.line()) !== 'guest-ready');
  }

  /** Runs a shell command and returns how it went. */
  async try(command: string): Promise<GuestResult> {
    const mark = `done-${randomBytes(6).toString('hex')}`;
    this.socket.write(`{ ${command} ; } </dev/null 2>&1; echo "${mark} $?"\n`);
    const lines: string[] = [];
    for (;;) {
      const line = await this.socket.line();
      const at = line.indexOf(mark);
      if (at < 0) {
        lines.push(line);
        continue;
      }
      if (at > 0) lines.push(line.slice(0, at));
      return { status: Number(line.slice(at + mark.length)), output: lines.join('\n') };
    }
  }

  /** Runs a shell command that must succeed; returns its output. */
  async run(command: string): Promise<string> {
    const { status, output } = await this.try(command);
    if (status !== 0) throw new Error(`in the guest, "${command}" ended with ${status}:\n${output}`);
    return output;
  }

  /** Sends a command that gives no answer (a reboot). */
  send(command: string): void {
    this.socket.write(`${command}\n`);
  }

  close(): void {
    this.socket.close();
  }
}

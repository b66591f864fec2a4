/**
 * Commands for the guest, over its second serial port, one at a time. The other end is guest/channel: one line each
 * way, contents as base64.
 */
import { randomBytes } from 'node:crypto';
import type { LineSocket } from './line-socket.js';

/** What a command in the guest wrote and how it ended. */
export interface GuestResult {
  readonly status: number;
  /** stdout and stderr. */
  readonly output: string;
}

const COMMAND_TIMEOUT_MS = 120_000;

export class GuestChannel {
  private readonly socket: LineSocket;

  constructor(socket: LineSocket) {
    this.socket = socket;
  }

  /** Resolves when the guest has booted (again). */
  async ready(): Promise<void> {
    while ((await this.socket.line()) !== 'guest-ready');
  }

  /**
   * Runs a shell script and returns how it went; rejects when it takes longer than `timeoutMs`. Processes that it leaves in
   * the background go on.
   */
  async try(command: string, timeoutMs = COMMAND_TIMEOUT_MS): Promise<GuestResult> {
    const marker = `done-${randomBytes(6).toString('hex')}`;
    this.socket.write(`${marker} ${Buffer.from(`${command}\n`).toString('base64')}\n`);
    const timer = setTimeout(() => this.socket.close(), timeoutMs);
    const others: string[] = [];
    try {
      return await this.answer(marker, others);
    } catch (error) {
      const said = others.length === 0 ? '' : `; it said ${JSON.stringify(others)}`;
      throw new Error(`no answer from the guest to "${command}": ${(error as Error).message}${said}`);
    } finally {
      clearTimeout(timer);
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
    this.socket.write(`none ${Buffer.from(`${command}\n`).toString('base64')}\n`);
  }

  close(): void {
    this.socket.close();
  }

  /** Lines that are not the answer go into `others`. */
  private async answer(marker: string, others: string[]): Promise<GuestResult> {
    for (;;) {
      const line = await this.socket.line();
      const [mark, status, output = ''] = line.split(' ');
      if (mark === marker) {
        return { status: Number(status), output: Buffer.from(output, 'base64').toString('utf8').trimEnd() };
      }
      others.push(line);
    }
  }
}

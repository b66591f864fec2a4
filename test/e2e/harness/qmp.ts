/** QEMU's machine protocol (QMP): commands one at a time, events as they come. */
import type { LineSocket } from './line-socket.js';

interface Message {
  readonly QMP?: object;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Record<string, unknown>;
  readonly id?: number;
}

export class Qmp {
  private readonly socket: LineSocket;
  private nextId = 1;
  private readonly answers = new Map<number, (message: Message) => void>();
  private readonly events: string[] = [];
  private readonly eventListeners = new Set<() => void>();
  private closed: Error | null = null;
  private readonly fail = new Set<(error: Error) => void>();

  private constructor(socket: LineSocket) {
    this.socket = socket;
  }

  /** Takes over the connection that QEMU made. */
  static async open(socket: LineSocket): Promise<Qmp> {
    const qmp = new Qmp(socket);
    await qmp.socket.line(); // the greeting
    void qmp.receive();
    await qmp.command('qmp_capabilities');
    return qmp;
  }

  /** Runs a command; rejects with QEMU's description when it fails. */
  async command(execute: string, args: Record<string, unknown> = {}): Promise<unknown> {
    if (this.closed !== null) throw this.closed;
    const id = this.nextId++;
    const answer = await new Promise<Message>((resolve, reject) => {
      this.answers.set(id, resolve);
      this.fail.add(reject);
      this.socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    });
    if (answer.error !== undefined) throw new Error(`QMP ${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  /** Resolves when the event comes (or came since the last wait for it). */
  async waitForEvent(name: string): Promise<void> {
    for (;;) {
      const at = this.events.indexOf(name);
      if (at >= 0) {
        this.events.splice(at, 1);
        return;
      }
      if (this.closed !== null) throw this.closed;
      await new Promise<void>((resolve) => this.eventListeners.add(resolve));
    }
  }

  close(): void {
    this.socket.close();
  }

  private async receive(): Promise<void> {
    try {
      for (;;) {
        const message = JSON.parse(await this.socket.line()) as Message;
        if (message.event !== undefined) {
          this.events.push(message.event);
          this.wake();
        } else if (message.id !== undefined) {
          this.answers.get(message.id)?.(message);
          this.answers.delete(message.id);
        }
      }
    } catch (error) {
      this.closed = error as Error;
      for (const reject of this.fail) reject(this.closed);
      this.wake();
    }
  }

  private wake(): void {
    for (const listener of this.eventListeners) listener();
    this.eventListeners.clear();
  }
}

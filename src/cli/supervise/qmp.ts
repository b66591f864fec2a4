/**
 * A client of QEMU's machine protocol (QMP, docs/interop/qmp-spec.rst): commands one at a time, events as they come. The
 * monitor is a unix socket that QEMU listens on, and serves one client at a time: it is only held while it is needed.
 */
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: unknown;
  readonly id?: number;
}

interface Waiting {
  readonly command: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU refused a command. */
export class QmpError extends Error {
  /** 'DeviceNotFound', 'GenericError', … */
  readonly kind: string;

  constructor(command: string, kind: string, description: string) {
    super(`${command}: ${description}`);
    this.kind = kind;
  }
}

export class QmpClient {
  private readonly socket: Socket;
  private readonly onEvent: (name: string, data: unknown) => void;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private over: Error | null = null;

  /** Rejects with the system's error (ENOENT, ECONNREFUSED) when there is no QEMU. */
  static async connect(path: string, onEvent: (name: string, data: unknown) => void): Promise<QmpClient> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve();
      });
    });
    const client = new QmpClient(socket, onEvent);
    await client.command('qmp_capabilities');
    return client;
  }

  private constructor(socket: Socket, onEvent: (name: string, data: unknown) => void) {
    this.socket = socket;
    this.onEvent = onEvent;
    createInterface({ input: socket }).on('line', (line) => this.receive(line));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('the monitor was closed')));
  }

  /** Resolves with what QEMU returns; rejects with a QmpError, or with why the connection is over. */
  command(execute: string, args: object = {}): Promise<unknown> {
    const { over } = this;
    if (over !== null) return Promise.reject(over);
    const id = this.nextId++;
    const answer = new Promise((resolve, reject) => {
      this.waiting.set(id, { command: execute, resolve, reject });
    });
    this.socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`);
    return answer;
  }

  /** Commands that wait reject. Idempotent. */
  close(): void {
    this.socket.destroy();
    this.end(new Error('the monitor was left'));
  }

  private receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.end(new Error('what the monitor says is no JSON'));
      this.socket.destroy();
      return;
    }
    const { event, data, error, id = 0 } = message;
    if (event !== undefined) {
      this.onEvent(event, data);
      return;
    }
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(message.return);
    else waiting?.reject(new QmpError(waiting.command, error.class, error.desc));
  }

  private end(reason: Error): void {
    this.over ??= reason;
    for (const { reject } of this.waiting.values()) reject(this.over);
    this.waiting.clear();
  }
}

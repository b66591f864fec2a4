/** A unix socket that is read line by line. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export class LineSocket {
  private readonly socket: Socket;
  private buffer = '';
  private ended: Error | null = null;
  private readonly waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.buffer += chunk;
      this.wake();
    });
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('connection closed')));
  }

  /**
   * Listens on `path` and resolves with the first connection: QEMU connects to the test, not the other way
   * round, so nothing has to guess when QEMU's sockets exist. Await `listening` before QEMU starts.
   */
  static listen(path: string): {
    readonly listening: Promise<unknown>;
    readonly accepted: Promise<LineSocket>;
  } {
    const server = createServer();
    const accepted = once(server, 'connection').then(([socket]) => {
      server.close();
      return new LineSocket(socket as Socket);
    });
    server.listen(path);
    server.unref();
    return { listening: once(server, 'listening'), accepted };
  }

  /** The next line, without its end. Rejects at the end of the connection. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.buffer.indexOf('\n');
      if (end >= 0) {
        const line = this.buffer.slice(0, end).replace(/\r$/, '');
        this.buffer = this.buffer.slice(end + 1);
        return line;
      }
      if (this.ended !== null) throw this.ended;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  write(text: string): void {
    this.socket.write(text);
  }

  close(): void {
    this.socket.destroy();
  }

  private end(error: Error): void {
    this.ended ??= error;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

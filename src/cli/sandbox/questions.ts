/** Questions to the broker about transfers, and its verdicts. */
import { encodeQuestion, READABLE, type UnixSocket, VERDICT_BYTES } from 'vhost-user-native';

/** What waits for a verdict at a time; the broker runs fewer programs than that. */
const PENDING_MAX = 64;

export class Questions {
  private readonly socket: UnixSocket;
  private readonly pending = new Map<number, (yes: boolean) => void>();
  private readonly input = Buffer.alloc(VERDICT_BYTES * PENDING_MAX);
  private filled = 0;
  private lastId = 0;

  /** Takes over the socket to the broker. */
  constructor(socket: UnixSocket) {
    this.socket = socket;
  }

  /** Whatever goes wrong, there is an answer, and then it is no. It never comes before this returns. */
  ask(words: readonly string[], answer: (yes: boolean) => void): void {
    const id = this.send(words);
    if (id === null) {
      setImmediate(() => answer(false));
      return;
    }
    // Watched only while something is awaited: it would keep the process alive.
    if (this.pending.size === 0) this.socket.watch(READABLE, () => this.receive());
    this.pending.set(id, answer);
  }

  /** Everything that waits is answered with no. Idempotent. */
  close(): void {
    this.socket.close();
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const answer of waiting) answer(false);
  }

  private send(words: readonly string[]): number | null {
    if (this.socket.closed || this.pending.size >= PENDING_MAX) return null;
    this.lastId = (this.lastId + 1) >>> 0;
    try {
      const message = encodeQuestion(this.lastId, words);
      const taken = this.socket.send(message);
      if (taken === message.length) return this.lastId;
      // A broker that reads nothing is none, and half a question would spoil the next one.
      if (taken > 0) this.close();
    } catch (error) {
      // It is gone (EPIPE) – or the words can't be asked about.
      if (!(error instanceof RangeError)) this.close();
    }
    return null;
  }

  private receive(): void {
    try {
      const { bytes } = this.socket.receive(this.input.subarray(this.filled));
      if (bytes === 0) this.close();
      if (bytes > 0) this.take(this.filled + bytes);
    } catch {
      this.close();
    }
  }

  private take(length: number): void {
    const whole = length - (length % VERDICT_BYTES);
    for (let at = 0; at < whole; at += VERDICT_BYTES) {
      const id = this.input.readUInt32LE(at);
      const answer = this.pending.get(id);
      this.pending.delete(id);
      answer?.(this.input.readUInt32LE(at + 4) === 1);
    }
    this.input.copyWithin(0, whole, length);
    this.filled = length - whole;
    if (this.pending.size === 0 && !this.socket.closed) this.socket.watch(0, () => undefined);
  }
}

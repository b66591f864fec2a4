/**
 * A descriptor of the host's that the guest writes to (a paste that the host asked for). What the reader does not take yet
 * waits here, within limits.
 */
import { adoptPipe, closeFd, type Pipe, WRITABLE } from 'vhost-user-native';
import type { ContextAccount } from '../context-account.js';

/** Takes over `fd`; null (and closed) when it is of no use. */
function adopted(fd: number): Pipe | null {
  try {
    return adoptPipe(fd);
  } catch {
    closeFd(fd);
    return null;
  }
}

export class WritePipe {
  readonly #account: ContextAccount;
  readonly #queue: Uint8Array[] = [];
  /** Null once nothing can be written any more: the reader is gone, or it was too slow. */
  #pipe: Pipe | null;
  #queuedBytes = 0;
  #watching = false;
  #ending = false;

  /** Takes over `fd`. */
  constructor(fd: number, account: ContextAccount) {
    this.#account = account;
    this.#pipe = adopted(fd);
  }

  /** Takes a copy of the bytes. False when there are too many that nobody reads: the pipe is closed then. */
  write(data: Uint8Array): boolean {
    if (this.#pipe === null || this.#ending || data.length === 0) return true;
    const { maxWriteQueueBytes } = this.#account.limits;
    const fits =
      this.#queuedBytes + data.length <= maxWriteQueueBytes &&
      this.#account.writeQueueBytes.take(data.length);
    if (!fits) {
      this.close();
      return false;
    }
    this.#queue.push(data.slice());
    this.#queuedBytes += data.length;
    if (!this.#watching) this.#flush();
    return true;
  }

  /** The guest is done: closes once everything is written, which may be when the context is gone. */
  end(): void {
    const { draining, limits } = this.#account;
    this.#ending = true;
    if (this.#queue.length === 0 || draining.size >= limits.maxDrainingPipes) this.close();
    else draining.add(this);
  }

  #flush(): void {
    const pipe = this.#pipe;
    if (pipe === null) return;
    try {
      while (this.#queue.length > 0) {
        const chunk = this.#queue[0] as Uint8Array;
        const taken = pipe.write(chunk);
        if (taken < 0) break;
        this.#taken(chunk, taken);
      }
      if (this.#queue.length === 0 && this.#ending) this.close();
      else this.#watch(pipe, this.#queue.length > 0);
    } catch {
      // The reader is gone (EPIPE), or it is a full disk: the guest is not told, its writes go nowhere.
      this.close();
    }
  }

  #taken(chunk: Uint8Array, count: number): void {
    if (count === chunk.length) this.#queue.shift();
    else this.#queue[0] = chunk.subarray(count);
    this.#queuedBytes -= count;
    this.#account.writeQueueBytes.give(count);
  }

  #watch(pipe: Pipe, wanted: boolean): void {
    if (wanted === this.#watching) return;
    this.#watching = wanted;
    pipe.watch(wanted ? WRITABLE : 0, () => this.#flush());
  }

  /** Closes at once and forgets what is not written. */
  close(): void {
    this.#account.draining.delete(this);
    this.#pipe?.close();
    this.#pipe = null;
    this.#queue.length = 0;
    this.#account.writeQueueBytes.give(this.#queuedBytes);
    this.#queuedBytes = 0;
  }
}

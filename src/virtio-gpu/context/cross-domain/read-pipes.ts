/**
 * Pipes that the guest reads: it names one in a SEND, the other side writes to it. They are read only when the guest can
 * take a message, so that a fast writer waits in its own write.
 */
import { closeFd, createPipe, type Pipe, READABLE } from 'vhost-user-native';
import type { ContextAccount } from '../context-account.js';
import { CROSS_DOMAIN_PIPE_READ_START } from './wire.js';

/** What came through a pipe: `bytes` of it are in the target; 0 = it ended. */
export interface PipeData {
  readonly id: number;
  readonly bytes: number;
}

export class ReadPipes {
  readonly #account: ContextAccount;
  readonly #readable: () => void;
  /** In the order in which they are looked at: the one that was read last comes last. */
  readonly #pipes = new Map<number, Pipe>();
  #watching = false;

  /** `readable` is called while `watch` is on and one of the pipes has something. */
  constructor(account: ContextAccount, readable: () => void) {
    this.#account = account;
    this.#readable = readable;
  }

  get count(): number {
    return this.#pipes.size;
  }

  /** True when all of these can be opened: new to this context, different, marked as the guest's, and few enough. */
  canOpen(ids: readonly number[]): boolean {
    const { maxReadPipesPerContext, maxReadPipes } = this.#account.limits;
    return (
      new Set(ids).size === ids.length &&
      ids.every((id) => id >= CROSS_DOMAIN_PIPE_READ_START && !this.#pipes.has(id)) &&
      this.#pipes.size + ids.length <= maxReadPipesPerContext &&
      this.#account.readPipes.used + ids.length <= maxReadPipes
    );
  }

  /** Opens pipes that `canOpen`; their write ends, in the same order. Null when the host has no descriptors left. */
  open(ids: readonly number[]): number[] | null {
    const writeFds: number[] = [];
    try {
      for (const id of ids) {
        const { reader, writeFd } = createPipe();
        writeFds.push(writeFd);
        this.#account.readPipes.take(1);
        this.#pipes.set(id, reader);
        if (this.#watching) this.#watchOne(reader);
      }
      return writeFds;
    } catch {
      for (const fd of writeFds) closeFd(fd);
      for (const id of ids) this.#drop(id);
      return null;
    }
  }

  /** Reads from the next pipe that has something, or has ended; an ended one is gone after that. */
  read(target: Uint8Array): PipeData | null {
    for (const [id, pipe] of this.#pipes) {
      const bytes = readFrom(pipe, target);
      if (bytes < 0) continue;
      if (bytes === 0) {
        this.#drop(id);
      } else {
        this.#pipes.delete(id);
        this.#pipes.set(id, pipe);
      }
      return { id, bytes };
    }
    return null;
  }

  /** Whether `readable` is wanted. */
  watch(wanted: boolean): void {
    if (wanted === this.#watching) return;
    this.#watching = wanted;
    for (const pipe of this.#pipes.values()) {
      if (wanted) this.#watchOne(pipe);
      else pipe.watch(0, this.#readable);
    }
  }

  #watchOne(pipe: Pipe): void {
    pipe.watch(READABLE, this.#readable);
  }

  #drop(id: number): void {
    const pipe = this.#pipes.get(id);
    if (pipe === undefined) return;
    pipe.close();
    this.#pipes.delete(id);
    this.#account.readPipes.give(1);
  }

  close(): void {
    for (const id of [...this.#pipes.keys()]) this.#drop(id);
  }
}

/** An error is an end too. */
function readFrom(pipe: Pipe, target: Uint8Array): number {
  try {
    return pipe.read(target);
  } catch {
    return 0;
  }
}

/** The guest's ends of the pipes through which clipboards and drags move. Nothing here blocks. */
import { adoptPipe, closeFd, createPipe, type Pipe, READABLE, WRITABLE } from 'vhost-user-native';
import { PIPE_BACKLOG_HIGH, PIPES_MAX } from '../limits.js';
import { FIRST_READ_PIPE, WRITE_DATA_MAX } from './messages.js';

/** Reads of one pipe in one go before the event loop looks at other things. */
const READS_PER_TURN = 16;

interface Sink {
  readonly pipe: Pipe;
  readonly waiting: Uint8Array[];
  /** The host has said all. */
  ended: boolean;
}

/** What clients read and the host writes: READ messages, put into descriptors of the clients'. */
export class ReadPipes {
  private readonly sinks = new Map<number, Sink>();
  private readonly drained: () => void;
  private nextId = FIRST_READ_PIPE;
  private backlog = 0;

  /** `drained`: `congested` is over. */
  constructor(drained: () => void) {
    this.drained = drained;
  }

  /** Much waits for clients: the host should not be asked for more. */
  get congested(): boolean {
    return this.backlog >= PIPE_BACKLOG_HIGH;
  }

  get takesMore(): boolean {
    return this.sinks.size < PIPES_MAX;
  }

  /** Takes over the descriptor, for which the host gets the id. Null, and the descriptor is closed, at the limit. */
  add(fd: number): number | null {
    if (this.sinks.size >= PIPES_MAX) {
      closeFd(fd);
      return null;
    }
    const id = this.nextId;
    // Wraps within the upper half, long after the first of them are gone.
    this.nextId = id === 0xffffffff ? FIRST_READ_PIPE : id + 1;
    this.sinks.set(id, { pipe: adoptPipe(fd), waiting: [], ended: false });
    return id;
  }

  receive(id: number, data: Uint8Array, hangUp: boolean): void {
    const sink = this.sinks.get(id);
    // The reader in the guest may have gone already: the host is not told, so it goes on.
    if (sink === undefined) return;
    if (data.length > 0) {
      sink.waiting.push(data);
      this.backlog += data.length;
    }
    sink.ended ||= hangUp;
    this.flush(id, sink);
  }

  close(): void {
    for (const [id, sink] of this.sinks) this.drop(id, sink);
  }

  private flush(id: number, sink: Sink): void {
    const before = this.congested;
    try {
      for (let head = sink.waiting[0]; head !== undefined; head = sink.waiting[0]) {
        const taken = sink.pipe.write(head);
        if (taken < 0) {
          sink.pipe.watch(WRITABLE, () => this.flush(id, sink));
          return;
        }
        this.backlog -= taken;
        if (taken < head.length) sink.waiting[0] = head.subarray(taken);
        else sink.waiting.shift();
      }
      if (sink.ended) this.drop(id, sink);
      else sink.pipe.watch(0, () => undefined);
    } catch {
      // Nobody reads it any more.
      this.drop(id, sink);
    } finally {
      if (before && !this.congested) this.drained();
    }
  }

  private drop(id: number, sink: Sink): void {
    this.sinks.delete(id);
    for (const data of sink.waiting.splice(0)) this.backlog -= data.length;
    sink.pipe.close();
  }
}

/** What clients write and the host reads: WRITE commands with what comes out of pipes that the clients got. */
export class WritePipes {
  private readonly sources = new Map<number, Pipe>();
  private readonly buffer = new Uint8Array(WRITE_DATA_MAX);
  private readonly write: (id: number, data: Uint8Array, hangUp: boolean) => void;

  constructor(write: (id: number, data: Uint8Array, hangUp: boolean) => void) {
    this.write = write;
  }

  /** The end for the client, the caller's; null at the limit: the host's item is ended then. */
  add(id: number): number | null {
    if (this.sources.size >= PIPES_MAX || this.sources.has(id)) {
      this.write(id, new Uint8Array(0), true);
      return null;
    }
    const { reader, writeFd } = createPipe();
    this.sources.set(id, reader);
    reader.watch(READABLE, () => this.read(id, reader));
    return writeFd;
  }

  close(): void {
    for (const pipe of this.sources.values()) pipe.close();
    this.sources.clear();
  }

  private read(id: number, pipe: Pipe): void {
    for (let count = 0; count < READS_PER_TURN && !pipe.closed; count++) {
      const bytes = pipe.read(this.buffer);
      if (bytes < 0) return;
      if (bytes === 0) {
        this.sources.delete(id);
        pipe.close();
      }
      this.write(id, this.buffer.subarray(0, bytes), bytes === 0);
    }
  }
}

/**
 * Clipboard and drag data on its way: bytes are moved from one pipe to another, counted, and cut off at the
 * policy's size. At most one buffer per transfer is in memory; a side that does not read stops only its transfer.
 */

import { closeFd } from 'vhost-user-native';
import type { Ask } from './ask.js';

/** The reading end of a pipe, non-blocking. */
export interface PipeSource {
  /** Bytes stored; 0 at the end, -1 when nothing is there now. Throws when it is broken. */
  read(target: Uint8Array): number;
  /** Calls back from the event loop while there is something to read; null stops. */
  watch(callback: (() => void) | null): void;
  close(): void;
}

/** The writing end of a pipe, non-blocking. */
export interface PipeSink {
  /** Bytes taken; -1 when none go now. Throws when nobody reads any more. */
  write(data: Uint8Array): number;
  /** Calls back from the event loop while it takes bytes, or when it is broken; null stops. */
  watch(callback: (() => void) | null): void;
  close(): void;
}

export interface PipeFactory {
  /** A new pipe; both ends are the caller's. */
  create(): { readFd: number; writeFd: number };
  /** Takes over the descriptor, also when it throws. */
  source(fd: number): PipeSource;
  /** Takes over the descriptor, also when it throws. */
  sink(fd: number): PipeSink;
}

export interface TransferOptions {
  readonly fromFd: number;
  readonly toFd: number;
  readonly maxBytes: number;
  /** Called once: bytes moved, and whether it was cut off. */
  ended?(bytes: number, cutOff: boolean): void;
}

const BUFFER_BYTES = 64 << 10;

export class Transfers {
  readonly pipes: PipeFactory;
  readonly ask: Ask;
  closed = false;
  private readonly max: number;
  private readonly running = new Set<Transfer>();
  /** Transfers that wait for an answer of the ask command. */
  private asked = 0;

  constructor(pipes: PipeFactory, ask: Ask, max: number) {
    this.pipes = pipes;
    this.ask = ask;
    this.max = max;
  }

  get count(): number {
    return this.running.size + this.asked;
  }

  /** One more would be too many. */
  get full(): boolean {
    return this.count >= this.max;
  }

  /** Counts a transfer that does not run yet; call what is returned when it does, or never will. */
  reserve(): () => void {
    this.asked++;
    let once = true;
    return () => {
      if (once) this.asked--;
      once = false;
    };
  }

  /** Takes over both descriptors, also when it throws. */
  start(options: TransferOptions): void {
    let source: PipeSource;
    try {
      source = this.pipes.source(options.fromFd);
    } catch (error) {
      closeFd(options.toFd);
      throw error;
    }
    let sink: PipeSink;
    try {
      sink = this.pipes.sink(options.toFd);
    } catch (error) {
      source.close();
      throw error;
    }
    const transfer = new Transfer(source, sink, options, () => this.running.delete(transfer));
    this.running.add(transfer);
  }

  close(): void {
    this.closed = true;
    for (const transfer of [...this.running]) transfer.end(false);
  }
}

class Transfer {
  private readonly source: PipeSource;
  private readonly sink: PipeSink;
  private readonly options: TransferOptions;
  private readonly over: () => void;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private filled = 0;
  private sent = 0;
  private total = 0;
  private ended = false;

  constructor(source: PipeSource, sink: PipeSink, options: TransferOptions, over: () => void) {
    this.source = source;
    this.sink = sink;
    this.options = options;
    this.over = over;
    source.watch(this.readable);
  }

  end(cutOff: boolean): void {
    if (this.ended) return;
    this.ended = true;
    this.source.close();
    this.sink.close();
    this.over();
    this.options.ended?.(this.total, cutOff);
  }

  private readonly readable = (): void => {
    if (this.ended) return;
    const bytes = this.fill();
    if (bytes < 0) return;
    const left = this.options.maxBytes - this.total;
    this.filled = Math.min(bytes, left);
    this.sent = 0;
    this.total += this.filled;
    this.writable();
    if (bytes === 0 || bytes > left) this.end(bytes > left);
  };

  /** 0 at the end, also when the writer's side is broken. */
  private fill(): number {
    try {
      return this.source.read(this.buffer);
    } catch {
      return 0;
    }
  }

  private readonly writable = (): void => {
    if (this.ended) return;
    if (!this.drain()) {
      this.end(false);
      return;
    }
    const waiting = this.sent < this.filled;
    this.source.watch(waiting ? null : this.readable);
    this.sink.watch(waiting ? this.writable : null);
  };

  /** False when nobody reads any more. */
  private drain(): boolean {
    try {
      while (this.sent < this.filled) {
        const bytes = this.sink.write(this.buffer.subarray(this.sent, this.filled));
        if (bytes < 0) break;
        this.sent += bytes;
      }
      return true;
    } catch {
      return false;
    }
  }
}

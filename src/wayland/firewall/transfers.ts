/**
 * Clipboard and drag data on its way: bytes are moved from one pipe to another, counted, and cut off at the
 * policy's size. At most one buffer per transfer is in memory; a side that does not read stops only its transfer.
 */

import {
  adoptPipe,
  closeFd,
  createPipe,
  type NewPipe,
  type Pipe,
  READABLE,
  WRITABLE,
} from 'vhost-user-native';
import type { Ask } from './ask.js';

export interface TransferOptions {
  readonly from: Pipe;
  readonly toFd: number;
  readonly maxBytes: number;
  /** Called once: bytes moved, and whether it was cut off. */
  ended?(bytes: number, cutOff: boolean): void;
}

const BUFFER_BYTES = 64 << 10;

export class Transfers {
  readonly ask: Ask;
  closed = false;
  private readonly max: number;
  private readonly running = new Set<Transfer>();
  /** Transfers that wait for an answer of the ask command. */
  private asked = 0;

  constructor(ask: Ask, max: number) {
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

  /** Null when there is none to be had (EMFILE). */
  pipe(): NewPipe | null {
    try {
      return createPipe();
    } catch {
      return null;
    }
  }

  /** Takes over the pipe and the descriptor. */
  start(options: TransferOptions): void {
    let sink: Pipe;
    try {
      sink = adoptPipe(options.toFd);
    } catch {
      options.from.close();
      closeFd(options.toFd);
      options.ended?.(0, false);
      return;
    }
    const transfer = new Transfer(sink, options, () => this.running.delete(transfer));
    this.running.add(transfer);
  }

  close(): void {
    this.closed = true;
    for (const transfer of [...this.running]) transfer.end(false);
  }
}

class Transfer {
  private readonly source: Pipe;
  private readonly sink: Pipe;
  private readonly options: TransferOptions;
  private readonly over: () => void;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private filled = 0;
  private sent = 0;
  private total = 0;
  private stalled = false;
  private ended = false;

  constructor(sink: Pipe, options: TransferOptions, over: () => void) {
    this.source = options.from;
    this.sink = sink;
    this.options = options;
    this.over = over;
    this.source.watch(READABLE, this.readable);
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
    this.source.watch(waiting ? 0 : READABLE, this.readable);
    if (waiting !== this.stalled) this.sink.watch(waiting ? WRITABLE : 0, this.writable);
    this.stalled = waiting;
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

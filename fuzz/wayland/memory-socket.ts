/** A connected socket without a kernel: what is sent goes to a callback, what arrives is put in by hand. */
import { closeFd, READABLE, type Received, type UnixSocket, WRITABLE } from 'vhost-user-native';

export class MemorySocket implements UnixSocket {
  readonly fd = -1;
  closed = false;
  /** The peer takes nothing. */
  stalled = false;
  private readonly sent: (bytes: Uint8Array, fds: readonly number[]) => void;
  private arrived = Buffer.alloc(0);
  private arrivedFds: number[] = [];
  private events = 0;
  private callback: ((events: number) => void) | null = null;

  /** `sent` gets what the owner sends; the descriptors are lent. */
  constructor(sent: (bytes: Uint8Array, fds: readonly number[]) => void) {
    this.sent = sent;
  }

  /** The peer sends; the descriptors are handed over. */
  arrive(bytes: Uint8Array, fds: readonly number[]): void {
    if (this.closed) {
      for (const fd of fds) closeFd(fd);
      return;
    }
    this.arrived = Buffer.concat([this.arrived, bytes]);
    this.arrivedFds.push(...fds);
  }

  /** Calls back as the event loop would; false when there is nothing to do. */
  turn(): boolean {
    const readable = (this.events & READABLE) !== 0 && this.arrived.length > 0;
    const writable = (this.events & WRITABLE) !== 0 && !this.stalled;
    if (this.callback === null || (!readable && !writable)) return false;
    this.callback((readable ? READABLE : 0) | (writable ? WRITABLE : 0));
    return true;
  }

  receive(target: Uint8Array): Received {
    if (this.arrived.length === 0) return { bytes: -1, fds: [], truncated: false };
    const bytes = Math.min(target.length, this.arrived.length);
    target.set(this.arrived.subarray(0, bytes));
    this.arrived = this.arrived.subarray(bytes);
    return { bytes, fds: this.arrivedFds.splice(0), truncated: false };
  }

  send(data: Uint8Array, fds: readonly number[] = []): number {
    if (this.stalled) return -1;
    this.sent(data, fds);
    return data.length;
  }

  sendRows(): number {
    throw new Error('no pixels go over a Wayland socket');
  }

  setSendBuffer(): void {
    // There is none.
  }

  watch(events: number, callback: (events: number) => void): void {
    this.events = events;
    this.callback = callback;
  }

  close(): void {
    this.closed = true;
    this.callback = null;
    for (const fd of this.arrivedFds.splice(0)) closeFd(fd);
  }
}

/** Where a trace of commands goes: a file that is opened before the sandbox is entered, and never grows beyond a limit. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Logger } from 'vhost-user-ts';
import type { TraceWriter } from '../virtio-gpu/index.js';

export class TraceOutput {
  private readonly fd: number;
  private readonly log: Logger;
  private left: number;
  private closed = false;

  /** Makes the file, which must not be there yet. Throws the system's error. */
  constructor(path: string, bytesMax: number, log: Logger) {
    this.fd = openSync(path, 'wx', 0o600);
    this.left = bytesMax;
    this.log = log;
  }

  readonly write: TraceWriter = (bytes) => {
    if (this.closed) return false;
    if (bytes.length > this.left) return this.end('the limit is reached (--trace-limit)');
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      return this.end((error as Error).message);
    }
    this.left -= bytes.length;
    return true;
  };

  /** Idempotent. */
  close(): void {
    if (!this.closed) closeSync(this.fd);
    this.closed = true;
  }

  private end(reason: string): false {
    this.log.warn({ reason }, 'the trace ends here');
    this.close();
    return false;
  }
}

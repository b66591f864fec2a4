/** Guest memory that both ends and a scribbling thread have, made once for all cases. */
import { Worker } from 'node:worker_threads';
import { closeFd, createMemfd, type Mapping, mapFile } from 'vhost-user-native';
import { CALM, type Scribbling, STATE, STORM, WRITES } from './scribble.js';

/** In the file before guest memory, and behind it: nobody's. */
export const MARGIN_BYTES = 0x2000;
export const MEMORY_BYTES = 96 << 10;
/** The inflight region lies in the memory's last part, where no buffer does. */
export const INFLIGHT_BYTES = 4096;
const FILE_BYTES = MEMORY_BYTES + INFLIGHT_BYTES + 2 * MARGIN_BYTES;
/** Where rings of 16 and their tables lie. */
const STORM_BYTES = 2048;
const CANARY = 0x5a;
/** How long a storm is waited for: on a busy machine it begins when it begins. */
const STORM_WAIT_MS = 4;

export class SharedMemory {
  readonly fd = createMemfd('rings', { size: FILE_BYTES });
  private readonly whole: Mapping = mapFile(this.fd, 0, FILE_BYTES, { writable: true });
  /** Guest memory and the inflight region, as the driver sees them. */
  readonly buffer = this.whole.window(MARGIN_BYTES, MEMORY_BYTES + INFLIGHT_BYTES);
  readonly bytes = new Uint8Array(this.buffer);
  private readonly margins = [0, FILE_BYTES - MARGIN_BYTES].map(
    (at) => new Uint8Array(this.whole.window(at, MARGIN_BYTES)),
  );
  private readonly control = new Int32Array(new SharedArrayBuffer(8));
  private worker: Worker | null = null;

  clear(): void {
    this.calm();
    this.bytes.fill(0);
    for (const margin of this.margins) margin.fill(CANARY);
  }

  /** Whether a byte was written that is none of guest memory's. */
  get spilled(): boolean {
    return this.margins.some((margin) => margin.some((byte) => byte !== CANARY));
  }

  /** From now on another thread writes to where the rings are. */
  storm(): void {
    const { control } = this;
    const scribbling: Scribbling = { fd: this.fd, offset: MARGIN_BYTES, bytes: STORM_BYTES, control };
    if (this.worker === null) {
      this.worker = new Worker(new URL('./scribble.js', import.meta.url), { workerData: scribbling });
      this.worker.unref();
      while (Atomics.load(control, WRITES) >= 0) Atomics.wait(control, WRITES, 0, STORM_WAIT_MS);
    }
    const before = Atomics.load(control, WRITES);
    Atomics.store(control, STATE, STORM);
    Atomics.notify(control, STATE);
    Atomics.wait(control, WRITES, before, STORM_WAIT_MS);
  }

  /** Until nobody writes any more. */
  calm(): void {
    const { control } = this;
    if (Atomics.compareExchange(control, STATE, STORM, CALM) !== STORM) return;
    // It says so with a last count.
    for (let seen = Atomics.load(control, WRITES); seen >= 0; seen = Atomics.load(control, WRITES)) {
      Atomics.wait(control, WRITES, seen, STORM_WAIT_MS);
    }
  }

  async close(): Promise<void> {
    this.calm();
    await this.worker?.terminate();
    this.whole.close();
    closeFd(this.fd);
  }
}

/** The memory through which machine.ts tells native/driver.c what to run, and learns what came out of it. */
import { closeFd, createMemfd, type Mapping, mapFile } from 'vhost-user-native';
import { array, type Infer, i32, struct, u32, u64 } from 'vhost-user-ts';

/** Limits that the driver has, too. */
export const COMMANDS_PER_OPERATION_MAX = 8;
export const OPERATIONS_MAX = 128;
const PIDS_MAX = 16;

/** What is looked at of the pixels that arrive. */
export const Verify = { NOTHING: 0, STAMPS: 1, PIXELS: 2 } as const;
export type Verify = (typeof Verify)[keyof typeof Verify];

const Orders = struct('orders', {
  memoryBytes: u32,
  avail: u32,
  used: u32,
  queueSize: u32,
  eventIdx: u32,
  durationMs: u32,
  operationsMax: u32,
  depth: u32,
  cpu: i32,
  watchDisplay: u32,
  verify: u32,
  pictureWidth: u32,
  operationCount: u32,
  operationsAt: u32,
  pagesAt: u32,
  latencyCapacity: u32,
  latenciesAt: u32,
  submissionsAt: u32,
  reserved: u32,
  displayInfoBytes: u32,
  displayInfoAt: u32,
  edidBytes: u32,
  edidAt: u32,
  pidCount: u32,
  pids: array(u32, PIDS_MAX),
});

const Outcome = struct('outcome', {
  operations: u64,
  elapsedNs: u64,
  cpuNs: u64,
  kicks: u64,
  calls: u64,
  messages: u64,
  updates: u64,
  updatePixels: u64,
  cursorUpdates: u64,
  cursorMoves: u64,
  questions: u64,
});
export type Outcome = Infer<typeof Outcome>;

/** A command as the driver knows it. */
export interface CommandWords {
  readonly head: number;
  readonly responseOffset: number;
  /** 0 = it has no response. */
  readonly answer: number;
}

/** An operation as the driver knows it. */
export interface OperationWords {
  readonly commands: readonly CommandWords[];
  readonly update: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  } | null;
}

const OPERATION_WORDS = 1 + 3 * COMMANDS_PER_OPERATION_MAX + 5;
/** An 8K picture has 32400 pages. */
const PAGES_MAX = 40_000;
const ANSWER_BYTES_MAX = 2048;
const LATENCIES_MAX = 2 ** 22;

const OPERATIONS_AT = 4096;
const PAGES_AT = OPERATIONS_AT + OPERATIONS_MAX * OPERATION_WORDS * 4;
const DISPLAY_INFO_AT = PAGES_AT + PAGES_MAX * 4;
const EDID_AT = DISPLAY_INFO_AT + ANSWER_BYTES_MAX;
/** A multiple of 8, as all before it. */
const LATENCIES_AT = Math.ceil((EDID_AT + ANSWER_BYTES_MAX) / 8) * 8;
const SUBMISSIONS_AT = LATENCIES_AT + LATENCIES_MAX * 4;
const BYTES = SUBMISSIONS_AT + LATENCIES_MAX * 8;

/** What `ControlBlock.order` needs to be told; the rest is the block's own. */
export type RunOrders = Pick<
  Infer<typeof Orders>,
  | 'memoryBytes'
  | 'avail'
  | 'used'
  | 'queueSize'
  | 'eventIdx'
  | 'durationMs'
  | 'operationsMax'
  | 'depth'
  | 'cpu'
> & {
  readonly watchDisplay: boolean;
  readonly verify: Verify;
  readonly pictureWidth: number;
  readonly operationCount: number;
  readonly pids: readonly number[];
};

export class ControlBlock {
  readonly fd: number;
  private readonly mapping: Mapping;
  private readonly buffer: ArrayBuffer;
  private readonly view: DataView;
  private displayInfoBytes = 0;
  private edidBytes = 0;

  constructor() {
    this.fd = createMemfd('bench-control', { size: BYTES });
    this.mapping = mapFile(this.fd, 0, BYTES, { writable: true });
    this.buffer = this.mapping.window(0, BYTES);
    this.view = new DataView(this.buffer);
  }

  /** QEMU's answers, without their headers. */
  setAnswers(displayInfo: Uint8Array, edid: Uint8Array): void {
    new Uint8Array(this.buffer, DISPLAY_INFO_AT, ANSWER_BYTES_MAX).set(displayInfo);
    new Uint8Array(this.buffer, EDID_AT, ANSWER_BYTES_MAX).set(edid);
    this.displayInfoBytes = displayInfo.length;
    this.edidBytes = edid.length;
  }

  /** Where the picture's pages lie in guest memory. */
  setPages(pages: Uint32Array): void {
    new Uint32Array(this.buffer, PAGES_AT, PAGES_MAX).set(pages);
  }

  setOperations(operations: readonly OperationWords[]): void {
    if (operations.length > OPERATIONS_MAX) throw new RangeError(`${operations.length} operations`);
    const words = new Uint32Array(this.buffer, OPERATIONS_AT, OPERATIONS_MAX * OPERATION_WORDS);
    operations.forEach(({ commands, update }, index) => {
      if (commands.length > COMMANDS_PER_OPERATION_MAX) throw new RangeError(`${commands.length} commands`);
      const at = index * OPERATION_WORDS;
      words[at] = commands.length;
      commands.forEach(({ head, responseOffset, answer }, i) => {
        words.set([head, responseOffset, answer], at + 1 + 3 * i);
      });
      const { x = 0, y = 0, width = 0, height = 0 } = update ?? {};
      words.set([update === null ? 0 : 1, x, y, width, height], at + 1 + 3 * COMMANDS_PER_OPERATION_MAX);
    });
  }

  /** Writes what to do, and clears what came out of the run before. */
  order(orders: RunOrders): void {
    if (orders.pids.length > PIDS_MAX) throw new RangeError(`${orders.pids.length} processes`);
    const pids = Array.from({ length: PIDS_MAX }, (_, i) => orders.pids[i] ?? 0);
    Orders.write(this.view, 0, {
      ...orders,
      watchDisplay: orders.watchDisplay ? 1 : 0,
      operationsAt: OPERATIONS_AT,
      pagesAt: PAGES_AT,
      latencyCapacity: LATENCIES_MAX,
      latenciesAt: LATENCIES_AT,
      submissionsAt: SUBMISSIONS_AT,
      reserved: 0,
      displayInfoBytes: this.displayInfoBytes,
      displayInfoAt: DISPLAY_INFO_AT,
      edidBytes: this.edidBytes,
      edidAt: EDID_AT,
      pidCount: orders.pids.length,
      pids,
    });
    new Uint8Array(this.buffer, Orders.size, Outcome.size).fill(0);
  }

  outcome(): Outcome {
    return Outcome.read(this.view, Orders.size);
  }

  /** A copy of the last run's latencies in nanoseconds: of all operations, or of the latest ones of very many. */
  latencies(operations: number): Uint32Array {
    return new Uint32Array(this.buffer, LATENCIES_AT, Math.min(operations, LATENCIES_MAX)).slice();
  }

  /** When these operations were submitted, on the clock of `process.hrtime`. As many as `latencies` has. */
  submissionsNs(operations: number): BigUint64Array {
    return new BigUint64Array(this.buffer, SUBMISSIONS_AT, Math.min(operations, LATENCIES_MAX)).slice();
  }

  close(): void {
    if (this.mapping.closed) return;
    this.mapping.close();
    closeFd(this.fd);
  }
}

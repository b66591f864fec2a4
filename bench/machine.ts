/**
 * A machine without a CPU: QEMU's and the guest driver's part towards one back-end. The connection, memory and rings
 * are our front-end's; what has to be fast is done by native/driver.c, in a process of its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { type Mapping, mapFile, socketPair, type UnixSocket } from 'vhost-user-native';
import {
  Feature,
  FrontEndClient,
  type FrontEndMemory,
  type FrontEndQueue,
  FrontEndRequest,
  MessageHeader,
  type SharedMemoryMapping,
} from 'vhost-user-ts';
import { BackEndProcess, SHARED_CPU, type Subject } from './back-end-process.js';
import { type Command, displayInfoAnswer, edidAnswer, getDisplayInfo } from './commands.js';
import { type CommandWords, ControlBlock, type Outcome, Verify } from './control-block.js';
import { nativeProgram } from './native-programs.js';
import type { Picture, Rect } from './picture.js';

const MEMORY_BYTES = 192 * 1024 * 1024;
/** Where a program's commands lie; the same place for each program. */
const COMMAND_BYTES = 8 * 1024 * 1024;
export const CONTROL_QUEUE_SIZE = 256;
export const CURSOR_QUEUE_SIZE = 16;
const DESC_F_NEXT = 1;
const DESC_F_WRITE = 2;
/** A driver process that takes this much longer than it should has lost its back-end. */
const PATIENCE_MS = 30_000;

export interface Operation {
  readonly commands: readonly Command[];
  /** Pixels that must arrive before it is complete; such operations run one at a time. */
  readonly update?: Rect;
}

/** Operations that are carried out in a circle, `depth` of them in flight. */
export interface Program {
  readonly queue: 'control' | 'cursor';
  readonly operations: readonly Operation[];
  readonly depth: number;
  /** The back-end may say something on the display socket meanwhile. */
  readonly watchDisplay: boolean;
  readonly picture: Picture | null;
}

export interface RunOptions {
  readonly durationMs: number;
  /** Default: any number. */
  readonly operations?: number;
  /** Both sides on one CPU. */
  readonly oneCpu?: boolean;
  readonly verify?: Verify;
}

export interface Run extends Outcome {
  /** Nanoseconds of each operation, and when it was submitted (the clock of `process.hrtime`). */
  readonly latenciesNs: Uint32Array;
  readonly submissionsNs: BigUint64Array;
}

export interface MachineOptions {
  /** The back-end has a display socket (QEMU's vhost-user-gpu device), or shows its pictures itself. Default true. */
  readonly display?: boolean;
}

export class Machine {
  readonly backEnd: BackEndProcess;
  readonly memory: FrontEndMemory;
  /** From the start of the process to its first answers, milliseconds. */
  startMs = 0;
  private readonly control = new ControlBlock();
  private readonly client: FrontEndClient;
  /** What the guest sees of the shared region. */
  readonly window: SharedWindow;
  /** Both ends, while the back-end has none of them. */
  private readonly display = socketPair();
  private readonly commandAddress: number;
  private loaded: Program | null = null;

  /** Starts a back-end, which ends with the machine, and connects to it. */
  static async start(subject: Subject, options: MachineOptions = {}): Promise<Machine> {
    const backEnd = new BackEndProcess(subject);
    try {
      return await Machine.connect(backEnd, options);
    } catch (error) {
      await backEnd.stop();
      throw new Error(`could not set up ${backEnd.describe()}`, { cause: error });
    }
  }

  /** Brings a back-end that serves nobody to where a guest's driver has its queues. */
  static async connect(backEnd: BackEndProcess, options: MachineOptions = {}): Promise<Machine> {
    const window = new SharedWindow();
    const client = FrontEndClient.connect({
      socket: await backEnd.connect(),
      memory: { bytes: MEMORY_BYTES },
      handlers: { mapShared: (mapping, fd) => window.map(mapping, fd) },
    });
    const machine = new Machine(backEnd, client, window);
    try {
      await machine.begin(options);
      return machine;
    } catch (error) {
      machine.disconnect();
      throw error;
    }
  }

  private constructor(backEnd: BackEndProcess, client: FrontEndClient, window: SharedWindow) {
    this.backEnd = backEnd;
    this.client = client;
    this.memory = client.memory;
    this.window = window;
    this.control.setAnswers(displayInfoAnswer(1280, 800), edidAnswer());
    this.commandAddress = this.memory.alloc(COMMAND_BYTES, 4096);
  }

  /** Carries out a program. Rejects when the back-end fails, answers something else or sends wrong pixels. */
  async run(program: Program, options: RunOptions): Promise<Run> {
    const { oneCpu = false, verify = Verify.STAMPS, durationMs, operations = 0xffff_ffff } = options;
    if (this.loaded !== program) this.load(program);
    this.order(program, { durationMs, operations, oneCpu, verify });
    if (oneCpu) this.backEnd.pin(SHARED_CPU);
    try {
      await this.drive(this.queueOf(program), durationMs);
    } finally {
      if (oneCpu) this.backEnd.pin(null);
    }
    const outcome = this.control.outcome();
    const { operations: count } = outcome;
    return {
      ...outcome,
      latenciesNs: this.control.latencies(count),
      submissionsNs: this.control.submissionsNs(count),
    };
  }

  /** Carries out these commands of one queue, which are few, in order. */
  async runOnce(commands: readonly Command[]): Promise<void> {
    const program: Program = {
      queue: commands.every(({ answer }) => answer === 0) ? 'cursor' : 'control',
      operations: [{ commands }],
      depth: 1,
      watchDisplay: true,
      picture: null,
    };
    await this.run(program, { durationMs: 10_000, operations: 1 });
  }

  /** Nothing is asked of the back-end for that long. What comes to the display of `picture` is taken. */
  idle(durationMs: number, picture: Picture | null = null): Promise<Run> {
    const nothing: Program = {
      queue: 'control',
      operations: [],
      depth: 1,
      watchDisplay: true,
      picture,
    };
    return this.run(nothing, { durationMs, verify: picture === null ? Verify.NOTHING : Verify.PIXELS });
  }

  /**
   * Takes what comes to the display until the back-end has nothing more to do. With a picture, cursors are compared
   * with it; resolves with their number.
   */
  async settle(picture: Picture | null = null): Promise<number> {
    let cursors = 0;
    for (;;) {
      const { messages, cursorUpdates } = await this.idle(5, picture);
      cursors += cursorUpdates;
      // An empty socket first: a back-end that waited for room in it is awake by now.
      if (messages === 0 && this.backEnd.asleep()) return cursors;
    }
  }

  /** Leaves the back-end as it is. */
  disconnect(): void {
    this.client.close();
    for (const socket of this.display) socket.close();
    this.window.close();
    this.control.close();
  }

  async close(): Promise<void> {
    this.disconnect();
    await this.backEnd.stop();
  }

  private async begin({ display = true }: MachineOptions): Promise<void> {
    const { client, backEnd } = this;
    await client.negotiate();
    this.startMs = Number(process.hrtime.bigint() - backEnd.startedNs) / 1e6;
    if (display) giveDisplay(client, this.display[1]);
    await client.shareMemory();
    await client.startQueue(0, { size: CONTROL_QUEUE_SIZE, indirectEntries: 0 });
    await client.startQueue(1, { size: CURSOR_QUEUE_SIZE, indirectEntries: 0 });
    // Its questions to QEMU are answered now: it may do nothing else before.
    await this.runOnce([getDisplayInfo()]);
    await this.settle();
  }

  private queueOf(program: Program): FrontEndQueue {
    return this.client.queues.get(program.queue === 'control' ? 0 : 1) as FrontEndQueue;
  }

  /** Writes a program's commands and chains. The rings are idle. */
  private load(program: Program): void {
    const { driver } = this.queueOf(program);
    const chains = new ChainWriter(this.memory, this.commandAddress, driver.descAddress, driver.size);
    this.control.setOperations(
      program.operations.map(({ commands, update }) => ({
        commands: commands.map((command) => chains.add(command)),
        update: update ?? null,
      })),
    );
    if (program.picture !== null) this.control.setPages(program.picture.pages);
    this.loaded = program;
  }

  private order(program: Program, options: Required<RunOptions>): void {
    const { driver } = this.queueOf(program);
    const { memory } = this;
    const offset = (address: number): number => address - memory.guestAddress;
    this.control.order({
      memoryBytes: memory.length,
      avail: offset(driver.availAddress),
      used: offset(driver.usedAddress),
      queueSize: driver.size,
      eventIdx: this.client.hasFeature(Feature.RING_EVENT_IDX) ? 1 : 0,
      durationMs: options.durationMs,
      operationsMax: options.operations,
      depth: program.depth,
      cpu: options.oneCpu ? SHARED_CPU : -1,
      watchDisplay: program.watchDisplay,
      verify: options.verify,
      pictureWidth: program.picture?.width ?? 0,
      operationCount: program.operations.length,
      pids: this.backEnd.pids(),
    });
  }

  private drive(queue: FrontEndQueue, durationMs: number): Promise<void> {
    const { control, memory, display } = this;
    const fds = [control.fd, memory.fd, queue.kickFd.fd, queue.callFd.fd, display[0].fd];
    const child = spawn(nativeProgram('driver'), ['3', '4', '5', '6', '7'], {
      stdio: ['ignore', 'ignore', 'pipe', ...fds],
      timeout: durationMs + PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`driver: ${errors.trim() || signal || code}; ${this.backEnd.describe()}`));
      });
    });
  }
}

/** The guest's window into the shared region, as QEMU maps it. */
export class SharedWindow {
  private mapping: Mapping | null = null;

  map({ offset, length, fdOffset }: SharedMemoryMapping, fd: number): boolean {
    if (this.mapping !== null || offset !== 0) return false;
    this.mapping = mapFile(fd, fdOffset, length, { writable: true });
    return true;
  }

  /** Bytes of it. Throws as long as it is not mapped. */
  bytes(offset: number, length: number): ArrayBuffer {
    if (this.mapping === null) throw new Error('the back-end has not mapped the window');
    return this.mapping.window(offset, length);
  }

  close(): void {
    this.mapping?.close();
  }
}

/** GPU_SET_SOCKET. The socket is closed here. */
function giveDisplay(client: FrontEndClient, theirs: UnixSocket): void {
  makeBlocking(theirs.fd);
  const message = { request: FrontEndRequest.GPU_SET_SOCKET, flags: 1, size: 0 };
  client.sendRaw(MessageHeader.encode(message), [theirs.fd]);
  theirs.close();
}

/** The end that QEMU gives away is a blocking one, and its own back-end counts on that. */
function makeBlocking(fd: number): void {
  const { status } = spawnSync(nativeProgram('driver'), ['3'], {
    stdio: ['ignore', 'ignore', 'inherit', fd],
  });
  if (status !== 0) throw new Error('the display socket could not be made blocking');
}

/** Puts commands into guest memory, each as a chain of two or three descriptors. */
class ChainWriter {
  private readonly memory: FrontEndMemory;
  private readonly descriptors: Uint32Array;
  private readonly size: number;
  private readonly end: number;
  private address: number;
  private next = 0;

  constructor(memory: FrontEndMemory, address: number, descAddress: number, size: number) {
    this.memory = memory;
    this.address = address;
    this.end = address + COMMAND_BYTES;
    this.size = size;
    this.descriptors = new Uint32Array(memory.buffer, descAddress - memory.guestAddress, size * 4);
  }

  add(command: Command): CommandWords {
    const head = this.next;
    const { request, data, answer, answerBytes } = command;
    this.describe(this.place(request), request.length, 0, data !== undefined || answerBytes > 0);
    if (data !== undefined) this.describe(this.place(data), data.length, 0, answerBytes > 0);
    const response = this.place(new Uint8Array(answerBytes));
    if (answerBytes > 0) this.describe(response, answerBytes, DESC_F_WRITE, false);
    return { head, responseOffset: response - this.memory.guestAddress, answer };
  }

  private place(bytes: Uint8Array): number {
    const { address } = this;
    this.address += Math.ceil(bytes.length / 64) * 64;
    if (this.address > this.end) throw new RangeError('too many commands');
    this.memory.write(address, bytes);
    return address;
  }

  private describe(address: number, length: number, flags: number, more: boolean): void {
    if (this.next === this.size) throw new RangeError('more descriptors than the ring has');
    const word = more ? flags | DESC_F_NEXT | ((this.next + 1) << 16) : flags;
    // Guest memory lies in the low 4 GiB.
    this.descriptors.set([address, 0, length, word], this.next * 4);
    this.next++;
  }
}

/** A back-end under test, and a front-end that says whatever bytes it is told to. */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connectUnix, READABLE, type UnixSocket } from 'vhost-user-native';
import {
  BackEndServer,
  bits,
  type DescriptorChain,
  type FrontEnd,
  FrontEndRequest,
  type Logger,
  MemoryRegion,
  MemoryTableHeader,
  MessageHeader,
  ProtocolFeature,
  type RegionDescription,
  type ServerOptions,
  U64,
  type VhostUserDevice,
  type Virtqueue,
  VringAddresses,
  VringState,
  viewOf,
} from 'vhost-user-ts';

export const PAGE = 4096;
export const NEED_REPLY = 0x8;

/** What each open descriptor is, without numbers that change from run to run. */
export function openFds(): string[] {
  const links: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      links.push(`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return links.sort();
}

/** Answers each chain with its readable bytes, reversed. Records what it is told. */
export class EchoDevice implements VhostUserDevice {
  readonly queueCount: number = 2;
  readonly features: bigint = 0x5n;
  readonly configLength: number = 20;
  readonly config = Uint8Array.from({ length: 20 }, (_, i) => i + 1);
  readonly events: string[] = [];
  frontEnd: FrontEnd | null = null;
  gpuSocket: UnixSocket | null = null;
  /** Chains are kept while this is set. */
  hold = false;
  readonly held: { queue: Virtqueue; chain: DescriptorChain }[] = [];
  /** Called for each chain, before it is answered. */
  onChain: ((queue: Virtqueue, chain: DescriptorChain) => void) | null = null;

  attach(frontEnd: FrontEnd): void {
    this.frontEnd = frontEnd;
    this.events.push('attach');
  }
  detach(): void {
    this.frontEnd = null;
    this.gpuSocket?.close();
    this.gpuSocket = null;
    this.held.length = 0;
    this.events.push('detach');
  }
  queueStarted(queue: Virtqueue): void {
    this.events.push(`started ${queue.index}`);
  }
  queueStopped(queue: Virtqueue): void {
    this.events.push(`stopped ${queue.index}`);
  }
  reset(): void {
    this.events.push('reset');
  }
  memoryChanged(): void {
    this.events.push('memory');
  }
  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    this.onChain?.(queue, chain);
    if (this.hold) this.held.push({ queue, chain });
    else this.answer(queue, chain);
  }
  answer(queue: Virtqueue, chain: DescriptorChain): void {
    const data = new Uint8Array(chain.readableBytes);
    chain.read(data, 0, data.length);
    queue.push(chain, chain.write(data.reverse(), 0, data.length));
  }
  readConfig(target: Uint8Array, offset: number): void {
    target.set(this.config.subarray(offset, offset + target.length));
  }
  writeConfig(data: Uint8Array, offset: number): void {
    this.config.set(data, offset);
    this.events.push(`config ${offset} ${Buffer.from(data).toString('hex')}`);
  }
  setGpuSocket(socket: UnixSocket): void {
    this.gpuSocket?.close();
    this.gpuSocket = socket;
    this.events.push('gpu');
  }
}

/** A queue of things that happened, to be awaited one by one. */
class Inbox<T> {
  private readonly items: T[] = [];
  private readonly takers: ((item: T) => void)[] = [];

  put(item: T): void {
    const taker = this.takers.shift();
    if (taker === undefined) this.items.push(item);
    else taker(item);
  }
  take(): Promise<T> {
    if (this.items.length > 0) return Promise.resolve(this.items.shift() as T);
    return new Promise((resolve) => this.takers.push(resolve));
  }
}

export type { Test };

/** Closes at the end of the block. */
export function closing<T extends { close(): void }>(resource: T): T & Disposable {
  return Object.assign(resource, { [Symbol.dispose]: () => resource.close() });
}

/** A subtest with a back-end of its own, which has to leave no descriptor open. */
export function scenario(name: string, run: (t: Test, bench: Bench) => Promise<void>): void {
  scenarioWith(name, () => new EchoDevice(), run);
}

export function scenarioWith<D extends VhostUserDevice>(
  name: string,
  device: () => D,
  run: (t: Test, bench: Bench<D>) => Promise<void>,
  options: ServerOptions = {},
): void {
  t.test(name, async (t) => {
    const before = openFds();
    const bench = new Bench(device(), options);
    try {
      await run(t, bench);
    } finally {
      bench.close();
    }
    await turn();
    t.same(openFds(), before, 'no descriptor is left open');
  });
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A server in a folder of its own, and its log lines. */
export class Bench<D extends VhostUserDevice = EchoDevice> {
  readonly device: D;
  readonly path: string;
  readonly server: BackEndServer;
  readonly warnings: string[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'vhost-'));
  private readonly ends = new Inbox<Error | null>();

  constructor(device: D, options: ServerOptions = {}) {
    this.device = device;
    this.path = join(this.folder, 'socket');
    const note = (fields: object, message: string) =>
      this.warnings.push(`${message} ${JSON.stringify(fields)}`);
    const none = () => undefined;
    const log: Logger = { trace: none, debug: none, info: none, warn: note, error: note };
    this.server = new BackEndServer(
      device,
      { path: this.path },
      { ...options, log, onDisconnected: (reason) => this.ends.put(reason) },
    );
  }

  connect(): Raw {
    return new Raw(connectUnix(this.path));
  }

  /** The next disconnect: null when the front-end hung up, else the code of the error. */
  async ended(): Promise<string | null> {
    const reason = await this.ends.take();
    return reason === null ? null : ((reason as { code?: string }).code ?? reason.message);
  }

  close(): void {
    this.server.close();
    rmSync(this.folder, { recursive: true });
  }
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

export function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** A message as bytes. */
export function message(request: number, payload: Uint8Array = new Uint8Array(0), flags = 0): Uint8Array {
  const data = new Uint8Array(MessageHeader.size + payload.length);
  MessageHeader.write(viewOf(data), 0, { request, flags: flags | 1, size: payload.length });
  data.set(payload, MessageHeader.size);
  return data;
}

export function u64(value: number | bigint): Uint8Array {
  return U64.encode({ value: BigInt(value) });
}

export function state(index: number, num: number): Uint8Array {
  return VringState.encode({ index, num });
}

export interface Answer {
  readonly hex: string;
  readonly fds: number[];
}

/** A front-end's socket, without any idea of the protocol but where a message ends. */
export class Raw {
  readonly socket: UnixSocket;
  private readonly answers = new Inbox<Answer | null>();
  private buffer = new Uint8Array(0);
  private fds: number[] = [];

  constructor(socket: UnixSocket) {
    this.socket = socket;
    socket.watch(READABLE, () => this.read());
  }

  /** Sends bytes (or their hex digits), whole. */
  send(data: Uint8Array | string, fds: readonly number[] = []): void {
    const bytes = typeof data === 'string' ? unhex(data) : data;
    const sent = this.socket.send(bytes, fds);
    if (sent !== bytes.length) throw new Error(`${sent} of ${bytes.length} bytes were sent`);
  }

  /** The next message from the back-end; null when it closed the connection. */
  receive(): Promise<Answer | null> {
    return this.answers.take();
  }

  /** Sends a request and returns the answer's hex digits; 'end' when the connection ended instead. */
  async ask(
    request: number,
    payload: Uint8Array = new Uint8Array(0),
    flags = 0,
    fds: readonly number[] = [],
  ): Promise<string> {
    this.send(message(request, payload, flags), fds);
    return (await this.receive())?.hex ?? 'end';
  }

  /** Sends a request with need_reply: 'ok', 'refused' or 'end'. */
  async command(request: number, payload?: Uint8Array, fds: readonly number[] = []): Promise<string> {
    const answer = await this.ask(request, payload, NEED_REPLY, fds);
    if (answer === ok(request)) return 'ok';
    return answer === hex(message(request, u64(1), 4)) ? 'refused' : answer;
  }

  /** Accepts protocol features, REPLY_ACK among them. */
  async negotiate(...features: readonly number[]): Promise<this> {
    const wanted = bits(ProtocolFeature.REPLY_ACK, ...features);
    this.send(message(FrontEndRequest.SET_PROTOCOL_FEATURES, u64(wanted)));
    if ((await this.command(FrontEndRequest.SET_OWNER)) !== 'ok') throw new Error('SET_OWNER was refused');
    return this;
  }

  close(): void {
    if (!this.socket.closed) this.socket.close();
  }

  /** A back-end that ends the connection with bytes of ours unread resets it. */
  private receiveSome(chunk: Uint8Array): { readonly bytes: number; readonly fds: number[] } {
    try {
      return this.socket.receive(chunk);
    } catch {
      return { bytes: 0, fds: [] };
    }
  }

  private read(): void {
    const chunk = new Uint8Array(65536);
    const { bytes, fds } = this.receiveSome(chunk);
    this.fds.push(...fds);
    if (bytes === 0) {
      this.socket.close();
      this.answers.put(null);
      return;
    }
    if (bytes > 0) this.buffer = Uint8Array.from([...this.buffer, ...chunk.subarray(0, bytes)]);
    while (this.buffer.length >= MessageHeader.size) {
      const length = MessageHeader.size + MessageHeader.read(viewOf(this.buffer)).size;
      if (this.buffer.length < length) return;
      this.answers.put({ hex: hex(this.buffer.subarray(0, length)), fds: this.fds });
      this.fds = [];
      this.buffer = this.buffer.slice(length);
    }
  }
}

/** The acknowledgement of a request: its id, flags 5, 8 bytes of 0. */
export function ok(request: number): string {
  return hex(message(request, u64(0), 4));
}

/** SET_MEM_TABLE's payload. */
export function memoryTable(...regions: readonly RegionDescription[]): Uint8Array {
  const payload = new Uint8Array(MemoryTableHeader.size + regions.length * MemoryRegion.size);
  const view = viewOf(payload);
  MemoryTableHeader.write(view, 0, { count: regions.length, padding: 0 });
  regions.forEach((region, i) => {
    MemoryRegion.write(view, MemoryTableHeader.size + i * MemoryRegion.size, region);
  });
  return payload;
}

/** SET_VRING_ADDR for a split ring of up to 64 entries at a user address. */
export function addresses(index: number, user: number, flags = 0, log = 0): Uint8Array {
  return VringAddresses.encode({
    index,
    flags,
    descriptor: user,
    available: user + 0x400,
    used: user + 0x800,
    log,
  });
}

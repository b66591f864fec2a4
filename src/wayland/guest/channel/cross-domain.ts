/**
 * A connection to the host's compositor through a cross-domain context: bytes and attached things both ways, memory of
 * the host's, pipes. It knows no Wayland.
 *
 * The host speaks by completing a POLL: what it has to say is then in the channel's ring, and stays there until the
 * next POLL. So there is never more than one message, and no POLL means that the host has to wait.
 */
import { closeFd, type Mapping, pageSize } from 'vhost-user-native';
import { BLOB_MEM_GUEST, BLOB_MEM_HOST3D, type VirtGpu } from '../gpu/virt-gpu.js';
import { FILE_BYTES_MAX } from '../limits.js';
import { Handles } from './handles.js';
import {
  CHANNEL_WAYLAND,
  type CrossDomainCaps,
  type HostMessage,
  ID_TYPE_BLOB,
  ID_TYPE_READ_PIPE,
  ID_TYPE_WRITE_PIPE,
  type Identifier,
  type ImageRequirements,
  initCommand,
  memoryCommand,
  parseCaps,
  parseHostMessage,
  parseRequirements,
  pollCommand,
  REQUIREMENTS_BYTES,
  RING_CHANNEL,
  RING_QUERY,
  sendCommand,
  writeCommand,
} from './messages.js';
import { OutgoingBytes, type OutgoingItem } from './outgoing.js';
import { ReadPipes, WritePipes } from './pipes.js';

/** What is attached to bytes for the host. */
export type SentItem =
  /** A handle; this connection releases it once it is sent. */
  | { readonly kind: 'buffer'; readonly handle: number; readonly resource: number }
  /** A descriptor that gets what the host writes; this connection's. */
  | { readonly kind: 'read-pipe'; readonly fd: number };

/** What the host attached. */
export type ArrivedItem =
  | { readonly kind: 'file'; readonly content: Uint8Array }
  /** The end of a pipe that somebody in the guest may write to; the receiver's. */
  | { readonly kind: 'pipe'; readonly fd: number };

export interface CrossDomainHandlers {
  received(data: Uint8Array, items: readonly ArrivedItem[]): void;
  /** The host said the last word (null), or this end failed. Called once, and not after `close`. */
  ended(error: Error | null): void;
}

/** Memory of the host's that the guest sees. */
export interface HostMemory {
  readonly handle: number;
  readonly resource: number;
  readonly bytes: number;
}

interface Ring {
  readonly handle: number;
  readonly resource: number;
  readonly mapping: Mapping;
  readonly bytes: Uint8Array;
}

export class CrossDomainConnection {
  readonly caps: CrossDomainCaps;
  readonly handles: Handles;
  private readonly gpu: VirtGpu;
  private readonly handlers: CrossDomainHandlers;
  private readonly outgoing = new OutgoingBytes((data, items) => this.sendNow(data, items));
  private readonly readPipes = new ReadPipes(() => this.poll());
  private readonly writePipes = new WritePipes((id, data, hangUp) => this.write(id, data, hangUp));
  private readonly requirements = new Map<number, ImageRequirements>();
  private query: Ring | null = null;
  private channel: Ring | null = null;
  private lastQuery: Promise<unknown> = Promise.resolve();
  private polling = false;
  private handling = false;
  private held = false;
  private over = false;

  private constructor(gpu: VirtGpu, caps: CrossDomainCaps, handlers: CrossDomainHandlers) {
    this.gpu = gpu;
    this.caps = caps;
    this.handlers = handlers;
    this.handles = new Handles(gpu);
  }

  /** Takes over the device, also when it throws. `name` is what the host may call the client. */
  static async open(
    gpu: VirtGpu,
    name: string,
    handlers: CrossDomainHandlers,
  ): Promise<CrossDomainConnection> {
    try {
      const caps = parseCaps(gpu.crossDomainCaps());
      if ((caps.channels & (1 << CHANNEL_WAYLAND)) === 0) {
        throw new Error('the host does not forward Wayland');
      }
      const connection = new CrossDomainConnection(gpu, caps, handlers);
      await connection.start(name);
      return connection;
    } catch (error) {
      gpu.close();
      throw error;
    }
  }

  get closed(): boolean {
    return this.over;
  }

  /** Queues bytes for the host, to leave at `flush` or when there are many; takes over the items. */
  send(data: Uint8Array, items: readonly SentItem[] = []): void {
    if (this.over) {
      for (const item of items) this.dispose(item);
      return;
    }
    this.guard(() => {
      const identified = items.map((item) => this.identify(item));
      this.outgoing.push(data, identified);
    });
  }

  flush(): void {
    if (!this.over) this.guard(() => this.outgoing.flush());
  }

  /** Stops asking the host for more, until `resume`. */
  hold(): void {
    this.held = true;
  }

  resume(): void {
    this.held = false;
    this.poll();
  }

  /** Room for one more pipe from the host to the guest. */
  get takesPipe(): boolean {
    return this.readPipes.takesMore;
  }

  /** New memory of the host's, zeroed, of at least `bytes` bytes. Throws with the errno name in `code`. */
  async allocate(bytes: number): Promise<HostMemory> {
    const { blobId, bytes: size } = await this.memoryRequirements(bytes);
    this.checkOpen();
    const { handle, resource } = this.gpu.createBlob(BLOB_MEM_HOST3D, size, blobId);
    this.handles.retain(handle);
    return { handle, resource, bytes: size };
  }

  /** Maps memory of `allocate`; throws when the host has none left after all. */
  async map({ handle, bytes }: HostMemory): Promise<Mapping> {
    this.checkOpen();
    const mapping = await this.gpu.map(handle, bytes);
    if (!this.over) return mapping;
    mapping.close();
    throw closedError();
  }

  /** A buffer that somebody gave a dma-buf of, counted; null when it is none of this device's with host memory. */
  importBuffer(fd: number): HostMemory | null {
    if (this.over) return null;
    const handle = this.handles.import(fd);
    if (handle === null) return null;
    const { resource, bytes, blobMem } = this.gpu.resourceInfo(handle);
    if (blobMem === BLOB_MEM_HOST3D) return { handle, resource, bytes };
    this.handles.release(handle);
    return null;
  }

  /** A dma-buf for others, the caller's. */
  exportFd(handle: number): number {
    this.checkOpen();
    return this.gpu.exportFd(handle);
  }

  /** Ends the context. No handler is called. Idempotent. */
  close(): void {
    if (this.over) return;
    this.guard(() => this.outgoing.flush());
    this.release();
  }

  private async start(name: string): Promise<void> {
    this.gpu.contextInit(name);
    this.query = await this.makeRing();
    this.channel = await this.makeRing();
    this.gpu.submit(initCommand(this.query.resource, this.channel.resource), null, []);
    this.gpu.watch((fences) => this.event(fences));
    this.poll();
  }

  private async makeRing(): Promise<Ring> {
    const { handle, resource } = this.gpu.createBlob(BLOB_MEM_GUEST, pageSize, 0);
    const mapping = await this.gpu.map(handle, pageSize);
    return { handle, resource, mapping, bytes: new Uint8Array(mapping.window(0, pageSize)) };
  }

  private release(): void {
    this.over = true;
    this.readPipes.close();
    this.writePipes.close();
    // A mapping keeps the context alive.
    this.query?.mapping.close();
    this.channel?.mapping.close();
    this.gpu.close();
  }

  private end(error: Error | null): void {
    if (this.over) return;
    this.release();
    this.handlers.ended(error);
  }

  /** A call of the kernel's that fails ends the connection: there is nothing to go back to. */
  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      setImmediate(() => this.end(asError(error)));
    }
  }

  private checkOpen(): void {
    if (this.over) throw closedError();
  }

  private poll(): void {
    if (this.over || this.polling || this.handling || this.held || this.readPipes.congested) return;
    this.polling = true;
    this.guard(() => this.gpu.submit(pollCommand(), RING_CHANNEL, []));
  }

  private event(fences: number | Error): void {
    if (this.over) return;
    if (fences instanceof Error) {
      this.end(fences);
      return;
    }
    if (fences === 0 || !this.polling || this.channel === null) return;
    this.polling = false;
    const message = parseHostMessage(this.channel.bytes);
    if (message === null) {
      this.end(new Error('the host sent what is no message'));
      return;
    }
    this.handling = true;
    this.handle(message).then(
      () => {
        this.handling = false;
        this.poll();
      },
      (error: unknown) => this.end(asError(error)),
    );
  }

  private async handle(message: HostMessage): Promise<void> {
    if (message.kind === 'read') {
      this.readPipes.receive(message.id, message.data, message.hangUp);
      return;
    }
    if (message.data.length === 0 && message.identifiers.length === 0) {
      this.end(null);
      return;
    }
    const items: ArrivedItem[] = [];
    for (const identifier of message.identifiers) {
      const item = await this.arrived(identifier);
      if (item !== null) items.push(item);
    }
    if (!this.over) this.handlers.received(message.data, items);
    else for (const item of items) if (item.kind === 'pipe') closeFd(item.fd);
  }

  /** Never null for what an event needs: the counts must match. */
  private async arrived({ id, type, bytes }: Identifier): Promise<ArrivedItem | null> {
    if (this.over) return null;
    if (type === ID_TYPE_BLOB) return { kind: 'file', content: await this.fetch(id, bytes) };
    if (type !== ID_TYPE_WRITE_PIPE) throw new Error(`the host attached a thing of type ${type}`);
    const fd = this.writePipes.add(id);
    if (fd === null) throw new Error('too many pipes');
    return { kind: 'pipe', fd };
  }

  /** A file of the host's, copied; its memory is given back at once. */
  private async fetch(id: number, bytes: number): Promise<Uint8Array> {
    if (bytes === 0 || bytes > FILE_BYTES_MAX) throw new Error(`the host attached a file of ${bytes} bytes`);
    const { handle } = this.gpu.createBlob(BLOB_MEM_HOST3D, bytes, id);
    try {
      const mapping = await this.gpu.map(handle, bytes);
      const content = new Uint8Array(mapping.window(0, bytes)).slice();
      mapping.close();
      return content;
    } finally {
      if (!this.over) this.gpu.closeHandle(handle);
    }
  }

  private memoryRequirements(bytes: number): Promise<ImageRequirements> {
    const known = this.requirements.get(bytes);
    if (known !== undefined) return Promise.resolve(known);
    // One after the other: the answers have one place.
    const answer = this.lastQuery.then(() => this.ask(bytes));
    this.lastQuery = answer.catch(() => undefined);
    return answer;
  }

  private async ask(bytes: number): Promise<ImageRequirements> {
    this.checkOpen();
    const { query } = this;
    if (query === null) throw closedError();
    // A host that fails leaves the ring as it is.
    query.bytes.fill(0, 0, REQUIREMENTS_BYTES);
    this.gpu.submit(memoryCommand(bytes), RING_QUERY, [query.handle]);
    await this.gpu.wait(query.handle);
    this.checkOpen();
    const answer = parseRequirements(query.bytes);
    if (answer === null || answer.bytes < bytes) {
      throw Object.assign(new Error(`the host refused ${bytes} bytes of memory`), { code: 'ENOMEM' });
    }
    this.requirements.set(bytes, answer);
    return answer;
  }

  private identify(item: SentItem): OutgoingItem {
    if (item.kind === 'buffer') {
      return { id: item.resource, type: ID_TYPE_BLOB, bytes: 0, handle: item.handle };
    }
    const id = this.readPipes.add(item.fd);
    if (id === null) throw new Error('too many pipes');
    return { id, type: ID_TYPE_READ_PIPE, bytes: 0, handle: null };
  }

  private dispose(item: SentItem): void {
    if (item.kind === 'read-pipe') closeFd(item.fd);
  }

  private sendNow(data: Uint8Array, items: readonly OutgoingItem[]): void {
    this.gpu.submit(sendCommand(data, items), null, []);
    // Commands are carried out in order: the host has found the buffer by the time that this reaches it.
    for (const { handle } of items) if (handle !== null) this.handles.release(handle);
  }

  private write(id: number, data: Uint8Array, hangUp: boolean): void {
    if (!this.over) this.guard(() => this.gpu.submit(writeCommand(id, data, hangUp), null, []));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function closedError(): Error {
  return Object.assign(new Error('the connection is closed'), { code: 'ERR_CLOSED' });
}

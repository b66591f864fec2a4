/** One front-end's connection, against a real server in this process, over a socket pair. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { closeFd, dupFd, type Received, socketPair, type UnixSocket } from 'vhost-user-native';
import { type BackEndServer, type Logger, MessageHeader, serve, VhostUserError, viewOf } from 'vhost-user-ts';
import { DescriptorCount } from '../core/descriptors.js';
import type { Random } from '../core/random.js';
import type { Step } from '../core/step.js';
import { Finding, type FuzzCase } from '../core/target.js';
import { CaseDescriptors, type LastingDescriptors, MEMORY_BYTES } from './descriptors.js';
import { StrictDevice } from './device.js';
import { type Plan, proposeStep, SHARED, SLOTS } from './propose.js';
import { Conversation, judge, type ReceivedReply } from './replies.js';

/** The kernel passes so many at most; more are for the sender to refuse. */
const FDS_MAX = 32;
/** Turns of the event loop in which everything that was closed is closed. */
const CLOSE_TURNS = 8;
/** And in which all comes that waited for a reader. */
const LISTEN_TURNS = 6;

export class VhostUserCase implements FuzzCase {
  readonly features = new Set<string>();
  over = false;
  private readonly lasting: LastingDescriptors;
  private readonly memory: Uint8Array;
  private readonly descriptors = new DescriptorCount();
  private readonly planned: Plan = [];
  private opened: Opened | null = null;

  constructor(lasting: LastingDescriptors) {
    this.lasting = lasting;
    lasting.memory.fill(0, MEMORY_BYTES, 0);
    this.memory = new Uint8Array(lasting.memory.window(0, MEMORY_BYTES));
  }

  propose(random: Random): Step {
    return proposeStep(this.planned, this.opened !== null, random);
  }

  async apply(step: Step): Promise<void> {
    this.opened ??= new Opened(this.lasting, step.words[0] === 'shared');
    const { opened } = this;
    if (step.kind === 'memory') this.write(Number(step.words[0] ?? 0), step.bytes);
    else opened.act(step);
    await nextTurn();
    for (let turn = 0; step.kind === 'listen' && turn < LISTEN_TURNS; turn++) {
      opened.receive();
      await nextTurn();
    }
    for (const feature of opened.look()) this.features.add(feature);
    this.over = opened.ended;
  }

  async close(): Promise<void> {
    this.opened?.hangUp();
    for (let turn = 0; turn < CLOSE_TURNS && this.opened?.closed === false; turn++) await nextTurn();
    if (this.opened?.closed === false) throw new Finding('the front-end is gone, and its connection is not');
    const surplus = await this.descriptors.surplus();
    if (surplus > 0) throw new Finding(`${surplus} descriptors were not given back`);
  }

  private write(offset: number, bytes: Uint8Array): void {
    const at = Math.min(offset, MEMORY_BYTES);
    this.memory.set(bytes.subarray(0, MEMORY_BYTES - at), at);
  }
}

/** The server, its device, and the front-end's end. */
class Opened {
  readonly device: StrictDevice;
  closed = false;
  private readonly server: BackEndServer;
  private readonly socket: UnixSocket;
  private readonly descriptors: CaseDescriptors;
  private readonly conversation: Conversation;
  private readonly said = new Set<string>();
  private readonly target = new Uint8Array(1 << 16);
  private incoming = Buffer.alloc(0);
  private deaf = false;
  /** The back-end has our end of its connection, too: what it says there is said to itself. */
  private talksToItself = false;
  private failure: Error | null = null;

  constructor(lasting: LastingDescriptors, shared: boolean) {
    const [ours, theirs] = socketPair();
    this.socket = ours;
    this.device = new StrictDevice(shared);
    this.conversation = new Conversation(shared ? SHARED : SLOTS);
    this.descriptors = new CaseDescriptors(lasting, ours);
    const log = this.logger();
    const fd = dupFd(theirs.fd);
    theirs.close();
    this.server = serve(
      this.device,
      { fd },
      { log, onDisconnected: (reason) => this.disconnected(reason), onClosed: () => this.onClosed() },
    );
  }

  get ended(): boolean {
    return this.closed;
  }

  act({ kind, words, bytes }: Step): void {
    if (kind === 'message') this.send(bytes, words);
    else if (kind === 'kick') this.descriptors.events[Number(words[0])]?.signal();
    else if (kind === 'hang-up') this.hangUp();
    else if (kind === 'deaf') this.deaf = true;
    else if (kind === 'listen') this.deaf = false;
    else if (kind === 'device') this.deviceActs(words[0] ?? '');
    else this.disturb(kind, words, bytes);
  }

  /** What arrived, held against what was expected. Returns what was seen. */
  look(): string[] {
    if (this.failure !== null) throw this.failure;
    const seen = [...this.said];
    this.said.clear();
    const { conversation } = this;
    if (!this.deaf) this.receive();
    if (this.talksToItself) this.incoming = Buffer.alloc(0);
    if (this.talksToItself || this.socket.closed) conversation.pending.length = 0;
    else if (!this.deaf) seen.push(...judge(conversation.pending, this.replies(), this.closed));
    if (conversation.lost && !this.closed && !this.deaf && !this.talksToItself)
      throw new Finding('nonsense did not end the connection');
    seen.push(`chains ${Math.min(3, this.device.chains)}`);
    return seen;
  }

  hangUp(): void {
    this.socket.close();
    this.descriptors.close();
    // It keeps the connection open by itself: nobody ever hangs up.
    if (this.talksToItself) this.server.close();
  }

  private send(bytes: Uint8Array, words: readonly string[]): void {
    if (this.closed || this.socket.closed || bytes.length === 0) return;
    const { conversation, descriptors } = this;
    const kinds = words.slice(0, FDS_MAX);
    if (kinds.includes('own')) this.talksToItself = true;
    const fds = kinds.map((kind) => descriptors.lend(kind));
    const sent = send(this.socket, bytes, fds);
    descriptors.release();
    if (sent > 0) conversation.sent(bytes.subarray(0, sent), fds.length);
  }

  private disturb(kind: string, words: readonly string[], bytes: Uint8Array): void {
    const { channel } = this.descriptors;
    // What comes over the other channel, or from memory that is gone, may end everything.
    this.conversation.fragile = true;
    if (kind === 'truncate') this.descriptors.truncate(Number(words[0] ?? 0) % MEMORY_BYTES);
    else if (kind === 'channel-end') channel?.close();
    else if (channel === null || channel.closed) return;
    else if (kind === 'channel' && bytes.length > 0) send(channel, bytes);
    else if (kind === 'answer') this.answer(channel, Number(words[0] ?? 0));
  }

  /** Answers the back-end's own requests, as it wants them answered. */
  private answer(channel: UnixSocket, value: number): void {
    const { bytes, fds } = receive(channel, this.target);
    for (const fd of fds) closeFd(fd);
    for (let at = 0; at + MessageHeader.size <= bytes; ) {
      const { request, size } = MessageHeader.read(viewOf(this.target), at);
      at += MessageHeader.size + size;
      const reply = Uint32Array.of(request, 5, 8, value, 0);
      send(channel, new Uint8Array(reply.buffer));
    }
  }

  private deviceActs(what: string): void {
    const { device } = this;
    const { frontEnd } = device;
    if (frontEnd === null) return;
    if (what === 'hold') device.holding = !device.holding;
    else if (what === 'push') device.push();
    else if (what === 'config') void frontEnd.configChanged();
    else if (device.sharedMemory.length === 0) return;
    else if (what === 'map') void frontEnd.mapShared(1, this.descriptors.lend('memory'), 0, 0, 4096);
    else if (what === 'unmap') void frontEnd.unmapShared(1, 0, 4096);
  }

  receive(): void {
    while (!this.socket.closed) {
      const { bytes, fds } = receive(this.socket, this.target);
      for (const fd of fds) closeFd(fd);
      if (bytes <= 0) return;
      this.incoming = Buffer.concat([this.incoming, this.target.subarray(0, bytes)]);
    }
  }

  private replies(): ReceivedReply[] {
    const replies: ReceivedReply[] = [];
    for (;;) {
      if (this.incoming.length < MessageHeader.size) break;
      const { request, flags, size } = MessageHeader.read(viewOf(this.incoming));
      const end = MessageHeader.size + size;
      if (this.incoming.length < end) break;
      replies.push({ request, flags, payload: this.incoming.subarray(MessageHeader.size, end) });
      this.incoming = this.incoming.subarray(end);
    }
    if (this.incoming.length > 0) throw new Finding('half a reply');
    return replies;
  }

  private disconnected(reason: Error | null): void {
    if (this.closed) this.failure ??= new Finding('disconnected twice');
    if (reason === null) return;
    // VHOST_ERR_DEVICE stands for whatever else was thrown: by the device, which only throws findings, or by mistake.
    const known = reason instanceof VhostUserError && reason.code !== 'VHOST_ERR_DEVICE';
    if (!known) this.failure ??= reason;
    this.said.add(withoutNumbers(reason.message));
  }

  private onClosed(): void {
    this.closed = true;
    if (this.server?.busy) this.failure ??= new Finding('closed while it serves');
  }

  private logger(): Logger {
    const note = (fields: object, message: string): void => {
      const { reason, err } = fields as { reason?: unknown; err?: unknown };
      if (err instanceof Error) this.failure ??= err;
      this.said.add(withoutNumbers(`${message} ${typeof reason === 'string' ? reason : ''}`));
    };
    return { trace: note, debug: note, info: note, warn: note, error: note };
  }
}

/** Of a peer that closed with bytes of ours unread the kernel says so once; what it had sent comes after that. */
function receive(socket: UnixSocket, target: Uint8Array): Received {
  try {
    return socket.receive(target);
  } catch {
    return socket.receive(target);
  }
}

/** The bytes that were taken: none by a peer that is gone. */
function send(socket: UnixSocket, bytes: Uint8Array, fds: readonly number[] = []): number {
  try {
    return socket.send(bytes, fds);
  } catch {
    return 0;
  }
}

function withoutNumbers(text: string): string {
  return text.replace(/0x[0-9a-f]+|[0-9]+/g, '#');
}

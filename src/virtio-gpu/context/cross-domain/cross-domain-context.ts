/**
 * A cross-domain context: one client of the guest's, connected to something on the host through a channel.
 *
 * The guest submits commands. What the host has to say goes to the start of a ring, one message at a time: the guest asks
 * for each with a POLL, a fence that is signalled when the message is in the ring. The channel and the pipes are read only
 * while a POLL is outstanding, so a guest that does not ask makes the other side wait.
 */
import { strict as assert } from 'node:assert';
import type { DeviceMemory } from 'vhost-user-ts';
import type { HostBlobOrigin } from '../../resource/host-blob.js';
import {
  ALREADY_INITIALISED,
  BAD_IDENTIFIER,
  BAD_IMAGE,
  CHANNEL_ENDED,
  MALFORMED_COMMAND,
  NO_SUCH_CHANNEL,
  NO_SUCH_ITEM,
  NOT_A_RING,
  type Refusal,
  TOO_MANY_PIPES,
  TOO_MUCH_UNREAD,
  UNKNOWN_CONTEXT_COMMAND,
  WRONG_ITEM_SIZE,
} from '../../result.js';
import {
  CHANNEL_DATA_MAX,
  CHANNEL_ITEMS_MAX,
  type Channel,
  type ChannelFactory,
  type SentItem,
} from '../channel.js';
import type { ContextAccount } from '../context-account.js';
import type { ContextResources } from '../context-resources.js';
import type { GpuContext } from '../gpu-context.js';
import { ImageTemplates } from './image-templates.js';
import { ItemTable } from './item-table.js';
import { READ_DATA_OFFSET, stageRead, stageReceive } from './messages.js';
import {
  type CrossDomainCommand,
  type ImageQuery,
  type InitCommand,
  parseCommands,
  type SendCommand,
  type WriteCommand,
} from './parse.js';
import { Polls } from './polls.js';
import { ReadPipes } from './read-pipes.js';
import { Ring } from './ring.js';
import type { Staging } from './staging.js';
import {
  CROSS_DOMAIN_ID_TYPE_READ_PIPE,
  CROSS_DOMAIN_ID_TYPE_VIRTGPU_BLOB,
  ImageRequirements,
  RING_BYTES,
} from './wire.js';

/** What all contexts of a VM share. */
export interface CrossDomainParts {
  readonly account: ContextAccount;
  readonly resources: ContextResources;
  readonly memory: DeviceMemory;
  readonly staging: Staging;
  readonly channels: ChannelFactory;
  /** `now` is false while no guest memory may be written. */
  readonly running: { readonly now: boolean };
  /** Takes note that a context's connection was ended, and why. */
  readonly noteEnd: (name: string, reason: string) => void;
}

/** Item identifiers: the first is 2, and those from here on mean other things. */
const ITEM_ID_END = 0x4000_0000;
/** Guests round sizes to their own pages, which may be longer than ours. */
const GUEST_PAGE_MAX = 65536;

/** Of the way to the guest. */
type Outlet =
  /** Messages are delivered. */
  | 'open'
  /** The guest is told with the next message that there will be no more. */
  | 'ending'
  /** It was told, or can't be told: POLLs stay outstanding. */
  | 'shut';

export class CrossDomainContext implements GpuContext {
  readonly id: number;
  readonly name: string;
  readonly attached = new Set<number>();
  readonly #parts: CrossDomainParts;
  readonly #polls: Polls;
  readonly #templates: ImageTemplates;
  readonly #items: ItemTable;
  readonly #pipes: ReadPipes;
  #initialised = false;
  #queryRing: Ring | null = null;
  #channelRing: Ring | null = null;
  #channel: Channel | null = null;
  #outlet: Outlet = 'open';
  #lastItemId = 1;
  #pipesFirst = false;

  constructor(id: number, name: string, parts: CrossDomainParts) {
    this.id = id;
    this.name = name;
    this.#parts = parts;
    const nextId = (): number => this.#nextItemId();
    this.#polls = new Polls(parts.account);
    this.#templates = new ImageTemplates(parts.account, nextId);
    this.#items = new ItemTable(parts.account, nextId);
    this.#pipes = new ReadPipes(parts.account, () => this.#deliver());
  }

  #nextItemId(): number {
    do {
      this.#lastItemId = this.#lastItemId + 1 < ITEM_ID_END ? this.#lastItemId + 1 : 2;
    } while (this.#items.has(this.#lastItemId) || this.#templates.bytesOf(this.#lastItemId) !== undefined);
    return this.#lastItemId;
  }

  // Commands of the guest.

  submit(payload: Uint8Array): Refusal | null {
    const refusal = this.#carryOutAll(payload);
    // What was refused may be the end of the connection: then the guest is told.
    if (refusal !== null) this.#deliver();
    return refusal;
  }

  #carryOutAll(payload: Uint8Array): Refusal | null {
    const commands = parseCommands(payload);
    if (commands === 'unknown') return UNKNOWN_CONTEXT_COMMAND;
    if (commands === 'malformed') {
      // Whatever was in there is lost, and the stream with it.
      this.#end('a malformed command');
      return MALFORMED_COMMAND;
    }
    for (const command of commands) {
      const refusal = this.#carryOut(command);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #carryOut(command: CrossDomainCommand): Refusal | null {
    switch (command.kind) {
      case 'init':
        return this.#init(command);
      case 'image-query':
        return this.#queryImage(command);
      case 'send':
        return this.#send(command);
      case 'write':
        return this.#write(command);
      case 'poll':
        // The fence is what counts.
        return null;
    }
  }

  #init(command: InitCommand): Refusal | null {
    if (this.#initialised) return ALREADY_INITIALISED;
    this.#initialised = true;
    const { queryRingId, channelRingId, channelType } = command;
    this.#queryRing = this.#ringOf(queryRingId);
    this.#channelRing = channelRingId === queryRingId ? this.#queryRing : this.#ringOf(channelRingId);
    // Type 0: questions about images only.
    if (channelType === 0) return this.#queryRing === null ? NOT_A_RING : null;
    if (this.#queryRing === null || this.#channelRing === null) {
      this.#end('a ring that can not be used');
      return NOT_A_RING;
    }
    const { channels } = this.#parts;
    const owner = { name: this.name, ready: () => this.#deliver() };
    if (channels.types.includes(channelType)) this.#channel = channels.open(channelType, owner);
    if (this.#channel !== null) return null;
    // Nobody looks at the answer of an INIT: the guest would wait for its first message for ever.
    this.#outlet = 'ending';
    return NO_SUCH_CHANNEL;
  }

  #ringOf(resourceId: number): Ring | null {
    if (!this.attached.has(resourceId)) return null;
    const ranges = this.#parts.resources.guestPages(resourceId, RING_BYTES);
    return ranges === null ? null : new Ring(resourceId, this.#parts.memory, ranges);
  }

  /** A guest that is refused must find zeros in the ring, and not the last answer. */
  #queryImage(query: ImageQuery): Refusal | null {
    const { staging } = this.#parts;
    if (this.#queryRing === null) return NOT_A_RING;
    const requirements = this.#templates.requirements(query);
    staging.bytes.fill(0, 0, ImageRequirements.size);
    if (requirements !== null) staging.bytes.set(requirements);
    if (!this.#queryRing.write(staging, ImageRequirements.size)) return NOT_A_RING;
    return requirements === null ? BAD_IMAGE : null;
  }

  /** All or nothing: with a part of it missing the stream makes no sense any more. */
  #send(command: SendCommand): Refusal | null {
    if (this.#channel === null) return CHANNEL_ENDED;
    const pipeIds = command.identifiers
      .filter(({ type }) => type === CROSS_DOMAIN_ID_TYPE_READ_PIPE)
      .map(({ id }) => id);
    const others = command.identifiers.length - pipeIds.length;
    const blobs = command.identifiers.flatMap(({ id, type }): SentItem[] => {
      if (type !== CROSS_DOMAIN_ID_TYPE_VIRTGPU_BLOB || !this.attached.has(id)) return [];
      const blob = this.#parts.resources.attachedBlob(id);
      return blob === null ? [] : [{ kind: 'blob', blob }];
    });
    if (blobs.length < others) return this.#endedBecause(BAD_IDENTIFIER);
    if (!this.#pipes.canOpen(pipeIds)) return this.#endedBecause(TOO_MANY_PIPES);
    const writeFds = this.#pipes.open(pipeIds);
    if (writeFds === null) return this.#endedBecause(TOO_MANY_PIPES);
    const items = command.identifiers.flatMap(({ type }): SentItem[] => {
      if (type !== CROSS_DOMAIN_ID_TYPE_READ_PIPE) return blobs.splice(0, 1);
      return writeFds.splice(0, 1).map((fd) => ({ kind: 'read-pipe', fd }));
    });
    this.#channel.send(command.data, items);
    return null;
  }

  #write(command: WriteCommand): Refusal | null {
    const pipe = this.#items.writePipe(command.identifier);
    if (pipe === null) return NO_SUCH_ITEM;
    const taken = pipe.write(command.data);
    if (command.hangUp) this.#items.endPipe(command.identifier);
    return taken ? null : TOO_MUCH_UNREAD;
  }

  takeBlob(blobId: bigint, bytes: number): HostBlobOrigin | Refusal {
    // Identifiers are 32 bits long; as a Number, one that is longer is none of ours.
    const id = Number(blobId);
    const imageBytes = this.#templates.bytesOf(id);
    if (imageBytes !== undefined)
      return fitsGuestPages(imageBytes, bytes) ? { content: null } : WRONG_ITEM_SIZE;
    const content = this.#items.fileContent(id);
    if (content === null) return NO_SUCH_ITEM;
    if (!fitsGuestPages(content.length, bytes)) return WRONG_ITEM_SIZE;
    this.#items.takeFile(id);
    return { content };
  }

  // Messages for the guest.

  poll(done: () => void, extraMax: number): void {
    if (!this.#polls.add(done, extraMax)) {
      this.#end('too many POLLs are outstanding');
      this.#deliver();
      // Now the ring says that the channel has ended, and older ones can make room.
      this.#polls.complete();
      if (!this.#polls.add(done, extraMax)) done();
    }
    this.#deliver();
  }

  /** Delivers what there is, one message for each POLL. */
  #deliver(): void {
    while (this.#polls.waiting && this.#deliverOne());
    this.#pipes.watch(this.#polls.waiting && this.#parts.running.now);
  }

  resumed(): void {
    this.#deliver();
  }

  #deliverOne(): boolean {
    if (this.#channelRing === null || this.#outlet === 'shut' || !this.#parts.running.now) return false;
    const bytes = this.#outlet === 'ending' ? this.#stageEnd() : this.#stageNext();
    if (bytes === 0) return false;
    if (!this.#channelRing.write(this.#parts.staging, bytes)) {
      this.#shut();
      return false;
    }
    this.#polls.complete();
    return true;
  }

  /** The channel and the pipes take turns. Returns the bytes of the message, 0 when there is none. */
  #stageNext(): number {
    this.#pipesFirst = !this.#pipesFirst;
    if (this.#pipesFirst) return this.#stagePipe() || this.#stageChannel();
    return this.#stageChannel() || this.#stagePipe();
  }

  #stageChannel(): number {
    const message = this.#channel?.receive() ?? null;
    if (message === null) return 0;
    if (message === 'end') return this.#stageEnd();
    const { data, items } = message;
    assert(
      data.length <= CHANNEL_DATA_MAX && items.length <= CHANNEL_ITEMS_MAX,
      'a message that does not fit',
    );
    assert(data.length + items.length > 0, 'an empty message would say that the channel has ended');
    const identifiers = this.#items.add(items);
    if (identifiers !== null) return stageReceive(this.#parts.staging, identifiers, data);
    this.#end('the guest does not take what it is sent');
    return this.#stageEnd();
  }

  #stagePipe(): number {
    const { staging } = this.#parts;
    const data = this.#pipes.read(staging.bytes.subarray(READ_DATA_OFFSET));
    return data === null ? 0 : stageRead(staging, data.id, data.bytes);
  }

  #stageEnd(): number {
    this.#shut();
    return stageReceive(this.#parts.staging, [], new Uint8Array(0));
  }

  // The end.

  #endedBecause(refusal: Refusal): Refusal {
    this.#end(refusal.reason);
    return refusal;
  }

  /** Ends the connection because the guest broke its rules; it is told with the next message. */
  #end(reason: string): void {
    if (this.#outlet !== 'open') return;
    this.#parts.noteEnd(this.name, reason);
    this.#closeChannel();
    this.#outlet = 'ending';
  }

  #shut(): void {
    this.#outlet = 'shut';
    this.#closeChannel();
  }

  #closeChannel(): void {
    this.#channel?.close();
    this.#channel = null;
    this.#pipes.close();
  }

  /** A ring's pages may be anything by the time of the next message: nothing goes there any more. */
  resourceGone(resourceId: number): void {
    this.attached.delete(resourceId);
    if (this.#queryRing?.resourceId === resourceId) {
      this.#queryRing.close();
      this.#queryRing = null;
    }
    if (this.#channelRing?.resourceId !== resourceId) return;
    this.#channelRing.close();
    this.#channelRing = null;
    this.#shut();
  }

  close(): void {
    this.#shut();
    this.#queryRing?.close();
    this.#channelRing?.close();
    this.#queryRing = null;
    this.#channelRing = null;
    this.#items.close();
    this.#templates.close();
    this.attached.clear();
    this.#polls.completeAll();
  }
}

function fitsGuestPages(contentBytes: number, blobBytes: number): boolean {
  return blobBytes >= contentBytes && blobBytes <= Math.ceil(contentBytes / GUEST_PAGE_MAX) * GUEST_PAGE_MAX;
}

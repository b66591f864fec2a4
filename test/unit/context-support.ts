/** Contexts without a guest: a table over memory and resources of the test, channels that do what the test says. */
import { mapAnonymous } from 'vhost-user-native';
import { silentLogger, viewOf } from 'vhost-user-ts';
import { ControlQueue } from '../../src/virtio-gpu/command/control-queue.js';
import type {
  AttachedBlob,
  Channel,
  ChannelFactory,
  ChannelOwner,
  ReceivedMessage,
  SentItem,
} from '../../src/virtio-gpu/context/channel.js';
import { type ContextLimits, checkedContextLimits } from '../../src/virtio-gpu/context/context-limits.js';
import type { ContextResources } from '../../src/virtio-gpu/context/context-resources.js';
import { ContextTable } from '../../src/virtio-gpu/context/context-table.js';
import { GuestFaults } from '../../src/virtio-gpu/faults.js';
import type { VmState } from '../../src/virtio-gpu/vm-state.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as c from './gpu-commands.js';
import { TestChain, TestMemory, TestQueue } from './gpu-harness.js';

/** Bytes written as pairs of hexadecimal digits. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export const u32s = (...words: readonly number[]): Uint8Array =>
  new Uint8Array(Uint32Array.from(words).buffer);

export const FENCE = gpu.VIRTIO_GPU_FLAG_FENCE;
export const RING = FENCE | gpu.VIRTIO_GPU_FLAG_INFO_RING_IDX;

export function createContext(ctxId: number, contextInit: number, name = '', nlen = name.length): Uint8Array {
  const debugName = new Uint8Array(64);
  debugName.set(Buffer.from(name, 'latin1').subarray(0, 64));
  return c.concat(c.header(gpu.VIRTIO_GPU_CMD_CTX_CREATE, { ctxId }), u32s(nlen, contextInit), debugName);
}

export function destroyContext(ctxId: number): Uint8Array {
  return c.header(gpu.VIRTIO_GPU_CMD_CTX_DESTROY, { ctxId });
}

export function attachTo(ctxId: number, resourceId: number): Uint8Array {
  return c.concat(c.header(gpu.VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, { ctxId }), u32s(resourceId, 0));
}

export function detachFrom(ctxId: number, resourceId: number): Uint8Array {
  return c.concat(c.header(gpu.VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, { ctxId }), u32s(resourceId, 0));
}

export function submit3d(
  ctxId: number,
  payload: Uint8Array,
  fence: c.Fence = {},
  size = payload.length,
): Uint8Array {
  return c.concat(c.header(gpu.VIRTIO_GPU_CMD_SUBMIT_3D, { ctxId, ...fence }), u32s(size, 0), payload);
}

export const POLL = hex('03 00 1000 00000000 0000000000000000');

/** INIT as sommelier sends it. */
export function init(queryRing: number, channelRing: number, type = 1): Uint8Array {
  return c.concat(hex('01 00 1400 00000000'), u32s(queryRing, channelRing, type));
}

export function imageQuery(width: number, height: number, format: number, flags = 0x11): Uint8Array {
  return c.concat(hex('02 00 1800 00000000'), u32s(width, height, format, flags));
}

/** SEND with identifiers as [id, type] pairs. */
export function sendCommand(
  data: Uint8Array,
  identifiers: readonly (readonly [id: number, type: number])[] = [],
  count = identifiers.length,
  size = data.length,
): Uint8Array {
  const arrays = new Uint32Array(3 * 28);
  identifiers.slice(0, 28).forEach(([id, type], i) => {
    arrays[i] = id;
    arrays[28 + i] = type;
  });
  const bytes = c.concat(hex('04 00 0000 00000000'), u32s(count, size), new Uint8Array(arrays.buffer), data);
  viewOf(bytes).setUint16(2, bytes.length, true);
  return bytes;
}

export function writeCommand(id: number, data: Uint8Array, hangUp = 0, size = data.length): Uint8Array {
  const bytes = c.concat(hex('07 00 0000 00000000'), u32s(id, hangUp, size, 0), data);
  viewOf(bytes).setUint16(2, bytes.length, true);
  return bytes;
}

export class TestChannel implements Channel {
  readonly type: number;
  readonly owner: ChannelOwner;
  readonly sent: { data: Uint8Array; items: readonly SentItem[] }[] = [];
  readonly inbox: (ReceivedMessage | 'end')[] = [];
  closed = 0;

  constructor(type: number, owner: ChannelOwner) {
    this.type = type;
    this.owner = owner;
  }

  send(data: Uint8Array, items: readonly SentItem[]): void {
    this.sent.push({ data: data.slice(), items });
  }

  receive(): ReceivedMessage | 'end' | null {
    return this.inbox.shift() ?? null;
  }

  /** Something for the guest. */
  deliver(message: ReceivedMessage | 'end'): void {
    this.inbox.push(message);
    this.owner.ready();
  }

  close(): void {
    this.closed += 1;
  }
}

export class TestChannels implements ChannelFactory {
  types: readonly number[] = [1];
  readonly opened: TestChannel[] = [];
  refuses = false;

  open(type: number, owner: ChannelOwner): Channel | null {
    if (this.refuses) return null;
    const channel = new TestChannel(type, owner);
    this.opened.push(channel);
    return channel;
  }

  get last(): TestChannel {
    const channel = this.opened.at(-1);
    if (channel === undefined) throw new Error('no channel was opened');
    return channel;
  }
}

/** Resources: guest blobs of a number of bytes at a place in guest memory, other blobs, and ones that are no blobs. */
export class TestResources implements ContextResources {
  readonly guest = new Map<number, { address: number; bytes: number }>();
  readonly host = new Set<number>();
  readonly plain = new Set<number>();

  exists(id: number): boolean {
    return this.guest.has(id) || this.host.has(id) || this.plain.has(id);
  }

  guestPages(id: number, bytes: number) {
    const blob = this.guest.get(id);
    if (blob === undefined || blob.bytes < bytes) return null;
    // In two pieces, as guest memory is.
    return Float64Array.of(blob.address, 100, blob.address + 100, bytes - 100);
  }

  attachedBlob(resourceId: number): AttachedBlob | null {
    if (!this.guest.has(resourceId) && !this.host.has(resourceId)) return null;
    return {
      resourceId,
      bytes: 4096,
      regionOffset: null,
      exportDmabuf: () => null,
      retain: () => undefined,
      release: () => undefined,
    };
  }
}

export const QUERY = 1;
export const CHANNEL = 2;
const RING_BYTES = 4096;

export class ContextBench {
  readonly memory = new TestMemory(1024 * 1024);
  readonly queue = new TestQueue(0);
  readonly channels = new TestChannels();
  readonly resources = new TestResources();
  readonly ends: [name: string, reason: string][] = [];
  readonly contexts: ContextTable;
  readonly faults = new GuestFaults(silentLogger);
  readonly control = new ControlQueue(this.faults);
  accepted = 0b11111n;
  private readonly vm: VmState;
  private fenceId = 0n;

  constructor(limits: Partial<ContextLimits> = {}) {
    const { channels } = this;
    this.contexts = new ContextTable({
      limits: checkedContextLimits(limits),
      channels,
      resources: this.resources,
      memory: this.memory,
      mapMemory: mapAnonymous,
      noteEnd: (...end) => this.ends.push(end),
    });
    const vm = {
      contexts: this.contexts,
      channels,
      metrics: { commands: 0 },
      frontEnd: { hasFeature: (bit: number) => ((this.accepted >> BigInt(bit)) & 1n) === 1n },
    };
    this.vm = vm as unknown as VmState;
    this.resources.guest.set(QUERY, { address: this.memory.base, bytes: RING_BYTES });
    this.resources.guest.set(CHANNEL, { address: this.memory.base + 8192, bytes: RING_BYTES });
    this.memory.bytes.fill(0xee);
  }

  submit(request: Uint8Array): TestChain {
    const chain = new TestChain(request, 2048);
    this.control.handle(this.vm, this.queue, chain);
    return chain;
  }

  /** The response's type; throws when the chain is held. */
  send(request: Uint8Array): number {
    const chain = this.submit(request);
    if (chain.used === null) throw new Error('the request was held');
    return c.typeOf(chain.response);
  }

  /** A context with two rings and an open channel. */
  connect(ctxId = 1, name = 'test'): TestChannel {
    for (const request of [
      createContext(ctxId, 5, name),
      attachTo(ctxId, QUERY),
      attachTo(ctxId, CHANNEL),
      submit3d(ctxId, init(QUERY, CHANNEL)),
    ]) {
      const type = this.send(request);
      if (type !== gpu.VIRTIO_GPU_RESP_OK_NODATA) throw new Error(`response 0x${type.toString(16)}`);
    }
    return this.channels.last;
  }

  /** Asks for a message; the chain comes back when the message is in the ring. */
  poll(ctxId = 1): TestChain {
    this.fenceId += 1n;
    return this.submit(submit3d(ctxId, POLL, { flags: RING, ringIdx: 1, fenceId: this.fenceId }));
  }

  get queryRing(): Uint8Array {
    return this.memory.bytes.subarray(0, RING_BYTES);
  }

  get channelRing(): Uint8Array {
    return this.memory.bytes.subarray(8192, 8192 + RING_BYTES);
  }

  close(): void {
    this.contexts.clear();
    this.memory.mapping.close();
  }
}

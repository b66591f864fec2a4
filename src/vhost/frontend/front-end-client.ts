/**
 * A vhost-user front-end without a VM: it connects to any back-end, owns guest memory, and drives virtqueues. For
 * tests, load generators and tools.
 *
 *     const client = FrontEndClient.connect({ path: '/run/device.sock' });
 *     await client.negotiate();
 *     await client.shareMemory();
 *     const queue = await client.startQueue(0);
 *     const { used, data } = await queue.request(command, 64);
 *     client.close();
 */
import { connectUnix, type UnixSocket } from 'vhost-user-native';
import { bits, Feature, hasBit, ProtocolFeature } from '../wire/features.js';
import { VRING_F_LOG } from '../wire/payloads.js';
import { FrontEndRequest } from '../wire/requests.js';
import { type BackEndHandlers, BackEndRequests } from './back-end-requests.js';
import type { DirtyLogReader } from './front-end-areas.js';
import { FrontEndChannel, type ReceivedMessage } from './front-end-channel.js';
import { FrontEndMemory, type FrontEndMemoryOptions } from './front-end-memory.js';
import { FrontEndQueue, type FrontEndQueueOptions } from './front-end-queue.js';
import { FrontEndRequests } from './front-end-requests.js';

/** Protocol features that the client can handle, and accepts unless told otherwise. */
export const FRONT_END_PROTOCOL_FEATURES: bigint = bits(
  ProtocolFeature.MQ,
  ProtocolFeature.LOG_SHMFD,
  ProtocolFeature.REPLY_ACK,
  ProtocolFeature.BACKEND_REQ,
  ProtocolFeature.CONFIG,
  ProtocolFeature.BACKEND_SEND_FD,
  ProtocolFeature.INFLIGHT_SHMFD,
  ProtocolFeature.RESET_DEVICE,
  ProtocolFeature.CONFIGURE_MEM_SLOTS,
  ProtocolFeature.STATUS,
  ProtocolFeature.SHMEM,
);

/** Transport features that change nothing about the rings, or that `startQueue` follows. */
const TRANSPORT_FEATURES = bits(
  Feature.RING_INDIRECT_DESC,
  Feature.RING_EVENT_IDX,
  Feature.PROTOCOL_FEATURES,
  Feature.VERSION_1,
);
/** Bits 0 to 23 and 50 to 63 are the device's (virtio 1.3, 2.2). */
const DEVICE_FEATURES = 0xff_ffffn | (0x3fffn << 50n);

/** Where a client connects, and what it says that it can. */
export interface FrontEndClientOptions {
  /** A listening socket… */
  readonly path?: string;
  /** …or one that is connected (the client's from now on). */
  readonly socket?: UnixSocket;
  /** Guest memory to make (and to close with the client), or memory that stays the caller's. */
  readonly memory?: FrontEndMemoryOptions | FrontEndMemory;
  /**
   * Feature bits to accept of those that the back-end offers. Default: the device's own, INDIRECT_DESC, EVENT_IDX,
   * VERSION_1 and PROTOCOL_FEATURES. Add RING_PACKED for packed rings.
   */
  readonly features?: bigint;
  /** The same for protocol features. Default: FRONT_END_PROTOCOL_FEATURES. */
  readonly protocolFeatures?: bigint;
  /** What to do with the back-end's own requests. */
  readonly handlers?: BackEndHandlers;
}

/** The default of `FrontEndClientOptions.features`. */
export const FRONT_END_FEATURES: bigint = TRANSPORT_FEATURES | DEVICE_FEATURES;

/** A front-end without a virtual machine: negotiates with a back-end, shares memory with it, drives its queues. */
export class FrontEndClient extends FrontEndRequests {
  readonly memory: FrontEndMemory;
  /** Resolves when the connection is over: null when the back-end or `close` ended it, else what went wrong. */
  readonly closed: Promise<Error | null>;
  /** What the back-end offered and what was accepted; 0 before `negotiate`. */
  offeredFeatures = 0n;
  features = 0n;
  offeredProtocolFeatures = 0n;
  protocolFeatures = 0n;
  /** GET_QUEUE_NUM; 0 without MQ. */
  queueCount = 0;
  /** The queues that were started, by index. */
  readonly queues = new Map<number, FrontEndQueue>();
  private readonly options: FrontEndClientOptions;
  private backEnd: BackEndRequests | null = null;
  private settleClosed: (error: Error | null) => void = () => undefined;

  /** Connects. Throws an errno error (ECONNREFUSED, ENOENT) when nobody listens. */
  static connect(options: FrontEndClientOptions): FrontEndClient {
    const socket = options.socket ?? connectUnix(options.path ?? '');
    const { memory } = options;
    try {
      const own = memory instanceof FrontEndMemory ? memory : new FrontEndMemory(memory);
      return new FrontEndClient(socket, own, options);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  private constructor(socket: UnixSocket, memory: FrontEndMemory, options: FrontEndClientOptions) {
    super(new FrontEndChannel(socket, (error) => this.over(error)));
    this.memory = memory;
    this.options = options;
    this.closed = new Promise((resolve) => {
      this.settleClosed = resolve;
    });
  }

  /** True when the feature bit (0..63) was accepted. */
  hasFeature(bit: number): boolean {
    return hasBit(this.features, bit);
  }

  /** True when the protocol feature was accepted. */
  hasProtocolFeature(bit: number): boolean {
    return hasBit(this.protocolFeatures, bit);
  }

  /** Owner, features, protocol features and the back-end channel, in QEMU's order. */
  async negotiate(): Promise<void> {
    const { options, channel } = this;
    this.offeredFeatures = await this.getU64(FrontEndRequest.GET_FEATURES);
    this.features = this.offeredFeatures & (options.features ?? FRONT_END_FEATURES);
    if (this.hasFeature(Feature.PROTOCOL_FEATURES)) {
      this.offeredProtocolFeatures = await this.getU64(FrontEndRequest.GET_PROTOCOL_FEATURES);
      this.protocolFeatures =
        this.offeredProtocolFeatures & (options.protocolFeatures ?? FRONT_END_PROTOCOL_FEATURES);
      await this.setU64(FrontEndRequest.SET_PROTOCOL_FEATURES, this.protocolFeatures);
      channel.replyAck = this.hasProtocolFeature(ProtocolFeature.REPLY_ACK);
      if (this.hasProtocolFeature(ProtocolFeature.MQ)) {
        this.queueCount = Number(await this.getU64(FrontEndRequest.GET_QUEUE_NUM));
      }
      if (this.hasProtocolFeature(ProtocolFeature.BACKEND_REQ)) await this.openBackEndChannel();
    }
    await this.plain(FrontEndRequest.SET_OWNER);
    await this.setU64(FrontEndRequest.SET_FEATURES, this.features);
  }

  /** SET_FEATURES again, with some bits changed: LOG_ALL starts and stops dirty logging. */
  setFeatures(features: bigint): Promise<void> {
    this.features = features;
    return this.setU64(FrontEndRequest.SET_FEATURES, features);
  }

  /** Tells the back-end of guest memory: ADD_MEM_REG with CONFIGURE_MEM_SLOTS, SET_MEM_TABLE without. */
  shareMemory(): Promise<void> {
    const { region, fd } = this.memory;
    return this.hasProtocolFeature(ProtocolFeature.CONFIGURE_MEM_SLOTS)
      ? this.addMemRegion(region, fd)
      : this.setMemTable([region], [fd]);
  }

  /** Makes a queue and starts it. A queue with that index that was made before is closed first. */
  async startQueue(index: number, options: FrontEndQueueOptions = {}): Promise<FrontEndQueue> {
    this.queues.get(index)?.close();
    const packed = this.hasFeature(Feature.RING_PACKED);
    const eventIdx = this.hasFeature(Feature.RING_EVENT_IDX);
    const queue = new FrontEndQueue(index, this.memory, { packed, eventIdx }, options);
    await this.resumeQueue(queue, queue.driver.base);
    return queue;
  }

  /** Lets go of a queue: it outlives this client, and the caller closes it. */
  releaseQueue(queue: FrontEndQueue): void {
    if (this.queues.get(queue.index) === queue) this.queues.delete(queue.index);
  }

  /**
   * Starts a queue that is stopped, from `base` on (as `stopQueue` resolved). It may come from another client over
   * the same memory (`releaseQueue`): the back-end was restarted then.
   */
  async resumeQueue(queue: FrontEndQueue, base: number, options: { log?: boolean } = {}): Promise<void> {
    const { index, driver } = queue;
    this.queues.set(index, queue);
    await this.setVring(FrontEndRequest.SET_VRING_NUM, index, driver.size);
    await this.setVring(FrontEndRequest.SET_VRING_BASE, index, base);
    await this.addressQueue(queue, options.log ?? false);
    await this.setVringFd(FrontEndRequest.SET_VRING_CALL, index, queue.callFd.fd);
    await this.setVringFd(FrontEndRequest.SET_VRING_ERR, index, queue.errFd.fd);
    await this.setVringFd(FrontEndRequest.SET_VRING_KICK, index, queue.kickFd.fd);
    if (this.hasFeature(Feature.PROTOCOL_FEATURES)) await this.enableQueue(queue, true);
  }

  /** SET_VRING_ADDR; with `log`, writes to the used ring are logged (VHOST_VRING_F_LOG). */
  addressQueue(queue: FrontEndQueue, log: boolean): Promise<void> {
    const { driver, index } = queue;
    return this.setVringAddress({
      index,
      flags: log ? VRING_F_LOG : 0,
      descriptor: this.memory.userOf(driver.descAddress),
      used: this.memory.userOf(driver.usedAddress),
      available: this.memory.userOf(driver.availAddress),
      log: log ? driver.usedAddress : 0,
    });
  }

  /** SET_VRING_ENABLE */
  enableQueue(queue: FrontEndQueue, enabled: boolean): Promise<void> {
    return this.setVring(FrontEndRequest.SET_VRING_ENABLE, queue.index, enabled ? 1 : 0);
  }

  /** GET_VRING_BASE; what the device gave back by then is handled before this resolves with the base. */
  async stopQueue(queue: FrontEndQueue): Promise<number> {
    const base = await this.getVringBase(queue.index);
    queue.processUsed();
    return base;
  }

  /** RESET_DEVICE */
  resetDevice(): Promise<void> {
    return this.plain(FrontEndRequest.RESET_DEVICE);
  }

  /** SET_STATUS: the virtio device status. */
  setStatus(status: number): Promise<void> {
    return this.setU64(FrontEndRequest.SET_STATUS, BigInt(status));
  }

  /** GET_STATUS */
  async getStatus(): Promise<number> {
    return Number(await this.getU64(FrontEndRequest.GET_STATUS));
  }

  /** GET_MAX_MEM_SLOTS */
  async getMaxMemSlots(): Promise<number> {
    return Number(await this.getU64(FrontEndRequest.GET_MAX_MEM_SLOTS));
  }

  /** SET_LOG_BASE for all of guest memory, then SET_FEATURES with LOG_ALL. The caller closes the log. */
  async startLog(): Promise<DirtyLogReader> {
    const log = await this.setLogBase(this.memory.guestAddress + this.memory.length);
    try {
      await this.setFeatures(this.features | bits(Feature.LOG_ALL));
    } catch (error) {
      log.close();
      throw error;
    }
    return log;
  }

  /** Sends bytes as they are, for tests that break the protocol. What comes back is for `receiveRaw`. */
  sendRaw(data: Uint8Array, fds: readonly number[] = []): void {
    this.channel.sendRaw(data, fds);
  }

  /** The next message that no request waits for; null when the connection ends. Its descriptors are yours. */
  receiveRaw(): Promise<ReceivedMessage | null> {
    return this.channel.receiveRaw();
  }

  /**
   * Closes everything: the connection (what waits rejects with VHOST_ERR_CLOSED), the back-end channel, the
   * queues and guest memory. Sockets and areas that methods resolved with are the caller's. Idempotent.
   */
  close(): void {
    this.channel.close();
    this.backEnd?.close();
    for (const queue of this.queues.values()) queue.close();
    if (this.memory !== this.options.memory) this.memory.close();
  }

  /** The same as `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private async openBackEndChannel(): Promise<void> {
    const socket = await this.setBackEndSocket();
    this.backEnd = new BackEndRequests(socket, this.options.handlers ?? {}, (error) => {
      // Closing it is the back-end's right; breaking the protocol there ends it all.
      if (error !== null) this.channel.abort(error);
    });
  }

  /** The main connection is over. Memory and queues stay as they are until `close`, but nothing moves any more. */
  private over(error: Error | null): void {
    this.backEnd?.close();
    for (const queue of this.queues.values()) queue.fail(this.channel.failure ?? new Error('closed'));
    this.settleClosed(error);
  }
}

/** A device that holds its back-end to what it was promised (`VhostUserDevice`). What is not kept is thrown. */
import type { UnixSocket } from 'vhost-user-native';
import {
  bits,
  type DescriptorChain,
  type FrontEnd,
  type VhostUserDevice,
  type Virtqueue,
} from 'vhost-user-ts';
import { Finding } from '../core/target.js';

export const QUEUES = 3;
export const CONFIG_BYTES = 24;
const REGION_BYTES = 1 << 20;
/** Read and written of each chain at either end. */
const ENDS_BYTES = 96;
const HELD_MAX = 8;

export class StrictDevice implements VhostUserDevice {
  readonly queueCount = QUEUES;
  readonly features = bits(0, 3, 50);
  readonly configLength = CONFIG_BYTES;
  readonly sharedMemory: readonly { readonly id: number; readonly length: number }[];
  frontEnd: FrontEnd | null = null;
  /** Chains are kept. */
  holding = false;
  chains = 0;
  private readonly config = new Uint8Array(CONFIG_BYTES);
  private readonly started = new Set<Virtqueue>();
  private readonly held: { readonly queue: Virtqueue; readonly chain: DescriptorChain }[] = [];
  private readonly bytes = new Uint8Array(ENDS_BYTES);
  private display: UnixSocket | null = null;

  constructor(shared: boolean) {
    this.sharedMemory = shared ? [{ id: 1, length: REGION_BYTES }] : [];
  }

  attach(frontEnd: FrontEnd): void {
    if (this.frontEnd !== null) throw new Finding('attached twice');
    this.frontEnd = frontEnd;
  }

  detach(): void {
    if (this.frontEnd === null) throw new Finding('detached twice');
    this.frontEnd = null;
    this.started.clear();
    this.held.length = 0;
    this.display?.close();
    this.display = null;
  }

  queueStarted(queue: Virtqueue): void {
    if (this.frontEnd === null) throw new Finding('a queue was started for nobody');
    if (this.started.has(queue)) throw new Finding('a queue was started twice');
    this.started.add(queue);
    if (!queue.running) throw new Finding('a queue was started that does not run');
  }

  queueStopped(queue: Virtqueue): void {
    if (!this.started.delete(queue)) throw new Finding('a queue was stopped that was not started');
  }

  reset(): void {
    if (this.started.size > 0) throw new Finding('a reset while queues run');
    this.held.length = 0;
  }

  handleChain(queue: Virtqueue, chain: DescriptorChain): void {
    if (!this.started.has(queue)) throw new Finding('a chain of a queue that is stopped');
    this.chains++;
    if (this.holding && this.held.length < HELD_MAX) this.held.push({ queue, chain });
    else this.answer(queue, chain);
  }

  /** Gives back what it holds. */
  push(): void {
    for (const { queue, chain } of this.held.splice(0)) this.answer(queue, chain);
  }

  readConfig(target: Uint8Array, offset: number): void {
    if (target.length < 1 || offset + target.length > CONFIG_BYTES)
      throw new Finding('config space that is none');
    target.set(this.config.subarray(offset, offset + target.length));
  }

  writeConfig(data: Uint8Array, offset: number): void {
    if (data.length < 1 || offset + data.length > CONFIG_BYTES)
      throw new Finding('config space that is none');
    this.config.set(data, offset);
  }

  setGpuSocket(socket: UnixSocket): void {
    this.display?.close();
    this.display = socket;
  }

  private answer(queue: Virtqueue, chain: DescriptorChain): void {
    const { bytes } = this;
    const { readableBytes, writableBytes } = chain;
    for (const at of [0, readableBytes - ENDS_BYTES]) {
      const got = chain.read(bytes, Math.max(0, at), ENDS_BYTES);
      if (got > readableBytes) throw new Finding('more was read than there is');
    }
    const end = Math.max(0, writableBytes - ENDS_BYTES);
    chain.write(bytes, end, ENDS_BYTES);
    queue.push(chain, chain.write(bytes, 0, ENDS_BYTES));
  }
}

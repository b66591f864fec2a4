/** One device, from its first driver to the end of its front-end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createPipe } from 'vhost-user-native';
import { SharedRegion } from '../../src/region/index.js';
import {
  type ContextLimits,
  GpuDevice,
  type GpuLimits,
  type ReceivedMessage,
} from '../../src/virtio-gpu/index.js';
import { DescriptorCount } from '../core/descriptors.js';
import { mutateBytes } from '../core/mutate.js';
import type { Random } from '../core/random.js';
import { type Step, step } from '../core/step.js';
import { Finding, type FuzzCase } from '../core/target.js';
import { FuzzChannels } from './channels.js';
import { FuzzChain, FuzzFrontEnd, FuzzMemory, FuzzQueue } from './machine.js';
import { blobRequests, CONTEXTS, connectRequests, makeCursorRequest, makeRequest } from './requests.js';

const PAGE = 4096;
const STEPS_PER_CHECK = 4;
const WINDOW_PAGES = 16;
/** Small ones: the guest shall come to them. */
const LIMITS: Partial<GpuLimits> = {
  maxResources: 8,
  maxHostBytes: 1 << 20,
  maxBackingEntries: 4,
  maxBackingEntriesTotal: 12,
  maxBlobBytes: 24 * PAGE,
};
const CONTEXT_LIMITS: Partial<ContextLimits> = {
  maxContexts: 2,
  maxAttachments: 10,
  maxPollsPerContext: 2,
  maxImageTemplates: 6,
  maxItemsPerContext: 4,
  maxFileBytes: 8 * PAGE,
  maxReadPipesPerContext: 2,
  maxReadPipes: 3,
  maxDrainingPipes: 2,
  maxWriteQueueBytes: 8192,
  maxWriteQueueBytesTotal: 12288,
};

const WORDS = [
  'accept',
  'refuse',
  'deliver',
  'deliver',
  'file',
  'pipe',
  'end',
  'table',
  'pause',
  'reset',
  'turn',
];

export class GpuCase implements FuzzCase {
  readonly features = new Set<string>();
  readonly over = false;
  private readonly aboutContexts: boolean;
  private readonly descriptors = new DescriptorCount();
  private readonly region = SharedRegion.create({ windowBytes: WINDOW_PAGES * PAGE, hostBytes: 64 * PAGE });
  private readonly channels = new FuzzChannels();
  private readonly memory = new FuzzMemory();
  private readonly frontEnd = new FuzzFrontEnd(this.memory);
  private readonly device: GpuDevice;
  /** Requests of a driver that knows what it does. */
  private readonly planned: Uint8Array[] = [];
  private planContext = 1;
  private applied = 0;
  private readonly control: FuzzQueue;
  private readonly cursor: FuzzQueue;

  constructor(aboutContexts: boolean) {
    this.aboutContexts = aboutContexts;
    const output = { width: 64, height: 64 };
    this.device = new GpuDevice({
      outputs: [output, output],
      limits: LIMITS,
      region: this.region,
      contexts: { channels: this.channels, limits: CONTEXT_LIMITS },
    });
    const { device } = this;
    this.control = new FuzzQueue(0, this.features, (chain) => device.handleChain(this.control, chain));
    this.cursor = new FuzzQueue(1, this.features, (chain) => device.handleChain(this.cursor, chain));
    device.attach(this.frontEnd);
    this.start();
  }

  propose(random: Random): Step {
    if (this.control.paused && random.oneIn(2)) return step(random.oneIn(8) ? 'refuse' : 'accept');
    const planned = this.planned.shift();
    if (planned !== undefined && !random.oneIn(20)) return step('control', ['1100'], planned);
    if (random.oneIn(12)) return step(random.pick(WORDS) ?? 'turn');
    if (random.oneIn(this.aboutContexts ? 12 : 30)) {
      const anew = this.channels.living.length === 0 || random.oneIn(4);
      if (anew) this.planContext = random.between(1, CONTEXTS);
      this.planned.push(...(anew ? connectRequests : blobRequests)(random, this.planContext));
    }
    if (random.oneIn(20)) return step('cursor', [], makeCursorRequest(random));
    const request = makeRequest(random, this.aboutContexts);
    const room = random.oneIn(40) ? random.below(64) : 1100;
    return step('control', [String(room)], random.oneIn(60) ? mutateBytes(request, random) : request);
  }

  async apply({ kind, words, bytes }: Step): Promise<void> {
    if (kind === 'control') this.control.submit(new FuzzChain(bytes, Math.min(4096, Number(words[0] ?? 0))));
    else if (kind === 'cursor') this.cursor.submit(new FuzzChain(bytes, 0));
    else await this.happen(kind);
    // To ask for the counters takes longer than most requests.
    if (++this.applied % STEPS_PER_CHECK === 0) this.check();
  }

  async close(): Promise<void> {
    this.device.detach();
    this.frontEnd.answerAll();
    await nextTurn();
    if (this.channels.living.length > 0) throw new Finding('a channel was not closed');
    const { resources, hostBytes, blobBytes, backingEntries, heldFences, contexts } = this.device.status;
    const left = { resources, hostBytes, blobBytes, backingEntries, heldFences, ...contexts };
    for (const [name, count] of Object.entries(left)) {
      if (count !== 0) throw new Finding(`${name}: ${count} at the end`);
    }
    const { ranges, lingeringRanges, windowUsedBytes, hostUsedBytes } = this.region.metrics;
    if (ranges + lingeringRanges + windowUsedBytes + hostUsedBytes > 0) throw new Finding('a range is left');
    this.device.close();
    this.memory.close();
    this.region.close();
    const surplus = await this.descriptors.surplus();
    if (surplus > 0) throw new Finding(`${surplus} descriptors were not given back`);
  }

  private async happen(kind: string): Promise<void> {
    switch (kind) {
      case 'accept':
        this.frontEnd.answer(true);
        await nextTurn();
        // As QEMU does after a mapping.
        return this.changeTable();
      case 'refuse':
        this.frontEnd.answer(false);
        return nextTurn();
      case 'deliver':
        return this.deliver({ data: Uint8Array.of(1, 2, 3, 4), items: [] });
      case 'file':
        return this.deliver({
          data: new Uint8Array(4),
          items: [{ kind: 'file', content: new Uint8Array(5000) }],
        });
      case 'pipe':
        return this.deliverPipe();
      case 'end':
        return this.deliver('end');
      case 'table':
        return this.changeTable();
      case 'pause':
        this.stop();
        return this.start();
      case 'reset':
        this.stop();
        this.device.reset();
        this.control.waiting.length = 0;
        return this.start();
      default:
        return nextTurn();
    }
  }

  private changeTable(): void {
    this.memory.generation += 1;
    this.device.memoryChanged();
  }

  private deliver(message: ReceivedMessage | 'end'): void {
    this.channels.living.at(-1)?.deliver(message);
  }

  private deliverPipe(): void {
    if (this.channels.living.length === 0) return;
    const { reader, writeFd } = createPipe();
    reader.close();
    this.deliver({ data: new Uint8Array(4), items: [{ kind: 'write-pipe', fd: writeFd }] });
  }

  private stop(): void {
    this.device.queueStopped(this.control);
    this.device.queueStopped(this.cursor);
    this.control.running = false;
    this.control.paused = false;
  }

  private start(): void {
    this.control.running = true;
    this.device.queueStarted(this.control);
    this.device.queueStarted(this.cursor);
    this.control.resume();
  }

  /** Nothing beyond what the limits say. */
  private check(): void {
    const { resources, hostBytes, blobBytes, backingEntries, contexts } = this.device.status;
    const most: readonly (readonly [string, number, number])[] = [
      ['resources', resources, 8],
      ['host bytes', hostBytes, 1 << 20],
      ['blob bytes', blobBytes, 24 * PAGE],
      ['backing entries', backingEntries, 12],
      ['attachments', contexts.attachments, 10],
      ['image templates', contexts.imageTemplates, 6],
      ['read pipes', contexts.readPipes, 3],
      ['channels', this.channels.living.length, 2],
      ['window bytes', this.region.metrics.windowUsedBytes, WINDOW_PAGES * PAGE],
    ];
    for (const [name, count, max] of most) {
      if (count > max || count < 0) throw new Finding(`${name}: ${count}, at most ${max}`);
    }
  }
}

/**
 * Pictures that a guest drew into the shared region, presented to a compositor by page flips: how many a second, at what
 * cost, and how long a frame takes to get there.
 */

import { viewOf } from 'vhost-user-ts';
import { ImageRequirements } from '../../src/virtio-gpu/context/cross-domain/wire.js';
import type { Subject } from '../back-end-process.js';
import { fencedFlush } from '../commands.js';
import { connectContext, hostBlob, imageRequirements, setScanoutBlob } from '../context-commands.js';
import { Machine, type Program, type Run, type RunOptions } from '../machine.js';
import { percentileUs, type Spread, spreadOf } from '../statistics.js';
import type { ArrivedFrame, CountingCompositor } from './counting-compositor.js';

export const WINDOW_SIZES = {
  '64x64': [64, 64],
  '1080p': [1920, 1080],
  '4k': [3840, 2160],
  '8k': [7680, 4320],
} as const;
export type WindowSize = keyof typeof WINDOW_SIZES;

/** Room for two pictures of 8K. */
const OPTIONS = ['--window', '--wayland', '--region-size=512', '--log-format=json'];
const QUERY_ANSWER_BYTES = ImageRequirements.size;
const FIRST_RESOURCE = 10;
const BUFFERS = 2;
const PAGE_BYTES = 4096;

export interface PresentResult {
  readonly size: WindowSize;
  readonly compositor: string;
  readonly framesPerSecond: Spread;
  readonly cpuUsPerFrame: Spread;
  /** From the guest's commit to its compositor's receipt; NaN where the compositor can't tell. */
  readonly receiptP50Us: number;
  readonly receiptP99Us: number;
  /** Of pixels, in all turns together. */
  readonly bytesCopied: number;
}

/** A guest with two pictures in the region, which it shows in turns. */
export class BlobGuest {
  readonly machine: Machine;
  readonly size: WindowSize;
  readonly flips: Program;

  static async start(back: Subject, env: NodeJS.ProcessEnv, size: WindowSize): Promise<BlobGuest> {
    const subject = { ...back, args: [...back.args, ...OPTIONS], env };
    const machine = await Machine.start(subject, { display: false });
    try {
      const rings = [
        machine.memory.alloc(PAGE_BYTES, PAGE_BYTES),
        machine.memory.alloc(PAGE_BYTES, PAGE_BYTES),
      ];
      const [query = 0, channel = 0] = rings;
      await machine.runOnce(connectContext(query, channel));
      return new BlobGuest(machine, size, await makePictures(machine, query, size));
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  private constructor(machine: Machine, size: WindowSize, strideBytes: number) {
    this.machine = machine;
    this.size = size;
    const [width, height] = WINDOW_SIZES[size];
    const operations = Array.from({ length: BUFFERS }, (_, i) => {
      const id = FIRST_RESOURCE + i;
      const commands = [
        setScanoutBlob(id, width, height, strideBytes),
        fencedFlush(id, { x: 0, y: 0, width, height }),
      ];
      return { commands };
    });
    this.flips = { queue: 'control', operations, depth: 1, watchDisplay: false, picture: null };
  }

  /**
   * Flips. With a counting compositor the last picture must have arrived there in the end, and nothing else than the
   * guest's pictures; a frame that it had no time for may be missing.
   */
  async flip(options: RunOptions, compositor: CountingCompositor | null): Promise<Flips> {
    compositor?.clear();
    const run = await this.machine.run(this.flips, options);
    if (compositor === null) return flipsOf(run, run.operations, []);
    const [width, height] = WINDOW_SIZES[this.size];
    const last = FIRST_RESOURCE + ((run.operations - 1) % BUFFERS);
    await compositor.shows(last);
    for (const frame of compositor.frames) {
      const known = frame.pixel >= FIRST_RESOURCE && frame.pixel < FIRST_RESOURCE + BUFFERS;
      if (!known || frame.width !== width || frame.height !== height) {
        throw new Error(`a frame shows ${frame.pixel} in ${frame.width}x${frame.height}`);
      }
    }
    return flipsOf(run, compositor.frames.length, compositor.frames);
  }

  /** Bytes of pixels that the back-end has copied so far. */
  async bytesCopied(): Promise<number> {
    const { device } = (await this.machine.backEnd.counters()) as { device: Record<string, unknown> };
    return ['transferBytes', 'shadowBytes', 'swapBytes'].reduce((sum, name) => sum + Number(device[name]), 0);
  }

  close(): Promise<void> {
    return this.machine.close();
  }
}

/** What one turn gave. */
interface Flips {
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly cpuUsPerFrame: number;
  /** Of each frame that arrived, from its commit on. */
  readonly receiptsNs: readonly number[];
}

function flipsOf(run: Run, frames: number, arrived: readonly ArrivedFrame[]): Flips {
  const receiptsNs: number[] = [];
  let next = 0;
  for (const { timeNs } of arrived) {
    // The latest one that was submitted by then: there is one at a time.
    while (next + 1 < run.submissionsNs.length && (run.submissionsNs[next + 1] ?? 0n) <= timeNs) next++;
    receiptsNs.push(Number(timeNs - (run.submissionsNs[next] ?? 0n)));
  }
  const framesPerSecond = (frames * 1e9) / run.elapsedNs;
  return { frames, framesPerSecond, cpuUsPerFrame: run.cpuNs / 1000 / frames, receiptsNs };
}

/** Two blobs, each with its number as its pixels. Resolves with the bytes of a row. */
async function makePictures(machine: Machine, query: number, size: WindowSize): Promise<number> {
  const [width, height] = WINDOW_SIZES[size];
  let offset = 0;
  let strideBytes = 0;
  for (let id = FIRST_RESOURCE; id < FIRST_RESOURCE + BUFFERS; id++) {
    await machine.runOnce([imageRequirements(width, height)]);
    const answer = ImageRequirements.read(viewOf(machine.memory.read(query, QUERY_ANSWER_BYTES)));
    await machine.runOnce(hostBlob(id, answer.blobId, answer.size, offset));
    strideBytes = answer.strides[0] ?? 0;
    new Uint32Array(machine.window.bytes(offset, strideBytes * height)).fill(id);
    offset += answer.size;
  }
  return strideBytes;
}

export interface PresentOptions {
  readonly turns: number;
  readonly turnMs: number;
}

/** Presents at one size, a warm-up and then some turns. */
export async function measurePresents(
  guest: BlobGuest,
  name: string,
  compositor: CountingCompositor | null,
  { turns, turnMs }: PresentOptions,
): Promise<PresentResult> {
  await guest.flip({ durationMs: 2 * turnMs }, compositor);
  const samples: Flips[] = [];
  for (let turn = 0; turn < turns; turn++) {
    samples.push(await guest.flip({ durationMs: turnMs }, compositor));
  }
  const receipts = Float64Array.from(samples.flatMap(({ receiptsNs }) => receiptsNs)).sort();
  return {
    size: guest.size,
    compositor: name,
    framesPerSecond: spreadOf(samples.map(({ framesPerSecond }) => framesPerSecond)),
    cpuUsPerFrame: spreadOf(samples.map(({ cpuUsPerFrame }) => cpuUsPerFrame)),
    receiptP50Us: percentileUs(receipts, 0.5),
    receiptP99Us: percentileUs(receipts, 0.99),
    bytesCopied: await guest.bytesCopied(),
  };
}

/**
 * The whole device under any sequence of requests about blobs, contexts and scanouts, with a front-end that maps late or
 * not at all, pauses and resets, and a display that holds pixels: nothing is thrown, no request is answered twice, held
 * pixels stay as they are, and all is given back in the end.
 */
import fc from 'fast-check';
import t from 'tap';
import { closeFd, pageSize } from 'vhost-user-native';
import type { DescriptorChain } from 'vhost-user-ts';
import { SharedRegion } from '../../src/region/index.js';
import type { PixelHold } from '../../src/virtio-gpu/index.js';
import * as gpu from '../../src/virtio-gpu/wire/constants.js';
import * as s from './context-support.js';
import * as c from './gpu-commands.js';
import { GpuHarness, type TestChain } from './gpu-harness.js';
import { settle } from './gpu-socket-fixture.js';
import { openFds } from './native-support.js';

const PAGE = pageSize;
const [WIDTH, HEIGHT] = [16, 8];
const OUTPUT = { width: 640, height: 480 };
const WINDOW_PAGES = 8;
const MEMORY_PAGES = 16;
/** Guest-physical address of the test's memory. */
const MEMORY = 0x1_0000_0000;
/** From here on nobody but us writes to the region. */
const OURS = WINDOW_PAGES * PAGE;

const id = fc.integer({ min: 1, max: 7 });
const ctxId = fc.nat(2);
const page = fc.nat(WINDOW_PAGES);
const rect = fc.constantFrom(c.rect(WIDTH, HEIGHT), c.rect(3, 2, 5, 4), c.rect(64, 64), c.rect(0, 0));
const picture = fc.constantFrom(
  { width: WIDTH, height: HEIGHT },
  { width: WIDTH, height: HEIGHT, stride: 128, offset: 64 },
  { width: 64, height: 64 },
  { width: 8, height: 1, stride: 0xffff_fffc },
);
const host = fc
  .tuple(id, ctxId, fc.constantFrom(0n, 2n, 3n, 1n << 40n), fc.nat(3))
  .map(([n, ctx, blobId, pages]) => c.createBlob(n, { ctxId: ctx, blobId, size: pages * PAGE }));
const guest = (memory: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(id, fc.nat(MEMORY_PAGES), fc.integer({ min: 1, max: 3 }))
    .map(([n, first, pages]) => c.guestBlob(n, [[memory + first * PAGE, pages * PAGE]]));

function requests(memory: number): fc.Arbitrary<Uint8Array> {
  const fenced = { flags: s.FENCE, fenceId: 1n };
  return fc.oneof(
    host,
    guest(memory),
    guest(memory),
    fc.tuple(id, page).map(([n, at]) => c.mapBlob(n, at * PAGE)),
    fc.tuple(id, page).map(([n, at]) => c.mapBlob(n, at * PAGE)),
    id.map(c.unmapBlob),
    id.map(c.unref),
    fc.tuple(fc.nat(1), id, picture).map((args) => c.setScanoutBlob(...args)),
    fc.tuple(fc.nat(1), id, rect).map((args) => c.setScanout(...args)),
    fc.tuple(id, rect).map(([n, r]) => {
      const request = c.flush(n, r);
      request.set(c.header(gpu.VIRTIO_GPU_CMD_RESOURCE_FLUSH, fenced));
      return request;
    }),
    id.map((n) => c.create2d(n, WIDTH, HEIGHT)),
    id.map((n) => c.attach(n, [[memory, WIDTH * HEIGHT * 4]])),
    fc.tuple(id, rect).map(([n, r]) => c.transfer(n, r, (r.y * WIDTH + r.x) * 4)),
    fc.tuple(ctxId, fc.constantFrom(0, 5, 5)).map((args) => s.createContext(...args)),
    ctxId.map(s.destroyContext),
    fc.tuple(ctxId, id).map((args) => s.attachTo(...args)),
    fc.tuple(ctxId, id, id).map(([ctx, a, b]) => s.submit3d(ctx, s.init(a, b))),
    ctxId.map((ctx) => s.submit3d(ctx, s.imageQuery(PAGE, 1, 0x20203852))),
    fc
      .tuple(ctxId, id)
      .map(([ctx, n]) => s.submit3d(ctx, s.sendCommand(new Uint8Array(4), [[n, 1] as [number, number]]))),
    ctxId.map((ctx) => s.submit3d(ctx, s.POLL, { flags: s.RING, ringIdx: 1 })),
  );
}

/** What a driver does to show a blob. */
function shows(memory: number): fc.Arbitrary<Uint8Array[]> {
  const onHost = fc
    .tuple(id, page, fc.nat(1))
    .map(([n, at, scanout]) => [
      c.createBlob(n, { ctxId: 1, blobId: 2n, size: PAGE }),
      c.mapBlob(n, at * PAGE),
      c.setScanoutBlob(scanout, n, { width: WIDTH, height: HEIGHT }),
    ]);
  const inGuest = fc
    .tuple(id, fc.nat(MEMORY_PAGES - 1), fc.nat(1))
    .map(([n, at, scanout]) => [
      c.guestBlob(n, [[memory + at * PAGE, PAGE]]),
      c.setScanoutBlob(scanout, n, { width: WIDTH, height: HEIGHT }),
      c.flush(n, c.rect(WIDTH, HEIGHT)),
    ]);
  const plain = fc
    .tuple(id, fc.nat(1))
    .map(([n, scanout]) => [
      c.create2d(n, WIDTH, HEIGHT),
      c.attach(n, [[memory, WIDTH * HEIGHT * 4]]),
      c.setScanout(scanout, n, c.rect(WIDTH, HEIGHT)),
      c.transfer(n, c.rect(WIDTH, HEIGHT)),
    ]);
  return fc.oneof(onHost, inGuest, plain);
}

type Event =
  | 'draw'
  | 'hold'
  | 'release'
  | 'accept'
  | 'refuse'
  | 'table'
  | 'pause'
  | 'reset'
  | 'leave'
  | 'say';
const event = fc.constantFrom<Event>(
  'accept',
  'accept',
  'table',
  'hold',
  'release',
  'draw',
  'draw',
  'draw',
  'hold',
  'hold',
  'release',
  'accept',
  'refuse',
  'table',
  'pause',
  'reset',
  'leave',
  'say',
);

interface Held {
  readonly hold: PixelHold;
  readonly bytes: Uint8Array;
}

class World {
  readonly region = SharedRegion.create({ windowBytes: OURS, hostBytes: 64 * PAGE });
  readonly channels = new s.TestChannels();
  readonly h = new GpuHarness({
    outputs: [OUTPUT, OUTPUT],
    region: this.region,
    contexts: { channels: this.channels },
  });
  readonly held: Held[] = [];
  /** Those of the driver that is there now. */
  chains: TestChain[] = [];
  answeredTwice = 0;
  private asked: ((accepted: boolean) => void)[] = [];
  private seed = 0;

  constructor() {
    this.h.mapShared = () => new Promise((resolve) => this.asked.push(resolve));
    const { control } = this.h;
    const push = control.push.bind(control);
    control.push = (chain: DescriptorChain, used: number) => {
      if ((chain as TestChain).used !== null) this.answeredTwice += 1;
      push(chain, used);
    };
  }

  /** Context 1 is connected, with resources 3 and 4 for rings, and has a blob id 2 for blobs of a page. */
  connect(): void {
    const { base } = this.h.memory;
    const rings = MEMORY_PAGES * PAGE;
    for (const request of [
      c.guestBlob(3, [[base + rings, PAGE]]),
      c.guestBlob(4, [[base + rings + PAGE, PAGE]]),
      s.createContext(1, 5),
      s.attachTo(1, 3),
      s.attachTo(1, 4),
      s.submit3d(1, s.init(3, 4)),
      s.submit3d(1, s.imageQuery(PAGE, 1, 0x20203852)),
    ]) {
      this.request(request);
    }
  }

  request(bytes: Uint8Array): void {
    const { h } = this;
    if (!h.control.paused) this.chains.push(h.submit(bytes));
  }

  async happen(what: Event): Promise<void> {
    const { h } = this;
    switch (what) {
      case 'draw':
        this.seed += 1;
        h.memory.bytes.fill(this.seed, 0, MEMORY_PAGES * PAGE);
        break;
      case 'hold':
        this.hold();
        break;
      case 'release':
        this.held.shift()?.hold.release();
        break;
      case 'accept':
      case 'refuse':
        this.asked.shift()?.(what === 'accept');
        await settle(1);
        break;
      case 'table':
        h.memory.generation += 1;
        h.device.memoryChanged();
        break;
      case 'pause':
        this.stop();
        this.start();
        break;
      case 'reset':
        this.stop();
        h.device.reset();
        this.chains = [];
        this.start();
        this.connect();
        break;
      case 'leave':
        h.device.detach();
        for (const resolve of this.asked.splice(0)) resolve(false);
        await settle(1);
        this.chains = [];
        h.control.paused = false;
        h.device.attach(h.frontEnd);
        this.start();
        this.connect();
        break;
      case 'say':
        for (const channel of this.channels.opened)
          if (channel.closed === 0) channel.deliver({ data: Uint8Array.of(1), items: [] });
        break;
    }
  }

  private hold(): void {
    const buffer = this.h.sink.sources.get(0)?.buffer;
    if (buffer === undefined || this.held.length >= 2) return;
    const hold = buffer.hold();
    if ((hold.regionOffset ?? 0) < OURS) hold.release();
    else this.held.push({ hold, bytes: this.bytesOf(hold, buffer.height).slice() });
  }

  private bytesOf({ memory, offsetBytes, strideBytes }: PixelHold, rows: number): Uint8Array {
    return new Uint8Array(memory.window(offsetBytes, strideBytes * rows));
  }

  /** What is held is what it was. */
  get isIntact(): boolean {
    return this.held.every(
      ({ hold, bytes }) => Buffer.compare(this.bytesOf(hold, bytes.length / hold.strideBytes), bytes) === 0,
    );
  }

  private stop(): void {
    const { device, control, cursorQueue } = this.h;
    device.queueStopped(control);
    device.queueStopped(cursorQueue);
    control.running = false;
    control.paused = false;
  }

  private start(): void {
    this.h.control.running = true;
    this.h.start();
  }

  /** What is wrong at the end, if anything. */
  async end(): Promise<string | null> {
    const { h, region } = this;
    while (h.control.paused) await this.happen('refuse');
    // All contexts go: no POLL is left to wait.
    for (const ctx of [1, 2]) this.request(s.destroyContext(ctx));
    for (let turn = 0; turn < 1000 && h.device.status.heldFences > 0; turn++) await settle(10);
    const open = this.chains.filter(({ used }) => used === null).length;
    h.device.detach();
    for (const { hold } of this.held.splice(0)) hold.release();
    const { resources, hostBytes, blobBytes, backingEntries, contexts, tornWrites } = h.device.status;
    const counts = { resources, hostBytes, blobBytes, backingEntries, tornWrites, ...contexts };
    const { ranges, lingeringRanges, windowUsedBytes, hostUsedBytes } = region.metrics;
    const left = {
      ...counts,
      ranges,
      lingeringRanges,
      windowUsedBytes,
      hostUsedBytes,
      open,
      tables: h.memory.openTables,
      answeredTwice: this.answeredTwice,
      channels: this.channels.opened.filter(({ closed }) => closed === 0).length,
    };
    for (const { sent } of this.channels.opened) {
      for (const { items } of sent) for (const item of items) if (item.kind === 'read-pipe') closeFd(item.fd);
    }
    h.memory.mapping.close();
    region.close();
    const wrong = Object.entries(left).filter(([, count]) => count !== 0);
    return wrong.length === 0 ? null : JSON.stringify(Object.fromEntries(wrong));
  }
}

t.test('any requests and events', async (t) => {
  const before = openFds();
  const step = fc.oneof(
    { weight: 3, arbitrary: requests(MEMORY).map((request) => [request]) },
    { weight: 2, arbitrary: shows(MEMORY) },
    { weight: 3, arbitrary: event },
  );
  const ran = await fc.check(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      const world = new World();
      world.connect();
      for (const step of steps) {
        if (typeof step === 'string') await world.happen(step);
        else for (const request of step) world.request(request);
        if (!world.isIntact) throw new Error('held pixels changed');
      }
      const wrong = await world.end();
      if (wrong !== null) throw new Error(wrong);
    }),
    { numRuns: 300 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
  t.equal(openFds(), before);
});

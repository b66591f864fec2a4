/** What a scanout's window shows: routes, copies, holds, and when the guest may go on. */
import t, { type Test } from 'tap';
import { type Mapping, mapAnonymous } from 'vhost-user-native';
import { type RouteMetrics, ScanoutContent } from '../../src/cli/window/scanout-content.js';
import { SharedRegion } from '../../src/region/index.js';
import {
  type DmabufExport,
  type PixelBuffer,
  type PixelHold,
  VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM,
  VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
} from '../../src/virtio-gpu/index.js';
import type { WindowFrame } from '../../src/wayland/index.js';

const MIB = 2 ** 20;
const XRGB8888 = 1;
const WIDTH = 16;
const HEIGHT = 8;
const STRIDE = WIDTH * 4;
const WHOLE = { x: 0, y: 0, width: WIDTH, height: HEIGHT };

/** A buffer somewhere in `memory`; `region` tells whether that is the region. */
class FakeBuffer implements PixelBuffer {
  readonly width = WIDTH;
  readonly height = HEIGHT;
  readonly strideBytes = STRIDE;
  readonly format: number;
  readonly memory: Mapping;
  readonly offsetBytes: number;
  readonly inRegion: boolean;
  retained = 0;
  held = 0;

  constructor(memory: Mapping, offsetBytes: number, inRegion: boolean, format: number) {
    this.memory = memory;
    this.offsetBytes = offsetBytes;
    this.inRegion = inRegion;
    this.format = format;
  }

  get regionOffset(): number | null {
    return this.inRegion ? this.offsetBytes : null;
  }

  fill(value: number): this {
    this.memory.fill(this.offsetBytes, STRIDE * HEIGHT, value);
    return this;
  }

  retain(): void {
    this.retained += 1;
  }

  release(): void {
    this.retained -= 1;
  }

  hold(): PixelHold {
    const { memory, offsetBytes, strideBytes, regionOffset } = this;
    this.held += 1;
    return { memory, offsetBytes, strideBytes, regionOffset, release: () => (this.held -= 1) };
  }

  dmabuf(): DmabufExport | null {
    return null;
  }
}

class Fixture {
  readonly region = SharedRegion.create({ windowBytes: MIB, hostBytes: MIB });
  readonly elsewhere = mapAnonymous(MIB);
  readonly metrics: RouteMetrics = { directFrames: 0, dmabufFrames: 0, stagedFrames: 0, stagedBytes: 0 };
  wakes = 0;
  readonly content: ScanoutContent;

  constructor(t: Test) {
    this.content = new ScanoutContent({
      region: this.region,
      metrics: this.metrics,
      importer: () => null,
      supportsFormat: (format) => format === XRGB8888,
      wake: () => {
        this.wakes += 1;
      },
    });
    t.teardown(() => {
      this.content.close();
      this.region.close();
      this.elsewhere.close();
    });
  }

  /** In the part of the region that the guest writes to. */
  blob(offset: number): FakeBuffer {
    return new FakeBuffer(this.region.mapping, offset, true, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
  }

  show(buffer: FakeBuffer, rect = WHOLE): void {
    this.content.setSource({ buffer, rect });
    this.content.damage(WHOLE);
  }

  take(whole = false): WindowFrame {
    const frame = this.content.takeFrame(whole);
    if (frame === null) throw new Error('no frame');
    return frame;
  }

  /** The frame's pixels as the compositor sees them. */
  pixels(frame: WindowFrame): Uint8Array {
    if (frame.source.kind !== 'shm') throw new Error('not in the pool');
    const { poolOffset, strideBytes } = frame.source;
    return new Uint8Array(this.region.mapping.window(poolOffset, strideBytes * frame.height)).slice();
  }
}

t.test('a blob in the window is shown where it is, and no byte is copied', async (t) => {
  const f = new Fixture(t);
  const buffer = f.blob(8192).fill(7);
  f.show(buffer);
  t.equal(f.wakes, 1);
  const frame = f.take();
  t.match(frame, { width: WIDTH, height: HEIGHT, damage: [WHOLE] });
  t.match(frame.source, { kind: 'shm', poolOffset: 8192, strideBytes: STRIDE, format: XRGB8888 });
  t.equal(f.content.takeFrame(false), null, 'nothing new');
  t.equal(buffer.held, 1);
  frame.released();
  t.equal(buffer.held, 0);
  t.match(f.metrics, { directFrames: 1, stagedFrames: 0, stagedBytes: 0 });
});

t.test('a part of a buffer, and one whose last row would end outside of the pool', async (t) => {
  const f = new Fixture(t);
  f.show(f.blob(4096), { x: 2, y: 3, width: 4, height: 2 });
  const { source, width, height } = f.take();
  t.match(source, { poolOffset: 4096 + 3 * STRIDE + 8, strideBytes: STRIDE });
  t.same([width, height], [4, 2]);
  const last = f.blob(2 * MIB - STRIDE * HEIGHT).fill(9);
  f.show(last, { x: 4, y: 4, width: 4, height: 4 });
  const staged = f.take();
  t.match(staged.source, { kind: 'shm', strideBytes: 16 });
  t.ok(f.pixels(staged).every((byte) => byte === 9));
  t.equal(f.metrics.stagedBytes, 4 * 4 * 4);
});

t.test(
  'formats that the compositor lacks, and memory that is in no region, are copied: the damage',
  async (t) => {
    const f = new Fixture(t);
    const buffer = new FakeBuffer(f.elsewhere, 4096, false, VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM);
    const bytes = new Uint8Array(f.elsewhere.window(4096, STRIDE * HEIGHT));
    for (let i = 0; i < bytes.length; i += 4) bytes.set([0xff, 1, 2, 3], i);
    f.show(buffer);
    const first = f.take();
    t.same([...f.pixels(first).subarray(0, 4)], [3, 2, 1, 0xff]);
    t.equal(f.metrics.stagedBytes, STRIDE * HEIGHT);
    // The first is still read, so a second buffer is filled; after that each gets what it misses.
    bytes.set([0xff, 4, 5, 6], STRIDE + 4);
    f.content.damage({ x: 1, y: 1, width: 1, height: 1 });
    const second = f.take();
    t.not(
      (second.source as { poolOffset: number }).poolOffset,
      (first.source as { poolOffset: number }).poolOffset,
    );
    t.same([...f.pixels(second).subarray(STRIDE + 4, STRIDE + 8)], [6, 5, 4, 0xff]);
    t.same(
      [...f.pixels(first).subarray(STRIDE + 4, STRIDE + 8)],
      [3, 2, 1, 0xff],
      'what is read is not written',
    );
    first.released();
    const before = f.metrics.stagedBytes;
    f.content.damage({ x: 1, y: 1, width: 1, height: 1 });
    const third = f.take();
    t.equal(f.metrics.stagedBytes - before, 4);
    t.same([...f.pixels(third).subarray(STRIDE + 4, STRIDE + 8)], [6, 5, 4, 0xff]);
    t.equal(buffer.held, 0);
  },
);

t.test('while no buffer of the staging is free the damage waits', async (t) => {
  const f = new Fixture(t);
  const buffer = new FakeBuffer(f.elsewhere, 0, false, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM).fill(1);
  f.show(buffer);
  const frames = [f.take()];
  for (let i = 0; i < 2; i++) {
    f.content.damage(WHOLE);
    frames.push(f.take());
  }
  buffer.fill(2);
  f.content.damage(WHOLE);
  t.equal(f.content.takeFrame(false), null);
  const { wakes } = f;
  frames[0]?.released();
  t.equal(f.wakes, wakes + 1);
  t.ok(f.pixels(f.take()).every((byte) => byte === 2));
});

t.test('a guest that draws into what is shown: copied at its flush, and shown without tearing', async (t) => {
  const f = new Fixture(t);
  const buffer = f.blob(0).fill(1);
  f.show(buffer);
  const first = f.take();
  t.equal(f.metrics.directFrames, 1);
  buffer.fill(2);
  f.content.damage({ ...WHOLE, height: 1 });
  // It goes on drawing before the window takes the frame.
  buffer.fill(3);
  const second = f.take();
  t.match(f.metrics, { directFrames: 1, stagedFrames: 1 });
  t.ok(f.pixels(second).every((byte) => byte === 2));
  first.released();
  f.show(buffer);
  t.not((f.take().source as { poolOffset: number }).poolOffset, 0, 'it is known for that from now on');
});

t.test(
  'page flips are never copied, and wait until the compositor has let go of the buffer before',
  async (t) => {
    const f = new Fixture(t);
    const [a, b] = [f.blob(0), f.blob(65536)];
    const done: string[] = [];
    f.show(a);
    f.content.whenShown(() => done.push('a'));
    const first = f.take();
    t.same(done, []);
    first.shown?.(null);
    t.same(done, ['a'], 'the first has no buffer before it');
    f.show(b);
    f.content.whenShown(() => done.push('b'));
    const second = f.take();
    second.shown?.(null);
    second.shown?.(null);
    t.same(done, ['a'], 'the compositor still reads the first');
    first.released();
    t.same(done, ['a', 'b']);
    f.show(a);
    f.take();
    f.content.whenShown(() => done.push('gone'));
    f.content.close();
    t.same(done, ['a', 'b', 'gone'], 'a window that goes holds nobody up');
    t.equal(f.metrics.stagedBytes, 0);
  },
);

t.test(
  'off: black, without any memory; and the same picture again for a compositor that came back',
  async (t) => {
    const f = new Fixture(t);
    const buffer = f.blob(0).fill(5);
    f.show(buffer);
    const first = f.take();
    t.match(f.take(true), { damage: [WHOLE], source: { poolOffset: 0 } });
    f.content.setSource(null);
    t.equal(buffer.retained, 0);
    const black = f.take();
    t.ok(f.pixels(black).every((byte) => byte === 0));
    t.match(f.take(true), { width: WIDTH, height: HEIGHT });
    first.released();
    f.content.setSource(null);
    t.ok(f.content.takeFrame(true));
  },
);

t.test('nothing is left when the window goes', async (t) => {
  const f = new Fixture(t);
  const buffer = new FakeBuffer(f.elsewhere, 0, false, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM);
  t.equal(f.content.takeFrame(true), null, 'no picture yet');
  f.show(buffer);
  const frame = f.take();
  f.content.close();
  frame.released();
  t.equal(buffer.retained, 0);
  t.match(f.region.metrics, { ranges: 0, lingeringRanges: 0, hostUsedBytes: 0 });
});

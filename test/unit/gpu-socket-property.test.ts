/** Whatever the guest does and however QEMU reads: in the end QEMU shows what the guest shows. */
import fc from 'fast-check';
import t from 'tap';
import { silentLogger } from 'vhost-user-ts';
import { BAND_BYTES_MIN, GpuSocketSink } from '../../src/virtio-gpu/display/gpu-socket-sink.js';
import type { Rect } from '../../src/virtio-gpu/display-sink.js';
import { FakeQemu, settle, TestBuffer, until } from './gpu-socket-fixture.js';

type Step =
  | { readonly kind: 'show'; readonly scanout: number; readonly buffer: number; readonly part: Rect }
  | { readonly kind: 'off'; readonly scanout: number }
  | { readonly kind: 'draw'; readonly scanout: number; readonly at: Rect; readonly value: number }
  | { readonly kind: 'cursor'; readonly scanout: number; readonly buffer: number | null }
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'reconnect' };

const SCANOUTS = 2;
const SIZE = 300;

const anyRect = fc
  .tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1), fc.nat(SIZE - 1), fc.nat(SIZE - 1))
  .map(([x, y, width, height]): Rect => {
    return { x, y, width: 1 + (width % (SIZE - x)), height: 1 + (height % (SIZE - y)) };
  });
/** What a scanout shows: mostly large parts, which take several messages, some with one side in common. */
const anyPart = fc.oneof(
  anyRect,
  fc.constantFrom<Rect>(
    { x: 0, y: 0, width: SIZE, height: SIZE },
    { x: 0, y: 50, width: SIZE, height: 200 },
    { x: 50, y: 0, width: 200, height: SIZE },
  ),
);
const scanout = fc.nat(SCANOUTS - 1);
const buffer = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('show' as const), scanout, buffer, part: anyPart }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('off' as const), scanout }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('draw' as const), scanout, at: anyRect, value: fc.nat(255) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cursor' as const),
      scanout,
      buffer: fc.option(buffer),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('read' as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
);

/** The guest, the sink and QEMU, with what each scanout is to show in the end. */
class World {
  readonly sink = new GpuSocketSink({ log: silentLogger, maxBandBytes: BAND_BYTES_MIN });
  readonly buffers = [1, 3, 134].map((format, i) => new TestBuffer(SIZE, SIZE, format, i));
  readonly shown: ({ buffer: TestBuffer; rect: Rect } | null)[] = Array.from(
    { length: SCANOUTS },
    () => null,
  );
  qemu = new FakeQemu({ reading: false });

  constructor() {
    this.sink.attachSocket(this.qemu.far);
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'show') this.show(step.scanout, this.buffers[step.buffer], step.part);
    else if (step.kind === 'off') this.show(step.scanout, undefined, null);
    else if (step.kind === 'draw') this.draw(step.scanout, step.at, step.value);
    else if (step.kind === 'cursor') this.setCursor(step.scanout, step.buffer);
    else if (step.kind === 'read') this.qemu.readSome(step.bytes);
    else if (step.kind === 'turn') await settle(1);
    else this.reconnect();
  }

  async isRightInTheEnd(): Promise<boolean> {
    this.qemu.startReading();
    await until(() => this.isRight());
    await settle(5);
    return this.isRight();
  }

  /** Returns the references that are left. */
  close(): number {
    this.sink.close();
    this.qemu.close();
    for (const buffer of this.buffers) buffer.release();
    return this.buffers.reduce((sum, { references }) => sum + references, 0);
  }

  private isRight(): boolean {
    return this.shown.every((source, id) =>
      source === null
        ? (this.qemu.surfaces.get(id) ?? null) === null
        : this.qemu.shows(id, source.buffer, source.rect),
    );
  }

  private show(id: number, buffer: TestBuffer | undefined, rect: Rect | null): void {
    const source = buffer === undefined || rect === null ? null : { buffer, rect };
    this.shown[id] = source;
    this.sink.setScanout(id, source);
  }

  /** Changes pixels of the buffer, and tells every scanout that shows some of them. */
  private draw(id: number, at: Rect, value: number): void {
    const drawn = this.shown[id]?.buffer ?? this.buffers[0];
    if (drawn === undefined) return;
    for (let y = at.y; y < at.y + at.height; y++) {
      const start = drawn.offsetBytes + y * drawn.strideBytes + at.x * 4;
      drawn.bytes.fill(value, start, start + at.width * 4);
    }
    for (const [scanoutId, source] of this.shown.entries()) {
      if (source?.buffer !== drawn) continue;
      const x = Math.max(0, at.x - source.rect.x);
      const y = Math.max(0, at.y - source.rect.y);
      const width = at.x + at.width - source.rect.x - x;
      const height = at.y + at.height - source.rect.y - y;
      if (width > 0 && height > 0) this.sink.damage(scanoutId, { x, y, width, height });
    }
  }

  private setCursor(id: number, index: number | null): void {
    const buffer = index === null ? undefined : this.buffers[index];
    this.sink.setCursor(id, 1, 2, buffer === undefined ? null : { buffer, hotX: 0, hotY: 0 });
  }

  private reconnect(): void {
    this.qemu.socket.close();
    this.qemu = new FakeQemu({ reading: false });
    this.sink.attachSocket(this.qemu.far);
  }
}

t.test('random guests and readers end with the right picture and no buffer held', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new World();
      let isRight = false;
      try {
        for (const each of steps) await world.take(each);
        isRight = await world.isRightInTheEnd();
      } finally {
        if (world.close() !== 0) isRight = false;
      }
      return isRight;
    }),
    { numRuns: 60 },
  );
});

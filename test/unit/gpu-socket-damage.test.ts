/** The list of damaged rectangles, and the order in which a scanout's pixels are taken from it. */
import fc from 'fast-check';
import t from 'tap';
import { DAMAGE_RECTS_MAX, DamageList } from '../../src/virtio-gpu/display/damage.js';
import { ScanoutQueue } from '../../src/virtio-gpu/display/scanout-queue.js';
import type { Rect } from '../../src/virtio-gpu/display-sink.js';
import { TestBuffer } from './gpu-socket-fixture.js';

const rect = (x: number, y: number, width: number, height: number): Rect => ({ x, y, width, height });

const GRID = 64;
const anyRect = (scale: number): fc.Arbitrary<Rect> =>
  fc
    .tuple(
      fc.nat(GRID - 1),
      fc.nat(GRID - 1),
      fc.integer({ min: 0, max: 24 }),
      fc.integer({ min: 0, max: 24 }),
    )
    .map(([x, y, width, height]) => rect(x * scale, y * scale, width * scale, height * scale));

function inside(rects: readonly Rect[], x: number, y: number): boolean {
  return rects.some((r) => x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height);
}

/** True when each corner pixel and the middle of each grid cell of `part` lies in one of `rects`. */
function covers(rects: readonly Rect[], part: Rect, scale: number): boolean {
  for (let y = part.y; y < part.y + part.height; y += scale) {
    for (let x = part.x; x < part.x + part.width; x += scale) {
      if (!inside(rects, x, y) || !inside(rects, x + scale - 1, y + scale - 1)) return false;
    }
  }
  return true;
}

t.test('damage list: covers all that was added, in at most 8 rectangles', async () => {
  for (const scale of [1, 37]) {
    fc.assert(
      fc.property(fc.array(anyRect(scale), { maxLength: 60 }), (added) => {
        const list = new DamageList();
        let joined = 0;
        for (const r of added) {
          joined += list.add(r);
          if (list.length > DAMAGE_RECTS_MAX) return false;
        }
        const rects = list.toArray();
        const real = added.filter((r) => r.width * r.height > 0).length;
        return real - joined === rects.length && added.every((r) => covers(rects, r, scale));
      }),
    );
  }
});

t.test('damage list: what is joined and what is not', async (t) => {
  const list = new DamageList();
  t.equal(list.add(rect(0, 0, 100, 100)), 0);
  t.equal(list.add(rect(10, 10, 5, 5)), 1, 'inside another');
  t.equal(list.add(rect(100, 0, 100, 100)), 1, 'side by side');
  t.same(list.toArray(), [rect(0, 0, 200, 100)]);
  t.equal(list.add(rect(1000, 1000, 100, 100)), 0, 'far away');
  t.equal(list.add(rect(0, 0, 0, 50)), 0, 'empty');
  t.equal(list.length, 2);
  t.equal(list.add(rect(0, 0, 2000, 2000)), 2, 'all in one');
  t.same(list.toArray(), [rect(0, 0, 2000, 2000)]);
  t.same(list.take(), rect(0, 0, 2000, 2000));
  t.equal(list.take(), null);
});

t.test('damage list: a joined rectangle keeps the place of the older one', async (t) => {
  const list = new DamageList();
  list.add(rect(0, 0, 100, 100));
  list.add(rect(1000, 0, 100, 100));
  list.add(rect(0, 50, 100, 100));
  t.same(list.toArray(), [rect(0, 0, 100, 150), rect(1000, 0, 100, 100)]);
});

t.test('scanout: bands from top to bottom, size before the first', async (t) => {
  const buffer = new TestBuffer(100, 100);
  const queue = new ScanoutQueue();
  queue.show({ buffer, rect: rect(0, 0, 100, 100) });
  t.equal(buffer.references, 1, 'nobody reads it yet');
  queue.setReading(true);
  queue.setReading(true);
  t.equal(buffer.references, 2);
  const bands: [Rect, boolean][] = [];
  while (queue.hasWork) {
    const step = queue.take(100 * 4 * 40);
    if (step?.kind === 'band') bands.push([step.rect, step.resized]);
  }
  t.same(bands, [
    [rect(0, 0, 100, 40), true],
    [rect(0, 40, 100, 40), false],
    [rect(0, 80, 100, 20), false],
  ]);
  t.equal(queue.damage(rect(90, 90, 100, 100)), 0, 'cut to the scanout');
  t.match(queue.take(1), { rect: rect(90, 90, 10, 1) }, 'one row at least');
  queue.close();
  t.equal(buffer.references, 1);
  buffer.release();
});

t.test('scanout: constant damage at the top, or page flips, do not starve the bottom', async (t) => {
  const buffers = [new TestBuffer(100, 100), new TestBuffer(100, 100)] as const;
  const queue = new ScanoutQueue();
  const whole = rect(0, 0, 100, 100);
  queue.show({ buffer: buffers[0], rect: whole });
  const rows = new Set<number>();
  for (let turn = 0; turn < 12; turn++) {
    const step = queue.take(100 * 4 * 10);
    if (step?.kind === 'band') rows.add(step.rect.y);
    if (turn % 2 === 0) queue.damage(rect(0, 0, 100, 20));
    else queue.show({ buffer: buffers[turn % 4 === 1 ? 1 : 0], rect: whole });
  }
  t.equal(rows.size, 10);
  queue.close();
  for (const buffer of buffers) {
    buffer.release();
    t.equal(buffer.references, 0);
  }
});

t.test('scanout: a change that is taken back before it was sent is not sent', async (t) => {
  const buffer = new TestBuffer(100, 100);
  const queue = new ScanoutQueue();
  queue.show({ buffer, rect: rect(0, 0, 100, 100) });
  queue.show(null);
  t.notOk(queue.hasWork);
  t.equal(queue.take(1000), null);
  queue.show({ buffer, rect: rect(0, 0, 100, 100) });
  queue.take(1e6);
  queue.show(null);
  t.same(queue.take(1000), { kind: 'off' });
  t.equal(queue.take(1000), null);
  queue.restart();
  t.notOk(queue.hasWork, 'off, and told so');
  queue.show({ buffer, rect: rect(0, 0, 100, 100) });
  queue.take(1e6);
  queue.show(null);
  queue.restart();
  t.same(queue.take(1000), { kind: 'off' }, 'an earlier connection may have left a picture');
  queue.close();
  buffer.release();
  t.equal(buffer.references, 0);
});

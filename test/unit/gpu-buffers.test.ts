/** Pixels that sinks hold: nobody writes to them, and not a byte is copied that need not be. */
import fc from 'fast-check';
import t from 'tap';
import { pageSize } from 'vhost-user-native';
import { SharedRegion } from '../../src/region/index.js';
import type { PixelBuffer, PixelHold } from '../../src/virtio-gpu/index.js';
import { StaleArea } from '../../src/virtio-gpu/resource/stale-area.js';
import * as c from './gpu-commands.js';
import { GpuHarness } from './gpu-harness.js';

const WIDTH = 8;
const HEIGHT = 6;
const BYTES = WIDTH * HEIGHT * 4;
const ALL = c.rect(WIDTH, HEIGHT);

function makeRegion(pages = 64): SharedRegion {
  return SharedRegion.create({ windowBytes: 0, hostBytes: pages * pageSize });
}

function bytesAt({ memory, offsetBytes }: PixelBuffer | PixelHold): Uint8Array {
  return new Uint8Array(memory.window(offsetBytes, BYTES)).slice();
}

/** A device whose resource 1 is shown and has a backing. */
function shown(region: SharedRegion | null, limits = {}): { h: GpuHarness; buffer: PixelBuffer } {
  const h = new GpuHarness({ region, limits });
  h.send(c.create2d(1, WIDTH, HEIGHT));
  h.send(c.attach(1, [[h.memory.base, BYTES]]));
  h.send(c.setScanout(0, 1, ALL));
  const source = h.sink.sources.get(0);
  if (source === undefined) throw new Error('the scanout is off');
  return { h, buffer: source.buffer };
}

/** Writes `value` all over the rectangle, by way of the guest's memory. */
function draw(h: GpuHarness, value: number, rect = ALL): void {
  h.memory.bytes.fill(value, 0, BYTES);
  h.send(c.transfer(1, rect, (rect.y * WIDTH + rect.x) * 4));
}

t.test('memory that nobody wrote to is used again, other memory is not', async (t) => {
  const h = new GpuHarness();
  const shownMemory = (id: number) => {
    h.send(c.create2d(id, WIDTH, HEIGHT));
    h.send(c.attach(id, [[h.memory.base, BYTES]]));
    h.send(c.setScanout(0, id, ALL));
    return h.sink.sources.get(0)?.buffer.memory;
  };
  const first = shownMemory(1);
  h.send(c.unref(1));
  t.equal(h.device.status.hostBytes, 0);
  t.equal(shownMemory(2), first);
  h.memory.bytes.fill(7, 0, BYTES);
  h.send(c.transfer(2, c.rect(1, 1)));
  h.send(c.unref(2));
  t.equal(first?.closed, true);
  const third = shownMemory(3);
  t.not(third, first);
  t.ok(new Uint8Array(third?.window(0, BYTES) ?? []).every((byte) => byte === 0));
  for (let id = 10; id < 40; id++) h.send(c.create2d(id, WIDTH, HEIGHT));
  for (let id = 10; id < 40; id++) h.send(c.unref(id));
  h.send(c.unref(3));
  h.device.detach();
  t.equal(third?.closed, true, 'nothing is kept for the next machine');
});

for (const place of ['anonymous memory', 'the region']) {
  t.test(`full frames cost one copy each, whatever is held, in ${place}`, async (t) => {
    const region = place === 'the region' ? makeRegion() : null;
    t.teardown(() => region?.close());
    const { h, buffer } = shown(region);
    draw(h, 1);
    draw(h, 2);
    t.match(h.device.status, { transferBytes: 2 * BYTES, swapBytes: 0, hostBytes: pageSize });
    const first = buffer.hold();
    draw(h, 3);
    const second = buffer.hold();
    draw(h, 4);
    t.ok(bytesAt(first).every((byte) => byte === 2));
    t.ok(bytesAt(second).every((byte) => byte === 3));
    t.ok(bytesAt(buffer).every((byte) => byte === 4));
    first.release();
    first.release();
    const third = buffer.hold();
    draw(h, 5);
    t.ok(bytesAt(second).every((byte) => byte === 3));
    t.ok(bytesAt(third).every((byte) => byte === 4));
    t.match(h.device.status, { transferBytes: 5 * BYTES, swapBytes: 0, tornWrites: 0 });
    t.equal(h.device.status.hostBytes, 3 * pageSize, 'three copies at most');
    t.equal(third.regionOffset === null, region === null);
    if (region !== null) t.equal(third.memory, region.mapping);
    second.release();
    third.release();
    h.device.detach();
    t.equal(h.device.status.hostBytes, 0);
    if (region !== null) t.match(region.metrics, { hostUsedBytes: 0, ranges: 0 });
  });
}

t.test('what a spare copy lacks is brought up to date, less what is written anyway', async (t) => {
  const { h, buffer } = shown(null);
  draw(h, 1);
  const first = buffer.hold();
  draw(h, 2, c.rect(0, 0, WIDTH, 2));
  let expected = BYTES - WIDTH * 2 * 4;
  t.equal(h.device.status.swapBytes, expected, 'a new copy lacks everything');
  first.release();
  const second = buffer.hold();
  draw(h, 3, c.rect(0, 1, WIDTH, 2));
  expected += WIDTH * 4;
  t.equal(h.device.status.swapBytes, expected, 'the old one lacks one row');
  draw(h, 4, c.rect(2, 2, 1, 1));
  t.equal(h.device.status.swapBytes, expected, 'one that is not held is written in place');
  const rows = [2, 3, 3, 1, 1, 1].map((value) => new Array(WIDTH * 4).fill(value));
  rows[2]?.fill(4, 8, 12);
  t.strictSame([...bytesAt(buffer)], rows.flat());
  second.release();
});

t.test('a sink that holds everything sees torn pictures, and so does a VM without memory', async (t) => {
  const { h, buffer } = shown(null);
  const holds = [1, 2, 3].map((value) => {
    draw(h, value);
    return buffer.hold();
  });
  draw(h, 4);
  t.equal(h.device.status.tornWrites, 1);
  t.strictSame(
    holds.map((hold) => bytesAt(hold)[0]),
    [1, 2, 4],
  );
  for (const hold of holds) hold.release();

  const poor = shown(null, { maxHostBytes: pageSize });
  const hold = poor.buffer.hold();
  draw(poor.h, 5);
  t.equal(poor.h.device.status.tornWrites, 1);
  t.ok(bytesAt(poor.buffer).every((byte) => byte === 5));
  hold.release();
});

t.test('a hold outlives the resource, and is counted until it is released', async (t) => {
  using region = makeRegion();
  const { h, buffer } = shown(region);
  draw(h, 9);
  const hold = buffer.hold();
  h.send(c.unref(1));
  h.send(c.create2d(1, WIDTH, HEIGHT));
  t.ok(bytesAt(hold).every((byte) => byte === 9));
  t.equal(h.device.status.hostBytes, 2 * pageSize);
  h.device.detach();
  t.equal(h.device.status.hostBytes, pageSize);
  hold.release();
  t.equal(h.device.status.hostBytes, 0);
  t.equal(region.metrics.hostUsedBytes, 0);
});

t.test('pixels that a sink holds stay when the resource goes, older ones too', async (t) => {
  using region = makeRegion();
  const { h, buffer } = shown(region);
  draw(h, 1);
  const old = buffer.hold();
  draw(h, 2);
  const latest = buffer.hold();
  h.send(c.unref(1));
  latest.release();
  h.send(c.create2d(1, WIDTH, HEIGHT));
  h.send(c.attach(1, [[h.memory.base, BYTES]]));
  h.send(c.setScanout(0, 1, ALL));
  draw(h, 3);
  const next = h.sink.sources.get(0)?.buffer.hold();
  draw(h, 4);
  t.ok(bytesAt(old).every((byte) => byte === 1));
  next?.release();
  h.send(c.unref(1));
  t.ok(bytesAt(old).every((byte) => byte === 1));
  old.release();
  h.device.detach();
  t.equal(h.device.status.hostBytes, 0);
  t.match(region.metrics, { hostUsedBytes: 0, ranges: 0, lingeringRanges: 0 });
});

t.test('a region that is full refuses resources', async (t) => {
  using region = makeRegion(2);
  const { h, buffer } = shown(region);
  t.equal(c.typeOf(h.send(c.create2d(2, 32, 64))), 0x1201, 'out of memory');
  const hold = buffer.hold();
  draw(h, 1);
  hold.release();
  t.equal(region.metrics.hostUsedBytes, 2 * pageSize);
  h.send(c.setScanout(0, 0, ALL));
  t.equal(c.typeOf(h.send(c.create2d(2, 32, 32))), 0x1100, 'the spare copy makes room');
});

t.test('stale areas: what was added, less what is cut out, and no more than 16 pieces', async (t) => {
  const stale = new StaleArea();
  stale.add(c.rect(0, 0, 10, 10));
  stale.add(c.rect(5, 5, 10, 10));
  stale.add(c.rect(0, 0));
  t.equal(stale.pixels, 175);
  t.strictSame(stale.without(c.rect(0, 0, 15, 15)), []);
  for (let i = 0; i < 40; i++) stale.add(c.rect(i * 3, i * 3, 2, 2));
  t.ok(stale.without(c.rect(0, 0, 0, 0)).length <= 16);
  t.strictSame(stale.without(c.rect(0, 0, 200, 200)), []);
  stale.clear();
  t.equal(stale.pixels, 0);
});

const rect = fc
  .tuple(fc.nat(WIDTH - 1), fc.nat(HEIGHT - 1), fc.nat(WIDTH), fc.nat(HEIGHT))
  .map(([x, y, w, h]) => c.rect(x, y, Math.min(w, WIDTH - x), Math.min(h, HEIGHT - y)));
const step = fc.oneof(
  { weight: 3, arbitrary: rect.map((rect) => ({ what: 'draw' as const, rect })) },
  { weight: 1, arbitrary: fc.constant({ what: 'hold' as const, rect: ALL }) },
  { weight: 1, arbitrary: fc.nat(2).map((x) => ({ what: 'release' as const, rect: c.rect(x, 0, 0, 0) })) },
  { weight: 1, arbitrary: fc.constant({ what: 'blink' as const, rect: ALL }) },
);

t.test('held pixels never change, and the latest are those that were drawn', async (t) => {
  const ran = fc.check(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, inRegion) => {
      const region = inRegion ? makeRegion() : null;
      const { h, buffer } = shown(region);
      const model = new Uint8Array(BYTES);
      const holds: { hold: PixelHold; pixels: Uint8Array }[] = [];
      let value = 0;
      for (const { what, rect } of steps) {
        if (what === 'draw') {
          value = (value % 255) + 1;
          draw(h, value, rect);
          for (let y = rect.y; y < rect.y + rect.height; y++) {
            const at = (y * WIDTH + rect.x) * 4;
            model.fill(value, at, at + rect.width * 4);
          }
        }
        if (what === 'hold' && holds.length < 2) holds.push({ hold: buffer.hold(), pixels: model.slice() });
        if (what === 'release') holds.splice(rect.x, 1)[0]?.hold.release();
        if (what === 'blink') {
          // Off and on again: the sink has to forget the buffer meanwhile.
          h.send(c.setScanout(0, 0, ALL));
          h.send(c.setScanout(0, 1, ALL));
        }
        if (Buffer.compare(bytesAt(buffer), model) !== 0) return false;
        for (const { hold, pixels } of holds) if (Buffer.compare(bytesAt(hold), pixels) !== 0) return false;
        if (h.device.status.hostBytes > 3 * pageSize) return false;
      }
      for (const { hold } of holds) hold.release();
      h.device.detach();
      h.memory.mapping.close();
      const left = h.device.status.hostBytes + (region?.metrics.hostUsedBytes ?? 0);
      region?.close();
      return left === 0 && h.device.status.tornWrites === 0;
    }),
    { numRuns: 300 },
  );
  t.notOk(ran.failed, fc.defaultReportMessage(ran) ?? 'a counterexample');
});
